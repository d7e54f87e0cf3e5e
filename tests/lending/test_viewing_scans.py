"""A scanned page is drawn from its JPEG; whatever is more than that is left to PDFium."""

import io

import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    ContentStream,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
)

from archive.core.pdfium import PDFIUM
from archive.lending.viewing import pages
from archive.lending.viewing.scans import scanned

PAPER = (1240, 1754)
WIDTH = 620


def sheet(number=1, mode="L", size=PAPER):
    picture = Image.new(mode, size, "white")
    pen = ImageDraw.Draw(picture)
    for line in range(20):
        pen.rectangle(
            (100, 80 * line + 40 * number, 300 + 40 * line, 80 * line + 40 * number + 30), 0
        )
    return picture


def scan(*sheets, dpi=150):
    out = io.BytesIO()
    sheets[0].save(out, "PDF", save_all=True, append_images=sheets[1:], resolution=dpi)
    return out.getvalue()


def changed(content, change):
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    page = writer.pages[0]
    (picture,) = page["/Resources"]["/XObject"].values()
    change(writer, page, picture.get_object())
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def both(content, page=1, width=WIDTH):
    """What is drawn from the JPEG, or None; and what PDFium draws."""
    with PDFIUM:
        document = pypdfium2.PdfDocument(content)
        one = document[page - 1]
        scale = width / one.get_width()
        size = (width, round(one.get_height() * scale))
        ours, theirs = scanned(content, one, *size), one.render(scale=scale).to_pil()
        document.close()
    return ours, theirs.convert("RGB")


def difference(one, other):
    return max(ImageStat.Stat(ImageChops.difference(one, other.resize(one.size))).mean)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("width", [320, 500, 620, 1240])
def test_a_plain_scan_is_drawn_as_pdfium_would(mode, width):
    content = scan(sheet(1, mode), sheet(2, mode), sheet(3, mode))
    for page in (1, 2, 3):
        ours, theirs = both(content, page, width)
        assert ours.mode == "RGB"
        assert abs(ours.width - width) <= 0.04 * width
        assert difference(ours, theirs) < 6
    first, second = both(content, 1)[0], both(content, 2)[0]
    assert difference(first, second) > 10  # each page is itself


def turned(_writer, page, _picture):
    page[NameObject("/Rotate")] = NumberObject(90)


def inverted(_writer, _page, picture):
    picture[NameObject("/Decode")] = ArrayObject([NumberObject(1), NumberObject(0)])


def masked(writer, _page, picture):
    mask = DecodedStreamObject()
    mask.set_data(bytes([0, 255, 255, 0]))
    mask.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(2),
            NameObject("/Height"): NumberObject(2),
            NameObject("/ColorSpace"): NameObject("/DeviceGray"),
            NameObject("/BitsPerComponent"): NumberObject(8),
        }
    )
    picture[NameObject("/SMask")] = writer._add_object(mask)


def keyed(_writer, _page, picture):
    picture[NameObject("/Mask")] = ArrayObject([NumberObject(0), NumberObject(20)])


def noted(writer, page, _picture):
    note = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Square"),
            NameObject("/Rect"): ArrayObject([FloatObject(one) for one in (10, 10, 90, 90)]),
            NameObject("/C"): ArrayObject([NumberObject(1), NumberObject(0), NumberObject(0)]),
        }
    )
    page[NameObject("/Annots")] = ArrayObject([writer._add_object(note)])


def drawn_over(before, after):
    def change(writer, page, _picture):
        content = ContentStream(page["/Contents"].get_object(), writer)
        content.set_data(before + content.get_data() + after)
        page[NameObject("/Contents")] = writer._add_object(content)

    return change


def stretched(writer, page, picture):
    """The picture of double height, made to cover an A4 page."""
    page.mediabox.upper_right = page.cropbox.upper_right = (595, 842)
    content = ContentStream(page["/Contents"].get_object(), writer)
    name = next(iter(page["/Resources"]["/XObject"]))
    content.set_data(f"q 595 0 0 842 0 0 cm {name} Do Q".encode())
    page[NameObject("/Contents")] = writer._add_object(content)


def cropped(_writer, page, _picture):
    page.cropbox.upper_right = (300, 400)


@pytest.mark.parametrize(
    "change",
    [
        turned,
        inverted,
        masked,
        keyed,
        noted,
        cropped,
        drawn_over(b"", b" 0 0 200 200 re f"),
        drawn_over(b"q 0.5 0 0 0.5 0 0 cm ", b" Q"),
        drawn_over(b"q 1 0.2 0 1 0 0 cm ", b" Q"),
        drawn_over(b"q 1 0 0 -1 0 842 cm ", b" Q"),
    ],
)
def test_whatever_is_more_than_a_picture_is_left_to_pdfium(change):
    content = changed(scan(sheet()), change)
    ours, theirs = both(content)
    assert ours is None
    shown = pages._drawn(content, pages.PDF, 1, WIDTH)
    assert difference(shown, theirs) < 6


def test_pictures_of_other_kinds_are_left_to_pdfium():
    in_four_inks = scan(sheet(mode="RGB").convert("CMYK"))
    black_and_white = scan(sheet(mode="1"))
    too_small = scan(sheet(size=(310, 438)), dpi=37.5)
    for content in (in_four_inks, black_and_white, too_small):
        assert both(content)[0] is None
        assert pages._drawn(content, pages.PDF, 1, WIDTH).size[0] == pytest.approx(WIDTH, abs=2)


def test_a_scan_with_other_dots_across_than_down_keeps_its_shape():
    tall = scan(sheet(size=(1240, 3508)))
    content = changed(tall, stretched)
    ours, theirs = both(content)
    assert ours.height / ours.width == pytest.approx(theirs.height / theirs.width, rel=0.03)
    assert difference(ours, theirs) < 6


def test_a_cut_or_broken_jpeg_is_left_to_pdfium():
    content = scan(sheet())
    middle = content.index(b"stream") + 2000
    for broken in (
        content[:middle] + b"\x00" * 400 + content[middle + 400 :],
        content.replace(b"\xff\xd8\xff", b"\x00\x00\x00"),
    ):
        with PDFIUM:
            document = pypdfium2.PdfDocument(broken)
            ours = scanned(broken, document[0], WIDTH, 877)
            document.close()
        assert ours is None or ours.mode == "RGB"  # and no fault


def test_the_mark_is_burnt_in_as_strongly_as_before():
    plain = sheet(mode="RGB").resize((620, 877))
    mark = pages.Mark("张三 0001 2026-11-28 J-1", "此件仅供张三阅览")
    pasted = plain.copy()
    pasted.paste(pages._INK, mask=pages._mask(mark, *plain.size))
    assert difference(pages._burnt(plain, mark), pasted) < 0.01
