"""Paging of lists: a page of things, how many there are, and clean page numbers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from archive.core.errors import Invalid

T = TypeVar("T")
MAX_PER_PAGE = 100
MAX_PAGE = 1_000_000


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; pages count from 1."""

    items: tuple[T, ...]
    total: int
    page: int
    per_page: int

    @classmethod
    def whole(cls, items: Iterable[T]) -> "Page[T]":
        """Return a list that is never paged as its one page."""
        every = tuple(items)
        return cls(every, len(every), 1, max(1, len(every)))

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.per_page))


def clean_paging(page: int, per_page: int) -> tuple[int, int]:
    """Return the page and its size, or raise Invalid for what is out of range."""
    if not 1 <= page <= MAX_PAGE:
        raise Invalid("页码不对，请从第 1 页看起。", {"page": "应为 1 以上的整数"})
    if not 1 <= per_page <= MAX_PER_PAGE:
        raise Invalid("每页条数不对。", {"per_page": f"应在 1 到 {MAX_PER_PAGE} 之间"})
    return page, per_page


def total_of(page: int, per_page: int, found: int, count: Callable[[], int | None]) -> int:
    """Return how many rows there are in all; counts only where this page does not tell.

    It tells when it is not full and not past the end. ``count`` asks the database.
    """
    if found < per_page and (found or page == 1):
        return (page - 1) * per_page + found
    return count() or 0
