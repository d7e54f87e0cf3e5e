"""The stamp of a controlled copy, put on every page of a PDF: 受控, copy number, department.

The pages are flattened first, so signatures are drawn but prove nothing in the copy; the filed
paper stays as it is. Bytes in, bytes out; no database. Called by ``edge``.
"""

import io
from collections.abc import Callable
from typing import Any

import pypdfium2 as pdfium
from PIL import Image, ImageDraw

from archive.core.errors import Invalid
from archive.core.pdfium import PDFIUM
from archive.documents.binding import Piece, bind_pdf
from archive.signing.appearance import run_length, text_runs, type_face

MM = 72 / 25.4
WIDTH, HEIGHT, MARGIN = 52.0, 13.0, 5.0  # mm; above the title, clear of form code and 归档章
DOTS = 300 / 25.4
RED = (190, 24, 24, 255)
MOST_PAGES = 2000

_OPEN: Callable[[bytes], Any] = pdfium.PdfDocument  # the library carries no types
_PDFIUM: Any = pdfium


def check_source(pdf: bytes) -> int:
    """Return the pages of a PDF that copies can be made of; raise Invalid saying what is wrong."""
    if not pdf.startswith(b"%PDF"):
        raise Invalid("受控副本只能用 PDF 制作；请先把这份文件转成 PDF 再归档。")
    with PDFIUM:
        try:
            document = _OPEN(pdf)
        except pdfium.PdfiumError as error:
            raise Invalid("这份 PDF 打不开（损坏或加了密码），不能作为受控文件。") from error
        pages = len(document)
        document.close()
    if not 0 < pages <= MOST_PAGES:
        raise Invalid(f"这份 PDF 有 {pages} 页，受控副本最多 {MOST_PAGES} 页。")
    return pages


def stamp_pages(pdf: bytes, number: str, department: str, version: str) -> bytes:
    """Return the PDF with the stamp at the top of every page, as it is looked at."""
    flat, _ = bind_pdf([Piece("copy.pdf", f"受控副本 {number}", pdf)])
    picture = draw_stamp(number, department, version)
    with PDFIUM:
        document = _OPEN(flat)
        try:
            for page in document:
                _put(document, page, picture)
            out = io.BytesIO()
            document.save(out)
        finally:
            document.close()
    return out.getvalue()


def draw_stamp(number: str, department: str, version: str) -> Image.Image:
    """Return the stamp: a red frame, 受控 large, number, department and version beside it."""
    wide, high = round(WIDTH * DOTS), round(HEIGHT * DOTS)
    sheet = Image.new("RGBA", (wide, high), (255, 255, 255, 200))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((3, 3, wide - 4, high - 4), outline=RED, width=6)
    split = round(wide * 0.36)
    pen.line((split, 3, split, high - 4), fill=RED, width=4)
    _write(pen, "受控", (10, split - 10), high / 2, round(high * 0.52))
    lines = (f"受控号 {number}", department, f"版本 {version}")
    for place, line in enumerate(lines):
        middle = high * (place + 0.5) / 3 + (3 - 3 * place) * 2
        _write(pen, line, (split + 14, wide - 14), middle, round(high * 0.23))
    return sheet


def _write(
    pen: ImageDraw.ImageDraw, text: str, span: tuple[int, int], middle: float, size: int
) -> None:
    """Write a line in the middle of a span, smaller where it would not fit."""
    runs = text_runs(text)
    while size > 12 and run_length(runs, size) > span[1] - span[0]:
        size -= 2
    across = (span[0] + span[1] - run_length(runs, size)) / 2
    for face, run in runs:
        font = type_face(face, size)
        pen.text((across, middle), run, fill=RED, font=font, anchor="lm")
        across += font.getlength(run)


def _put(document: Any, page: Any, picture: Image.Image) -> None:
    image = _PDFIUM.PdfImage.new(document)
    image.set_bitmap(_PDFIUM.PdfBitmap.from_pil(picture))
    image.set_matrix(_PDFIUM.PdfMatrix(*_matrix(page)))
    page.insert_obj(image)
    page.gen_content()


def _matrix(page: Any) -> tuple[float, float, float, float, float, float]:
    """Return where the stamp lies in the page's own space, whichever way the page is turned."""
    left, bottom, right, top = page.get_cropbox()
    wide, high = right - left, top - bottom
    turned = page.get_rotation()
    shown_wide, shown_high = (high, wide) if turned in (90, 270) else (wide, high)
    w, h = WIDTH * MM, HEIGHT * MM
    x, y = (shown_wide - w) / 2, shown_high - MARGIN * MM - h
    a, b, c, d, e, f = {
        0: (w, 0, 0, h, x, y),
        90: (0, w, -h, 0, wide - y, x),
        180: (-w, 0, 0, -h, wide - x, high - y),
        270: (0, -w, h, 0, y, high - x),
    }[turned]
    return a, b, c, d, left + e, bottom + f
