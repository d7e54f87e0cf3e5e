"""Text of .docx, .xlsx and .ofd by walking their XML, part by part, inflated bytes counted.

Paragraphs, tables, text boxes, content controls, headers and footers all hold their words in
`w:t`; a walk over the whole tree finds them wherever they stand. XML with a DTD is refused.
Runs only in the child process of extraction.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import xlrd.biffh
from lxml import etree

from indexer.errors import TOO_DEEP, ExtractError, is_too_deep
from indexer.reading import Reading

Element = etree._Element

_xlrd: Any = xlrd  # has no types
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_W_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_WORD_PART = re.compile(r"word/(header\d*|footer\d*|footnotes|endnotes|comments)\.xml")
_SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml")
_OFD_PAGE = re.compile(r"(?:.*/)?Pages/Page_\d+/Content\.xml")
_STEP = 1 << 16


class _CountedParts:
    """The parts of a zip, refusing to inflate more than `limit` bytes all together."""

    def __init__(self, archive: zipfile.ZipFile, limit: int) -> None:
        self._archive = archive
        self._left = limit

    def names(self) -> list[str]:
        return self._archive.namelist()

    def open(self, name: str) -> "_CountedFile":
        try:
            return _CountedFile(self._archive.open(name), self)
        except (RuntimeError, NotImplementedError) as error:
            raise ExtractError("文件加了密码或用了不支持的压缩方式，无法读取。") from error

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ExtractError("文件解开后太大，可能是压缩炸弹，已拒绝读取。")


class _CountedFile:
    """What an XML parser reads from; counts real bytes, whatever the zip says of its sizes."""

    def __init__(self, file: IO[bytes], parts: _CountedParts) -> None:
        self._file = file
        self._parts = parts

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(_STEP if size < 0 else min(size, _STEP))
        self._parts.spend(len(data))
        return data


def _events(parts: _CountedParts, name: str) -> Iterator[tuple[str, Element]]:
    """Start and end of each element; the DTD is looked for before any content is read."""
    source: Any = parts.open(name)
    is_checked = False
    try:
        for event, element in etree.iterparse(
            source, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False
        ):
            if not is_checked and element.getroottree().docinfo.doctype:
                raise ExtractError("文件含有不允许的 XML 定义（DTD），已拒绝读取。")
            is_checked = True
            yield event, element
    except (etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        why = TOO_DEEP if is_too_deep(error) else "文件内容已损坏，无法读取。"
        raise ExtractError(why) from error


def _forget(element: Element) -> None:
    """Free an element that was read, and its elder siblings, so that memory stays flat."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def read_docx(archive: zipfile.ZipFile, limit: int, most_characters: int) -> Reading:
    """All text of a Word file, in order: body, then headers, footers, notes and comments."""
    parts = _CountedParts(archive, limit)
    others = sorted(name for name in parts.names() if _WORD_PART.fullmatch(name))
    pieces: list[str] = []
    length = 0
    for name in ("word/document.xml", *others):
        for piece in _word_pieces(parts, name):
            pieces.append(piece)
            length += len(piece)
            if length > most_characters:
                break
    text = re.sub(r"(?<![ \t])[ \t]*\n\s*\n", "\n", "".join(pieces)).strip()
    return Reading([text], 0, "docx", [] if text else ["文件中没有文字，可能只有图片。"])


def _word_pieces(parts: _CountedParts, name: str) -> Iterator[str]:
    fallback_depth = 0
    for event, element in _events(parts, name):
        if element.tag == _FALLBACK:
            fallback_depth += 1 if event == "start" else -1
        if event == "start":
            continue
        if not fallback_depth:
            yield _word_text(element)
        _forget(element)


def _word_text(element: Element) -> str:
    tag = str(element.tag).replace(_W_STRICT, _W)
    if tag == f"{_W}t":
        return element.text or ""
    if tag in {f"{_W}p", f"{_W}br", f"{_W}cr"}:
        return "\n"
    return "\t" if tag in {f"{_W}tab", f"{_W}tc"} else ""


def read_xlsx(archive: zipfile.ZipFile, limit: int, most_characters: int) -> Reading:
    """The cells of all sheets, row by row, as they are kept (dates as numbers)."""
    parts = _CountedParts(archive, limit)
    shared = _shared_strings(parts)
    sheets = sorted(name for name in parts.names() if _SHEET_PART.fullmatch(name))
    pieces: list[str] = list(_sheet_names(parts))
    length = 0
    for name in sheets:
        for piece in _sheet_rows(parts, name, shared):
            pieces.append(piece)
            length += len(piece)
            if length > most_characters:
                break
    text = "\n".join(piece for piece in pieces if piece.strip())
    return Reading([text], len(sheets), "xlsx", [] if length else ["表格中没有文字。"])


def read_ofd(archive: zipfile.ZipFile, limit: int, most_characters: int) -> Reading:
    """The words of an OFD (GB/T 33190), page by page, as they stand on the paper."""
    parts = _CountedParts(archive, limit)
    pages = sorted(
        (name for name in parts.names() if _OFD_PAGE.fullmatch(name)),
        key=lambda name: [int(one) for one in re.findall(r"\d+", name)],
    )
    texts: list[str] = []
    for name in pages:
        words = [
            element.text or ""
            for event, element in _events(parts, name)
            if event == "end" and _local(element) == "TextCode"
        ]
        texts.append("\n".join(words))
        if sum(map(len, texts)) > most_characters:
            break
    is_empty = not any(text.strip() for text in texts)
    return Reading([*texts], len(pages), "ofd", ["版式文件中没有文字。"] if is_empty else [])


def read_xls(path: Path, most_characters: int) -> Reading:
    """The cells of all sheets of an old .xls or .et, row by row (dates as numbers)."""
    try:
        book = _xlrd.open_workbook(path, logfile=io.StringIO(), on_demand=True)
    except xlrd.biffh.XLRDError as error:
        if "encrypted" in str(error).lower():
            raise ExtractError("文件加了密码，无法读取；请去掉密码后再上传。") from error
        raise ExtractError("文件内容已损坏，无法读取。") from error
    pieces, length = list(book.sheet_names()), 0
    for name in book.sheet_names():
        sheet = book.sheet_by_name(name)
        for number in range(sheet.nrows):
            pieces.append("\t".join(_shown(one) for one in sheet.row_values(number) if one != ""))
            length += len(pieces[-1])
        book.unload_sheet(name)
        if length > most_characters:
            break
    text = "\n".join(piece for piece in pieces if piece.strip())
    return Reading([text], book.nsheets, "xls", [] if length else ["表格中没有文字。"])


def _shown(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _shared_strings(parts: _CountedParts) -> list[str]:
    name = next((n for n in parts.names() if posixpath.basename(n) == "sharedStrings.xml"), None)
    strings: list[str] = []
    if name is None:
        return strings
    current: list[str] = []
    is_reading_aid = False
    for event, element in _events(parts, name):
        tag = _local(element)
        if tag == "rPh":  # phonetic guides are not part of the text
            is_reading_aid = event == "start"
        if event == "start":
            continue
        if tag == "t" and not is_reading_aid:
            current.append(element.text or "")
        if tag == "si":
            strings.append("".join(current))
            current = []
            _forget(element)
    return strings


def _sheet_names(parts: _CountedParts) -> Iterator[str]:
    for event, element in _events(parts, "xl/workbook.xml"):
        if event == "start" and _local(element) == "sheet":
            yield str(element.get("name") or "")


def _sheet_rows(parts: _CountedParts, name: str, shared: list[str]) -> Iterator[str]:
    cells: list[str] = []
    for event, element in _events(parts, name):
        if event == "start":
            continue
        tag = _local(element)
        if tag == "c":
            cells.append(_cell_text(element, shared))
            element.clear()
        elif tag == "row":
            yield "\t".join(cell for cell in cells if cell)
            cells = []
            _forget(element)


def _cell_text(cell: Element, shared: list[str]) -> str:
    kind = cell.get("t") or "n"
    if kind == "inlineStr":
        return "".join(one.text or "" for one in cell.iter() if _local(one) == "t")
    value = next((one.text or "" for one in cell if _local(one) == "v"), "")
    if kind == "s":
        number = int(value) if value.isdigit() else -1
        return shared[number] if 0 <= number < len(shared) else ""
    return value
