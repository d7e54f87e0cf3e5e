"""Sheets written carry no formula of a stranger; sheets read are safe, whatever they hold."""

import io
import time
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import Workbook, load_workbook

from archive.core.errors import ArchiveError, Invalid, TooLarge
from archive.core.sheet_reader import CellFault, read_book
from archive.core.sheets import Column, Sheet, sheet_title, write_workbook

HOSTILE = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+86 532",
    "-5",
    "@SUM(A1)",
    "\t=1+1",
    "客户&合同",
    "A<B & C",
    "{{7*7}}",
    "{% for %}",
    "🧧",
    "𠮷",
    "_x0041_",
    "两行\n文字",
    "字" * 10_000,
)


def book_bytes(*rows, title="表"):
    book = Workbook()
    page = book.active
    page.title = title
    for row in rows:
        page.append(row)
    return saved(book)


def saved(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(content, **parts):
    """Return the package with parts replaced or added (name with _ for / is given as is)."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, text in parts.items():
            new.writestr(name, text)
    return out.getvalue()


def sheet_xml(content):
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return package.read("xl/worksheets/sheet1.xml").decode()


def test_what_looks_like_a_formula_is_written_as_text_and_comes_back():
    content = write_workbook([Sheet("名单", (Column("甲"),), [[text] for text in HOSTILE])])
    page = load_workbook(io.BytesIO(content))["名单"]
    cells = [page.cell(row, 1) for row in range(2, len(HOSTILE) + 2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells[:6])
    assert "<f>" not in sheet_xml(content)
    read = read_book(content).sheets[0]
    assert [row.cells[0] for row in read.rows[1:]] == list(HOSTILE)


def test_what_cannot_be_written_is_marked_and_never_vanishes():
    content = write_workbook([Sheet("x", (Column("甲"),), [["a\x00b\ud800c"], ["长" * 40_000]])])
    rows = read_book(content).sheets[0].rows
    assert rows[1].cells == ("a\ufffdb\ufffdc",)
    assert len(rows[2].cells[0]) == 32_767
    assert rows[2].cells[0].endswith("…")


def test_heads_numbers_dates_choices_and_notes_are_set_up():
    columns = (
        Column("名称", is_required=True, note="写全称"),
        Column("金额", number_format="#,##0.00"),
        Column("日期", number_format="yyyy-mm-dd"),
        Column("等级", choices=("甲,一", "乙")),
    )
    rows = [["海信", Decimal("1234.50"), date(2026, 11, 23), "乙"]]
    content = write_workbook([Sheet("名单", columns, rows, {(0, 1): "不对"})])
    book = load_workbook(io.BytesIO(content))
    page = book["名单"]
    assert [cell.value for cell in page[1]] == ["名称 *", "金额", "日期", "等级"]
    assert "必填" in page["A1"].comment.text
    assert page["B2"].comment.text == "不对"
    assert page["B2"].number_format == "#,##0.00"
    (rule,) = page.data_validations.dataValidation
    assert str(rule.sqref) == "D2:D20001"
    assert rule.formula1 == "'选项'!$A$1:$A$2"
    assert book["选项"].sheet_state == "hidden"
    assert read_book(content).sheets[0].rows[1].cells == ("海信", 1234.5, "2026-11-23", "乙")


def test_titles_excel_would_refuse_are_cleaned():
    assert sheet_title("E01", "a/b:[c]*?") == "E01 a b c"
    assert len(sheet_title("长" * 50)) == 31
    assert sheet_title("'''") == "表"


def test_blank_formatted_rows_are_ignored_and_hidden_rows_named():
    book = Workbook()
    page = book.active
    page.append(["名称"])
    page["A3"] = "隐藏的"
    page.row_dimensions[3].hidden = True
    for row in range(4, 400):
        page.cell(row, 1).number_format = "0.00"
    page["A400"] = "   "
    page["A401"] = "最后"
    rows = read_book(saved(book)).sheets[0].rows
    assert [(row.number, row.is_hidden) for row in rows] == [(1, False), (3, True), (401, False)]


def test_cached_values_are_read_and_formulas_without_one_are_faults():
    content = book_bytes(["a"], ["=1+1", "x"])
    (_, row) = read_book(content).sheets[0].rows
    assert isinstance(row.cells[0], CellFault)
    assert "保存一次" in row.cells[0].why
    xml = sheet_xml(content).replace("<f>1+1</f><v></v>", "<f>1+1</f><v>2</v>")
    xml = xml.replace("<f>1+1</f><v/>", "<f>1+1</f><v>2</v>").replace(
        "<f>1+1</f><v />", "<f>1+1</f><v>2</v>"
    )
    (_, row) = read_book(repacked(content, **{"xl/worksheets/sheet1.xml": xml})).sheets[0].rows
    assert row.cells[0] == 2


def test_errors_percents_long_numbers_and_sums_of_tenths():
    book = Workbook()
    page = book.active
    page.append(["#N/A", 0.355, 123456789012345678, 0.1 + 0.2, True, 13800138000])
    page["A1"].data_type = "e"
    page["B1"].number_format = "0.0%"
    page.append([85])
    page["A2"].number_format = 'General"%"'
    first, second = read_book(saved(book)).sheets[0].rows
    assert isinstance(first.cells[0], CellFault)
    assert first.cells[1] == "35.5%"
    assert "15 位" in first.cells[2].why
    assert first.cells[3:] == (0.3, True, 13800138000)
    assert second.cells == (85,)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("comma", [",", "\t", ";"])
def test_csv_in_the_encodings_people_have(encoding, comma):
    text = f'名称{comma}备注\r\n海信{comma}"两行\n文字"\r\n\r\n格力{comma}\r\n'
    book = read_book(text.encode(encoding))
    assert book.is_csv
    assert [(row.number, row.cells) for row in book.sheets[0].rows] == [
        (1, ("名称", "备注")),
        (2, ("海信", "两行\n文字")),
        (5, ("格力",)),
    ]


def test_a_zip_bomb_a_dtd_and_lying_sizes_are_refused_quickly():
    good = book_bytes(["名称"])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in (("xl/workbook.xml", b"<a/>"), ("xl/media/bomb", b"\0" * (310 << 20))):
            package.writestr(name, text)
    bomb = out.getvalue()
    assert len(bomb) < 1 << 20
    dtd = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><sst>&a;</sst>'
    start = time.monotonic()
    for content, word in (
        (bomb, "压缩炸弹"),
        (repacked(good, **{"xl/sharedStrings.xml": dtd}), "DTD"),
        (repacked(good, **{"xl/workbook.xml": "<broken"}), "损坏"),
        (good[: len(good) // 2], "损坏"),
        (zip_of("随便.txt"), "不是 Excel"),
    ):
        with pytest.raises(ArchiveError, match=word):
            read_book(content)
    assert time.monotonic() - start < 30


def zip_of(name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr(name, b"x")
    return out.getvalue()


def test_wrong_kinds_of_file_are_refused_with_what_to_do():
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
    for content, word in (
        (b"", "空的"),
        (old, "另存为 .xlsx"),
        (old + "EncryptedPackage".encode("utf-16-le"), "密码"),
        (b"\x89PNG\r\n\x1a\n\0\0", "认不出"),
        ('名称\n"没有关上'.encode(), "不成对"),
        (b"\xff\x80\x81", "认不出"),
    ):
        with pytest.raises(Invalid, match=word):
            read_book(content)


def test_too_much_is_refused():
    with pytest.raises(TooLarge, match="20 MB"):
        read_book(b"x" * ((20 << 20) + 1))
    with pytest.raises(TooLarge, match="行"):
        read_book(b"x\n" * 20_002)
    with pytest.raises(TooLarge, match="200 列"):
        read_book(("x," * 201 + "x").encode())


def test_a_row_number_without_end_does_not_hang():
    content = book_bytes(["名称"], ["x"])
    xml = sheet_xml(content).replace('r="2"', 'r="900000000"').replace('"A2"', '"A900000000"')
    start = time.monotonic()
    with pytest.raises(Invalid):
        read_book(repacked(content, **{"xl/worksheets/sheet1.xml": xml}), seconds=4)
    assert time.monotonic() - start < 15


def test_memory_is_limited():
    with pytest.raises(Invalid):
        read_book(book_bytes(*([f"{row}" * 500] * 20 for row in range(2000))), memory=64 << 20)
