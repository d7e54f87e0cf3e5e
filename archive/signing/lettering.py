"""Text as a picture for a signer's entry on the frozen paper: 楷体 like the form's own entries.

Lines are broken to the cell, the type is made smaller until it fits, and what does not fit is
refused. Called by ``freeze``.
"""

import io

from PIL import Image, ImageDraw

from archive.signing.appearance import AppearanceError, run_length, text_runs, type_face

DPI = 300
DOTS = DPI / 72
LARGEST, SMALLEST = 10.5, 7.0  # points
LEADING = 1.45
TALL = 55.0  # points: a cell for sentences, not for one figure
FORBIDDEN_AT_START = "，。、；：？！）》」』”’…"


def set_paragraph(text: str, width: float, height: float) -> bytes:
    """Return the text as a PNG on white, the size of a cell in points; from the top in a tall one.

    Raises AppearanceError for text that does not fit even in small type, or cannot be printed.
    """
    size = LARGEST
    while size >= SMALLEST:
        lines = _broken(text, width * DOTS, round(size * DOTS))
        if len(lines) * size * LEADING <= height:
            return _drawn(lines, size, width, height, from_top=height > TALL)
        size -= 0.5
    room = int(width / SMALLEST) * int(height / (SMALLEST * LEADING))
    raise AppearanceError(
        f"“{text[:10]}…”有 {len(text)} 个字，文件上这一栏最多印得下约 {room} 个字，请写短些。"
    )


def _broken(text: str, width: float, size: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.replace("\r\n", "\n").split("\n"):
        line = ""
        for char in paragraph.replace("\t", "  "):
            fits = run_length(text_runs(line + char), size) <= width
            if line and not fits and char not in FORBIDDEN_AT_START:
                lines.append(line)
                line = ""
            line += char
        lines.append(line)
    return lines


def _drawn(lines: list[str], size: float, width: float, height: float, *, from_top: bool) -> bytes:
    dots, leading = round(size * DOTS), size * LEADING * DOTS
    sheet = Image.new("L", (round(width * DOTS), round(height * DOTS)), 255)
    pen = ImageDraw.Draw(sheet)
    top = 0.0 if from_top else (sheet.height - leading * len(lines)) / 2
    for place, line in enumerate(lines):
        across, middle = 0.0, top + (place + 0.5) * leading
        for face, run in text_runs(line):
            font = type_face(face, dots)
            pen.text((across, middle), run, fill=0, font=font, anchor="lm")
            across += font.getlength(run)
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True, dpi=(DPI, DPI))
    return out.getvalue()
