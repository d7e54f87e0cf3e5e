"""Labels on the label sheets that shops sell, as a PDF to be printed at its real size.

A page is one picture of 600 dots an inch in black and white: every bar is a whole number of
dots wide, and every letter prints wherever it is printed, without its font. Pure.
"""

import io
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

import segno
from barcode.codex import Code128
from PIL import Image, ImageDraw
from pypdf import PdfWriter

from archive.core.errors import Invalid
from archive.signing.appearance import AppearanceError, Face, text_runs, type_face

DPI = 600
PAPER = (210.0, 297.0)  # A4, mm
MOST_LABELS = 300
QUIET = 10  # modules on either side of Code 128 (ISO/IEC 15417)
QR_QUIET = 4  # modules around a QR code (ISO/IEC 18004)
WIDEST_MODULE = 9  # dots: 0.38 mm
MISSING = "□"

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class LabelSheet:
    """A sheet of labels; lengths in mm."""

    code: str
    title: str
    columns: int
    rows: int
    width: float
    height: float
    left: float
    top: float
    gap_x: float
    gap_y: float

    @property
    def places(self) -> int:
        """How many labels it has."""
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """Return the upper left corner (mm) of the label at ``place`` (0 first, by rows)."""
        row, column = divmod(place, self.columns)
        return (
            self.left + column * (self.width + self.gap_x),
            self.top + row * (self.height + self.gap_y),
        )


@dataclass(frozen=True)
class Label:
    """What stands on a label: a heading, smaller lines, the barcode, the text of the QR code."""

    heading: str
    lines: tuple[str, ...]
    barcode: str
    qr: str


@cache
def label_sheets() -> dict[str, LabelSheet]:
    """Return the sheets by their code, in the order of the table."""
    text = Path(__file__).with_name("label_sheets.toml").read_text(encoding="utf-8")
    return {row["code"]: LabelSheet(**row) for row in tomllib.loads(text)["sheet"]}


def draw_labels(labels: Sequence[Label], sheet_code: str, start: int = 1) -> bytes:
    """Return a PDF of labels, the first at position ``start`` (1 is the upper left one).

    Raises Invalid for an unknown sheet, a position that is not on it, none or too many labels.
    """
    sheet = label_sheets().get(sheet_code)
    if sheet is None:
        raise Invalid("没有这种标签纸，请从列表中选。", {"sheet": "请从列表中选"})
    if not 1 <= start <= sheet.places:
        fault = f"应在 1 到 {sheet.places} 之间"
        raise Invalid(f"开始位置有误：{fault}（这种标签纸一张的枚数）。", {"start": fault})
    if not 1 <= len(labels) <= MOST_LABELS:
        raise Invalid(
            f"一次印 1 到 {MOST_LABELS} 枚标签，现在有 {len(labels)} 枚；请缩小范围。",
            {"what": "数量不对"},
        )
    merged = PdfWriter()
    for page in _pages(labels, sheet, start - 1):
        out = io.BytesIO()
        page.save(out, "PDF", resolution=DPI)
        merged.append(out)
    merged.add_metadata({"/Title": "标签"})
    setattr(merged.create_viewer_preferences(), "print_scaling", "/None")  # noqa: B010  # untyped
    made = io.BytesIO()
    merged.write(made)
    return made.getvalue()


def _pages(labels: Sequence[Label], sheet: LabelSheet, first: int) -> Iterator[Image.Image]:
    at, rest = first, list(labels)
    while rest:
        page = Image.new("1", (_dots(PAPER[0]), _dots(PAPER[1])), 1)
        now, rest = rest[: sheet.places - at], rest[sheet.places - at :]
        for place, label in enumerate(now, start=at):
            left, top = sheet.corner(place)
            _draw(page, label, (_dots(left), _dots(top), _dots(sheet.width), _dots(sheet.height)))
        yield page
        at = 0


def _draw(page: Image.Image, label: Label, box: Box) -> None:
    """Draw a label: words and QR code above, barcode with its digits below."""
    left, top, width, height = box
    is_small = height < _dots(25)
    margin = _dots(1.2 if is_small else 2.5)
    x, y, inner, deep = left + margin, top + margin, width - 2 * margin, height - 2 * margin
    digits = _dots(2.3 if is_small else 3)
    bars = _dots(6 if is_small else 9)
    foot = y + deep - digits
    _draw_barcode(page, label.barcode, (x, foot - bars, inner, bars))
    pen = ImageDraw.Draw(page)
    _write(pen, label.barcode, (x, foot + _dots(0.2)), digits - _dots(0.3), inner, centred=True)
    upper = deep - digits - bars - _dots(0.4)
    side = _draw_qr(page, label.qr, x + inner, y, upper)
    _write_lines(pen, label, (x, y, inner - side - _dots(0.6), upper), is_small)


def _draw_barcode(page: Image.Image, code: str, box: Box) -> None:
    modules = Code128(code).build()[0]
    left, top, width, height = box
    dot = min(WIDEST_MODULE, max(1, width // (len(modules) + 2 * QUIET)))
    start = left + (width - dot * len(modules)) // 2
    pen = ImageDraw.Draw(page)
    for place, module in enumerate(modules):
        if module == "1":
            at = start + place * dot
            pen.rectangle((at, top, at + dot - 1, top + height - 1), fill=0)


def _draw_qr(page: Image.Image, text: str, right: int, top: int, room: int) -> int:
    """Draw a QR code into the upper right corner; return how wide it is."""
    if not text:
        return 0
    rows = list(segno.make(text, error="m", micro=False).matrix)
    dot = max(1, min(room, _dots(20)) // (len(rows) + 2 * QR_QUIET))
    side = dot * (len(rows) + 2 * QR_QUIET)
    start = right - side + dot * QR_QUIET
    pen = ImageDraw.Draw(page)
    for y, row in enumerate(rows):
        for x, module in enumerate(row):
            if module:
                at, down = start + x * dot, top + (y + QR_QUIET) * dot
                pen.rectangle((at, down, at + dot - 1, down + dot - 1), fill=0)
    return side


def _write_lines(pen: ImageDraw.ImageDraw, label: Label, box: Box, is_small: bool) -> None:
    """Write heading and lines from the top as far as there is room; what is too long is cut."""
    left, top, width, height = box
    big, small = _dots(2.3 if is_small else 3.6), _dots(1.9 if is_small else 2.8)
    rows = [(line, big) for line in _wrapped(label.heading, big, width, 2)]
    rows += [(line, small) for text in label.lines for line in _wrapped(text, small, width, 2)]
    y = top
    for line, size in rows:
        if y + size > top + height:
            break
        _write(pen, line, (left, y), size, width)
        y += round(size * 1.25)


def _wrapped(text: str, size: int, width: int, most: int) -> list[str]:
    """Return a text as at most ``most`` lines; the last ends in … when there was more."""
    lines, line, length = [], "", 0.0
    for char in text:
        wide = _width(char, size)
        if line and length + wide > width:
            lines.append(line)
            line, length = "", 0.0
        if len(lines) == most:
            lines[-1] = lines[-1][:-1] + "…"
            return lines
        line, length = line + char, length + wide
    return [*lines, line] if line else lines


def _write(
    pen: ImageDraw.ImageDraw,
    text: str,
    at: tuple[int, int],
    size: int,
    width: int,
    *,
    centred: bool = False,
) -> None:
    x: float = at[0]
    if centred:
        x += max(0.0, (width - sum(_width(char, size) for char in text)) / 2)
    for face, chars in groupby(text, key=_face):
        part = "".join(char if _has_face(char) else MISSING for char in chars)
        font = type_face(face, size)
        pen.text((x, at[1] + size), part, font=font, fill=0, anchor="ls")
        x += font.getlength(part)


@lru_cache(maxsize=4096)
def _width(char: str, size: int) -> float:
    return type_face(_face(char), size).getlength(char if _has_face(char) else MISSING)


@lru_cache(maxsize=4096)
def _face(char: str) -> Face:
    return text_runs(char if _has_face(char) else MISSING)[0][0]


@lru_cache(maxsize=4096)
def _has_face(char: str) -> bool:
    try:
        return bool(text_runs(char))
    except AppearanceError:
        return False


def _dots(mm: float) -> int:
    return round(mm * DPI / 25.4)
