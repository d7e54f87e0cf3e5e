"""Draws a scanned page from its picture: a JPEG is decoded at half or a quarter of its size.

A page that is one JPEG from edge to edge is most of what an archive lends, and PDFium decodes all
of its pixels before it makes them fewer. Whatever is not plainly such a page is left to PDFium.
"""

import io
import re
from typing import Any

import pypdfium2
import pypdfium2.raw
from PIL import Image

_RAW: Any = pypdfium2.raw
MOST_PIXELS = 80_000_000
_NEAR = 1.5  # points by which a picture may miss the edge of its page
_ENOUGH, _NEARLY = 0.97, 1.03  # of the size asked for, and then it is left as it is
_LONGEST_ENTRY = 2_000
_PLAIN = {_RAW.FPDF_COLORSPACE_DEVICEGRAY, _RAW.FPDF_COLORSPACE_DEVICERGB}
_ENTRY = re.compile(rb"obj\s*<<[^#]*/Subtype\s*/Image\b[^#]*>>\s*stream\r?\n")
_MORE = re.compile(rb"/(?:S?Mask|Decode)(?![A-Za-z])")


def scanned(content: bytes, page: pypdfium2.PdfPage, width: int, height: int) -> Image.Image | None:
    """Return the page in RGB in about this size, or None where it is not one plain JPEG.

    The caller holds PDFium's lock.
    """
    jpeg = _only_jpeg(page)
    if jpeg is None or not _is_plain(content, jpeg):
        return None
    try:
        picture = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
        if picture.mode not in ("L", "RGB") or picture.width < width or picture.height < height:
            return None
        if picture.width * picture.height > MOST_PIXELS:
            return None
        picture.draft(None, (int(width * _ENOUGH), int(height * _ENOUGH)))
        if picture.width > width * _NEARLY or picture.height > height * _NEARLY:
            return picture.resize((width, height), Image.Resampling.BILINEAR).convert("RGB")
        return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _only_jpeg(page: pypdfium2.PdfPage) -> bytes | None:
    if page.get_rotation() or _RAW.FPDFPage_GetAnnotCount(page):
        return None
    things = list(page.get_objects(max_depth=1))
    if len(things) != 1 or not isinstance(things[0], pypdfium2.PdfImage):
        return None
    image = things[0]
    if image.get_filters() != ["DCTDecode"] or _RAW.FPDFPageObj_HasTransparency(image):
        return None
    facts = image.get_metadata()
    if facts.colorspace not in _PLAIN or facts.bits_per_pixel not in (8, 24):
        return None
    if not _covers(image.get_matrix(), page.get_cropbox()):
        return None
    return bytes(image.get_data(decode_simple=False))


def _is_plain(content: bytes, jpeg: bytes) -> bool:
    """Say whether nothing in the picture's entry masks it or turns its colours round.

    The entry of a stream stands before it in the file as it is.
    """
    start = content.find(jpeg)
    if start < 0:
        return False
    before = content[max(0, start - _LONGEST_ENTRY) : start]
    entry = before[max(0, before.rfind(b"obj")) :]
    return _ENTRY.fullmatch(entry) is not None and _MORE.search(entry) is None


def _covers(matrix: pypdfium2.PdfMatrix, box: tuple[float, float, float, float]) -> bool:
    """Say whether the picture lies upright over the whole page."""
    a, b, c, d, e, f = matrix.get()
    edges = (e, f, e + a, f + d)
    is_upright = b == 0 and c == 0 and a > 0 and d > 0
    return is_upright and all(abs(x - y) <= _NEAR for x, y in zip(edges, box, strict=True))
