"""Any list as an Excel file: the page's own address with ``as=xlsx`` gives out all its pages.

A list names its columns here as pairs of head and value; what the list narrows by and who may
see what stays with the list's own service. Called by the routes that show lists.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from flask import Response, request

from archive.core.answers import sheet_answer
from archive.core.clock import local
from archive.core.errors import TooLarge
from archive.core.pages import MAX_PER_PAGE, Page
from archive.core.sheets import Cell, Column, Sheet, write_workbook

T = TypeVar("T")
MOST_LINES = 20_000


@dataclass(frozen=True)
class ListColumn(Generic[T]):
    """A column of a list: its head, what stands in it for one line, and its width in letters."""

    title: str
    value: Callable[[T], Any]
    width: int = 16


def wants_sheet() -> bool:
    """Say whether the list was asked for as an Excel file."""
    return request.args.get("as") == "xlsx"


def list_sheet(
    title: str, columns: Sequence[ListColumn[T]], read_page: Callable[[int, int], Page[T]]
) -> Response:
    """Return all pages of a list as one sheet, lines in the list's own order.

    ``read_page`` takes a page number from 1 and how many lines it shall hold. Raises TooLarge
    for more than 20,000 lines.
    """
    heads = tuple(Column(one.title, one.width, "General") for one in columns)
    rows = [[_cell(one.value(line)) for one in columns] for line in _lines(read_page)]
    return sheet_answer(write_workbook([Sheet(title, heads, rows)]), f"{title}.xlsx")


def _lines(read_page: Callable[[int, int], Page[T]]) -> Iterator[T]:
    number, pages = 1, 1
    while number <= pages:
        page = read_page(number, MAX_PER_PAGE)
        if page.total > MOST_LINES:
            raise TooLarge(
                f"一次最多导出 {MOST_LINES:,} 条，现在有 {page.total:,} 条；请先加条件缩小范围。"
            )
        yield from page.items
        number, pages = number + 1, page.pages


def _cell(value: Any) -> Cell:
    if isinstance(value, datetime):
        return local(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value
