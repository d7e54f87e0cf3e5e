"""The look of a signature: cut to its ink, dated, small; hostile pictures are refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from archive.signing.appearance import HEIGHT, WIDTH, AppearanceError, compose, is_blank

DATE = "2026年11月23日"


def png_of(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def drawing(mode="RGBA", ground=(0, 0, 0, 0), ink=(10, 20, 140, 255), size=(600, 200)):
    picture = Image.new(mode, size, ground)
    pen = ImageDraw.Draw(picture)
    pen.line([(100, 150), (200, 40), (300, 150), (420, 60)], fill=ink, width=6)
    return png_of(picture)


def dots_of(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def claimed_png(width, height, body=b""):
    """A PNG whose header claims a size, true or not."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", body), (b"IEND", b"")]
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, content in chunks:
        parts += [struct.pack(">I", len(content)), kind, content]
        parts.append(struct.pack(">I", zlib.crc32(kind + content)))
    return b"".join(parts)


def test_a_signature_is_30_by_12_mm_with_a_small_palette():
    png = compose(drawing(), "张三", DATE)
    picture = Image.open(io.BytesIO(png))
    assert (picture.size, picture.mode) == ((WIDTH, HEIGHT), "P")
    assert round(picture.info["dpi"][0]) == 300
    assert "transparency" in picture.info
    assert len(png) < 10_000


def test_the_drawing_is_cut_to_its_ink_and_keeps_its_colour():
    upper = dots_of(compose(drawing(), "张三", DATE))[: HEIGHT - 38]
    rows, columns = np.nonzero(upper[..., 3] > 128)
    assert np.ptp(rows) > 85
    assert 200 < np.ptp(columns) < 340
    red, green, blue = upper[rows, columns, :3].mean(axis=0)
    assert blue > 100 > red + green


def test_the_date_stands_under_the_signature_in_black():
    with_date, without = (dots_of(compose(drawing(), "张三", text)) for text in (DATE, ""))
    lower = with_date[HEIGHT - 38 :]
    assert (lower[..., 3] > 128).sum() > 300
    assert lower[..., :3].max() < 40
    rows = np.nonzero(without[..., 3].max(axis=1) > 128)[0]
    assert np.ptp(rows) > HEIGHT - 30, "without a date the signature takes the whole box"


def test_no_drawing_sets_the_name():
    zhang, li = (dots_of(compose(None, name, DATE)) for name in ("张三", "李四"))
    assert (zhang[: HEIGHT - 38, :, 3] > 128).sum() > 1000
    assert not np.array_equal(zhang, li)


def test_the_one_who_was_absent_prints_too():
    plain, behalf = (dots_of(compose(drawing(), "张三", DATE, on)) for on in ("", "欧阳修远"))
    assert (behalf[HEIGHT - 38 :, :, 3] > 128).sum() > 1.3 * (
        plain[HEIGHT - 38 :, :, 3] > 128
    ).sum()


@pytest.mark.parametrize(
    "name", ["𠮷永", "买买提·阿布都热合曼·托乎提", "客户&合同", "A<B & C", "{{7*7}}"]
)
def test_rare_and_strange_names_print(name):
    assert (dots_of(compose(None, name, DATE))[: HEIGHT - 38, :, 3] > 128).sum() > 300


def test_rare_characters_are_no_empty_boxes():
    rare, other = (dots_of(compose(None, name, "")) for name in ("𠮷", "𠮟"))
    assert not np.array_equal(rare, other)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("长" * 10_000, "最多印 40 个字"),
        ("张\x00三", r"U\+0000"),
        ("张\u202e三", r"U\+202E"),
        ("张\n三", r"U\+000A"),
    ],
)
def test_text_that_cannot_print_as_typed_is_refused(text, says):
    for arguments in [(text, DATE, ""), ("张三", text, ""), ("张三", DATE, text)]:
        with pytest.raises(AppearanceError, match=says):
            compose(None, *arguments)


def test_an_unprintable_name_needs_a_drawing():
    with pytest.raises(AppearanceError, match="没有“🧧”"):
        compose(None, "红包🧧", DATE)
    assert compose(drawing(), "红包🧧", DATE)


def test_nobody_signs_without_a_name():
    with pytest.raises(AppearanceError, match="姓名是空的"):
        compose(drawing(), "  ", DATE)


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGBA", (600, 200), (0, 0, 0, 0)),
        Image.new("RGB", (600, 200), "white"),
        Image.new("RGB", (600, 200), "black"),
        Image.new("L", (600, 200), 200),
        Image.new("1", (1, 1), 0),
        Image.new("RGBA", (600, 200), (255, 255, 255, 255)),
    ],
)
def test_a_picture_without_strokes_is_blank(picture):
    assert is_blank(png_of(picture))
    with pytest.raises(AppearanceError, match="空白"):
        compose(png_of(picture), "张三", DATE)


def test_a_dot_is_no_signature():
    picture = Image.new("RGB", (600, 200), "white")
    ImageDraw.Draw(picture).ellipse((300, 100, 307, 107), fill="black")
    assert is_blank(png_of(picture))


@pytest.mark.parametrize(
    "png",
    [
        drawing(),
        drawing("RGB", "white", "black"),
        drawing("L", 255, 0),
        drawing("1", 1, 0),
        drawing("RGB", (205, 205, 200), (30, 30, 60)),
    ],
)
def test_every_common_kind_of_drawing_is_read(png):
    assert not is_blank(png)
    ink = dots_of(compose(png, "张三", ""))[..., 3]
    assert 0.01 < (ink > 128).mean() < 0.35, "grey paper must not count as ink"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"<svg onload='x'/>",
        b"\xff\xd8\xff\xe0JFIF" + b"\0" * 99,
    ],
)
def test_what_is_no_png_is_refused(content):
    for act in (is_blank, lambda png: compose(png, "张三", DATE)):
        with pytest.raises(AppearanceError, match="要用 PNG"):
            act(content)


@pytest.mark.parametrize("size", [(2001, 2000), (2**31 - 1, 2**31 - 1), (100_000, 100_000)])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(size):
    with pytest.raises(AppearanceError, match="太大"):
        is_blank(claimed_png(*size, zlib.compress(b"\0" * 1000)))


def test_an_empty_size_is_refused():
    with pytest.raises(AppearanceError):
        is_blank(claimed_png(0, 10))


def test_a_huge_file_is_refused():
    with pytest.raises(AppearanceError, match="KB"):
        is_blank(drawing() + b"\0" * 3_000_000)


def test_a_torn_picture_is_refused():
    whole = drawing()
    for torn in (whole[: len(whole) // 2], claimed_png(100, 100, b"not zlib"), whole[:40]):
        with pytest.raises(AppearanceError, match="已损坏"):
            is_blank(torn)
