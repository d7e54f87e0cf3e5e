"""Writes Excel files: headed columns with number formats, drop-downs, notes and plain cells.

What a person typed never becomes a formula, however it begins. Reading is in ``sheet_reader``.
Called by every list that is given out as a sheet.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT_FORMAT = "@"
CELL_LIMIT = 32_767
LAST_ROW = 20_001
CHOICES_TITLE = "选项"

Cell = str | int | float | Decimal | date | bool | None

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_UNFIT_TITLE = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_HEAD = Font(bold=True)
_REQUIRED = Font(bold=True, color="C00000")
_HEAD_FILL = PatternFill("solid", fgColor="EEF2F7")
_INFO_FILL = PatternFill("solid", fgColor="F5F5F5")
_FAULT_FILL = PatternFill("solid", fgColor="FDE2E1")
_TOP = Alignment(vertical="top", wrap_text=True)


@dataclass(frozen=True)
class Column:
    """A column: its head, how its cells are set up; ``is_info`` is for reading only."""

    title: str
    width: int = 16
    number_format: str = TEXT_FORMAT
    choices: tuple[str, ...] = ()
    note: str = ""
    is_required: bool = False
    is_info: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet: columns, rows, and what is wrong in a cell by (row, column), both from 0."""

    title: str
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Cell]] = ()
    faults: Mapping[tuple[int, int], str] = field(default_factory=dict)


def sheet_title(*parts: str) -> str:
    """Return a title that Excel takes: at most 31 letters, none of them special."""
    title = " ".join(_UNFIT_TITLE.sub(" ", " ".join(parts)).split()).strip("'")[:31]
    return title.strip() or "表"


def head_of(column: Column) -> str:
    """Return a column's head as it stands in the sheet: a star marks what must be filled in."""
    return f"{column.title} *" if column.is_required else column.title


def write_workbook(sheets: Sequence[Sheet]) -> bytes:
    """Return an .xlsx of these sheets."""
    book = Workbook(write_only=True)
    choices = _Choices()
    for sheet in sheets:
        _write_sheet(book, sheet, choices)
    choices.write(book)
    out = io.BytesIO()
    book.save(out)
    book.close()
    return out.getvalue()


def plain_cell(value: Cell) -> Cell:
    """Return a value as a cell can hold it: nothing vanishes, what is unwritable is marked."""
    if not isinstance(value, str):
        return value
    text = _LOOKS_ESCAPED.sub("_x005F_", _UNWRITABLE.sub("\ufffd", value))
    return text if len(text) <= CELL_LIMIT else text[: CELL_LIMIT - 1] + "…"


class _Choices:
    """The hidden sheet that drop-downs take their words from; equal lists stand once."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, ...], int] = {}

    def place(self, words: tuple[str, ...]) -> str:
        at = self._lists.setdefault(words, len(self._lists) + 1)
        letter = get_column_letter(at)
        return f"{quote_sheetname(CHOICES_TITLE)}!${letter}$1:${letter}${len(words)}"

    def write(self, book: Workbook) -> None:
        if not self._lists:
            return
        page = book.create_sheet(CHOICES_TITLE)
        page.sheet_state = "hidden"
        for at in range(max(len(words) for words in self._lists)):
            page.append(
                [_text(page, words[at]) if at < len(words) else None for words in self._lists]
            )


def _write_sheet(book: Workbook, sheet: Sheet, choices: _Choices) -> None:
    page = book.create_sheet(sheet_title(sheet.title))
    page.freeze_panes = "A2"
    for at, column in enumerate(sheet.columns, 1):
        letter = get_column_letter(at)
        page.column_dimensions[letter].width = min(max(column.width, 6), 60)
        page.column_dimensions[letter].number_format = column.number_format
        if column.choices:
            _add_choices(page, letter, choices.place(column.choices))
    page.append([_head_cell(page, column) for column in sheet.columns])
    for at, row in enumerate(sheet.rows):
        page.append(list(_cells(page, sheet, at, row)))


def _cells(page: Any, sheet: Sheet, at: int, row: Sequence[Cell]) -> Iterator[Any]:
    for place, (column, value) in enumerate(zip(sheet.columns, row, strict=True)):
        cell = _text(page, value)
        if not isinstance(value, str):
            cell.number_format = column.number_format
        if column.is_info:
            cell.fill = _INFO_FILL
        why = sheet.faults.get((at, place), "")
        if why:
            cell.fill = _FAULT_FILL
            cell.comment = _comment(why)
        yield cell


def _text(page: Any, value: Cell) -> Any:
    """Return a cell; text is text even where it looks like a formula or a number."""
    plain = plain_cell(value)
    cell: Any = WriteOnlyCell(page, value=plain)  # type: ignore[arg-type]
    if isinstance(plain, str):
        cell.data_type = "s"
        cell.number_format = TEXT_FORMAT
        cell.alignment = _TOP
        cell.quotePrefix = plain.startswith(_FORMULA_STARTS)
    return cell


def _head_cell(page: Any, column: Column) -> Any:
    cell = _text(page, head_of(column))
    cell.font = _REQUIRED if column.is_required else _HEAD
    cell.fill = _INFO_FILL if column.is_info else _HEAD_FILL
    note = "；".join(part for part in ("必填" if column.is_required else "", column.note) if part)
    if note:
        cell.comment = _comment(note)
    return cell


def _comment(text: str) -> Comment:
    note = Comment(str(plain_cell(text))[:1000], "档案台")
    note.width, note.height = 260, 40 + 20 * (len(text) // 18 + 1)
    return note


def _add_choices(page: Any, letter: str, source: str) -> None:
    rule = DataValidation(
        type="list",
        formula1=source,
        allow_blank=True,
        showErrorMessage=True,
        errorTitle="不在可选项里",
        error="请从下拉列表中选择。",
    )
    rule.add(f"{letter}2:{letter}{LAST_ROW}")
    page.data_validations.append(rule)
