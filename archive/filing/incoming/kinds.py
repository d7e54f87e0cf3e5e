"""What a received file is, by its content: its kind, how many pages, how its text begins.

Runs only in the child process; the bytes are a stranger's. What the archive cannot keep for
years is refused with a sentence. Source: archive.md 4, accepted formats, no active content.
"""

import email
import re
import warnings
import zipfile
from dataclasses import asdict, dataclass
from email import policy
from pathlib import Path
from typing import IO, Any

import pypdfium2
from lxml import etree
from PIL import Image, UnidentifiedImageError

from indexer.errors import BROKEN_ZIP, TOO_DEEP, is_too_deep

MOST_PAGES = 9999
MOST_PIXELS = 200_000_000
MOST_INFLATED = 300 << 20
MOST_PARTS = 5000
HEAD = 2000  # characters of text that are looked at for a customer's name
ACCEPTED = "可以收的有 PDF、OFD、DOCX、XLSX、TIFF、JPEG、PNG、XML、TXT、EML"
PDF, TIFF = "application/pdf", "image/tiff"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_PACKAGES = (
    ("word/document.xml", f"{_OFFICE}wordprocessingml.document"),
    ("xl/workbook.xml", f"{_OFFICE}spreadsheetml.sheet"),
    ("OFD.xml", "application/ofd"),
)
_IMAGES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "TIFF": TIFF}
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
_MAIL = re.compile(rb"(?im)^(from|to|subject|date|received|message-id|mime-version|return-path):")
_WEB = re.compile(rb"(?i)<(!doctype\s+html|html|script|svg|iframe)[\s>]")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_STEP = 1 << 16


class Refused(Exception):
    """The file is not taken; ``message`` says why, in Chinese."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Looked:
    """What a file turned out to be; ``pages`` is 0 where a kind has none to count."""

    media_type: str
    pages: int
    head: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def look_at(path: Path) -> Looked:
    """Say what a file is; raise Refused, or whatever a parser raises for a broken one."""
    with path.open("rb") as file:
        start = file.read(_STEP)
    if not start:
        raise Refused("文件是空的。")
    if b"%PDF-" in start[:1024]:
        return _look_at_pdf(path)
    if start.startswith(_SIGNATURES):
        return _look_at_image(path)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _look_at_package(path)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused(_why_not_old_office(path))
    return _look_at_text(path, start)


def _look_at_pdf(path: Path) -> Looked:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Refused("这份 PDF 加了密码，打不开；请去掉密码后再收。") from error
        raise Refused("这份 PDF 已损坏，打不开；请重新扫描或另存后再收。") from error
    pages = len(document)
    if pages == 0:
        raise Refused("这份 PDF 里一页也没有。")
    if pages > MOST_PAGES:
        raise Refused(f"这份 PDF 有 {pages} 页，一件最多 {MOST_PAGES} 页；请拆分后再收。")
    try:
        words = document[0].get_textpage()
        letters = min(words.count_chars(), HEAD)
        head = words.get_text_range(0, letters) if letters > 0 else ""
    except pypdfium2.PdfiumError as error:
        raise Refused("这份 PDF 的第一页打不开；请重新扫描或另存后再收。") from error
    return Looked(PDF, pages, head)


def _look_at_image(path: Path) -> Looked:
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(path, formats=("PNG", "JPEG", "TIFF", "MPO")) as image:
            media_type = _IMAGES[image.format or ""]
            frames = getattr(image, "n_frames", 1) if media_type == TIFF else 1
            if frames > MOST_PAGES:
                raise Refused(f"这份扫描件有 {frames} 页，一件最多 {MOST_PAGES} 页。")
            if media_type == "image/jpeg":
                image.draft("L", (image.width // 8, image.height // 8))
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refused("这张图片太大（超过 2 亿像素），请降低分辨率后再收。") from error
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise Refused("这张图片不完整或已损坏，打不开；请重新扫描。") from error
    return Looked(media_type, frames)


def _look_at_package(path: Path) -> Looked:
    try:
        package = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise Refused("文件不完整或已损坏，打不开；请重新拷贝。") from error
    with package:
        names = package.namelist()
        if len(names) > MOST_PARTS or len(set(names)) != len(names):
            raise Refused("文件的内部结构不正常，没有收。")
        media_type = next((kind for part, kind in _PACKAGES if part in names), "")
        if not media_type:
            raise Refused(f"压缩包不能直接归档，请解开后收里面的文件；{ACCEPTED}。")
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise Refused("文件带有宏，不能归档；请另存为不带宏的 .docx 或 .xlsx。")
        head = _read_parts(package, names, media_type)
    sheets = sum(name.startswith("xl/worksheets/") and name.endswith(".xml") for name in names)
    leaves = sum(name.endswith("/Content.xml") and "/Pages/" in name for name in names)
    pages = {_PACKAGES[1][1]: sheets, _PACKAGES[2][1]: leaves}.get(media_type, 0)
    return Looked(media_type, min(pages, MOST_PAGES), head)


def _read_parts(package: zipfile.ZipFile, names: list[str], media_type: str) -> str:
    """Unpack every part once, counting what comes out; return how the Word text begins."""
    left, head = MOST_INFLATED, ""
    try:
        for name in names:
            with package.open(name) as part:
                left, has_dtd = _spend(part, left, name.endswith((".xml", ".rels")))
            if has_dtd:
                raise Refused("文件含有不允许的 XML 定义（DTD），没有收。")
        if media_type == _PACKAGES[0][1]:
            with package.open("word/document.xml") as part:
                head = _word_head(part)
    except BROKEN_ZIP as error:
        raise Refused("文件已损坏或加了密码，打不开。") from error
    return head


def _spend(part: IO[bytes], left: int, is_xml: bool) -> tuple[int, bool]:
    tail = b""
    while piece := part.read(_STEP):
        left -= len(piece)
        if left < 0:
            raise Refused("文件解开后太大，可能是压缩炸弹，没有收。")
        if is_xml and b"<!DOCTYPE" in tail + piece:
            return left, True
        tail = piece[-16:]
    return left, False


def _word_head(part: IO[bytes]) -> str:
    words: list[str] = []
    found = 0
    for _, element in etree.iterparse(part, tag="{*}t", resolve_entities=False, no_network=True):
        words.append(element.text or "")
        found += len(words[-1])
        element.clear()
        if found > HEAD:
            break
    return "".join(words)[:HEAD]


def _why_not_old_office(path: Path) -> str:
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return "文件加了密码，打不开；请去掉密码后再收。"
    return "这是旧版 Office 文件（.doc、.xls），不能长期保存；请另存为 .docx 或 .xlsx 后再收。"


def _look_at_text(path: Path, start: bytes) -> Looked:
    content = path.read_bytes()
    text = _decoded(content)
    if len(_MAIL.findall(start[:8192].split(b"\n\n")[0].split(b"\r\n\r\n")[0])) >= 2:
        subject = email.message_from_bytes(content, policy=policy.default).get("subject", "")
        return Looked("message/rfc822", 0, f"{subject}\n{text[:HEAD]}"[:HEAD])
    if _WEB.search(start[:8192]):
        raise Refused("网页或 SVG 可能带有脚本，不能归档；请打印成 PDF 后再收。")
    if text.lstrip().startswith("<?xml"):
        _require_plain_xml(content)
        return Looked("text/xml", 0, text[:HEAD])
    return Looked("text/plain", 0, text[:HEAD])


def _decoded(content: bytes) -> str:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as error:
                raise Refused("文本的编码有误；请另存为 UTF-8 后再收。") from error
    if b"\0" not in content:
        for encoding in ("utf-8", "gb18030"):
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            odd = len(re.findall("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]", text[:100_000]))
            if odd <= len(text[:100_000]) // 50:
                return text
    raise Refused(f"认不出文件格式；{ACCEPTED}。")


def _require_plain_xml(content: bytes) -> None:
    if b"<!DOCTYPE" in content:
        raise Refused("XML 含有不允许的定义（DTD），没有收。")
    try:
        etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        why = TOO_DEEP if is_too_deep(error) else "XML 不完整或有语法错误，没有收。"
        raise Refused(why) from error
