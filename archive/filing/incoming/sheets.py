"""Separator sheets as an A4 PDF: a QR code, a barcode, and in words what they say.

One page a sheet, drawn in black and white at 200 dpi, so that any scanner finds it again.
"""

import io
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache

import segno
from barcode.codex import Code128
from PIL import Image, ImageDraw, ImageFont

from archive.core.errors import Invalid, Unavailable
from archive.filing.incoming.separators import LIMITS, MARK, code_of
from archive.filing.rules import line_fault

DPI = 200
WIDTH, HEIGHT = 1654, 2339  # A4
MOST_SHEETS = 50
WORDS = {"item_class": "类目", "customer": "客户", "number": "文号"}
_QR_SIDE = 800
_BAR = 6  # dots of the narrowest bar: 0.76 mm


def sheets_pdf(values: Mapping[str, str], copies: int) -> bytes:
    """Return so many equal sheets as one PDF; raise Invalid, Unavailable without a font."""
    wrong = {
        key: fault
        for key, limit in LIMITS.items()
        if (fault := line_fault(values.get(key, ""), limit))
    }
    if not 1 <= copies <= MOST_SHEETS:
        wrong["copies"] = f"一次印 1 到 {MOST_SHEETS} 张"
    if wrong:
        raise Invalid("分隔页有误：" + "；".join(wrong.values()) + "。", wrong)
    page = _page({key: values[key] for key in LIMITS if values.get(key)})
    out = io.BytesIO()
    page.save(out, "PDF", resolution=DPI, save_all=True, append_images=[page] * (copies - 1))
    return out.getvalue()


def _page(values: Mapping[str, str]) -> Image.Image:
    page = Image.new("1", (WIDTH, HEIGHT), 1)
    pen = ImageDraw.Draw(page)
    _write(pen, "分 隔 页", 150, 110)
    _write(pen, "这一页后面是另一份文件；扫描后自动拆开，本页不归档。", 320, 44)
    _draw_qr(page, code_of(values), 460)
    _draw_barcode(pen, 1380)
    lines = [f"{WORDS[key]}：{value}" for key, value in values.items()] or ["新的一份文件"]
    top = 1760
    for line in lines:
        for piece in _folded(line, 26):
            _write(pen, piece, top, 56)
            top += 78
    return page


def _draw_qr(page: Image.Image, text: str, top: int) -> None:
    rows = [list(row) for row in segno.make(text, error="q", micro=False).matrix]
    size = len(rows)
    code = Image.new("1", (size, size), 1)
    code.putdata([0 if dot else 1 for row in rows for dot in row])
    scale = _QR_SIDE // size
    side = size * scale
    page.paste(code.resize((side, side), Image.Resampling.NEAREST), ((WIDTH - side) // 2, top))


def _draw_barcode(pen: ImageDraw.ImageDraw, top: int) -> None:
    modules = Code128(MARK).build()[0]
    left = (WIDTH - len(modules) * _BAR) // 2
    for place, module in enumerate(modules):
        if module == "1":
            at = left + place * _BAR
            pen.rectangle((at, top, at + _BAR - 1, top + 240), fill=0)
    _write(pen, MARK, top + 260, 36)


def _write(pen: ImageDraw.ImageDraw, text: str, top: int, size: int) -> None:
    pen.text((WIDTH // 2, top), text, font=_face(size), fill=0, anchor="ma")


def _folded(text: str, width: int) -> Sequence[str]:
    return [text[at : at + width] for at in range(0, len(text), width)]


@cache
def _face(size: int) -> ImageFont.FreeTypeFont:
    try:
        told = subprocess.run(
            ["fc-match", "-f", "%{file}\n%{index}", "sans:lang=zh-cn"],
            capture_output=True,
            timeout=30,
            check=True,
            text=True,
        )
        path, index = told.stdout.split("\n")[:2]
        return ImageFont.truetype(path, size, index=int(index) & 0xFFFF)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Unavailable("服务器上没有中文字体，印不出分隔页；请管理员安装字体。") from error
