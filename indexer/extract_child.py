"""The child process that reads one stranger's file: `python -m indexer.extract_child PATH …`.

Sets its own limits first, then prints one JSON value: the text, or an error in Chinese. Loads
neither the search engine nor anything else of the product. Started only by extraction.
"""

import codecs
import json
import re
import resource
import sys
import zipfile
from pathlib import Path
from typing import NoReturn

from indexer.errors import ExtractError
from indexer.read_office import read_docx, read_xlsx
from indexer.read_pdf import read_pdf, read_pdf_pages

MOST_CHARACTERS = 10_000_000
_PARTS_OF_KIND = (("word/document.xml", read_docx), ("xl/workbook.xml", read_xlsx))
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Answer = dict[str, object]


def main(arguments: list[str]) -> int:
    """PATH MAX_BYTES MEMORY CPU_SECONDS [pages]; prints the answer, returns 0 also if refused."""
    path, max_bytes, memory, seconds = Path(arguments[0]), *map(int, arguments[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = read_pages(path) if arguments[4:] == ["pages"] else read(path, max_bytes)
    except ExtractError as error:
        answer = {"error": error.message}
    except MemoryError:
        answer = {"error": "读取这个文件要用的内存太多，已停止。"}
    except RecursionError:
        answer = {"error": "文件的内部嵌套太深，无法读取。"}
    except Exception as error:  # noqa: BLE001 - parsers of strangers' files raise anything
        answer = {"error": f"文件已损坏或格式有误，无法读取（{type(error).__name__}）。"}
    sys.stdout.write(json.dumps(answer))
    return 0


def read(path: Path, max_bytes: int) -> Answer:
    """Read a file by what it is, not by its suffix."""
    with path.open("rb") as file:
        head = file.read(2048)
    if head.lstrip()[:5] == b"%PDF-" or b"%PDF-" in head[:1024]:
        text, pages, method, warnings = read_pdf(path, MOST_CHARACTERS)
    elif head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        text, pages, method, warnings = _read_zip(path, max_bytes)
    elif head.startswith(_OLD_OFFICE):
        _refuse_old_office(path)
    else:
        text, method = _read_text(path)
        pages, warnings = 0, []
    if len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS]
        warnings.append(f"文字太多，只取了前 {MOST_CHARACTERS:,} 个字。")
    return {"text": text, "pages": pages, "method": method, "warnings": warnings}


def read_pages(path: Path) -> Answer:
    """Read a PDF page by page; anything else has no pages to tell apart."""
    with path.open("rb") as file:
        if b"%PDF-" not in file.read(1024):
            raise ExtractError("不是 PDF，没有分页。")
    return {"pages": read_pdf_pages(path, MOST_CHARACTERS)}


def _read_zip(path: Path, max_bytes: int) -> tuple[str, int, str, list[str]]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ExtractError("文件不完整或已损坏，无法打开。") from error
    with archive:
        names = set(archive.namelist())
        for part, reader in _PARTS_OF_KIND:
            if part in names:
                return reader(archive, min(max_bytes, 1 << 28), MOST_CHARACTERS)
    raise ExtractError("这是压缩包，不是 Word 或 Excel 文件；请解压后分别上传。")


def _refuse_old_office(path: Path) -> NoReturn:
    with path.open("rb") as file:
        start = file.read(1 << 20)
    if "EncryptedPackage".encode("utf-16-le") in start:
        raise ExtractError("文件加了密码，无法读取；请去掉密码后再上传。")
    raise ExtractError("这是旧版 Office 文件（.doc、.xls），请另存为 .docx 或 .xlsx 后再上传。")


def _read_text(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data, encoding), f"text:{encoding}"
    if b"\0" in data[:65536]:
        raise ExtractError("认不出这个文件的格式；能读取 Word、Excel、PDF 和纯文本。")
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
