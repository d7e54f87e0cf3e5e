"""The picture of a seal or a mark: its paper made transparent, cut to its ink; 骑缝章 sliced.

Bytes in, bytes out. A seal prints in its own size in mm at 300 dots an inch and lets the text
under it be read.
"""

import io
import itertools
import math
import struct

import numpy as np
from PIL import Image

from archive.core.errors import Invalid

MOST_BYTES = 4_000_000
MOST_PIXELS = 16_000_000
FEWEST_PIXELS = 150  # of the longer side
FEWEST_MARK_PIXELS = 60
MARK_SIZE = (708, 284)  # twice the signature's box at 300 dots an inch
DOTS_PER_MM = 300 / 25.4
OPACITY = 0.88
MOST_SLICES = 20
FAINT = 24
ASPECT = 0.12  # how far picture and size may differ


def prepare(content: bytes, width_mm: float, height_mm: float) -> bytes:
    """Return the seal as a PNG with a palette and a transparent ground, at 300 dots an inch.

    A scan on white paper and a picture with a transparent ground do alike. Raises Invalid for
    what is no picture, too small, empty, or of another shape than the size in mm.
    """
    ink = _cut(_without_paper(_opened(content)))
    wide, high = ink.size
    if max(wide, high) < FEWEST_PIXELS:
        raise Invalid(
            "印模图片太小，印出来会模糊。请用 300 点/英寸扫描。",
            {"image": f"现在只有 {wide}×{high} 点"},
        )
    if abs(wide / high / (width_mm / height_mm) - 1) > ASPECT:
        raise Invalid(
            "印模图片的形状与所填的尺寸不符。",
            {"image": f"图片是 {wide}×{high} 点，尺寸是 {width_mm:g}×{height_mm:g} 毫米"},
        )
    size = (round(width_mm * DOTS_PER_MM), round(height_mm * DOTS_PER_MM))
    return _png(ink.resize(size, Image.Resampling.LANCZOS))


def prepare_mark(content: bytes) -> bytes:
    """Return a person's name seal or signature as a PNG with a transparent ground.

    Raises Invalid for what is no picture, too small, or empty.
    """
    ink = _cut(_without_paper(_opened(content), opacity=1.0))
    if max(ink.size) < FEWEST_MARK_PIXELS:
        raise Invalid(
            "图片太小，印出来会模糊。", {"image": f"现在只有 {ink.width}×{ink.height} 点"}
        )
    ink.thumbnail(MARK_SIZE, Image.Resampling.LANCZOS)
    return _png(ink)


def slices(seal_png: bytes, pages: int) -> list[bytes]:
    """Return each page's part of a seal that lies across the pages' edges, from page 1 on.

    At most 20 parts make one seal; a longer paper gets it again and again.
    """
    with Image.open(io.BytesIO(seal_png), formats=["PNG"]) as opened:
        seal = opened.convert("RGBA")
    parts: list[bytes] = []
    for share in shares(pages):
        edges = [round(seal.width * nth / share) for nth in range(share + 1)]
        parts += [
            _png(seal.crop((left, 0, right, seal.height)))
            for left, right in itertools.pairwise(edges)
        ]
    return parts


def shares(pages: int) -> list[int]:
    """Return over how many pages each seal across the edges goes; none for a single page."""
    if pages < 2:
        return []
    seals = math.ceil(pages / MOST_SLICES)
    each, more = divmod(pages, seals)
    return [each + 1] * more + [each] * (seals - more)


def _opened(content: bytes) -> Image.Image:
    if not content:
        raise Invalid("请选择图片。", {"image": "PNG 或 JPEG"})
    if len(content) > MOST_BYTES:
        raise Invalid("图片太大，最多 4 MB。", {"image": "请缩小后再传"})
    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise Invalid(
                    f"图片是 {picture.width}×{picture.height} 点，太大。",
                    {"image": "最多 1600 万点，请缩小后再传"},
                )
            return picture.convert("RGBA")
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as wrong:
        raise Invalid("图片打不开，请用 PNG 或 JPEG 图片。", {"image": "不是完好的图片"}) from wrong


def _without_paper(picture: Image.Image, opacity: float = OPACITY) -> Image.Image:
    """Return only the ink: the whiter a dot, the more transparent."""
    paper = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    paper.alpha_composite(picture)
    dots = np.asarray(paper.convert("RGB")).astype(np.float32)
    amount = 255 - dots.min(axis=2)
    amount[amount < FAINT] = 0
    cover = np.maximum(amount, 1)[:, :, None] / 255
    colour = np.clip((dots - 255 * (1 - cover)) / cover, 0, 255)
    colour[amount == 0] = 255
    alpha = np.clip(amount * opacity, 0, 255)[:, :, None]
    return Image.fromarray(np.concatenate([colour, alpha], axis=2).astype(np.uint8), "RGBA")


def _cut(ink: Image.Image) -> Image.Image:
    box = ink.getchannel("A").getbbox()
    if box is None:
        raise Invalid("图片是空白的。", {"image": "图片里没有印迹"})
    return ink.crop(box)


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.quantize(64, method=Image.Quantize.FASTOCTREE).save(
        out, "PNG", optimize=True, dpi=(300, 300)
    )
    return out.getvalue()
