"""Reading strangers' files: what is in them, and that none of them hurts us."""

import io
import re
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path

import docx
import openpyxl
import pypdf
import pytest
from docx.oxml import parse_xml

from indexer import ExtractError, extract

pytestmark = pytest.mark.slow  # many cases, each a whole instance

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'


def refused(path: Path, **limits: float) -> str:
    with pytest.raises(ExtractError) as refusal:
        extract(path, **limits)  # type: ignore[arg-type]
    assert any("\u4e00" <= char <= "\u9fff" for char in refusal.value.message)
    return refusal.value.message


def write_word(path: Path, document_xml: str, **others: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", document_xml)
        for name, text in others.items():
            archive.writestr(f"word/{name}.xml", text)
    return path


def word_of(inner: str) -> str:
    return f"<w:document {W} {MC}><w:body>{inner}</w:body></w:document>"


def pdf_of(path: Path, hexes: list[str], *, is_mapped: bool = True) -> Path:
    """A PDF with one line of text, with or without a table from glyphs to characters."""
    codes = "".join(f"{number:04x}" for number in range(1, len(hexes) + 1))
    table = "".join(f"<{n:04x}> <{code}>\n" for n, code in enumerate(hexes, 1))
    cmap = (
        "/CIDInit /ProcSet findresource begin begincmap /CMapName /X def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(hexes)} beginbfchar\n{table}endbfchar endcmap end"
    )
    content = f"BT /F 20 Tf 50 700 Td <{codes}> Tj ET" if hexes else ""
    to_unicode = "/ToUnicode 7 0 R" if is_mapped else ""
    bodies = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        "/Resources<</Font<</F 5 0 R>>>>>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
        f"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[6 0 R]"
        f"{to_unicode}>>",
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo"
        "<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor 8 0 R>>",
        f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream",
        "<</Type/FontDescriptor/FontName/X/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0"
        "/Ascent 800/Descent -200/CapHeight 700/StemV 80>>",
    ]
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start = len(out)
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer<</Root 1 0 R/Size {len(places) + 1}>>\nstartxref\n{start}\n%%EOF".encode()
    path.write_bytes(bytes(out))
    return path


HISENSE = [f"{ord(char):04x}" for char in "海信电子合同"]


def test_word_paragraphs_tables_headers_and_footers(tmp_path):
    document = docx.Document()
    document.add_paragraph("海信电子")
    table = document.add_table(2, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "单价", "数量"
    table.cell(1, 0).add_table(1, 1).cell(0, 0).text = "内嵌表格"
    document.sections[0].header.paragraphs[0].text = "页眉文字"
    document.sections[0].footer.paragraphs[0].text = "页脚文字"
    document.save(tmp_path / "a.docx")
    extracted = extract(tmp_path / "a.docx")
    assert extracted.method == "docx"
    assert extracted.warnings == ()
    for text in ("海信电子", "单价", "数量", "内嵌表格", "页眉文字", "页脚文字"):
        assert extracted.text.count(text) == 1
    assert "单价数量" not in extracted.text


def test_word_text_boxes_content_controls_and_alternates(tmp_path):
    document = docx.Document()
    for inner in (
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>控件文字</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        "<w:p><w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><w:txbxContent>"
        "<w:p><w:r><w:t>文本框</w:t></w:r></w:p></w:txbxContent></w:drawing></mc:Choice>"
        "<mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>文本框</w:t></w:r></w:p>"
        "</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>",
        "<w:p><w:ins><w:r><w:t>插入的字</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>删去的字</w:delText></w:r></w:del></w:p>",
        "<w:p><w:r><w:t>分成</w:t></w:r><w:r><w:t>两段的词</w:t></w:r></w:p>",
    ):
        element = parse_xml(f"<w:body {W} {MC}>{inner}</w:body>")
        document.element.body.insert(0, element[0])
    document.save(tmp_path / "a.docx")
    text = extract(tmp_path / "a.docx").text
    assert "控件文字" in text
    assert text.count("文本框") == 1
    assert "插入的字" in text
    assert "删去的字" not in text
    assert "分成两段的词" in text


def test_excel_cells_of_all_sheets(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "客户表"
    book.active.append(["客户名称", "金额", "青岛海信"])
    book.create_sheet("第二张").append(["长虹", 12500, True])
    book.save(tmp_path / "a.xlsx")
    extracted = extract(tmp_path / "a.xlsx")
    assert (extracted.pages, extracted.method) == (2, "xlsx")
    for text in ("客户表", "第二张", "客户名称", "青岛海信", "长虹", "12500"):
        assert text in extracted.text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"], ids=lambda name: name
)
def test_plain_text_in_the_encodings_people_have(tmp_path, encoding):
    path = tmp_path / "客户.csv"
    path.write_bytes("客户,金额\n青岛海信电子,12500\n".encode(encoding))
    extracted = extract(path)
    assert extracted.text.replace("\r", "") == "客户,金额\n青岛海信电子,12500\n"
    assert extracted.method.startswith("text:")


def test_pdf_with_a_text_layer(tmp_path):
    extracted = extract(pdf_of(tmp_path / "a.pdf", HISENSE))
    assert (extracted.text, extracted.pages) == ("海信电子合同", 1)
    assert extracted.warnings == ()


def test_pdf_without_text_is_said_to_be_a_scan(tmp_path):
    extracted = extract(pdf_of(tmp_path / "scan.pdf", []))
    assert extracted.text == ""
    assert "没有文字层" in extracted.warnings[0]


def test_pdf_whose_font_gives_no_characters_is_noticed(tmp_path):
    private = [f"{0xE000 + number:04x}" for number in range(6)]
    extracted = extract(pdf_of(tmp_path / "a.pdf", private))
    assert any("文字编码" in warning for warning in extracted.warnings)
    assert not any("\ue000" <= char <= "\uf8ff" for char in extracted.text)


def test_content_counts_and_not_the_suffix(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = "海信"
    book.save(tmp_path / "a.xlsx")
    (tmp_path / "a.xlsx").rename(tmp_path / "report.docx")
    assert extract(tmp_path / "report.docx").method == "xlsx"
    pdf_of(tmp_path / "photo.jpg", HISENSE)
    assert extract(tmp_path / "photo.jpg").method == "pdf"


def test_it_is_reached_by_the_package(tmp_path):
    (tmp_path / "a.txt").write_text("海信", "utf-8")
    import indexer.extraction

    assert indexer.extraction is sys.modules["indexer.extraction"]
    assert indexer.extract(tmp_path / "a.txt").text == "海信"
    assert indexer.extract(str(tmp_path / "a.txt")).text == "海信"


def test_encrypted_files_are_refused_with_a_word(tmp_path):
    writer = pypdf.PdfWriter(clone_from=pdf_of(tmp_path / "plain.pdf", HISENSE))
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(tmp_path / "locked.pdf")
    assert "密码" in refused(tmp_path / "locked.pdf")
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    (tmp_path / "locked.docx").write_bytes(ole + "EncryptedPackage".encode("utf-16-le"))
    assert "密码" in refused(tmp_path / "locked.docx")
    (tmp_path / "old.doc").write_bytes(ole)
    assert "旧版" in refused(tmp_path / "old.doc")
    path = write_word(tmp_path / "zip.docx", word_of("<w:p/>"))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # flag: encrypted
    path.write_bytes(bytes(data))
    assert "密码" in refused(path)


def test_what_is_no_document_is_refused(tmp_path):
    assert "找不到" in refused(tmp_path / "nothing.pdf")
    assert "找不到" in refused(tmp_path)
    (tmp_path / "empty.docx").write_bytes(b"")
    assert "空" in refused(tmp_path / "empty.docx")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert "打不开" in refused(tmp_path / "photo.png")
    (tmp_path / "a.txt").write_text("海信", "utf-8")
    assert "太大" in refused(tmp_path / "a.txt", max_bytes=3)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["docx", "xlsx", "pdf"])
def test_cut_files_are_refused_or_read_but_never_crash(tmp_path, kind, part):
    path = tmp_path / f"a.{kind}"
    if kind == "pdf":
        pdf_of(path, HISENSE)
    elif kind == "docx":
        document = docx.Document()
        document.add_paragraph("海信" * 5000)
        document.save(path)
    else:
        openpyxl.Workbook().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    try:
        extract(path)
    except ExtractError as error:
        assert "意外停止" not in error.message


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE a [<!ENTITY x "boom">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    ],
)
def test_xml_with_a_dtd_is_refused(tmp_path, dtd):
    name = "x" if "ENTITY x" in dtd else "c"
    body = word_of(f"<w:p><w:r><w:t>&{name};</w:t></w:r></w:p>") if "[" in dtd else word_of("")
    path = write_word(tmp_path / "a.docx", dtd + body)
    assert "DTD" in refused(path)
    header = write_word(tmp_path / "b.docx", word_of(""), header1=dtd + body)
    assert "DTD" in refused(header)


def test_a_zip_bomb_is_refused_by_its_real_size(tmp_path):
    path = tmp_path / "bomb.docx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w") as part,
    ):
        part.write(word_of("").removesuffix("</w:body></w:document>").encode())
        for _ in range(400):
            part.write(b"<w:p/>" + b" " * (1 << 20))
    assert path.stat().st_size < 2_000_000
    started = time.monotonic()
    assert "压缩炸弹" in refused(path)
    assert time.monotonic() - started < 30


def test_a_zip_that_lies_about_its_sizes_is_no_harm(tmp_path):
    path = write_word(tmp_path / "a.docx", word_of("<w:p><w:r><w:t>海信</w:t></w:r></w:p>" * 5000))
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 100)
    path.write_bytes(bytes(data))
    try:
        assert extract(path).text
    except ExtractError as error:
        assert "意外停止" not in error.message


def test_a_pdf_page_of_a_thousand_times_its_size_is_read_or_refused_in_little_memory(tmp_path):
    squeeze = zlib.compressobj(9)
    page = b"".join(squeeze.compress(b"0 0 m\n" * (1 << 20)) for _ in range(80)) + squeeze.flush()
    path = tmp_path / "a.pdf"
    path.write_bytes(
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>endobj\n"
        + f"4 0 obj<</Filter/FlateDecode/Length {len(page)}>>stream\n".encode()
        + page
        + b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )
    assert path.stat().st_size < 2_000_000, "480 MB when unpacked"
    try:
        assert extract(path, memory=600 << 20, timeout=20).text.strip() == ""
    except ExtractError as error:
        assert re.search("[一-鿿]", error.message)


def test_a_million_empty_paragraphs_are_read_in_time(tmp_path):
    path = write_word(
        tmp_path / "a.docx", word_of("<w:p/>" * 1_000_000 + "<w:p><w:r><w:t>完</w:t></w:r></w:p>")
    )
    started = time.monotonic()
    assert extract(path, memory=600 << 20).text == "完"
    assert time.monotonic() - started < 30


def test_deep_nesting_is_refused_and_not_a_crash(tmp_path):
    deep = "<w:sdt>" * 100_000 + "</w:sdt>" * 100_000
    said = refused(write_word(tmp_path / "a.docx", word_of(deep)))
    assert "一层套一层太深" in said and "损坏" not in said


def test_a_file_that_takes_too_long_is_stopped(tmp_path):
    path = write_word(
        tmp_path / "a.docx", word_of("<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 2_000_000)
    )
    started = time.monotonic()
    assert "停止" in refused(path, timeout=0.5)
    assert time.monotonic() - started < 5


def test_a_broken_stream_inside_a_part_is_said(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", word_of("<w:p/>" * 1000))
    data = bytearray(buffer.getvalue())
    data[60:80] = zlib.compress(b"x" * 50)[:20].ljust(20, b"\xff")
    (tmp_path / "a.docx").write_bytes(bytes(data))
    assert "损坏" in refused(tmp_path / "a.docx")


def test_wrapped_lines_of_a_pdf_are_joined():
    from indexer.read_pdf import join_lines

    wrapped = "甲方应当按照本合同约定的时间和地点向乙方交\n货，并承担运费。\n乙方\n签字"
    assert join_lines(wrapped) == (
        "甲方应当按照本合同约定的时间和地点向乙方交货，并承担运费。\n乙方\n签字"
    )
