"""The child process that reads one stranger's file: `python -m indexer.extract_child PATH …`.

Confines itself first, then prints one JSON value: the text in parts, or an error in Chinese.
Loads neither the search engine nor anything else of the product. Started only by extraction.
"""

import codecs
import json
import re
import sys
import zipfile
from functools import partial
from pathlib import Path

from indexer.confined import confine
from indexer.errors import TOO_DEEP, ExtractError
from indexer.pictures import count_frames, is_picture
from indexer.read_bundle import Bundle, is_mail, text_of_html
from indexer.read_office import read_docx, read_ofd, read_xls, read_xlsx
from indexer.read_pdf import read_pdf, read_pdf_pages
from indexer.reading import OldOffice, Reading, Scan

MOST_CHARACTERS = 10_000_000
MOST_UNPACKED = 1 << 28
_PARTS_OF_KIND = (
    ("word/document.xml", read_docx),
    ("xl/workbook.xml", read_xlsx),
    ("OFD.xml", read_ofd),
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STREAMS = {"WordDocument": "doc", "Workbook": "xls", "Book": "xls", "PowerPoint Document": "ppt"}
_BARE_SHEETS = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00")  # Excel 2 to 4
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Answer = dict[str, object]


def main(arguments: list[str]) -> int:
    """PATH MAX_BYTES FOLDER [pages]; prints the answer, 0 also if refused."""
    confine()
    path, max_bytes = Path(arguments[0]), int(arguments[1])
    try:
        if arguments[3:] == ["pages"]:
            answer = read_pages(path)
        else:
            answer = read_whole(path, max_bytes, Path(arguments[2])).told()
    except ExtractError as error:
        answer = {"error": error.message}
    except MemoryError:
        answer = {"error": "读取这个文件要用的内存太多，已停止。"}
    except RecursionError:
        answer = {"error": TOO_DEEP}
    except Exception as error:  # noqa: BLE001 - parsers of strangers' files raise anything
        answer = {"error": f"文件已损坏或格式有误，无法读取（{type(error).__name__}）。"}
    sys.stdout.write(json.dumps(answer))
    return 0


def read_whole(path: Path, max_bytes: int, folder: Path) -> Reading:
    """Read a file and the files in it; those are unpacked into `folder`."""
    bundle = Bundle(folder, min(max_bytes, MOST_UNPACKED), lambda one, depth: read(one, depth))  # noqa: PLW0108
    read = partial(_read, bundle, max_bytes)
    found = read(path, 0)
    found.cut(MOST_CHARACTERS)
    return found


def read_pages(path: Path) -> Answer:
    """Read a PDF page by page; anything else has no pages to tell apart."""
    with path.open("rb") as file:
        if b"%PDF-" not in file.read(1024):
            raise ExtractError("不是 PDF，没有分页。")
    return {"pages": read_pdf_pages(path, MOST_CHARACTERS)}


def _read(bundle: Bundle, max_bytes: int, path: Path, depth: int) -> Reading:
    """Read a file by what it is, not by its suffix."""
    with path.open("rb") as file:
        head = file.read(8192)
    if head.lstrip()[:5] == b"%PDF-" or b"%PDF-" in head[:1024]:
        return read_pdf(path, MOST_CHARACTERS)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _read_zip(bundle, path, max_bytes, depth)
    if head.startswith(_OLD_OFFICE):
        return _old_office(path)
    if head.startswith(_BARE_SHEETS):
        return read_xls(path, MOST_CHARACTERS)
    if is_picture(head):
        frames = count_frames(path)
        return Reading([Scan(str(path), frame) for frame in range(frames)], frames, "picture")
    if is_mail(head):
        return bundle.read_mail(path, depth)
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return Reading([text_of_html(_read_text(path)[0])], 0, "html")
    text, method = _read_text(path)
    return Reading([text], 0, method)


def _read_zip(bundle: Bundle, path: Path, max_bytes: int, depth: int) -> Reading:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise ExtractError("文件不完整或已损坏，无法打开。") from error
    with archive:
        names = set(archive.namelist())
        for part, reader in _PARTS_OF_KIND:
            if part in names:
                return reader(archive, min(max_bytes, MOST_UNPACKED), MOST_CHARACTERS)
        return bundle.read_zip(archive, depth)


def _old_office(path: Path) -> Reading:
    data = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise ExtractError("文件加了密码，无法读取；请去掉密码后再上传。")
    for stream, kind in _STREAMS.items():
        if (stream + "\0").encode("utf-16-le") not in data:
            continue
        if kind == "xls":
            return read_xls(path, MOST_CHARACTERS)
        return Reading([OldOffice(str(path), kind)], 0, kind)
    raise ExtractError("认不出这个旧版 Office 文件；请另存为 .docx 或 .xlsx 后再上传。")


def _read_text(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data, encoding), f"text:{encoding}"
    if b"\0" in data[:65536]:
        raise ExtractError(
            "认不出这个文件的格式；能读取 Word、Excel、PDF、OFD、图片、邮件、ZIP 和纯文本。"
        )
    for encoding in ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _looks_like_text(text):
            return text, f"text:{encoding}"
    raise ExtractError("认不出这个文件的格式或编码；请存成 UTF-8 后再上传。")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ExtractError("文本文件的编码有误；请存成 UTF-8 后再上传。") from error


def _looks_like_text(text: str) -> bool:
    odd = len(re.findall("[\x01-\x08\x0e-\x1f\x7f\ue000-\uf8ff]", text[:100_000]))
    return odd <= len(text[:100_000]) // 50


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
