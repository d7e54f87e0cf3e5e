"""Any list as an Excel file: the page's own address with ``as=xlsx`` gives out all its pages.

A list names its columns here as pairs of head and value; what the list narrows by and who may
see what stays with the list's own service. Called by the routes that show lists.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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


PageReader = Callable[[int, int], Page[T]]


@dataclass(frozen=True)
class ListColumn(Generic[T]):
    """A column of a list: its head, what stands in it for one line, and its width in letters."""

    title: str
    value: Callable[[T], Any]
    width: int = 16


@dataclass(frozen=True)
class ListPart(Generic[T]):
    """One of a page's lists: the title of its sheet, its columns, and how its pages are read."""

    title: str
    columns: Sequence[ListColumn[T]]
    read_page: PageReader[T]

    @classmethod
    def whole(
        cls, title: str, columns: Sequence[ListColumn[T]], lines: Iterable[T]
    ) -> "ListPart[T]":
        """Return the part of a list that is never paged."""
        page = Page.whole(lines)
        return cls(title, columns, lambda _number, _size: page)


def wants_sheet() -> bool:
    """Say whether the list was asked for as an Excel file."""
    return request.args.get("as") == "xlsx"


def list_sheet(title: str, columns: Sequence[ListColumn[T]], read_page: PageReader[T]) -> Response:
    """Return all pages of a list as one sheet, lines in the list's own order.

    ``read_page`` takes a page number from 1 and how many lines it shall hold. Raises TooLarge
    for more than 20,000 lines.
    """
    return list_book(title, ListPart(title, columns, read_page))


def whole_list_sheet(title: str, columns: Sequence[ListColumn[T]], lines: Iterable[T]) -> Response:
    """Return a list that is never paged as one sheet."""
    return list_book(title, ListPart.whole(title, columns, lines))


def list_book(title: str, *parts: ListPart[Any]) -> Response:
    """Return all lists of a page as one Excel file, each on a sheet of its own.

    Raises TooLarge when one of them has more than 20,000 lines.
    """
    return sheet_answer(write_workbook([_sheet(part) for part in parts]), f"{title}.xlsx")


def _sheet(part: ListPart[Any]) -> Sheet:
    heads = tuple(Column(one.title, one.width, "General") for one in part.columns)
    lines = _lines(part.read_page)
    return Sheet(
        part.title, heads, [[_cell(c.value(line)) for c in part.columns] for line in lines]
    )


def _lines(read_page: PageReader[T]) -> Iterator[T]:
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
