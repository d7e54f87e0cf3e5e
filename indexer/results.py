"""What is asked of the index and what it answers: plain frozen values.

Not here: how it is found (search). Crosses to archive.search and the pages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

Marked = tuple[tuple[str, bool], ...]
"""Text in pieces; True where it is to be highlighted. Unescaped: the page escapes."""


@dataclass(frozen=True)
class Hidden:
    """A number at [start, end) of a text whose signs in [first, last) are not to be read."""

    start: int
    end: int
    first: int
    last: int

    def covered(self, text: str) -> str:
        """Return the text, as long as before, with ``*`` for letters and digits of that part."""
        part = "".join("*" if sign.isalnum() else sign for sign in text[self.first : self.last])
        return text[: self.first] + part + text[self.last :]


Hide = Callable[[str], Sequence[Hidden]]

Sort = Literal["relevance", "date", "number", "customer"]

FACETS = ("form", "year", "customer", "department", "class", "secrecy", "status", "maker")
"""Fields that can be filtered by and are counted."""

DATE = "date"
"""Counted by month or year beside the fields, and filtered by ``2024`` or ``2024-03``."""


@dataclass(frozen=True)
class SearchRequest:
    """A search by someone who holds the access tokens `readers`; no tokens, nothing visible.

    `today` is the local day from which 上月 or 最近7天 count; without it they are plain words.
    `synonyms` are groups of words that mean the same. What `hide` finds in titles and passages is
    covered, but for entries one of whose readers' tokens is in `unveiled`.
    """

    text: str
    readers: frozenset[str]
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: Sort = "relevance"
    offset: int = 0
    limit: int = 20
    today: date | None = None
    synonyms: tuple[tuple[str, ...], ...] = ()
    hide: Hide | None = None
    unveiled: frozenset[str] = frozenset()


class Text(Protocol):
    """What of a record is shown as found, and the tokens by which it may be read at this moment."""

    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def body(self) -> str: ...  # noqa: D102
    @property
    def readers(self) -> frozenset[str]: ...  # noqa: D102


LoadTexts = Callable[[Sequence[str]], Mapping[str, Text]]


@dataclass(frozen=True)
class Hit:
    """One record found, with its title and best passage marked.

    `is_veiled` when this reader may not see what the request hides.
    """

    id: str
    score: float
    title: Marked
    snippet: Marked
    is_veiled: bool = False


@dataclass(frozen=True)
class SearchResults:
    """The page of hits asked for, and counts over everything found that the reader may see.

    `did_you_mean` are texts that find something, where this one found nothing as it stands.
    """

    total: int
    took_ms: float
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[tuple[str, int], ...]]
    notes: tuple[str, ...]
    did_you_mean: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """A completion while typing: a customer (with how many records), or a record by its title."""

    text: str
    kind: Literal["customer", "title"]
    id: str = ""
    count: int = 1
