"""Where people added on the way (加签) sign: side by side above the footer of the last page.

The form has no box for them, so they get what its footer leaves free beside the QR code. Called by
``slots`` when a paper is frozen; a page that has something there keeps them invisible.
"""

from typing import Any

import pypdfium2 as pdfium

from archive.core.pdfium import PDFIUM
from archive.signing.boxes import MM, Box
from archive.signing.reserved import ADDED_TOOLTIP

LEFT, RIGHT = 20 * MM, 32 * MM  # from the page's edges; the QR code stands to the right
LOWEST, HIGHEST = 12, 15  # mm from the lower edge: above a footer of one line, or of two
HEIGHT, WIDEST = 9 * MM, 26 * MM


def strip_boxes(pdf: bytes, count: int) -> tuple[Box, ...]:
    """Return that many boxes in the strip, or ones without extent where nothing fits in."""
    with PDFIUM:
        document: Any = pdfium.PdfDocument(pdf)
        try:
            number = len(document) - 1
            page = document[number]
            wide, high = page.get_size()
            taken = _printed(page) or [(0.0, 0.0, wide, high)]
        finally:
            document.close()
    width = min(WIDEST, (wide - LEFT - RIGHT) / count)
    for height in range(LOWEST, HIGHEST + 1):
        if not _is_hit(taken, height * MM, LEFT + width * count):
            return tuple(_box(number, place, width, height * MM) for place in range(count))
    return (Box(ADDED_TOOLTIP, 0, 0, 0, 0, 0),) * count


def _printed(page: Any) -> list[tuple[float, ...]]:
    """Return the edges of everything printed; nothing where that cannot be told."""
    if page.get_rotation():
        return []
    try:
        return [each.get_bounds() for each in page.get_objects(max_depth=1)]
    except pdfium.PdfiumError:
        return []


def _is_hit(taken: list[tuple[float, ...]], bottom: float, right: float) -> bool:
    """Whether anything printed reaches into the strip."""
    top = bottom + HEIGHT
    return any(
        x0 < right and x1 > LEFT and low < top and high > bottom for x0, low, x1, high in taken
    )


def _box(page: int, place: int, width: float, bottom: float) -> Box:
    left = LEFT + place * width
    edges = (left, bottom, left + width, bottom + HEIGHT)
    return Box(ADDED_TOOLTIP, page, *(round(edge, 2) for edge in edges))
