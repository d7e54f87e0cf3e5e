"""Letters for a dossier's own pages: any Chinese text, drawn alike everywhere, found when searched.

Every character used becomes a glyph of a small font inside the PDF (Type 3, a picture of it from
the server's fonts), so nothing depends on the reader's fonts and only what is used goes in.
"""

import zlib
from dataclasses import dataclass, field
from secrets import token_hex

from PIL import Image, ImageDraw
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from archive.signing.appearance import AppearanceError, text_runs, type_face
from archive.signing.lettering import FORBIDDEN_AT_START

EM = 100  # dots of a letter's square
FULL = 250  # glyphs in one font
MISSING = "□"


@dataclass
class _Glyph:
    code: int
    font: int
    width: float
    program: bytes


@dataclass
class Letters:
    """The glyphs used so far; ``show`` gives the operators for a line of text."""

    _glyphs: dict[str, _Glyph] = field(default_factory=dict)
    _name: str = field(default_factory=lambda: f"L{token_hex(4)}")  # unlike any page's own fonts

    def width(self, text: str, size: float) -> float:
        """Return how wide a line is in points."""
        return sum(self._glyph(char).width for char in text) * size / EM

    def show(self, text: str, x: float, y: float, size: float) -> str:
        """Return the operators that write a line with its baseline at a place."""
        parts: list[str] = []
        for char in text:
            glyph = self._glyph(char)
            parts.append(f"/{self._name}{glyph.font} {size:g} Tf <{glyph.code:02x}> Tj")
        return f"BT {x:.2f} {y:.2f} Td {' '.join(parts)} ET"

    def shortened(self, text: str, size: float, room: float) -> str:
        """Return the text, cut with … where it is wider than the room."""
        if self.width(text, size) <= room:
            return text
        kept = text
        while kept and self.width(kept + "…", size) > room:
            kept = kept[:-1]
        return kept + "…"

    def broken(self, text: str, size: float, room: float) -> list[str]:
        """Return the text in lines no wider than the room."""
        lines: list[str] = []
        for paragraph in text.split("\n"):
            line = ""
            for char in paragraph:
                is_full = self.width(line + char, size) > room
                if line and is_full and char not in FORBIDDEN_AT_START:
                    lines.append(line)
                    line = ""
                line += char
            lines.append(line)
        return lines

    def fonts(self, writer: PdfWriter) -> dict[str, IndirectObject]:
        """Write the fonts into a PDF; return them by the names ``show`` uses."""
        count = max((glyph.font for glyph in self._glyphs.values()), default=-1) + 1
        return {f"/{self._name}{n}": self._font(writer, n) for n in range(count)}

    def _glyph(self, char: str) -> _Glyph:
        if char not in self._glyphs:
            place = len(self._glyphs)
            width, program = _drawn(char)
            self._glyphs[char] = _Glyph(place % FULL + 1, place // FULL, width, program)
        return self._glyphs[char]

    def _font(self, writer: PdfWriter, number: int) -> IndirectObject:
        members = {char: one for char, one in self._glyphs.items() if one.font == number}
        programs, names = DictionaryObject(), ArrayObject([NumberObject(1)])
        for glyph in members.values():
            programs[NameObject(f"/g{glyph.code}")] = writer._add_object(_stream(glyph.program))
            names.append(NameObject(f"/g{glyph.code}"))
        encoding = DictionaryObject(
            {NameObject("/Type"): NameObject("/Encoding"), NameObject("/Differences"): names}
        )
        widths = ArrayObject(FloatObject(round(glyph.width, 2)) for glyph in members.values())
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type3"),
                NameObject("/FontBBox"): _numbers(0, -EM, EM, EM),
                NameObject("/FontMatrix"): _numbers(1 / EM, 0, 0, 1 / EM, 0, 0),
                NameObject("/CharProcs"): programs,
                NameObject("/Encoding"): encoding,
                NameObject("/FirstChar"): NumberObject(1),
                NameObject("/LastChar"): NumberObject(len(members)),
                NameObject("/Widths"): widths,
                NameObject("/Resources"): DictionaryObject(),
                NameObject("/ToUnicode"): writer._add_object(_stream(_unicode_map(members))),
            }
        )
        return writer._add_object(font)


def _drawn(char: str) -> tuple[float, bytes]:
    """Return a glyph's advance and program: its picture as an inline mask."""
    try:
        ((face, shown),) = text_runs(char)
    except AppearanceError:
        ((face, shown),) = text_runs(MISSING)
    font = type_face(face, EM)
    advance = font.getlength(shown)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(shown, anchor="ls"))
    if right <= left or bottom <= top:
        return advance, f"{advance:.2f} 0 d0".encode()
    sheet = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(sheet).text((-left, -top), shown, fill=255, font=font, anchor="ls")
    dots = sheet.point(lambda value: 255 if value > 127 else 0).convert("1")
    packed = zlib.compress(dots.tobytes(), 9).hex()
    program = (
        f"{advance:.2f} 0 {left} {-bottom} {right} {-top} d1\n"
        f"q {dots.width} 0 0 {dots.height} {left} {-bottom} cm\n"
        f"BI /W {dots.width} /H {dots.height} /IM true /BPC 1 /D [1 0] /F [/AHx /Fl] "
        f"ID {packed}>\nEI Q"
    )
    return advance, program.encode()


def _unicode_map(members: dict[str, _Glyph]) -> bytes:
    items = list(members.items())
    blocks = []
    for start in range(0, len(items), 100):
        lines = [
            f"<{glyph.code:02x}> <{char.encode('utf-16-be').hex()}>"
            for char, glyph in items[start : start + 100]
        ]
        blocks.append(f"{len(lines)} beginbfchar\n" + "\n".join(lines) + "\nendbfchar")
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        + "\n".join(blocks)
        + "\nendcmap end end"
    ).encode()


def _stream(content: bytes) -> StreamObject:
    plain = DecodedStreamObject()
    plain.set_data(content)
    return plain.flate_encode()


def _numbers(*values: float) -> ArrayObject:
    return ArrayObject(FloatObject(value) for value in values)
