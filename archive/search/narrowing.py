"""The links beside the results: every value of a field, every bar of the years, on or off.

What they count is in ``Found``; here are their addresses and heights. Called by the page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode

from flask import url_for

from archive.search.rules import FIELDS, period_label, whole_span, with_period
from archive.search.views import Facet, Found

SHOWN_VALUES = 6
MOST_LISTED = 40
TALLEST = 40
"""Height of the tallest bar, in the units of its drawing."""


@dataclass(frozen=True)
class Choice:
    """A value of a field as a link that switches it on or off."""

    label: str
    count: int
    is_chosen: bool
    url: str


@dataclass(frozen=True)
class Choices:
    """A field with its links; those in ``more`` are folded away, ``left_out`` not even there."""

    label: str
    first: Sequence[Choice]
    more: Sequence[Choice]
    left_out: int = 0


@dataclass(frozen=True)
class Bar:
    """A month or year with how many papers bear a date in it; ``height`` of TALLEST."""

    label: str
    count: int
    height: int
    is_chosen: bool
    url: str


def choices(found: Found, facet: Facet) -> Choices:
    """Return a field's values as links, the most frequent and the chosen; those never folded."""
    listed = [one for at, one in enumerate(facet.values) if at < MOST_LISTED or one.is_chosen]
    link = _links(found, facet.field)
    links = [Choice(one.label, one.count, one.is_chosen, link(one.value)) for one in listed]
    shown = SHOWN_VALUES if len(links) > SHOWN_VALUES + 1 else len(links)  # never fold just one
    first = [one for at, one in enumerate(links) if at < shown or one.is_chosen]
    more = [one for at, one in enumerate(links) if at >= shown and not one.is_chosen]
    return Choices(facet.label, first, more, len(facet.values) - len(listed))


def bars(found: Found) -> list[Bar]:
    """Return the months or years of what was found in their order, the empty ones too.

    One month or year alone narrows nothing and makes no bars.
    """
    values = next((one.values for one in found.facets if one.field == "date"), ())
    span = whole_span([(one.value, one.count) for one in values if one.count])
    if len(span) < 2:
        return []
    most = max(count for _, count in span)
    chosen = found.filters.get("date", ())
    link = _links(found, "date")
    return [
        Bar(
            label=period_label(period),
            count=count,
            height=-(-count * TALLEST // most),
            is_chosen=period in chosen,
            url=link(period),
        )
        for period, count in span
    ]


def toggled(found: Found, field: str, value: str) -> str:
    """Return the address with one value of a field switched on, or off."""
    return _links(found, field)(value)


def _links(found: Found, field: str) -> Callable[[str], str]:
    """Return what gives the address with a value of the field switched on, or off.

    All but that field is put together once: a page has hundreds of such links.
    """
    chosen = found.filters.get(field, ())
    others = {name: values for name, values in found.filters.items() if name != field}
    base = address(found, others)
    before = f"{base}{'&' if '?' in base else '?'}{field}="

    def link(value: str) -> str:
        if not chosen:
            return before + quote_plus(value)
        if field == "date":
            wanted = with_period(chosen, value)
        else:
            left = tuple(one for one in chosen if one != value)
            wanted = left if value in chosen else (*chosen, value)
        return address(found, {**found.filters, field: wanted})

    return link


def address(
    found: Found, filters: Mapping[str, Sequence[str]] | None = None, sort: str = ""
) -> str:
    """Return the address of the same search, with other filters or another order if given."""
    pairs = [("q", found.text)] if found.text else []
    order = sort or found.sort
    pairs += [("sort", order)] if order != "relevance" else []
    chosen = found.filters if filters is None else filters
    pairs += [(name, value) for name in FIELDS for value in chosen.get(name, ())]
    query = urlencode(pairs)
    return url_for("search.page") + (f"?{query}" if query else "")
