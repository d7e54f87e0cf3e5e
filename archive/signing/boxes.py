"""Where the signatures go: finds the marker ``[sig:角色]`` that the Word template prints.

The marker is white, 1 pt, and marks the left edge and the vertical centre of the box. Here: only
reading positions. Not here: making signature fields (``pades``). Called by the signing service
when a paper is frozen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium

from archive.core.errors import Invalid
from archive.core.pdfium import PDFIUM

MM = 72 / 25.4
BOX = (30 * MM, 12 * MM)
MOST_PAGES = 2000

# what a reader finds between the letters of a word
_NOISE = frozenset("\x00\u00ad\u0002\ufffe\uffff\u200b\u200c\u200d\ufeff")
_RAW: Any = pdfium.raw  # the library carries no types
_OPEN: Callable[[bytes], Any] = pdfium.PdfDocument


class BoxError(Invalid):
    """The page has no place, or no single place, for a signature."""

    code = "signature_box"


@dataclass(frozen=True)
class Box:
    """A signature's rectangle in points from the page's lower left corner; ``page`` is 0-based."""

    role: str
    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class _Letter:
    """One printed character and the edges of its box."""

    char: str
    left: float
    bottom: float
    top: float


def find_boxes(
    pdf: bytes, roles: Sequence[str], sizes: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, Box]:
    """Return the box of each role, in the order asked for.

    ``sizes`` holds width and height in points of those that are not 30 × 12 mm. Raises BoxError
    where a marker is missing or printed more than once, or the file is no PDF.
    """
    found: dict[str, list[Box]] = {role: [] for role in roles}
    with PDFIUM:
        for number, letters, bounds in _pages(pdf):
            for role, boxes in found.items():
                size = (sizes or {}).get(role, BOX)
                boxes.extend(_boxes_on_page(role, number, letters, bounds, size))
    return {role: _only(role, boxes) for role, boxes in found.items()}


def _pages(
    pdf: bytes,
) -> list[tuple[int, list[_Letter], tuple[float, float, float, float]]]:
    try:
        document = _OPEN(pdf)
    except pdfium.PdfiumError as wrong:
        raise BoxError("这份文件不是可以打开的 PDF，找不到签名位置。请重新生成 PDF。") from wrong
    try:
        if len(document) > MOST_PAGES:
            raise BoxError(f"PDF 有 {len(document)} 页，超过 {MOST_PAGES} 页，不能放置签名。")
        return [
            (number, _letters(page), page.get_cropbox()) for number, page in enumerate(document)
        ]
    finally:
        document.close()


def _letters(page: Any) -> list[_Letter]:
    """The page's characters without blanks, which a reader may put in or leave out at will."""
    text = page.get_textpage()
    letters: list[_Letter] = []
    if "[" not in text.get_text_range():  # most pages of a long paper: no marker, no work
        return letters
    for index in range(text.count_chars()):
        char = chr(_RAW.FPDFText_GetUnicode(text, index))  # a UTF-16 unit: 𠮷 comes as two
        if char.isspace() or char in _NOISE:
            continue
        left, bottom, _, top = text.get_charbox(index)
        letters.append(_Letter(char, left, bottom, top))
    return letters


def _boxes_on_page(
    role: str,
    number: int,
    letters: list[_Letter],
    bounds: tuple[float, float, float, float],
    size: tuple[float, float],
) -> list[Box]:
    marker = _units("".join(f"[sig:{role}]".split()))
    text = "".join(letter.char for letter in letters)
    boxes = []
    start = text.find(marker)
    while start >= 0:
        boxes.append(_box(role, number, letters[start : start + len(marker)], bounds, size))
        start = text.find(marker, start + len(marker))
    return boxes


def _units(text: str) -> str:
    """The text with every UTF-16 unit as a character of its own, as PDFium counts."""
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    return "".join(chr(unit) for unit in units)


def _box(
    role: str,
    number: int,
    marker: list[_Letter],
    bounds: tuple[float, float, float, float],
    size: tuple[float, float],
) -> Box:
    """The box at the marker, moved inside the page where it would hang over the edge."""
    left, bottom, right, top = bounds
    width, height = size
    middle = (min(each.bottom for each in marker) + max(each.top for each in marker)) / 2
    x0 = max(left, min(marker[0].left, right - width))
    y0 = max(bottom, min(middle - height / 2, top - height))
    return Box(
        role,
        number,
        round(x0, 2),
        round(y0, 2),
        round(x0 + width, 2),
        round(y0 + height, 2),
    )


def _only(role: str, boxes: list[Box]) -> Box:
    if not boxes:
        raise BoxError(
            f"PDF 里没有“{role}”的签名位置。请在 Word 模板里放上 [sig:{role}] 标记后重新生成。"
        )
    if len(boxes) > 1:
        pages = "、".join(f"第 {box.page + 1} 页" for box in boxes)
        raise BoxError(
            f"“{role}”的签名位置出现了 {len(boxes)} 次（{pages}）。一个角色只能有一处，请改模板。"
        )
    return boxes[0]
