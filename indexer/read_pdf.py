"""Text of PDF files by pdfium; where its fonts give no characters, once more by pdftotext.

Runs only in the child process of extraction. Pages without characters are left as scans.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2

from indexer.errors import ExtractError
from indexer.reading import Part, Reading, Scan

pdfium: Any = pypdfium2  # has no types

_PASSWORD_ERROR = 4
_UNMAPPED = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f\U000f0000-\U0010ffff]")
_HAN_END = re.compile("[\u3400-\u9fff，、]$")
_HAN_START = re.compile("^[\u3400-\u9fff，。、；：]")
_FULL_LINE = 0.8


def read_pdf(path: Path, most_characters: int) -> Reading:
    """The text of all pages, wrapped lines joined; pages that are pictures are left as scans."""
    document = _open(path)
    try:
        pages = len(document)
        texts: list[str] = []
        length = 0
        for text in _page_texts(document):
            texts.append(text)
            length += len(text)
            if length > most_characters:
                break
        drawn = [_is_drawn(document, n) for n, one in enumerate(texts) if not one.strip()]
    finally:
        document.close()
    return _judge(path, texts, pages, iter(drawn))


def read_pdf_pages(path: Path, most_characters: int) -> list[str]:
    """The text of each page as it stands, up to so many characters in all."""
    document = _open(path)
    pages: list[str] = []
    try:
        for text in _page_texts(document):
            pages.append(join_lines(_UNMAPPED.sub("", text)))
            most_characters -= len(text)
            if most_characters < 0:
                break
    finally:
        document.close()
    return pages


def _open(path: Path) -> Any:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise ExtractError("PDF 加了密码，无法读取；请去掉密码后再上传。") from error
        raise ExtractError("PDF 已损坏，无法读取。") from error


def _page_texts(document: Any) -> Iterator[str]:
    for number in range(len(document)):
        try:
            page = document[number]
            text_page = page.get_textpage()
        except pdfium.PdfiumError:
            yield ""  # one broken page must not hide the others
            continue
        try:
            yield str(text_page.get_text_bounded())
        finally:
            text_page.close()
            page.close()


def _judge(path: Path, texts: list[str], pages: int, drawn: Iterator[bool]) -> Reading:
    """Take each page's characters, poppler's where the fonts have none, else leave it a scan."""
    method, parts = "pdf", list[Part]()
    unmapped = {number for number, one in enumerate(texts) if _is_unmapped(one)}
    if unmapped and _is_unmapped("\n".join(texts)):
        other = _by_poppler(path)
        if other and not _is_unmapped(other):
            texts, method, unmapped = other.split("\f"), "pdf:poppler", set()
    for number, one in enumerate(texts):
        is_scan = number in unmapped or (number < pages and not one.strip() and next(drawn, True))
        parts.append(Scan(str(path), number) if is_scan else join_lines(_UNMAPPED.sub("", one)))
    warnings = ["部分字体没有对应的文字编码，只能按图片识别。"] if unmapped else []
    return Reading(parts, pages, method, warnings)


def _is_drawn(document: Any, number: int) -> bool:
    """Say whether anything stands on a page that has no characters."""
    try:
        page = document[number]
        try:
            return next(iter(page.get_objects(max_depth=1)), None) is not None
        finally:
            page.close()
    except pdfium.PdfiumError:
        return False


def _is_unmapped(text: str) -> bool:
    return len(_UNMAPPED.findall(text)) > len(text) // 10


def _by_poppler(path: Path) -> str:
    program = shutil.which("pdftotext")
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, "-enc", "UTF-8", str(path), "-"], capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def join_lines(text: str) -> str:
    """Lines broken only because the paper ended are joined, so that words stay whole."""
    lines = [line.strip() for line in re.split(r"\r?\n", text)]
    full = max((len(line) for line in lines), default=0) * _FULL_LINE
    joined: list[str] = []
    was_full = False
    for line in lines:
        if joined and was_full and _HAN_END.search(joined[-1]) and _HAN_START.search(line):
            joined[-1] += line
        else:
            joined.append(line)
        was_full = len(line) >= full
    return "\n".join(joined)
