"""What is looked into inside files: formats, encryption, what is active, viruses."""

import io
import socketserver
import struct
import threading
import zipfile
import zlib

import pypdf
import pytest
from PIL import Image
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from archive.filing.checks.clamd import scan_stream
from archive.filing.checks.content import inspect
from archive.filing.checks.facts import Scan

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def pdf(*, password="", script=""):
    writer, out = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(595, 842)
    if script:
        action = {NameObject("/S"): NameObject("/JavaScript")}
        action[NameObject("/JS")] = TextStringObject(script)
        place = writer._add_object(DictionaryObject(action))
        writer.root_object[NameObject("/OpenAction")] = place
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


def with_program():
    writer, out = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(595, 842)
    writer.add_attachment("说明.txt", b"MZ\x90\x00 a program in a text's clothes")
    writer.write(out)
    return out.getvalue()


def word(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        for name, content in ({"word/document.xml": "<w/>"} | parts).items():
            package.writestr(name, content)
    return out.getvalue()


def png(size=(40, 30)):
    out = io.BytesIO()
    Image.new("L", size, 255).save(out, "PNG")
    return out.getvalue()


OUTSIDE = (
    '<Relationship Id="r1" Type="http://x/attachedTemplate" Target="http://x" '
    'TargetMode="External"/>'
)
LINK = OUTSIDE.replace("attachedTemplate", "hyperlink")
HEAD = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
BOMB = png()[:12] + HEAD + struct.pack(">I", zlib.crc32(HEAD)) + png()[33:]
CASES = [
    ("a plain PDF", "application/pdf", pdf(), "", "", ()),
    ("a PDF cut off", "application/pdf", pdf()[:200], "读取时出错", "", ()),
    ("an encrypted PDF", "application/pdf", pdf(password="锁"), "读取时出错", "", ()),
    ("a PDF with a script", "application/pdf", pdf(script="app.alert(1)"), "", "", ("脚本",)),
    ("a PDF with a program", "application/pdf", with_program(), "", "", ("可执行的附件 说明.txt",)),
    ("a Word file", WORD, word(), "", "", ()),
    ("macros", WORD, word(**{"word/vbaProject.bin": "x"}), "", "", ("宏",)),
    (
        "an outside template",
        WORD,
        word(**{"word/_rels/settings.xml.rels": OUTSIDE}),
        "",
        "",
        ("打开时会读取的外部内容",),
    ),
    ("a plain link", WORD, word(**{"word/_rels/document.xml.rels": LINK}), "", "", ()),
    ("a Word file cut off", WORD, word()[:-30], "读取时出错", "", ()),
    ("a zip of something else", WORD, word()[:0] + b"PK\x03\x04", "读取时出错", "", ()),
    (
        "encrypted by Office",
        WORD,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "加了密",
        "Office 加密",
        (),
    ),
    ("a picture", "image/png", png(), "", "", ()),
    ("a picture cut off", "image/png", png()[:60], "读取时出错", "", ()),
    ("a picture too large", "image/png", BOMB, "读取时出错", "", ()),
    ("XML", "text/xml", "<a>客户</a>".encode(), "", "", ()),
    ("XML with a DTD", "text/xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "读取", "", ()),
    ("text", "text/plain", "客户".encode("gb18030"), "", "", ()),
    ("an empty file", "text/xml", b"", "读取时出错", "", ()),
]


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """All the files, looked into by one child."""
    folder = tmp_path_factory.mktemp("files")
    files = []
    for number, (_, media_type, content, *_rest) in enumerate(CASES):
        path = folder / str(number)
        path.write_bytes(content)
        files.append((path, media_type))
    return dict(zip((case[0] for case in CASES), inspect(files), strict=True))


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_what_is_inside_is_told(looked, case):
    name, _, _, fault, encrypted, active = case
    found = looked[name]
    assert found.fault.startswith(fault) and bool(found.fault) is bool(fault), found
    assert found.active == active
    if encrypted:
        assert found.encrypted == encrypted


def test_a_file_on_which_the_child_dies_is_at_fault_and_the_others_are_not(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "gone"
    good.write_bytes(pdf())
    files = [(good, "application/pdf"), (bad, "text/plain"), (good, "application/pdf")]
    assert [bool(one.fault) for one in inspect(files)] == [False, True, False]
    hurried = inspect([(good, "application/pdf")] * 2, seconds=0)
    assert [one.fault for one in hurried] == ["读取时程序意外停止或超时，文件可能已损坏"] * 2


class Scanner(socketserver.StreamRequestHandler):
    """Speaks INSTREAM as clamd does; knows one virus and a limit of 1,000 bytes."""

    def handle(self):
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack(">I", self.rfile.read(4))[0]:
            content += self.rfile.read(size)
            if len(content) > 1000:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        told = b"stream: Test.Virus FOUND\0" if b"VIRUS" in content else b"stream: OK\0"
        self.wfile.write(told)


@pytest.fixture(scope="module")
def scanner():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Scanner) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a contract", Scan()),
        (b"", Scan()),
        (b"a VIRUS in a contract", Scan(found="Test.Virus")),
        (b"x" * 5000, Scan(away="病毒扫描程序没有给出结论（INSTREAM size limit exceeded.）")),
    ],
)
def test_the_scanner_is_asked(scanner, content, told):
    assert scan_stream(scanner, io.BytesIO(content)) == told


@pytest.mark.parametrize("address", ["127.0.0.1:1", "/tmp/没有这个套接字"])
def test_a_scanner_that_is_away_never_means_clean(address):
    scan = scan_stream(address, io.BytesIO(b"a contract"))
    assert scan.away.startswith("病毒扫描程序连不上") and not scan.found
