"""What differs between two texts and between two fillings of a form, on plain values.

Lines are matched first, then the words within lines that changed; rows of tables are matched by
what stands in them, so that a moved row is no change. Bounded: what is too long to be compared
word by word is shown whole, and said so. Called by ``compare``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from doc_templates import Field, Form, shown_text
from doc_templates.values import printed_text
from indexer.analysis import each_word_end

LINES_LIMIT = 3000
LINE_LIMIT = 4000  # characters of a line compared word by word
WORK_LIMIT = 300_000  # characters compared word by word in all
ROWS_LIMIT = 1000
PAIRS_LIMIT = 40_000  # pairs of rows weighed against each other
ALIKE = 0.5  # rows that share half of what is filled in are one row, changed
SAME, CHANGED, ADDED, REMOVED, MOVED = "same", "changed", "added", "removed", "moved"
ROW_LABELS = {SAME: "未变", CHANGED: "改", ADDED: "增", REMOVED: "删", MOVED: "移动"}


@dataclass(frozen=True)
class Piece:
    """A run of text; ``marked`` where it stands on this side only."""

    text: str
    marked: bool


@dataclass(frozen=True)
class LinePair:
    """A line (or row, or entry) of both sides; empty where it stands on one side only."""

    kind: str
    old: tuple[Piece, ...]
    new: tuple[Piece, ...]

    @property
    def kind_label(self) -> str:
        """The kind as shown to people."""
        return ROW_LABELS[self.kind]


@dataclass(frozen=True)
class RowPair:
    """A row of a table: its places (from 1, 0 for none), and both contents, cell by cell."""

    kind: str
    old_at: int
    new_at: int
    cells: tuple[tuple[str, LinePair], ...]

    @property
    def kind_label(self) -> str:
        """The kind as shown to people."""
        return ROW_LABELS[self.kind]


@dataclass(frozen=True)
class EntryPair:
    """An entry that differs: its label, and both contents; of a table its rows that differ."""

    key: str
    label: str
    pair: LinePair | None
    rows: tuple[RowPair, ...] = ()
    unchanged: int = 0


@dataclass(frozen=True)
class TextDifference:
    """Two texts line by line; ``skipped`` unchanged lines stand between; ``note`` on limits."""

    pairs: tuple[LinePair, ...]
    unchanged: int
    note: str


def entry_differences(
    form: Form, old: Mapping[str, object], new: Mapping[str, object]
) -> tuple[EntryPair, ...]:
    """Return every entry in which two fillings of a form differ, in the form's order."""
    return tuple(_entries(form, old, new))


def text_difference(old: str, new: str) -> TextDifference:
    """Return what differs between two texts; blank lines do not count."""
    lines = [[line for line in text.split("\n") if line.strip()] for text in (old, new)]
    notes = []
    if any(len(side) > LINES_LIMIT for side in lines):
        notes.append(f"文字太长，只比较了前 {LINES_LIMIT:,} 行。")
    left, right = (side[:LINES_LIMIT] for side in lines)
    work = _Work()
    pairs: list[LinePair] = []
    unchanged = 0
    for tag, i, j, m, n in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            unchanged += j - i
        else:
            pairs += _block(left[i:j], right[m:n], work)
    if work.is_used_up:
        notes.append("有的段落太长，没有逐词比较，整段标出。")
    return TextDifference(tuple(pairs), unchanged, "".join(notes))


def words_of(text: str) -> list[str]:
    """Return a text cut into words, Chinese by the dictionary; joined they are the text again."""
    ends = sorted(each_word_end(text))
    return [text[start:end] for start, end in pairwise(ends)]


def pair_of(old: str, new: str) -> LinePair:
    """Return two texts with the words marked that stand on one side only."""
    return _pair(old, new, _Work())


class _Work:
    """How much was compared word by word; past the limit lines are marked whole."""

    def __init__(self) -> None:
        self.done = 0
        self.is_used_up = False

    def allows(self, old: str, new: str) -> bool:
        """Whether these two may still be compared word by word."""
        size = len(old) + len(new)
        self.done += size
        fits = max(len(old), len(new)) <= LINE_LIMIT and self.done <= WORK_LIMIT
        self.is_used_up = self.is_used_up or not fits
        return fits


def _block(left: Sequence[str], right: Sequence[str], work: _Work) -> Iterator[LinePair]:
    """Pair the lines of a changed block one to one, what is left over as removed or added."""
    for old, new in zip(left, right, strict=False):
        yield _pair(old, new, work)
    for old in left[len(right) :]:
        yield LinePair(REMOVED, (Piece(old, True),), ())
    for new in right[len(left) :]:
        yield LinePair(ADDED, (), (Piece(new, True),))


def _pair(old: str, new: str, work: _Work) -> LinePair:
    if old == new:
        return LinePair(SAME, _whole(old, False), _whole(new, False))
    if not old or not new or not work.allows(old, new):
        return LinePair(CHANGED, _whole(old, True), _whole(new, True))
    left, right = words_of(old), words_of(new)
    olds: list[Piece] = []
    news: list[Piece] = []
    for tag, i, j, m, n in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        _add(olds, "".join(left[i:j]), tag != "equal")
        _add(news, "".join(right[m:n]), tag != "equal")
    return LinePair(CHANGED, tuple(olds), tuple(news))


def _add(pieces: list[Piece], text: str, marked: bool) -> None:
    if text:
        pieces.append(Piece(text, marked))


def _whole(text: str, marked: bool) -> tuple[Piece, ...]:
    return (Piece(text, marked),) if text else ()


def _entries(
    form: Form, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[EntryPair]:
    for entry in form.fields:
        left, right = old.get(entry.key), new.get(entry.key)
        if left == right:
            continue
        if entry.kind == "rows":
            rows = row_differences(entry, _rows(left), _rows(right))
            changed = tuple(row for row in rows if row.kind != SAME)
            if changed:
                yield EntryPair(entry.key, entry.label, None, changed, len(rows) - len(changed))
            continue
        pair = pair_of(shown_text(form, entry.key, left), shown_text(form, entry.key, right))
        if pair.kind != SAME:
            yield EntryPair(entry.key, entry.label, pair)


def _rows(value: object) -> list[Mapping[str, object]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


_Cells = tuple[str, ...]


def row_differences(
    table: Field, old: Sequence[Mapping[str, object]], new: Sequence[Mapping[str, object]]
) -> tuple[RowPair, ...]:
    """Return the rows of a table matched: same, moved, changed, added, removed; in new order."""
    left, right = _texts(table, old), _texts(table, new)
    partner = _same_place(left, right)
    moved = _same_content(left, right, partner)
    partner |= moved
    partner |= _alike(left, right, partner)
    labels = [column.label for column in table.columns]
    found = []
    for at, cells in enumerate(right):
        mate = partner.get(at)
        kind = ADDED if mate is None else MOVED if at in moved else SAME
        before = left[mate] if mate is not None else ("",) * len(cells)
        kind = CHANGED if mate is not None and before != cells else kind
        found.append(_row_pair(labels, kind, mate, at, before, cells))
    gone = sorted(set(range(len(left))) - set(partner.values()))
    for mate in gone:
        blank = ("",) * len(labels)
        found.append(_row_pair(labels, REMOVED, mate, None, left[mate], blank))
    return tuple(found)


def _row_pair(
    labels: Sequence[str],
    kind: str,
    mate: int | None,
    at: int | None,
    before: _Cells,
    after: _Cells,
) -> RowPair:
    cells = tuple(
        (label, pair_of(old, new))
        for label, old, new in zip(labels, before, after, strict=True)
        if old or new
    )
    return RowPair(kind, 0 if mate is None else mate + 1, 0 if at is None else at + 1, cells)


def _texts(table: Field, rows: Sequence[Mapping[str, object]]) -> list[_Cells]:
    """Return what each row prints; rows with nothing in them do not count."""
    texts = [
        tuple(printed_text(column, row.get(column.key)) for column in table.columns)
        for row in rows[:ROWS_LIMIT]
    ]
    return [cells for cells in texts if any(cells)]


def _same_place(left: Sequence[_Cells], right: Sequence[_Cells]) -> dict[int, int]:
    """Return the rows that stand in both in the same order: place on the right → on the left."""
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    return {
        block.b + step: block.a + step
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    }


def _same_content(
    left: Sequence[_Cells], right: Sequence[_Cells], taken: Mapping[int, int]
) -> dict[int, int]:
    """Return the rows left over that stand elsewhere unchanged."""
    free: dict[_Cells, list[int]] = {}
    used = set(taken.values())
    for at, cells in enumerate(left):
        if at not in used:
            free.setdefault(cells, []).append(at)
    return {
        at: free[cells].pop(0)
        for at, cells in enumerate(right)
        if at not in taken and free.get(cells)
    }


def _alike(
    left: Sequence[_Cells], right: Sequence[_Cells], taken: Mapping[int, int]
) -> dict[int, int]:
    """Return the rows left over that share most of what is in them, the most alike first."""
    used = set(taken.values())
    olds = [at for at in range(len(left)) if at not in used]
    news = [at for at in range(len(right)) if at not in taken]
    if len(olds) * len(news) > PAIRS_LIMIT:
        return {}
    weighed = sorted(
        ((_likeness(left[a], right[b]), -abs(a - b), a, b) for a in olds for b in news),
        reverse=True,
    )
    found: dict[int, int] = {}
    for likeness, _, a, b in weighed:
        if likeness >= ALIKE and b not in found and a not in used:
            found[b] = a
            used.add(a)
    return found


def _likeness(old: _Cells, new: _Cells) -> float:
    """Return how much two rows share: cells that are equal among those filled in either."""
    filled = [(a, b) for a, b in zip(old, new, strict=True) if a or b]
    return sum(a == b for a, b in filled) / len(filled)
