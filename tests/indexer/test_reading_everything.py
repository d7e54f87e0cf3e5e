"""What people hand in beside Word and PDF: scans, mails, ZIPs, old office files, OFD."""

import io
import shutil
import struct
import subprocess
import zipfile
from email.message import EmailMessage
from pathlib import Path

import docx
import pytest
from PIL import Image, ImageDraw, ImageFont

from indexer import ExtractError, extract, recognition
from indexer.read_bundle import MOST_FILES, is_mail, text_of_html

pytestmark = pytest.mark.slow  # models, LibreOffice

LINES = (
    "佛山市南海区启明制冷配件有限公司",
    "合同编号 HT-2024-0017",
    "合计金额 12,500 元",
    "电话 0757-86681234",
)


@pytest.fixture(scope="module")
def paper():
    """A page as it comes from a scanner."""
    found = subprocess.run(
        ["fc-match", "-f", "%{file}", "Noto Serif CJK SC"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    if not Path(found).is_file():
        pytest.skip("没有中文字体")
    font = ImageFont.truetype(found, 36)
    sheet = Image.new("RGB", (1240, 900), "white")
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(LINES):
        pen.text((120, 100 + 120 * number), line, "black", font)
    pen.ellipse((700, 380, 1000, 680), outline="red", width=6)  # a seal over it
    return sheet


def plain(text):
    return "".join(text.split())


def in_order(text):
    places = [plain(text).find(plain(line)) for line in LINES]
    return -1 not in places and places == sorted(places)


@pytest.mark.parametrize("turn", [0, 90, 180, 270, 3])
def test_a_scan_is_read_however_it_lies(tmp_path, paper, turn):
    paper.rotate(turn, expand=True, fillcolor="white").save(tmp_path / "扫描.png")
    found = extract(tmp_path / "扫描.png")
    assert (found.method, found.pages, found.warnings) == ("ocr", 1, ())
    assert in_order(found.text)


def test_a_scanned_pdf_and_a_tiff_of_pages_are_read(tmp_path, paper):
    paper.save(tmp_path / "a.pdf", resolution=150)
    told = []
    found = extract(tmp_path / "a.pdf", tell=lambda done, total: told.append((done, total)))
    assert found.method == "ocr" and in_order(found.text) and told == [(1, 1)]
    blank = Image.new("RGB", (600, 400), "white")
    paper.save(tmp_path / "a.tif", save_all=True, append_images=[blank])
    found = extract(tmp_path / "a.tif")
    assert found.pages == 2 and in_order(found.text)
    without = extract(tmp_path / "a.pdf", ocr=False)
    assert without.text == "" and "没有文字层" in without.warnings[0]


def test_without_the_models_it_is_said_and_nothing_fails(tmp_path, paper, monkeypatch):
    monkeypatch.setattr(recognition, "is_there", lambda: False)
    paper.save(tmp_path / "a.png")
    found = extract(tmp_path / "a.png")
    assert found.text == "" and "没有装文字识别" in found.warnings[0]


def test_what_was_read_before_the_time_was_up_is_kept(tmp_path, paper, monkeypatch):
    monkeypatch.setattr("indexer.extraction.SECONDS_A_PAGE", 0)
    paper.save(tmp_path / "a.png")
    found = extract(tmp_path / "a.png")
    assert "没有识别出来" in found.warnings[0]


def mail():
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = "关于HT-2024-0017的函", "张三 <a@b.cn>", "c@d.cn"
    made.set_content("附上报价，请查收。")
    made.add_alternative("<p>附上<b>报价</b></p><script>alert(1)</script>", subtype="html")
    made.add_attachment(
        "单价,72".encode("gb18030"), maintype="text", subtype="csv", filename="报价.csv"
    )
    inner = EmailMessage()
    inner["Subject"], inner["From"] = "原函", "d@e.cn"
    inner.set_content("最初的询价")
    made.add_attachment(inner)
    return bytes(made)


def test_a_mail_is_read_with_its_attachments(tmp_path):
    (tmp_path / "a.eml").write_bytes(mail())
    found = extract(tmp_path / "a.eml")
    assert (found.method, found.warnings) == ("eml", ())
    for words in (
        "主题：关于HT-2024-0017的函",
        "附上报价",
        "【报价.csv】",
        "单价,72",
        "最初的询价",
    ):
        assert words in found.text
    assert not is_mail("合同: 一\n备注: 二\n".encode()) and not is_mail(b"Note: x\nTotal: y\n")


def test_a_zip_is_read_file_by_file_and_what_is_bad_is_named(tmp_path):
    word = docx.Document()
    word.add_paragraph("铜管组件")
    saved = io.BytesIO()
    word.save(saved)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("来函/a.eml", mail())
        archive.writestr("报价.docx", saved.getvalue())
        archive.writestr("坏的.docx", b"PK\x03\x04 broken")
        archive.writestr("空.txt", b"")
        archive.writestr("../../etc/x.txt", "路径穿越")
    found = extract(tmp_path / "a.zip")
    assert (found.method, found.pages) == ("zip", 5)
    assert all(words in found.text for words in ("最初的询价", "铜管组件", "路径穿越"))
    assert len(found.warnings) == 2 and all(one[0] > "\u4e00" for one in found.warnings)
    assert not Path("/etc/x.txt").exists()


def test_bundles_too_deep_too_many_too_large(tmp_path):
    content = "最里面".encode()
    for number in range(5):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(f"{number}.zip" if number else "a.txt", content)
        content = made.getvalue()
    (tmp_path / "deep.zip").write_bytes(content)
    assert "层" in extract(tmp_path / "deep.zip").warnings[0]
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(MOST_FILES + 50):
            archive.writestr(f"{number}.txt", "x")
    assert len(extract(tmp_path / "many.zip").warnings) == 1
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.txt", b" " * (100 << 20))
    with pytest.raises(ExtractError, match="炸弹"):
        extract(tmp_path / "bomb.zip")


def test_names_of_old_chinese_archives_are_readable(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("AAAA.txt", "海信")
    data = (tmp_path / "a.zip").read_bytes().replace(b"AAAA", "报价".encode("gbk"))
    (tmp_path / "a.zip").write_bytes(data)
    assert "【报价.txt】" in extract(tmp_path / "a.zip").text


@pytest.mark.office
def test_an_old_word_file_is_opened(tmp_path):
    if shutil.which("soffice") is None:
        pytest.skip("没有 LibreOffice")
    word = docx.Document()
    word.add_paragraph("铜管组件一千二百套")
    word.save(tmp_path / "a.docx")
    command = ["soffice", "--headless", f"-env:UserInstallation={(tmp_path / 'p').as_uri()}"]
    command += ["--convert-to", "doc", "--outdir", str(tmp_path), str(tmp_path / "a.docx")]
    subprocess.run(command, capture_output=True, check=True, timeout=120)
    found = extract(tmp_path / "a.doc")
    assert "铜管组件一千二百套" in found.text and found.method == "doc:office"
    data = (tmp_path / "a.doc").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("旧.doc", data)
    assert "铜管组件一千二百套" in extract(tmp_path / "a.zip").text
    (tmp_path / "half").write_bytes(data[: len(data) // 2])
    try:
        extract(tmp_path / "half")
    except ExtractError as refusal:
        assert refusal.message[0] > "\u4e00"


def old_sheet(*cells):
    """An .xls of one sheet as Excel 2 wrote it: a stream without a container."""
    told = struct.pack("<HHHH", 0x0009, 4, 2, 0x10) + struct.pack("<HHH", 0x42, 2, 936)
    for row, words in enumerate(cells):
        content = words.encode("gbk")
        cell = struct.pack("<HH3sB", row, 0, bytes(3), len(content)) + content
        told += struct.pack("<HH", 0x0004, len(cell)) + cell
    return told + struct.pack("<HH", 0x000A, 0)


def test_an_old_excel_file_is_read(tmp_path):
    path = tmp_path / "a.xls"
    path.write_bytes(old_sheet("品名", "铜管组件"))
    found = extract(path)
    assert (found.method, found.pages) == ("xls", 1) and "品名\n铜管组件" in found.text
    for content in (old_sheet("品名")[:15], b"\x09\x00\x04\x00" + bytes(50)):
        path.write_bytes(content)
        try:
            extract(path)
        except ExtractError as refusal:
            assert refusal.message[0] > "\u4e00"


def test_an_ofd_is_read_page_by_page(tmp_path):
    page = '<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:TextCode>{}</ofd:TextCode></ofd:Page>'
    with zipfile.ZipFile(tmp_path / "a.ofd", "w") as archive:
        archive.writestr("OFD.xml", "<x/>")
        for number, words in ((0, "电子发票"), (1, "第二页"), (10, "最后")):
            archive.writestr(f"Doc_0/Pages/Page_{number}/Content.xml", page.format(words))
    found = extract(tmp_path / "a.ofd")
    assert (found.text, found.pages, found.method) == ("电子发票\n第二页\n最后", 3, "ofd")


def test_a_web_page_without_its_scripts(tmp_path):
    (tmp_path / "a.html").write_text("<html><style>p{}</style><p>海信<br>合同</p></html>", "utf-8")
    assert extract(tmp_path / "a.html").text == "海信\n合同"
    assert text_of_html("") == ""
