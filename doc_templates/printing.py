"""Showing the values of a form: every tag of the paper, and single values for lists.

Plain text only; pictures and signatures are word.py's business. Called by word.py, the
records station and the lists.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from doc_templates.capital import UnspeakableAmount, amount_of, capital_grid
from doc_templates.definition import Field, Form
from doc_templates.fields import forbidden_mark, get_kind, is_blank, show_text, tick_marks

GRID = "格"
BLANK_GRID = dict.fromkeys(capital_grid(Decimal(0)), "\u3000")


@dataclass(frozen=True, slots=True)
class _Shown:
    """How one entry is printed: what a blank prints, and its kind's way of showing."""

    entry: Field
    key: str
    show: Callable[[Field, object], str]
    blank: str
    ticks: str
    as_written: bool

    def text(self, value: object) -> str:
        """Return the printed text of a value; nothing for a blank."""
        if type(value) is not str or not value[:1].isalnum():
            if is_blank(value):
                return ""
        elif self.as_written:
            return value if value.isprintable() else harmless(value)
        shown = self.show(self.entry, value)
        return shown if shown.isprintable() else harmless(shown)


@dataclass(frozen=True, slots=True)
class _Paper:
    """What printing a form needs, worked out once."""

    singles: tuple[_Shown, ...]
    tables: tuple[tuple[Field, tuple[_Shown, ...]], ...]
    grids: tuple[str, ...]


@functools.lru_cache(maxsize=512)
def _paper(form: Form) -> _Paper:
    return _Paper(
        singles=tuple(_shown(entry) for entry in form.fields if entry.kind != "rows"),
        tables=tuple(
            (entry, tuple(_shown(column) for column in entry.columns))
            for entry in form.fields
            if entry.kind == "rows"
        ),
        grids=tuple(entry.key for entry in form.fields if entry.result == "capital"),
    )


def _shown(entry: Field) -> _Shown:
    kind = get_kind(entry)
    blank = kind.show(entry, "") if entry.tick and entry.choices else kind.blank
    ticks = f"{entry.key}{GRID}" if entry.tick and entry.choices else ""
    return _Shown(entry, entry.key, kind.show, blank, ticks, kind.show is show_text)


def printed_values(form: Form, values: Mapping[str, object]) -> dict[str, object]:
    """Return every tag of the form with its printed text; tables as lists of such rows.

    A capital amount has its places beside it (`总价大写格`), a ticked choice in a table its
    marks (`行.预定采购时间格.一个月内`).
    """
    paper = _paper(form)
    printed: dict[str, object] = {
        one.key: one.text(values.get(one.key)) or one.blank for one in paper.singles
    }
    for table, columns in paper.tables:
        printed[table.key] = _printed_rows(table, columns, values.get(table.key))
    for key in paper.grids:
        printed[f"{key}{GRID}"] = _printed_grid(values.get(key))
    return printed


def printed_text(entry: Field, value: object) -> str:
    """Return one value for lists, search and pages: 2026年11月23日, 1,234.50; blank is blank.

    Of a ticked choice that is only what was chosen; the row of boxes is for the paper.
    """
    return "" if is_blank(value) else harmless(get_kind(entry).screen(entry, value))


def shown_text(form: Form, key: str, value: object) -> str:
    """Return one value of a form by its key, for lists and pages."""
    entry = form.find_field(key)
    return printed_text(entry, value) if entry else str(value)


def harmless(text: str) -> str:
    """Make what no paper may carry visible; only a draft can still hold such a thing."""
    if not forbidden_mark(text):
        return text
    return "".join("\ufffd" if forbidden_mark(letter) else letter for letter in text)


def _printed_rows(
    table: Field, columns: tuple[_Shown, ...], value: object
) -> list[dict[str, object]]:
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
    lines = [_printed_row(columns, row) for row in rows or table.preset_rows]
    lines.extend(_printed_row(columns, {}) for _ in range(table.min_rows - len(lines)))
    return lines


def _printed_row(columns: tuple[_Shown, ...], row: Mapping[str, object]) -> dict[str, object]:
    line: dict[str, object] = {}
    for one in columns:
        line[one.key] = one.text(row.get(one.key))
        if one.ticks:
            line[one.ticks] = tick_marks(one.entry, row.get(one.key))
            line[one.key] = line[one.key] or one.blank
    return line


def _printed_grid(value: object) -> Mapping[str, str]:
    """Return the places of a capital amount; blanks where nothing is computed yet."""
    if is_blank(value):
        return BLANK_GRID
    try:
        return capital_grid(amount_of(str(value)))
    except UnspeakableAmount:
        return {}
