"""What search shows to pages, API and commands: frozen plain values, no rows.

Here too is ``Card``, what the results show of a thing beside the text the index knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from indexer import Marked

RECORD, ITEM = "record", "item"


@dataclass(frozen=True)
class Card:
    """What a result shows beside its text; kept with the entry when it is indexed.

    ``public_id`` is the id a paper was imported under, else ``item:7`` or ``record:12``;
    ``number`` its own number (文号, 编号), ``code`` its 档号, ``place`` where the paper stands.
    """

    kind: str
    thing_id: int
    public_id: str
    number: str = ""
    code: str = ""
    place: str = ""


@dataclass(frozen=True)
class FoundHit:
    """One thing found: a record under way or a filed item, with title and passage marked.

    ``citation`` says what it corrects or by what it is corrected, empty for most.
    """

    card: Card
    score: float
    title: Marked
    snippet: Marked
    customer: str
    form: str
    form_title: str
    year: int | None
    department: str
    date: str
    status: str
    secrecy: str
    maker: str
    is_lent: bool
    has_pdf: bool = False
    citation: str = ""

    @property
    def entry_id(self) -> str:
        """The name of the thing in the index."""
        return f"{self.card.kind}:{self.card.thing_id}"


@dataclass(frozen=True)
class FacetValue:
    """One value of a field, how it is shown, how many things have it, whether it is asked for."""

    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A field one may filter by, with its values, most frequent first."""

    field: str
    label: str
    values: tuple[FacetValue, ...]

    @property
    def is_chosen(self) -> bool:
        """Whether something of this field is asked for."""
        return any(value.is_chosen for value in self.values)


@dataclass(frozen=True)
class Found:
    """One page of results; counts are of what this reader may see and nothing else.

    ``rebuilding`` says in Chinese that the index is being made again; empty when it is sound.
    ``did_you_mean`` are texts that would find something where this one found nothing.
    """

    text: str
    items: tuple[FoundHit, ...]
    total: int
    took_ms: float
    facets: tuple[Facet, ...]
    notes: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    sort: str
    page: int
    per_page: int
    rebuilding: str = ""
    did_you_mean: tuple[str, ...] = ()

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.per_page))

    @property
    def chosen(self) -> tuple[tuple[Facet, FacetValue], ...]:
        """Every filter in force with its field."""
        return tuple((one, value) for one in self.facets for value in one.values if value.is_chosen)


@dataclass(frozen=True)
class SuggestionView:
    """A completion while typing: a past search, a customer or a title, with a word about it."""

    text: str
    kind: str
    note: str = ""
    card: Card | None = None
