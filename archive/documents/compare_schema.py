"""What the API tells of two versions compared."""

from pydantic import BaseModel

from archive.core.calls import FromView
from archive.core.described import Instant


class PieceOut(FromView):
    """A run of text; ``marked`` where it stands on this side only."""

    text: str
    marked: bool


class LinePairOut(FromView):
    """A line of both sides; ``kind`` is same, changed, added, removed or moved."""

    kind: str
    old: list[PieceOut]
    new: list[PieceOut]


class RowPairOut(FromView):
    """A row of a table: its places (from 1, 0 for none), and both contents by column."""

    kind: str
    old_at: int
    new_at: int
    cells: list[tuple[str, LinePairOut]]


class EntryPairOut(FromView):
    """An entry that differs; of a table the rows that differ."""

    key: str
    label: str
    pair: LinePairOut | None
    rows: list[RowPairOut]
    unchanged: int


class TextDifferenceOut(FromView):
    """Two Word texts line by line; ``unchanged`` lines are left out."""

    pairs: list[LinePairOut]
    unchanged: int
    note: str


class ComparedVersionOut(FromView):
    """One of the two versions; ``digest`` of its content."""

    n: int
    digest: str
    reason: str
    made_by: str
    made_at: Instant
    form_version: int


class ComparisonOut(BaseModel):
    """What differs between two versions; ``text`` None where the Word files cannot be compared."""

    record: int
    old: ComparedVersionOut
    new: ComparedVersionOut
    entries: list[EntryPairOut]
    text: TextDifferenceOut | None
    text_note: str
