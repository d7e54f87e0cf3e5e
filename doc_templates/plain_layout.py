"""The layout worked out for a form that brings none of its own.

Entries two (on a wide page three) to a line in the order of the definition, long ones across
the whole width, named groups under an upright label, tables with columns as wide as their
kind asks for, and what room is left given to the tall boxes. The outcome is written in the
notation of layout.py, as a person would write it. Called by scaffold.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from doc_templates.definition import Block, Field, Form

SIGNATURES_IN_A_ROW = 4
COLUMN = 3.645  # mm: about one printed letter
ROW, TALL_ROW, TALLEST = 0.95, 2.0, 9.0
TITLE_ROW, HEAD_ROW, LINE_ROW = 0.75, 1.0, 0.8
UPRIGHT = 3
LABELS = range(5, 10)
TIGHTEST = 0.78
SHORT_TABLE = 15
GAP = 0.15
LETTERS = {
    "check": 4, "date": 10, "month": 7, "money": 10, "integer": 6, "decimal": 7, "number": 7,
    "percent": 6, "phone": 11, "postcode": 6, "person": 6, "department": 8, "customer": 17,
    "text": 11, "longtext": 20, "email": 15, "id_number": 14, "credit_code": 14, "capital": 16,
    "image": 10, "multi": 12,
}  # fmt: skip
TO_THE_RIGHT = frozenset({"money", "integer", "decimal", "number", "percent"})
MARKS = dict(zip("|{}*[]!^<>=", "｜｛｝＊［］！＾＜＞＝", strict=True))
CENTRED = frozenset({"check", "date", "month", "postcode", "person", "choice"})


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the grid without its group's label; `room` marks a box that may grow."""

    cells: str
    height: float = ROW
    room: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with its name above; a long one is a frame of its own, so that its head repeats."""

    entry: Field

    @property
    def height(self) -> float:
        rows = max(self.entry.min_rows, len(self.entry.preset_rows))
        return TITLE_ROW + HEAD_ROW + LINE_ROW * rows

    @property
    def gap(self) -> float:
        is_long = not self.entry.max_rows or self.entry.max_rows > SHORT_TABLE
        return GAP if is_long else 0.0

    def block(self, columns: int, tight: float) -> Block:
        printed = [column for column in self.entry.columns if column.printed]
        spans = _shares([_letters(column) for column in printed], columns)
        cells = list(zip(printed, spans, strict=True))
        names = " | ".join(f"={_plain(column.label)}*{span}" for column, span in cells)
        line = " | ".join(f"{_side(column)}{{{column.key}}}*{span}" for column, span in cells)
        title = f"={_plain(self.entry.label)}*{columns}"
        return Block(
            head=f"{title} [{TITLE_ROW * tight:.2f}]\n{names} [{HEAD_ROW * tight:.2f}]",
            rows=self.entry.key,
            line=f"{line} [{LINE_ROW * tight:.2f}]",
            columns=columns,
            gap=self.gap,
        )


_Part = _Table | list[_Line]


def plain_layout(form: Form, width: float, height: float) -> tuple[Block, ...]:
    """Return the blocks for a page with so much room (mm) between title and signatures."""
    columns = max(24, round(width / COLUMN))
    page = _Page(form, columns, 3 if width > 220 else 2)
    parts: list[_Part] = []
    for name, entries in page.groups():
        parts.extend(page.group(name, entries))
    blocks = _grown(parts, columns, height / 10)
    roles = [signer.role for signer in reversed(form.signers)]
    for at in range(0, len(roles), SIGNATURES_IN_A_ROW):
        blocks.append(Block(signatures=tuple(roles[at : at + SIGNATURES_IN_A_ROW])))
    if form.seal:
        blocks.append(Block(text=">{印章}（盖章）"))
    return tuple(blocks)


class _Page:
    """Lays the groups of one form out in columns."""

    def __init__(self, form: Form, columns: int, abreast: int) -> None:
        self.form = form
        self.columns = columns
        entries = [one for one in form.fields if one.printed and one.kind != "rows"]
        longest = max((len(one.label) for one in entries), default=0)
        self.label = min(max(longest + 1, LABELS[0]), LABELS[-1])
        self.abreast = min(abreast, columns // (self.label + 9)) or 1

    def groups(self) -> Iterable[tuple[str, tuple[Field, ...]]]:
        """Yield what is printed in the grid; the paper's own date stands above it."""
        above = "日期" if self.form.date_field == "日期" else ""
        for name, entries in self.form.groups():
            printed = tuple(one for one in entries if one.printed and one.key != above)
            if printed:
                yield name, printed

    def group(self, name: str, entries: Sequence[Field]) -> Iterable[_Part]:
        """Yield the grid lines of a group, and each table by itself."""
        gathered: list[Field] = []
        for entry in entries:
            if entry.kind != "rows":
                gathered.append(entry)
                continue
            yield self.lines(name, gathered)
            gathered = []
            yield _Table(entry)
        yield self.lines(name, gathered)

    def lines(self, name: str, entries: Sequence[Field]) -> list[_Line]:
        if not entries:
            return []
        bare = self.grid(entries, self.columns, is_bare=True)
        if not name:
            return bare
        lines = self.grid(entries, self.columns - UPRIGHT, is_bare=False)
        if sum(line.height for line in lines) < 0.5 * len(name) + 0.3:
            return [_Line(f"={_plain(name)}*{self.columns}", TITLE_ROW), *bare]
        marks = [f"!{_plain(name)}*{UPRIGHT}", *[f"^*{UPRIGHT}"] * (len(lines) - 1)]
        return [
            replace(line, cells=f"{mark} | {line.cells}")
            for mark, line in zip(marks, lines, strict=True)
        ]

    def grid(self, entries: Sequence[Field], columns: int, *, is_bare: bool) -> list[_Line]:
        """Return the entries in lines: wide ones alone, the others side by side."""
        label, abreast = self.label, self.abreast
        lines: list[_Line] = []
        beside: list[Field] = []
        for entry in entries:
            if _is_wide(entry, columns // abreast - label):
                lines += [_abreast(beside, columns, abreast, label)] if beside else []
                lines.append(_alone(entry, columns, label, is_bare))
                beside = []
                continue
            beside.append(entry)
            if len(beside) == abreast:
                lines.append(_abreast(beside, columns, abreast, label))
                beside = []
        return lines + ([_abreast(beside, columns, abreast, label)] if beside else [])


def _is_wide(entry: Field, room: int) -> bool:
    if entry.tick and entry.choices:
        return sum(len(choice) + 1.6 for choice in entry.choices) > room
    return entry.wide or entry.result == "capital"


def _entry(entry: Field) -> str:
    """An entry with its unit; where it is blank, there is room before the unit."""
    if entry.unit and entry.kind != "percent":
        return f"{{{entry.key}:6}} {_plain(entry.unit)}"
    return f"{{{entry.key}}}"


def _plain(words: str) -> str:
    """Words without the marks that the notation reads."""
    return "".join(MARKS.get(letter, letter) for letter in words).replace("//", "／") or "\u3000"


def _abreast(entries: Sequence[Field], columns: int, abreast: int, label: int) -> _Line:
    """Entries side by side; the last takes what is left of the line."""
    share = columns // abreast
    cells = []
    for at, entry in enumerate(entries, 1):
        room = columns - share * (at - 1) if at == len(entries) else share
        cells.append(f"={_plain(entry.label)}*{label} | <{_entry(entry)}*{room - label}")
    return _Line(" | ".join(cells))


def _alone(entry: Field, columns: int, label: int, is_bare: bool) -> _Line:
    if entry.kind not in ("longtext", "image"):
        return _Line(f"={_plain(entry.label)}*{label} | <{_entry(entry)}*{columns - label}")
    height = TALL_ROW
    if is_bare and len(entry.label) <= 8:
        height = max(TALL_ROW, 0.5 * len(entry.label) + 0.3)
        words = f"!{_plain(entry.label)}*{UPRIGHT} | <{{{entry.key}}}*{columns - UPRIGHT}"
    else:
        words = f"={_plain(entry.label)}*{label} | <{{{entry.key}}}*{columns - label}"
    return _Line(words, height, room=True)


def _kind_of(column: Field) -> str:
    return column.result or column.kind


def _side(column: Field) -> str:
    kind = _kind_of(column)
    return ">" if kind in TO_THE_RIGHT else "=" if kind in CENTRED else "<"


def _letters(column: Field) -> int:
    """The width a column asks for, in letters; its label may take two lines."""
    asked = LETTERS.get(_kind_of(column), 11)
    if column.kind == "choice":
        asked = max(len(choice) for choice in column.choices) + 2
    return max(asked, (len(column.label) + 1) // 2 + 1, 3)


def _shares(asked: Sequence[int], columns: int) -> list[int]:
    """Divide the columns as asked; nobody gets none, and what is left goes to the widest."""
    columns_left = columns - 2 * len(asked)
    if columns_left < 0:
        return [columns // len(asked)] * (len(asked) - 1) + [
            columns - columns // len(asked) * (len(asked) - 1)
        ]
    whole = sum(asked)
    spans = [2 + columns_left * one // whole for one in asked]
    spans[asked.index(max(asked))] += columns - sum(spans)
    return spans


def _grown(parts: Iterable[_Part], columns: int, room: float) -> list[Block]:
    """Return the parts as blocks: tall boxes take what is left of the page, or all draw in."""
    kept = [part for part in parts if part]
    taken = 0.5 + sum(_height(part) for part in kept)
    boxes = sum(line.room for part in kept if isinstance(part, list) for line in part)
    left = max(0.0, room - taken) / boxes if boxes else 0.0
    tight = max(TIGHTEST, min(1.0, room / taken))
    blocks: list[Block] = []
    gap = 0.0
    for part in kept:
        if isinstance(part, _Table):
            blocks.append(part.block(columns, tight))
            gap = part.gap
            continue
        grid = "\n".join(_written(line, left, tight) for line in part)
        blocks.append(Block(grid=grid, columns=columns, gap=gap))
        gap = 0.0
    return blocks


def _height(part: _Part) -> float:
    return part.height if isinstance(part, _Table) else sum(line.height for line in part)


def _written(line: _Line, left: float, tight: float) -> str:
    height = min(line.height + left, TALLEST) if line.room else line.height
    return f"{line.cells} [{height * tight:.2f}]"
