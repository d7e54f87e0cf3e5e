"""Pictures in a filled form: signatures, the seal, codes, and entries that are pictures."""

import hashlib
import io
import struct
import zlib
from dataclasses import replace

import pytest
from lxml import etree
from PIL import Image

from doc_templates import (
    BadTemplate,
    PrintContext,
    SealMark,
    SignatureMark,
    document_text,
    load_form,
    render_word,
    sample_values,
)
from doc_templates.definition import Field
from doc_templates.images import (
    entry_picture,
    find_barcode_picture,
    qr_picture,
    seal_picture,
    signature_picture,
)
from doc_templates.package import read_package
from doc_templates.print_context import image_digests, print_pictures, print_tags
from doc_templates.word import Compiled

EMU = 36_000


def picture(width=300, height=200, kind="PNG", colour="red"):
    stream = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(stream, kind)
    return stream.getvalue()


def digest(content):
    return hashlib.sha256(content).hexdigest()


def shown(docx):
    """Return width, height (mm) and kind of every picture in the body, and the media parts."""
    parts = read_package(docx)
    body = etree.fromstring(parts["word/document.xml"])
    sizes = [(int(one.get("cx")) / EMU, int(one.get("cy")) / EMU) for one in body.iter("{*}extent")]
    return sizes, {name for name in parts if name.startswith("word/media/")}, parts


def with_images(repack, template):
    """Return E01 with a picture entry and a table of pictures, and a template that shows them."""
    form = load_form("E01")
    photo = Field(key="照片", label="照片", kind="image")
    view = Field(key="图", label="图", kind="image")
    views = Field(key="附图", label="附图", kind="rows", columns=(view,))
    body = read_package(template)["word/document.xml"].decode()
    width = '<w:tcPr><w:tcW w:w="1701" w:type="dxa"/></w:tcPr>'
    high = '<w:trPr><w:trHeight w:val="1134" w:hRule="exact"/></w:trPr>'
    table = (
        '<w:tbl><w:tblPr/><w:tblGrid><w:gridCol w:w="1701"/></w:tblGrid>'
        f"<w:tr>{high}<w:tc>{width}<w:p><w:r><w:t>{{{{ 照片 }}}}</w:t></w:r></w:p></w:tc></w:tr>"
        "<w:tr><w:tc><w:p><w:r><w:t>{%tr for 行 in 附图 %}</w:t></w:r></w:p></w:tc></w:tr>"
        f"<w:tr><w:tc>{width}<w:p><w:r><w:t>{{{{ 行.图 }}}}</w:t></w:r></w:p></w:tc></w:tr>"
        "<w:tr><w:tc><w:p><w:r><w:t>{%tr endfor %}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
        "<w:p><w:r><w:t>{{ 印章 }}{{ 条码 }}</w:t></w:r></w:p>"
    )
    made = repack(
        template, {"word/document.xml": body.replace("<w:body>", f"<w:body>{table}").encode()}
    )
    return replace(form, fields=(*form.fields, photo, views), template=made)


def test_entries_that_are_pictures_shrink_to_their_cell(repack, template):
    form = with_images(repack, template)
    wide, tall = picture(3000, 1000), picture(400, 4000, "JPEG", "blue")
    values = sample_values("E01") | {
        "照片": digest(wide), "附图": [{"图": digest(tall)}, {"图": digest(wide)}, {"图": ""}],
    }  # fmt: skip
    assert image_digests(form, values) == (digest(wide), digest(tall))
    context = PrintContext(images={digest(wide): wide, digest(tall): tall})
    sizes, media, parts = shown(render_word(form, values, context))
    cell = 30.0 - 4.0
    assert sizes[0] == pytest.approx((cell, cell / 3), abs=0.1)
    assert sizes[1] == pytest.approx((9.8, 98.0), abs=0.1)
    assert sizes[2] == pytest.approx((cell, cell / 3), abs=0.1)
    assert len(media) == 2, "the same picture is kept once"
    assert {name.rpartition(".")[2] for name in media} == {"png", "jpeg"}
    assert b'Extension="jpeg"' in parts["[Content_Types].xml"]
    assert sorted(parts[name] for name in media) == sorted([wide, tall])


def test_low_rows_that_may_not_grow_bound_the_height(repack, template):
    form = with_images(repack, template)
    tall = picture(400, 4000)
    values = sample_values("E01") | {"照片": digest(tall)}
    sizes, _, _ = shown(render_word(form, values, PrintContext(images={digest(tall): tall})))
    assert sizes[0] == pytest.approx((1.8, 18.0), abs=0.1)


def test_small_pictures_are_not_blown_up(repack, template):
    form = with_images(repack, template)
    small = picture(38, 38)
    values = sample_values("E01") | {"照片": digest(small)}
    sizes, _, _ = shown(render_word(form, values, PrintContext(images={digest(small): small})))
    assert sizes[0] == pytest.approx((10.05, 10.05), abs=0.1)


def test_picture_that_is_not_at_hand_is_said_to_be_one(repack, template):
    form = with_images(repack, template)
    text = document_text(render_word(form, sample_values("E01") | {"照片": "a" * 64}))
    assert "图片" in text and "a" * 64 not in text


def test_seal_floats_over_the_text_and_the_barcode_is_inline(repack, template):
    form = with_images(repack, template)
    seal = picture(600, 600)
    made = render_word(
        form,
        sample_values("E01"),
        PrintContext(number="E01-2026-0001", seal=SealMark("公章", seal, 42.0, 42.0)),
    )
    parts = read_package(made)
    body = etree.fromstring(parts["word/document.xml"])
    (anchor,) = body.iter("{*}anchor")
    assert anchor.get("behindDoc") == "0"
    assert anchor.find("{*}extent").get("cx") == str(42 * EMU)
    assert anchor.find("{*}wrapNone") is not None
    (bars,) = body.iter("{*}inline")
    assert "条码 E01-2026-0001" in bars.find("{*}docPr").get("descr")
    ids = [one.get("id") for one in body.iter("{*}docPr")]
    assert len(ids) == len(set(ids)) == 2


def test_number_no_bars_can_hold_is_printed_as_text(repack, template):
    form = with_images(repack, template)
    made = render_word(form, sample_values("E01"), PrintContext(number="信·2026-1"))
    assert not list(etree.fromstring(read_package(made)["word/document.xml"]).iter("{*}inline"))
    assert "信·2026-1" in document_text(made).splitlines()[-3:] or "信·2026-1" in document_text(
        made
    )


def test_entries_called_like_a_built_in_tag_stay_entries(template, repack):
    form = with_images(repack, template)
    own = replace(form, fields=(*form.fields, Field(key="条码", label="条码", kind="text")))
    tags = print_tags(own, {"条码": "自己填的"}, PrintContext(number="E01-1"))
    assert tags["条码"] == "自己填的"
    assert ("条码",) not in print_pictures(own, {}, PrintContext(number="E01-1"))


def modules(content, across):
    """Return the first row of a code as its modules, read back from the picture."""
    with Image.open(io.BytesIO(content)) as image:
        row = [0 if image.convert("L").getpixel((x, 6)) else 1 for x in range(image.width)]
    assert len(row) % across == 0
    return row[across // 2 :: across]


def test_barcode_holds_the_code_128_of_the_text():
    bars = modules(find_barcode_picture("AB12").content, 3)
    start, stop = "11010010000", "1100011101011"
    line = "".join(map(str, bars)).strip("0")
    assert line.startswith(start) and line.endswith(stop)
    assert len(bars) == 20 + len(line) and bars[:10] == [0] * 10
    for text in ("", "档号", "Z109-KH·2026", "a\tb", "x" * 61):
        assert find_barcode_picture(text) is None


def test_qr_picture_is_a_whole_code_with_its_three_eyes():
    code = qr_picture("https://例子/验/1?号=客户&合同")
    with Image.open(io.BytesIO(code.content)) as image:
        image.load()
        side = image.width // 4
        dots = [[0 if image.convert("L").getpixel((4 * x + 1, 4 * y + 1)) else 1
                 for x in range(side)] for y in range(side)]  # fmt: skip
    eye = [1, 1, 1, 1, 1, 1, 1]
    assert image.width == image.height
    assert dots[1][1:8] == eye and dots[1][-8:-1] == eye and dots[-8][1:8] == eye
    assert not any(dots[0]) and not any(row[0] for row in dots)


def _jpeg_without_size():
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9" + bytes(40)


def _huge_png():
    head = struct.pack(">IIBBBBB", 70_000, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + zlib.compress(b"x") * 9


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + bytes(99), b"\x89PNG\r\n\x1a\n", _jpeg_without_size(), _huge_png(),
     b"\xff\xd8\xff" + b"\xff" * 5000, b"<svg/>", bytes(5 * 1024 * 1024)],
)  # fmt: skip
def test_what_is_no_picture_is_refused_with_a_word(content):
    makes = (signature_picture, lambda *one: seal_picture(*one, 42.0, 42.0), entry_picture)
    for make in makes:
        with pytest.raises(BadTemplate) as caught:
            make(content, "照片")
        assert "图片" in caught.value.message


def test_jpeg_is_measured_by_its_frame():
    made = entry_picture(picture(960, 480, "JPEG"), "照片")
    assert (made.suffix, round(made.width), round(made.height)) == ("jpeg", 160, 80)


def test_signature_must_be_png():
    with pytest.raises(BadTemplate, match="不是 PNG"):
        signature_picture(picture(kind="JPEG"), "陈立新")


def test_slow_way_shows_the_same_pictures(repack, template):
    form = with_images(repack, template)
    wide = picture(3000, 1000)
    values = {"照片": digest(wide), "附图": [{"图": digest(wide)}]}
    context = PrintContext(images={digest(wide): wide})
    compiled = Compiled(form.template)
    compiled.fallback = "试验"
    made = compiled.render(
        print_tags(form, values, context, draft=True), print_pictures(form, values, context)
    )
    sizes, media, _ = shown(made)
    assert sizes == [pytest.approx((26.0, 26 / 3), abs=0.1)] * 2
    assert len(media) == 1


def test_template_made_from_a_filled_document_keeps_its_pictures(template):
    mark = {"经理": SignatureMark("李强", "今天", picture())}
    form = load_form("E01")
    filled = render_word(form, sample_values("E01"), PrintContext(signatures=mark))
    body = read_package(filled)
    assert "word/media/rIdPicture1.png" in body
    again = Compiled(filled)
    assert again._ids == "rIdPicturex"


def test_marks_of_a_signer_are_made_harmless():
    marks = {"经理": SignatureMark("李\x00强\u202e", "2026年\x07", None)}
    text = document_text(
        render_word(load_form("E01"), sample_values("E01"), PrintContext("N\x00", signatures=marks))
    )
    assert "李\ufffd强\ufffd" in text and "2026年\ufffd" in text
