"""Pictures set into a filled form: signatures, seals, codes, and pictures that are entries.

Judges PNG and JPEG by their heads, knows the sizes they print in, and draws the two kinds of
code. The XML that shows a picture is in drawings.py; word.py puts both into the package.
"""

import functools
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import segno
from barcode.codex import Code128
from barcode.errors import BarcodeError

from doc_templates.errors import BadTemplate

SIGNATURE_BOX = (30.0, 12.0)
QR_SIZE = 15.0
BAR_HEIGHT, BAR_WIDTH, BARCODE_LONGEST = 9.0, 0.25, 70.0
QUIET_ZONE = 10
MOST_CODE_LETTERS = 60
WIDEST_BOX = (160.0, 100.0)
DOTS_PER_MM = 96 / 25.4
MAX_BYTES = 4 * 1024 * 1024
MAX_SIDE = 6_000
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
JPEG_HEAD = b"\xff\xd8\xff"
JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and the size it is printed in, mm; `told` is read out in its place.

    `floating` ones lie over the text and move nothing; `fits` ones shrink to their table cell.
    """

    content: bytes
    width: float
    height: float
    told: str
    suffix: str = "png"
    floating: bool = False
    fits: bool = False

    def within(self, width: float, height: float) -> "Picture":
        """Return the picture shrunk into a box, aspect kept; never made larger."""
        scale = min(1.0, width / self.width, height / self.height)
        return replace(self, width=self.width * scale, height=self.height * scale)


def signature_picture(png: bytes, name: str) -> Picture:
    """Return a signature fitted into its 30 × 12 mm box, aspect kept."""
    suffix, width, height = _measure(png, "签名图片")
    if suffix != "png":
        raise BadTemplate("签名图片不是 PNG 图片，请重新签名")
    scale = min(SIGNATURE_BOX[0] / width, SIGNATURE_BOX[1] / height)
    return Picture(png, width * scale, height * scale, f"{name}的签名")


def seal_picture(png: bytes, name: str, width: float, height: float) -> Picture:
    """Return a seal that lies over the text, in its own size in mm."""
    suffix, *_ = _measure(png, "印章图片")
    return Picture(png, width, height, name, suffix, floating=True)


def entry_picture(content: bytes, label: str) -> Picture:
    """Return the picture of an entry at 96 dots an inch, shrunk later to the cell it stands in."""
    suffix, width, height = _measure(content, f"“{label}”的图片")
    natural = Picture(content, width / DOTS_PER_MM, height / DOTS_PER_MM, label, suffix, fits=True)
    return natural.within(*WIDEST_BOX)


@functools.lru_cache(maxsize=256)
def qr_picture(text: str) -> Picture:
    """Return the verification code as a QR picture of 15 mm."""
    code = segno.make(text, error="m", micro=False, mask=2)  # choosing a mask costs 3 ms
    blank = [0] * (len(code.matrix) + 2)
    rows = [blank, *([0, *row, 0] for row in code.matrix), blank]
    return Picture(_bitmap(rows, 4, 4), QR_SIZE, QR_SIZE, "核验二维码")


@functools.lru_cache(maxsize=256)
def find_barcode_picture(text: str) -> Picture | None:
    """Return a text as Code 128 bars, 9 mm high; None where Code 128 cannot hold the text."""
    if not text or len(text) > MOST_CODE_LETTERS or not text.isascii() or not text.isprintable():
        return None
    try:
        modules = Code128(text).build()[0]
    except BarcodeError:
        return None
    quiet = [0] * QUIET_ZONE
    row = [*quiet, *map(int, modules), *quiet]
    width = min(len(row) * BAR_WIDTH, BARCODE_LONGEST)
    return Picture(_bitmap([row], 3, 40), width, BAR_HEIGHT, f"条码 {text}")


def _bitmap(rows: Iterable[Sequence[int]], across: int, down: int) -> bytes:
    """Return a black and white PNG of the modules, each so many dots wide and high."""
    dots = ("1" * across, "0" * across)
    lines, width = bytearray(), 0
    for row in rows:
        bits = "".join(dots[module] for module in row)
        width = len(bits)
        packed = int(bits.ljust((width + 7) // 8 * 8, "0"), 2).to_bytes((width + 7) // 8, "big")
        lines += (b"\x00" + packed) * down
    height = len(lines) // ((width + 7) // 8 + 1)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(lines), 6)), (b"IEND", b""))
    return PNG_HEAD + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _measure(content: bytes, what: str) -> tuple[str, int, int]:
    """Return kind, width and height in dots of a picture; raise BadTemplate if it is none."""
    if len(content) > MAX_BYTES:
        raise BadTemplate(f"{what}太大，最多 4 MB")
    if content.startswith(PNG_HEAD) and len(content) >= 33:
        suffix, size = "png", struct.unpack(">II", content[16:24])
    elif content.startswith(JPEG_HEAD):
        suffix, size = "jpeg", _jpeg_size(content)
    else:
        raise BadTemplate(f"{what}不是 PNG 图片或 JPEG 图片，请重新添加")
    width, height = size
    if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE:
        raise BadTemplate(f"{what}的尺寸不对，请重新添加")
    return suffix, width, height


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Return width and height from the first frame header; (0, 0) if there is none."""
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker in JPEG_FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 1 if marker == 0xFF else 2 + length
    return 0, 0
