"""Pages as pictures with the loan burnt in, one by one or bound into a stamped PDF. No database.

A page is drawn on the server each time, with who looks, when, and on which loan across it and
along its foot; the file in the archive is never touched (archive.md 6).
"""

import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import pypdfium2
from PIL import Image, ImageDraw, ImageSequence
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from archive.core.errors import Invalid, NotFound
from archive.core.pdfium import PDFIUM
from archive.lending.viewing.scans import MOST_PIXELS, scanned
from archive.signing.appearance import run_length, text_runs, type_face

PDF = "application/pdf"
PICTURES = frozenset({"image/png", "image/jpeg", "image/tiff"})
WIDTHS = range(320, 1801)
PRINT_WIDTH = 1654  # A4 at 200 dots an inch
LOAN_KEY = "/LoanNumber"
_A4_WIDTH = 595.28
_QUALITY = 82
_INK = (150, 40, 40)
_STRENGTH, _FOOT_STRENGTH = 52, 210  # of 255; the text under it must read well
_ANGLE = 28


@dataclass(frozen=True)
class Mark:
    """What is burnt in: ``across`` in rows over the whole page, ``foot`` along its lower edge."""

    across: str
    foot: str


def is_viewable(media_type: str) -> bool:
    """Say whether a file of this type has pages that can be drawn here."""
    return media_type == PDF or media_type in PICTURES


def page_count(content: bytes, media_type: str) -> int:
    """Return how many pages a PDF or picture has; raise Invalid for what cannot be opened."""
    if media_type == PDF:
        with PDFIUM:
            document = _open_pdf(content)
            try:
                return len(document)
            finally:
                document.close()
    with _open_picture(content) as picture:
        return int(getattr(picture, "n_frames", 1))


def page_jpeg(content: bytes, media_type: str, page: int, width_px: int, mark: Mark) -> bytes:
    """Return one page (from 1) as a JPEG about ``width_px`` wide with the mark in it."""
    return _jpeg(_burnt(_drawn(content, media_type, page, width_px), mark))


def stamped_pdf(
    content: bytes, media_type: str, pages: Iterable[int], mark: Mark, info: dict[str, str]
) -> bytes:
    """Return the pages as a PDF of marked pictures; ``info`` goes into its properties."""
    writer = PdfWriter()
    for page in pages:
        picture = _burnt(_drawn(content, media_type, page, PRINT_WIDTH), mark)
        _add_picture(writer, _jpeg(picture), picture.size)
    writer.add_metadata(info)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _drawn(content: bytes, media_type: str, page: int, width_px: int) -> Image.Image:
    width = min(max(width_px, WIDTHS[0]), WIDTHS[-1])
    if media_type == PDF:
        return _drawn_pdf(content, page, width)
    with _open_picture(content) as picture:
        frames = int(getattr(picture, "n_frames", 1))
        _check_page(page, frames)
        frame = next(one for n, one in enumerate(ImageSequence.Iterator(picture), 1) if n == page)
        frame = _on_white(frame)
    height = max(1, round(frame.height * width / frame.width))
    return frame.resize((width, min(height, 10 * width)), Image.Resampling.LANCZOS)


def _drawn_pdf(content: bytes, page: int, width: int) -> Image.Image:
    with PDFIUM:
        document = _open_pdf(content)
        try:
            _check_page(page, len(document))
            document.init_forms()  # without it the signatures are not drawn
            sheet = document[page - 1]
            wide, high = sheet.get_size()
            scale = min(width / wide, (MOST_PIXELS / (wide * high)) ** 0.5)
            size = (math.ceil(wide * scale), math.ceil(high * scale))
            quick = scanned(content, sheet, *size)
            if quick is not None:
                return quick
            drawn: Image.Image = sheet.render(scale=scale).to_pil()
            return drawn if drawn.mode == "RGB" else drawn.convert("RGB")
        finally:
            document.close()


def _open_pdf(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as wrong:
        raise Invalid("这份文件打不开，不能在线阅览，请向档案室借原件。") from wrong


def _open_picture(content: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(content), formats=["PNG", "JPEG", "TIFF"])
        if picture.width * picture.height > MOST_PIXELS:
            raise Invalid("这张图片太大，不能在线阅览，请向档案室借原件。")
        picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as wrong:
        raise Invalid("这份文件打不开，不能在线阅览，请向档案室借原件。") from wrong
    return picture


def _on_white(frame: Image.Image) -> Image.Image:
    if "A" not in frame.getbands() and "transparency" not in frame.info:
        return frame.convert("RGB")
    coloured = frame.convert("RGBA")
    ground = Image.new("RGBA", coloured.size, "white")
    return Image.alpha_composite(ground, coloured).convert("RGB")


def _check_page(page: int, count: int) -> None:
    if not 1 <= page <= count:
        raise NotFound(f"没有第 {page} 页，这份文件共 {count} 页。")


def _burnt(picture: Image.Image, mark: Mark) -> Image.Image:
    ink = Image.new("RGB", picture.size, _INK)  # half the time of pasting a colour
    return Image.composite(ink, picture, _mask(mark, picture.width, picture.height))


@lru_cache(maxsize=4)  # the pages of one sitting have one mark and mostly one size
def _mask(mark: Mark, width: int, height: int) -> Image.Image:
    """How strongly the mark shows where, over a whole page."""
    size = max(14, width // 40)
    tile = _line(mark.across, size).rotate(_ANGLE, Image.Resampling.BICUBIC, expand=True)
    mask = Image.new("L", (width, height), 0)
    step_x, step_y = tile.width, max(1, tile.height * 2 // 3)
    for row, top in enumerate(range(-tile.height // 2, height, step_y)):
        for left in range(-(row % 2) * step_x // 2, width, step_x):
            mask.paste(_STRENGTH, (left, top), tile)
    foot = _line(mark.foot, max(11, width // 75))
    if foot.width > width:
        foot = foot.resize((width, max(1, foot.height * width // foot.width)))
    mask.paste(_FOOT_STRENGTH, ((width - foot.width) // 2, height - foot.height - 2), foot)
    return mask


def _line(text: str, size: int) -> Image.Image:
    """A line of text as a mask, in the faces that have its characters."""
    runs = text_runs(text)
    line = Image.new("L", (int(run_length(runs, size)) + 2, round(size * 1.4)), 0)
    pen, left = ImageDraw.Draw(line), 0.0
    for face, part in runs:
        pen.text((left, size * 0.1), part, font=type_face(face, size), fill=255)
        left += run_length([(face, part)], size)
    return line


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _add_picture(writer: PdfWriter, jpeg: bytes, size: tuple[int, int]) -> None:
    """Add a page that is one picture, as wide as A4."""
    wide, high = _A4_WIDTH, _A4_WIDTH * size[1] / size[0]
    page = writer.add_blank_page(wide, high)
    image = StreamObject()
    image._data = jpeg
    image.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(size[0]),
            NameObject("/Height"): NumberObject(size[1]),
            NameObject("/ColorSpace"): NameObject("/DeviceRGB"),
            NameObject("/BitsPerComponent"): NumberObject(8),
            NameObject("/Filter"): NameObject("/DCTDecode"),
        }
    )
    drawing = StreamObject()
    drawing._data = f"q {wide:.2f} 0 0 {high:.2f} 0 0 cm /Im0 Do Q".encode()
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/XObject"): DictionaryObject({NameObject("/Im0"): writer._add_object(image)})}
    )
    page[NameObject("/Contents")] = writer._add_object(drawing)
    page[NameObject("/MediaBox")] = ArrayObject(
        [FloatObject(0), FloatObject(0), FloatObject(round(wide, 2)), FloatObject(round(high, 2))]
    )
