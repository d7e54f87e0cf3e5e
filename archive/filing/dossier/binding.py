"""Binds a dossier: cover, contents, every document's pages, originals; links, bookmarks, numbers.

Bytes in, a file out; knows no item and no database. A signature does not outlive the binding,
which is why the cover says that originals count.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.annotations import Link
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    Fit,
    IndirectObject,
    NameObject,
    StreamObject,
)

from archive.filing.dossier.letters import Letters
from archive.filing.dossier.sheets import (
    A4,
    Cover,
    Entry,
    Sheets,
    Unbound,
    contents_pages,
    lay_contents,
    lay_cover,
    lay_originals,
    lay_unbound,
    new_sheet,
    originals_pages,
)

BESIDE, MISSING = "附上原件的文件", "未收入的文件"
STAMP_SIZE, STAMP_HEIGHT = 7.5, 9.0


def bind_dossier(
    target: Path,
    cover: Cover,
    entries: Sequence[Entry],
    files: Iterable[bytes],
    unbound: Sequence[Unbound],
    original: Callable[[str], bytes],
) -> int:
    """Write the dossier, return its number of pages; ``files``: all entries' PDFs in order.

    ``original`` gives the bytes of what is attached, by digest.
    """
    letters = Letters()
    attached = [
        (f"附件{n:03d} {one.name}", one)
        for n, one in enumerate((one for one in unbound if one.digest), 1)
    ]
    missing = [("", one) for one in unbound if not one.digest]
    laid = _laid_out(letters, cover, entries, attached, missing)
    letters.show("第页共0123456789 ", 0, 0, 1)

    writer = PdfWriter()
    fonts = letters.fonts(writer)
    for drawn in laid.front.pages:
        new_sheet(writer, drawn, fonts)
    for content in files:
        writer.append(PdfReader(io.BytesIO(content)), import_outline=False)
        writer.reset_translation()  # the next reader may come to lie where this one lay
    for drawn in laid.back.pages:
        new_sheet(writer, drawn, fonts)
    for number, page in enumerate(writer.pages, 1):
        _stamp(writer, page, f"第 {number} 页 共 {laid.total} 页", letters, fonts)
    _mark(writer, entries, laid)
    for at, box, n in laid.front.links:
        first = laid.starts[n] - 1
        link = Link(rect=box, target_page_index=first, fit=Fit.fit(), border=[0, 0, 0])
        writer.add_annotation(at, link)
    writer.add_metadata({"/Title": f"{cover.title} {cover.subject}"})
    for name, one in attached:
        _attach(writer, name, original(one.digest))
    writer.page_mode = "/UseOutlines"
    with target.open("wb") as out:
        writer.write(out)
    return len(writer.pages)


@dataclass(frozen=True)
class _Laid:
    """The dossier's own pages before and behind the documents, and where everything begins.

    ``starts`` count from one, the pages of ``lists`` (bookmarks by heading) from nought.
    """

    front: Sheets
    back: Sheets
    lists: Sequence[tuple[str, int]]
    starts: Sequence[int]
    total: int


def _laid_out(
    letters: Letters,
    cover: Cover,
    entries: Sequence[Entry],
    attached: Sequence[tuple[str, Unbound]],
    missing: Sequence[tuple[str, Unbound]],
) -> _Laid:
    """Lay out cover, contents, what is attached or missing, and the list of originals."""
    front, back = Sheets(letters), Sheets(letters)
    lay_cover(front, cover)
    before, lists, more = 1 + contents_pages(entries), [], []
    for heading, named in ((BESIDE, attached), (MISSING, missing)):
        sheets = Sheets(letters)
        lay_unbound(sheets, heading, named)
        if sheets.pages:
            lists.append((heading, before))
        before += len(sheets.pages)
        more += sheets.pages
    starts = _starts(entries, before)
    lay_contents(front, entries, starts)
    front.pages += more
    lay_originals(back, entries)
    total = before + sum(entry.pages for entry in entries) + originals_pages(entries)
    return _Laid(front, back, lists, starts, total)


def _starts(entries: Sequence[Entry], before: int) -> list[int]:
    """Return the page each entry begins on, counted from one."""
    starts, page = [], before + 1
    for entry in entries:
        starts.append(page)
        page += entry.pages
    return starts


def _attach(writer: PdfWriter, name: str, content: bytes) -> None:
    """Put an original into the PDF, packed, under its name in every reader's alphabet."""
    made = writer.add_attachment(name, content)
    spec = made.pdf_object
    spec[NameObject("/UF")] = spec["/F"]
    held: Any = spec["/EF"]
    held[NameObject("/F")] = writer._add_object(_packed(content))


def _packed(content: bytes) -> StreamObject:
    stream = DecodedStreamObject()
    stream.set_data(content)
    packed = stream.flate_encode()
    packed[NameObject("/Type")] = NameObject("/EmbeddedFile")
    return packed


def _mark(writer: PdfWriter, entries: Sequence[Entry], laid: _Laid) -> None:
    """Write the bookmarks: groups, documents in them, further files in these."""
    _bookmark(writer, "封面", 0)
    _bookmark(writer, "目录", 1)
    for heading, page in laid.lists:
        _bookmark(writer, heading, page)
    group, parent = "", None
    for entry, start in zip(entries, laid.starts, strict=True):
        if parent is None or entry.group != group:
            group = entry.group
            parent = _bookmark(writer, group, start - 1, is_bold=True)
        item = _bookmark(writer, entry.title, start - 1, parent)
        for name, offset in entry.parts:
            _bookmark(writer, name, start - 1 + offset, item)
    _bookmark(writer, "原件核对表", laid.starts[-1] - 1 + entries[-1].pages)


def _bookmark(
    writer: PdfWriter,
    title: str,
    page: int,
    parent: IndirectObject | None = None,
    *,
    is_bold: bool = False,
) -> IndirectObject:
    return writer.add_outline_item(title=title, page_number=page, parent=parent, bold=is_bold)


def _stamp(
    writer: PdfWriter,
    page: PageObject,
    text: str,
    letters: Letters,
    fonts: dict[str, IndirectObject],
) -> None:
    """Write the page number at the foot of a page as it is seen, whatever its turn and size."""
    box = page.cropbox
    left, bottom, right, top = (float(edge) for edge in box)
    wide, tall = right - left, top - bottom
    turn = page.rotation % 360
    turned = {
        90: (0, 1, -1, 0, right, bottom),
        180: (-1, 0, 0, -1, right, top),
        270: (0, -1, 1, 0, left, top),
    }.get(turn, (1, 0, 0, 1, left, bottom))
    seen = tall if turn in (90, 270) else wide
    scale = max(1.0, min(seen, tall if seen == wide else wide) / A4[0])
    size = STAMP_SIZE * scale
    across = (seen - letters.width(text, size)) / 2
    matrix = " ".join(f"{value:.4f}" for value in turned)
    drawn = letters.show(text, across, STAMP_HEIGHT * scale, size)
    _add_over(writer, page, f"q {matrix} cm 0.35 g {drawn} Q", fonts)


def _add_over(
    writer: PdfWriter, page: PageObject, operators: str, fonts: dict[str, IndirectObject]
) -> None:
    """Draw over a page without touching what is there, which is set apart by q and Q."""
    found: Any = page.get("/Contents")
    there = found.get_object() if found is not None else None
    if there is None:
        streams = []
    elif isinstance(there, ArrayObject):
        streams = list(there)
    else:
        streams = [found]
    before, after = _content(writer, "q"), _content(writer, f"Q {operators}")
    page[NameObject("/Contents")] = ArrayObject([before, *streams, after])
    held: Any = page.get("/Resources")
    resources = DictionaryObject(held.get_object() if held is not None else {})
    faces: Any = resources.get("/Font")
    known = DictionaryObject(faces.get_object() if faces is not None else {})
    known.update({NameObject(name): font for name, font in fonts.items()})
    resources[NameObject("/Font")] = known
    page[NameObject("/Resources")] = resources


def _content(writer: PdfWriter, operators: str) -> IndirectObject:
    stream = DecodedStreamObject()
    stream.set_data(f"\n{operators}\n".encode())
    return writer._add_object(stream)
