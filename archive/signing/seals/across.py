"""The seal across a paper's right edges (骑缝章): one field on every page, filled when sealed.

The fields are made before the paper is certified, as those for a signer's entries are; the seal's
own signature covers what they are filled with. Positions and bytes only; called by ``freeze``.
"""

from collections.abc import Callable
from typing import Any

import pypdfium2 as pdfium

from archive.core.pdfium import PDFIUM
from archive.signing.boxes import MM, Box
from archive.signing.pades import fill_text_fields
from archive.signing.seals.pictures import shares, slices

FIELD = "across"
TOOLTIP = "骑缝章"

_OPEN: Callable[[bytes], Any] = pdfium.PdfDocument  # the library carries no types


def across_boxes(pdf: bytes, width_mm: float, height_mm: float) -> dict[str, Box]:
    """Return a box at the right edge of every page, by field; none for a single page."""
    with PDFIUM:
        document = _OPEN(pdf)
        try:
            bounds = [page.get_cropbox() for page in document]
        finally:
            document.close()
    widths = [width_mm / share for share in shares(len(bounds)) for _ in range(share)]
    return {
        f"{FIELD}{number + 1}": _edge(number, bounds[number], width * MM, height_mm * MM)
        for number, width in enumerate(widths)
    }


def put_across(pdf: bytes, seal_png: bytes, name: str, pages: int) -> bytes:
    """Fill every page's field with its part of the seal; a paper of one page stays as it is."""
    parts = slices(seal_png, pages)
    texts = [f"{TOOLTIP} {name} {page}/{pages}" for page in range(1, len(parts) + 1)]
    pictures = dict(zip(texts, parts, strict=True))
    filled = {f"{FIELD}{page}": text for page, text in enumerate(texts, start=1)}
    return fill_text_fields(pdf, filled, lambda text, _wide, _high: pictures[text])


def _edge(
    number: int, bounds: tuple[float, float, float, float], width: float, height: float
) -> Box:
    _, bottom, right, top = bounds
    low = (bottom + top - height) / 2
    return Box(
        TOOLTIP,
        number,
        round(right - width, 2),
        round(low, 2),
        round(right, 2),
        round(low + height, 2),
    )
