"""What strangers send: judged by content in a child, refused with words, split at separators."""

import io
import os
import random
import zipfile

import pypdfium2
import pytest
from docx import Document as WordDocument
from PIL import Image, ImageDraw, ImageFilter
from pypdf import PdfWriter

from archive.core.errors import Invalid
from archive.filing.incoming import looking
from archive.filing.incoming.kinds import Refused
from archive.filing.incoming.looking import look_at_all, page_picture, read_parts, split
from archive.filing.incoming.rules import clean_name, guess_customer, guess_own
from archive.filing.incoming.separators import MARK, code_of, cut, read_code, values_of_page
from archive.filing.incoming.sheets import sheets_pdf

WORD = "word/document.xml"
SHEET = {"item_class": "合同", "customer": "青岛海信电器股份有限公司", "number": "HT-2026-1"}


def pdf(*pages):
    """A PDF of pictures."""
    out = io.BytesIO()
    pages = pages or (paper("一页"),)
    pages[0].save(out, "PDF", resolution=150, save_all=True, append_images=pages[1:])
    return out.getvalue()


def paper(text, size=(1240, 1754)):
    page = Image.new("L", size, 255)
    ImageDraw.Draw(page).text((200, 200), text.encode("ascii", "replace").decode(), fill=0)
    return page


def picture(kind, size=(60, 80), **more):
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind, **more)
    return out.getvalue()


def package(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return out.getvalue()


def word(text="青岛海信的来函", **more):
    return package({WORD: f"<w:document xmlns:w='w'><w:t>{text}</w:t></w:document>", **more})


def empty_pdf():
    document = pypdfium2.PdfDocument.new()
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def looping_pdf():
    """A page tree that contains itself."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 99999999>>endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF\n"
    )


def locked_pdf():
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret")
    writer.write(out)
    return out.getvalue()


TAKEN = {
    "合同.pdf": (pdf(paper("a"), paper("b")), "application/pdf", 2),
    "照片.jpg": (picture("JPEG"), "image/jpeg", 1),
    "照片.png": (picture("PNG"), "image/png", 1),
    "扫描.tif": (picture("TIFF"), "image/tiff", 1),
    "函.docx": (word(), "wordprocessingml", 0),
    "表.xlsx": (package({"xl/workbook.xml": "<a/>", "xl/worksheets/s1.xml": "<a/>"}), "sheet", 1),
    "文.ofd": (package({"OFD.xml": "<a/>", "Doc_0/Pages/Page_0/Content.xml": "<a/>"}), "ofd", 1),
    "记.txt": ("会议记录".encode("gb18030"), "text/plain", 0),
    "毒.txt": (b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD", "text/plain", 0),
    "数.xml": (b"<?xml version='1.0'?><a>1</a>", "text/xml", 0),
    "信.eml": (b"From: a@b.cn\nTo: c@d.cn\nSubject: hi\n\nbody", "message/rfc822", 0),
    "名不副实.docx": (pdf(), "application/pdf", 1),
}
REFUSED = {
    "空.pdf": (b"", "空的"),
    "无页.pdf": (empty_pdf(), "PDF"),
    "打转.pdf": (looping_pdf(), "PDF"),
    "半截.pdf": (pdf()[:200], "损坏"),
    "加锁.pdf": (locked_pdf(), "密码"),
    "宏.docx": (word(**{"word/vbaProject.bin": "x"}), "宏"),
    "实体.docx": (word(**{"word/x.xml": "<!DOCTYPE a><a/>"}), "DTD"),
    "包.zip": (package({"a.txt": "1"}), "压缩包"),
    "坏.docx": (b"PK\x03\x04broken", "损坏"),
    "旧.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "旧版"),
    "页.txt": (b"<html><script>alert(1)</script>", "网页"),
    "图.svg": (b"<?xml version='1.0'?><svg onload='x'></svg>", "SVG"),
    "实体.xml": (b"<?xml version='1.0'?><!DOCTYPE a><a/>", "DTD"),
    "坏.xml": (b"<?xml version='1.0'?><a>", "语法"),
    "半截.png": (picture("PNG", (900, 900))[:60], "损坏"),
    "程序.exe": (b"MZ\x90\x00\x03\x00\x00\x00\xff\xff", "认不出"),
}


def test_files_are_taken_or_refused_by_what_they_are(tmp_path):
    everything = {**TAKEN, **REFUSED}
    paths = []
    for number, (content, *_) in enumerate(everything.values()):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(content)
    looks = dict(zip(everything, look_at_all(paths), strict=True))
    for name, (_, kind, pages) in TAKEN.items():
        look = looks[name]
        assert (look.refused, kind in look.media_type, look.pages) == ("", True, pages), name
    assert "青岛海信" in looks["函.docx"].head
    for name, (_, why) in REFUSED.items():
        assert why in looks[name].refused, (name, looks[name])


@pytest.mark.slow
def test_tables_too_deep_in_one_another_are_said_to_be_so_not_damaged(tmp_path):
    plain, deep, markup = (tmp_path / name for name in ("甲.docx", "深.docx", "深.xml"))
    document = WordDocument()
    table = document.add_table(1, 1)
    document.save(str(plain))
    for _ in range(100):
        table = table.cell(0, 0).add_table(1, 1)
    document.save(str(deep))
    markup.write_text("<?xml version='1.0'?>" + "<a>" * 300 + "</a>" * 300)
    looks = look_at_all([plain, deep, markup])
    assert looks[0].refused == ""
    for one in looks[1:]:
        assert "一层套一层太深" in one.refused and "损坏" not in one.refused


def test_a_zip_bomb_is_refused(tmp_path):
    bomb = tmp_path / "炸弹.docx"
    bomb.write_bytes(word(**{"word/big.xml": b"0" * (301 << 20)}))
    assert "压缩炸弹" in look_at_all([bomb])[0].refused


@pytest.mark.slow
def test_a_child_that_hangs_or_dies_costs_only_the_file_in_hand(tmp_path, monkeypatch):
    good = tmp_path / "good"
    good.write_bytes(b"plain text")
    gone = tmp_path / "gone"  # opening a pipe nobody writes to never ends
    os.mkfifo(gone)
    looks = look_at_all([good, gone, good], seconds=3)
    assert [look.media_type for look in looks] == ["text/plain", "", "text/plain"]
    assert "超过 3 秒" in looks[1].refused
    large = tmp_path / "large"
    Image.new("RGB", (6000, 6000), "white").save(large, "PNG")
    monkeypatch.setattr(looking, "MEMORY", 120 << 20)  # too little to unpack a picture in
    assert "内存" in look_at_all([large])[0].refused


def test_names_are_made_fit_and_lose_nothing_that_can_be_shown():
    assert clean_name("../../etc/passwd.pdf") == ("passwd.pdf", True)
    assert clean_name("C:\\扫描\\合同.pdf") == ("合同.pdf", True)
    assert clean_name("fdp.\u202egpj.pdf") == ("fdp.gpj.pdf", True)
    assert clean_name("合同 一.pdf") == ("合同 一.pdf", False)
    assert clean_name("\ud800\x00")[0] == clean_name("..")[0] == "无名文件"
    name, was_changed = clean_name("长" * 4000 + ".pdf")
    assert was_changed and len(name) == 200 and name.endswith(".pdf")


def test_what_a_file_name_tells_is_guessed():
    own = guess_own("HT-2026-0017 青岛海信销售合同 2026年3月5日.pdf")
    assert (own.number, own.date) == ("HT-2026-0017", "2026-03-05")
    assert guess_own("扫描20261340.pdf").date == guess_own("13800138000.pdf").date == ""
    assert guess_own("x.pdf", {"number": "A-1"}).number == "A-1"
    names = ["青岛海信电器股份有限公司", "海信", "上海制冷有限公司"]
    assert guess_customer(names, "青岛海信电器的来函") == names[0]
    assert guess_customer(names, "上海 制冷有限公司 发票") == names[2]
    assert guess_customer(names, "无关") == ""


def test_separator_codes_say_what_was_put_in_and_nothing_else():
    assert read_code(code_of(SHEET)) == SHEET
    assert read_code(code_of({"secrecy": "公开"})) == {}
    assert read_code("https://example.cn/?number=1") is None
    assert read_code(f"{MARK}?number={'9' * 500}&item_class=a%0Ab&x=1") == {}
    assert values_of_page(["别的码"]) is None
    assert values_of_page([MARK, code_of(SHEET)]) == (SHEET, False)
    assert values_of_page([code_of(SHEET), code_of({"number": "2"})]) == ({}, True)


def test_parts_without_a_page_are_left_out():
    sheet = (SHEET, False)
    assert cut([None, sheet, None, None]) == [([0], {}), ([2, 3], SHEET)]
    assert cut([sheet, sheet, None, sheet]) == [([2], SHEET)]
    with pytest.raises(Refused, match="只有分隔页"):
        cut([sheet, sheet])


@pytest.mark.parametrize("copies", [0, 51])
def test_sheets_are_printed_in_bearable_numbers(copies):
    with pytest.raises(Invalid, match="一次印"):
        sheets_pdf({}, copies)
    with pytest.raises(Invalid, match="分隔页有误"):
        sheets_pdf({"number": "1" * 81}, 1)


def scanned(page, angle, noise):
    """A sheet as a scanner sees it: turned, grey, dirty, a little soft."""
    turned = page.convert("L").rotate(angle, expand=True, fillcolor=255)
    if noise:
        dirt = random.Random(7)
        pen = ImageDraw.Draw(turned)
        for _ in range(noise):
            spot = dirt.randrange(turned.width), dirt.randrange(turned.height)
            pen.point(spot, dirt.choice((0, 255)))
        turned = turned.filter(ImageFilter.GaussianBlur(1)).point(lambda dot: 40 + dot * 3 // 4)
    return turned


def sheet_picture(values):
    document = pypdfium2.PdfDocument(sheets_pdf(values, 1))
    return document[0].render(scale=150 / 72).to_pil()


def parts_of(tmp_path, content):
    folder = tmp_path / "parts"
    folder.mkdir()
    source = tmp_path / "scan"
    source.write_bytes(content)
    told = list(split(source, folder))
    return told, read_parts(folder)


@pytest.mark.slow
def test_a_scan_is_cut_at_sheets_that_lie_askew_upside_down_and_dirty(tmp_path):
    sheet, plain = sheet_picture(SHEET), sheet_picture({})
    scan = pdf(
        paper("before"),
        scanned(sheet, 180, 0),
        paper("first"),
        paper("second"),
        scanned(plain, 90, 0),
        scanned(sheet, 7, 4000),
        paper("third"),
        scanned(plain, 0, 4000),
    )
    told, found = parts_of(tmp_path, scan)
    assert told[-1] == (8, 8)
    assert (found.separators, found.unclear) == (4, 0)
    assert [(one.pages, one.values) for one in found.parts] == [(1, {}), (2, SHEET), (1, SHEET)]
    assert len(pypdfium2.PdfDocument(found.parts[1].path)) == 2


@pytest.mark.slow
def test_a_tiff_is_cut_without_loss_and_contradicting_sheets_only_part(tmp_path):
    two = Image.new("L", (1240, 3508), 255)
    two.paste(sheet_picture(SHEET).convert("L").resize((1240, 1754)), (0, 0))
    two.paste(sheet_picture({"number": "另"}).convert("L").resize((1240, 1754)), (0, 1754))
    pages = [paper("one").convert("1"), two.convert("1"), paper("two").convert("1")]
    out = io.BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], compression="group4")
    _, found = parts_of(tmp_path, out.getvalue())
    assert (found.separators, found.unclear) == (1, 1)
    assert [(one.pages, one.values) for one in found.parts] == [(1, {}), (1, {})]
    with Image.open(found.parts[1].path) as part:
        assert part.mode == "1" and part.tobytes() == pages[2].tobytes()


def test_a_scan_without_a_sheet_stays_whole_and_one_of_sheets_only_is_refused(tmp_path):
    _, found = parts_of(tmp_path, pdf(paper("a"), paper("b")))
    assert found.parts == () and found.separators == 0
    only = tmp_path / "only"
    only.write_bytes(sheets_pdf({}, 2))
    with pytest.raises(Invalid, match="只有分隔页"):
        list(split(only, tmp_path))


def test_a_page_is_drawn_in_the_child():
    shown = Image.open(io.BytesIO(page_picture(pdf(), 1, 300)))
    assert shown.width == 300
    with pytest.raises(Invalid, match="没有第 2 页"):
        page_picture(pdf(), 2, 300)
    with pytest.raises(Invalid, match="没有页面图"):
        page_picture(b"plain", 1, 300)
