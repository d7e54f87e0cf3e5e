"""A dossier's own pages: the cover, the table of contents, the originals with digest and QR.

Lays out on A4 and says where each line of the contents stands, so that it can be made a link.
Knows no item: it is given words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import segno
from pypdf import PageObject, PdfWriter
from pypdf.generic import (
    DecodedStreamObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
)

from archive.filing.dossier.letters import Letters

A4 = (595.28, 841.89)
MARGIN = 56.0
ORIGINALS = "签名以原件为准"
NOTICE = (
    "本卷由系统按目录汇编，供阅读和打印。合并后电子签名不再能核验，签名以原件为准：每份原件的编号、"
    "SHA-256 摘要和核验二维码见“原件核对表”。"
)
_TOP = A4[1] - MARGIN - 30
_ROOM = A4[0] - 2 * MARGIN
_LINE, _GROUP = 22.0, 32.0
_ORIGINAL = 58.0


@dataclass(frozen=True)
class Entry:
    """One document of a dossier: its words, its pages, and how its original is checked."""

    group: str
    title: str
    code: str
    day: str
    pages: int
    digest: str
    is_signed: bool
    check_url: str = ""
    parts: tuple[tuple[str, int], ...] = ()  # further files: name and pages before it


@dataclass(frozen=True)
class Unbound:
    """What has no pages in a dossier, and why; with a digest its original is attached."""

    title: str
    why: str
    digest: str = ""
    name: str = ""

    @property
    def told(self) -> str:
        """What became of it, in words."""
        return "附上原件" if self.digest else "没有收入"


@dataclass(frozen=True)
class Cover:
    """What the cover says."""

    title: str
    subject: str
    facts: tuple[tuple[str, str], ...]


@dataclass
class Sheets:
    """Pages laid out: operators page by page, and links from a page's box to an entry."""

    letters: Letters
    pages: list[list[str]] = field(default_factory=list)
    links: list[tuple[int, tuple[float, float, float, float], int]] = field(default_factory=list)

    def text(self, text: str, x: float, y: float, size: float) -> None:
        """Write a line on the last page."""
        self.pages[-1].append(self.letters.show(text, x, y, size))

    def centred(self, text: str, y: float, size: float) -> None:
        """Write a line in the middle of the last page."""
        self.text(text, (A4[0] - self.letters.width(text, size)) / 2, y, size)

    def right(self, text: str, x: float, y: float, size: float) -> None:
        """Write a line that ends at ``x``."""
        self.text(text, x - self.letters.width(text, size), y, size)

    def rule(self, y: float, grey: float = 0.6) -> None:
        """Draw a thin line over the width of the text."""
        line = f"{MARGIN} {y:.2f} m {A4[0] - MARGIN:.2f} {y:.2f} l"
        self.pages[-1].append(f"q {grey} G 0.5 w {line} S Q")

    def titled(self, title: str) -> float:
        """Begin a page with a heading; return where its text begins."""
        self.pages.append([])
        self.centred(title, A4[1] - MARGIN - 8, 16)
        return _TOP - 12


def lay_cover(sheets: Sheets, cover: Cover) -> None:
    """Lay out the cover: what this is of, by whom and when, and that originals count."""
    sheets.pages.append([])
    y = A4[1] - 190
    sheets.centred(cover.title, y, 30)
    y -= 60
    for line in sheets.letters.broken(cover.subject, 18, _ROOM)[:3]:
        sheets.centred(line, y, 18)
        y -= 28
    y -= 30
    sheets.rule(y + 20)
    for name, value in cover.facts:
        sheets.text(name, MARGIN + 40, y, 12)
        for line in sheets.letters.broken(value, 12, _ROOM - 180)[:3]:
            sheets.text(line, MARGIN + 140, y, 12)
            y -= 20
        y -= 6
    sheets.rule(y + 6)
    y = 150
    for line in sheets.letters.broken(NOTICE, 10.5, _ROOM):
        sheets.text(line, MARGIN, y, 10.5)
        y -= 17


def contents_pages(entries: Sequence[Entry]) -> int:
    """Return how many pages the table of contents takes."""
    return len(list(_contents(entries)))


def _contents(entries: Sequence[Entry]) -> Iterator[list[tuple[float, str, int]]]:
    """Yield the pages of the contents as (place, group heading or "", entry)."""
    y, page, group = _TOP - 12, list[tuple[float, str, int]](), ""
    for n, entry in enumerate(entries):
        is_new = entry.group != group
        needed = _LINE + (_GROUP if is_new else 0)
        if y - needed < MARGIN:
            yield page
            y, page, is_new = _TOP - 12, [], True
        if is_new:
            y -= 8 if page else 0
            page.append((y, entry.group, -1))
            y -= _GROUP - 6
            group = entry.group
        page.append((y, "", n))
        y -= _LINE
    yield page


def lay_contents(sheets: Sheets, entries: Sequence[Entry], starts: Sequence[int]) -> None:
    """Lay out the contents, each line with its first page and a link to it."""
    letters = sheets.letters
    for page in _contents(entries):
        sheets.titled("目  录")
        for y, heading, n in page:
            if n < 0:
                sheets.text(heading, MARGIN, y, 12)
                sheets.rule(y - 5)
                continue
            entry = entries[n]
            number = str(starts[n])
            room = _ROOM - letters.width(entry.day, 9) - 80
            code = letters.shortened(entry.code, 8, room * 0.4)
            left = room - letters.width(code, 8)
            title = letters.shortened(f"{n + 1}. {entry.title}", 10.5, left)
            sheets.text(title, MARGIN + 8, y, 10.5)
            sheets.text(code, MARGIN + 16 + letters.width(title, 10.5), y, 8)
            sheets.right(entry.day, A4[0] - MARGIN - 40, y, 9)
            sheets.right(number, A4[0] - MARGIN, y, 10.5)
            box = (MARGIN, y - 5, A4[0] - MARGIN, y + 13)
            sheets.links.append((len(sheets.pages) - 1, box, n))


def originals_pages(entries: Sequence[Entry]) -> int:
    """Return how many pages the list of originals takes."""
    return -(-len(entries) // _originals_a_page())


def _originals_a_page() -> int:
    return int((_TOP - 12 - MARGIN) / _ORIGINAL)


def lay_originals(sheets: Sheets, entries: Sequence[Entry]) -> None:
    """Lay out the list of originals: number, digest, whether signed, and a QR to check it."""
    count = _originals_a_page()
    for start in range(0, len(entries), count):
        y = sheets.titled("原件核对表")
        for n, entry in enumerate(entries[start : start + count], start + 1):
            title = sheets.letters.shortened(f"{n}. {entry.title}", 10.5, _ROOM - 60)
            sheets.text(title, MARGIN, y, 10.5)
            signed = f"已电子签名，{ORIGINALS}" if entry.is_signed else "没有电子签名"
            sheets.text(f"编号 {entry.code or '—'}    {signed}", MARGIN, y - 15, 8.5)
            sheets.text(f"SHA-256 {entry.digest}", MARGIN, y - 28, 7)
            if entry.check_url:
                sheets.pages[-1].append(_code(entry.check_url, A4[0] - MARGIN - 44, y - 32, 44))
            sheets.rule(y - 38, 0.85)
            y -= _ORIGINAL


def lay_unbound(sheets: Sheets, heading: str, unbound: Sequence[tuple[str, Unbound]]) -> None:
    """Lay out what has no pages, why, and as which attachment its original is there."""
    y = 0.0
    for attachment, one in unbound:
        where = f"原件附在本 PDF 的附件里，名为“{attachment}”。" if attachment else ""
        lines = sheets.letters.broken(f"{one.title}：{one.why}。{where}", 10.5, _ROOM)
        if y - 18 * len(lines) < MARGIN:
            y = sheets.titled(heading)
        for line in lines:
            sheets.text(line, MARGIN, y, 10.5)
            y -= 17
        y -= 6


def new_sheet(
    writer: PdfWriter, drawn: Sequence[str], fonts: dict[str, IndirectObject]
) -> PageObject:
    """Add an A4 page with what is drawn on it to a PDF."""
    page = writer.add_blank_page(*A4)
    content = DecodedStreamObject()
    content.set_data("\n".join(drawn).encode())
    page[NameObject("/Contents")] = writer._add_object(content.flate_encode())
    held = DictionaryObject({NameObject(name): font for name, font in fonts.items()})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): held})
    return page


def _code(text: str, x: float, y: float, side: float) -> str:
    """Return the operators that draw a QR code."""
    rows = list(segno.make(text, error="m", micro=False).matrix)
    dot = side / len(rows)
    boxes = [
        f"{x + dot * column:.2f} {y + side - dot * (row + 1):.2f} {dot:.2f} {dot:.2f} re"
        for row, line in enumerate(rows)
        for column, value in enumerate(line)
        if value
    ]
    return "q 0 g " + " ".join(boxes) + " f Q"
