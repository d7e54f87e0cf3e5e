"""What a signature looks like: the drawn signature or the name in 楷体, with the date under it.

A picture of 30 mm × 12 mm at 300 dots an inch, transparent, few colours, so that it is small in
the PDF and in Word. Here: judging and composing pictures. Not here: putting them into a file
(``pades``, the Word templates). Called by the signing service and where a person saves the
drawn signature.
"""

import io
import struct
import subprocess
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from archive.core.errors import Invalid

WIDTH, HEIGHT = 354, 142  # 30 mm × 12 mm at 300 dpi
MOST_PIXELS = 4_000_000
MOST_BYTES = 2_000_000
LONGEST_TEXT = 40
DPI = 300

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FOOT = 38  # height of the line with the date
_SMALL = 30  # its letters, in dots: 7 pt
_MARGIN = 4
_FAINT = 28  # less than this is paper, not ink
_LEAST_INK = 40  # dots; less is a slip of the pen
_LEAST_SPAN = 10
_LEVELS = 16  # steps from paper to ink
_BLACK = (20, 20, 20)
_FACES = (
    "楷体,KaiTi,STKaiti,KaiTi_GB2312,AR PL UKai CN,Source Han Serif SC,Noto Serif CJK SC,"
    "SimSun,AR PL UMing CN,Noto Sans CJK SC"
)

_Levels = npt.NDArray[np.uint8]


class AppearanceError(Invalid):
    """The picture or the text cannot become a signature; the message says what to do."""

    code = "signature_image"


@dataclass(frozen=True)
class _Ink:
    """How much ink lies where (0–255), and its colour."""

    amount: _Levels
    colour: tuple[int, int, int]


def compose(drawn_png: bytes | None, name: str, date_text: str, on_behalf_of: str = "") -> bytes:
    """Return the signature as a PNG with a palette and a transparent ground.

    The drawn signature is cut to its ink; without one the name is set in 楷体. ``on_behalf_of``
    prints as 代某某 beside the date. Raises AppearanceError for a picture that is no signature
    and for text that cannot be printed as typed.
    """
    name, date_text, on_behalf_of = (_checked(text) for text in (name, date_text, on_behalf_of))
    if not name:
        raise AppearanceError("签名人的姓名是空的，不能签名。请先填好姓名。")
    foot = "  ".join(
        part for part in (f"代{on_behalf_of}" if on_behalf_of else "", date_text) if part
    )
    room = HEIGHT - (_FOOT if foot else 0)
    if drawn_png is None:
        upper = _Ink(_set_text(name, WIDTH, room, room - 2 * _MARGIN), _BLACK)
    else:
        upper = _fitted(_cropped(_read_ink(drawn_png)), WIDTH, room)
    lower = _set_text(foot, WIDTH, HEIGHT - room, _SMALL) if foot else None
    return _encoded(upper, lower)


def is_blank(png: bytes) -> bool:
    """Whether nothing, or next to nothing, is drawn. Raises AppearanceError if it is no PNG."""
    return _is_empty(_read_ink(png).amount)


def _checked(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise AppearanceError(
            f"“{text[:10]}…”有 {len(text)} 个字，签名栏里最多印 {LONGEST_TEXT} 个字。请缩短后再试。"
        )
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            raise AppearanceError(
                f"签名文字里有看不见的控制字符（U+{ord(char):04X}），请删去后再试。"
            )
    return text


def _read_ink(png: bytes) -> _Ink:
    """The drawing as ink on paper; judged by its content and size before it is unpacked."""
    _check_header(png)
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            picture.load()
            colours = picture.convert("RGBA")
    except (OSError, SyntaxError, ValueError, EOFError, zlib.error, struct.error) as wrong:
        raise AppearanceError("手写签名图片已损坏，打不开。请重新签一次，或换一张图片。") from wrong
    paper = Image.new("RGBA", colours.size, (255, 255, 255, 255))
    paper.alpha_composite(colours)
    dots = np.asarray(paper.convert("RGB"))
    darkness = 255 - dots.min(axis=2)
    ground = int(np.percentile(darkness, 10))  # a scan on grey paper is grey everywhere
    amount = np.clip(
        (darkness.astype(np.int32) - ground) * 255 // max(255 - ground, 1), 0, 255
    ).astype(np.uint8)
    amount[amount < _FAINT] = 0
    return _Ink(amount, _colour(dots, amount))


def _check_header(png: bytes) -> None:
    if len(png) > MOST_BYTES:
        raise AppearanceError(
            f"手写签名图片有 {len(png) // 1000} KB，最多 {MOST_BYTES // 1000} KB。请缩小后再上传。"
        )
    if png[:8] != _SIGNATURE or len(png) < 33 or png[12:16] != b"IHDR":
        raise AppearanceError("手写签名要用 PNG 图片。请重新签一次，或把图片另存为 PNG 再上传。")
    width, height = struct.unpack(">II", png[16:24])
    if not 0 < width * height <= MOST_PIXELS:
        raise AppearanceError(
            f"手写签名图片是 {width}×{height} 点，太大（最多 400 万点）。请缩小后再上传。"
        )


def _colour(dots: npt.NDArray[np.uint8], amount: _Levels) -> tuple[int, int, int]:
    """The colour of the darkest quarter of the ink: 黑, 蓝 or the red of a name seal."""
    if not amount.any():
        return _BLACK
    strong = dots[amount >= np.quantile(amount[amount > 0], 0.75)]
    red, green, blue = (int(value) for value in np.median(strong, axis=0))
    return red, green, blue


def _is_empty(amount: _Levels) -> bool:
    rows, columns = np.nonzero(amount)
    if len(rows) < _LEAST_INK:
        return True
    span = max(int(np.ptp(rows)), int(np.ptp(columns)))
    return span < _LEAST_SPAN


def _cropped(ink: _Ink) -> _Ink:
    if _is_empty(ink.amount):
        raise AppearanceError("签名是空白的，看不出笔迹。请在签名框里重新签一次。")
    rows, columns = np.nonzero(ink.amount)
    cut = ink.amount[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return _Ink(cut, ink.colour)


def _fitted(ink: _Ink, width: int, height: int) -> _Ink:
    """The ink scaled into the room, its proportions kept, in the middle."""
    tall, wide = ink.amount.shape
    scale = min((width - 2 * _MARGIN) / wide, (height - 2 * _MARGIN) / tall)
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    scaled = Image.fromarray(ink.amount).resize(size, Image.Resampling.LANCZOS)
    room = Image.new("L", (width, height), 0)
    room.paste(scaled, ((width - size[0]) // 2, (height - size[1]) // 2))
    return _Ink(np.asarray(room), ink.colour)


def _set_text(text: str, width: int, height: int, size: int) -> _Levels:
    """The text in the middle of the room, smaller where it would not fit."""
    runs = text_runs(text)
    while size > 8 and run_length(runs, size) > width - 2 * _MARGIN:
        size -= 1
    room = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(room)
    across = max(0.0, (width - run_length(runs, size)) / 2)
    for face, run in runs:
        font = type_face(face, size)
        pen.text((across, height / 2), run, fill=255, font=font, anchor="lm")
        across += font.getlength(run)
    return np.asarray(room)


def run_length(runs: "list[tuple[Face, str]]", size: int) -> float:
    """Return how long the runs are in dots."""
    return sum(type_face(face, size).getlength(run) for face, run in runs)


@dataclass(frozen=True)
class Face:
    """A font file and the characters it holds, as fontconfig tells."""

    path: str
    index: int
    ranges: tuple[tuple[int, int], ...]

    def has(self, char: str) -> bool:
        """Whether the font draws a character."""
        return any(low <= ord(char) <= high for low, high in self.ranges)


def text_runs(text: str) -> list[tuple[Face, str]]:
    """The text cut where the face must change: a rare character comes from another font."""
    runs: list[tuple[Face, str]] = []
    for char in text:
        face = _face_for(char)
        if runs and runs[-1][0] == face:
            runs[-1] = (face, runs[-1][1] + char)
        else:
            runs.append((face, char))
    return runs


def _face_for(char: str) -> Face:
    preferred = _match(_FACES + ":lang=zh-cn")
    if char == " " or preferred.has(char):
        return preferred
    other = _match(f"{_FACES}:charset={ord(char):x}")
    if not other.has(char) or "Emoji" in other.path:  # colour fonts hold no outline
        raise AppearanceError(
            f"这台服务器的字体里没有“{char}”，印不出来。请改用手写签名，或请管理员安装字体。"
        )
    return other


@lru_cache(maxsize=256)
def _match(pattern: str) -> Face:
    """The best font for a fontconfig pattern."""
    try:
        answer = subprocess.run(
            ["fc-match", "-f", "%{file}\n%{index}\n%{charset}\n", pattern],
            capture_output=True,
            timeout=30,
            check=True,
            text=True,
        )
    except (OSError, subprocess.SubprocessError) as wrong:
        raise AppearanceError(
            "服务器上没有可用的字体设置（fontconfig），印不出姓名。请改用手写签名，或请管理员安装。"
        ) from wrong
    path, index, charset = answer.stdout.split("\n")[:3]
    ranges = []
    for part in charset.split():
        low, _, high = part.partition("-")
        ranges.append((int(low, 16), int(high or low, 16)))
    return Face(path, int(index) & 0xFFFF, tuple(ranges))


@lru_cache(maxsize=128)
def type_face(face: Face, size: int) -> ImageFont.FreeTypeFont:
    """Return the face in a size of dots, opened once."""
    return ImageFont.truetype(face.path, size, index=face.index)


def _encoded(upper: _Ink, lower: _Levels | None) -> bytes:
    """Both parts as one PNG: a palette of two inks in steps from clear to full."""
    parts = [upper.amount.astype(np.uint16) * (_LEVELS - 1) // 255]
    if lower is not None:
        faint = lower.astype(np.uint16) * (_LEVELS - 1) // 255
        parts.append(faint + _LEVELS)
    picture = Image.fromarray(np.vstack(parts).astype(np.uint8)).convert("P")
    picture.putpalette([*upper.colour] * _LEVELS + [*_BLACK] * _LEVELS)
    steps = bytes(level * 255 // (_LEVELS - 1) for level in range(_LEVELS))
    png = io.BytesIO()
    picture.save(png, "PNG", transparency=steps * 2, dpi=(DPI, DPI))  # optimizing costs 4 ms
    return png.getvalue()
