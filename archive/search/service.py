"""Searching: what is asked, by whom, and what of it they find.

The reader's tokens go into the query itself, so count, facets, passages and suggestions know
nothing of what the reader may not see. Keeping the index up to date is in ``indexing``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from archive.core.clock import local_day
from archive.core.errors import NotFound
from archive.core.masking import mask, personal_numbers
from archive.core.pages import clean_paging
from archive.core.resources import Resources
from archive.customers import service as customers
from archive.filing.codes import find_reference, find_tail
from archive.forms.service import form_titles
from archive.people.rights import Actor, actor_tokens, personal_tokens, require
from archive.people.service import find_actor_by_username
from archive.search import past, synonyms
from archive.search.hits import HitReader
from archive.search.indexing import mend_index, rebuild_remark
from archive.search.rules import FIELDS, Sort, clean_filters, clean_sort, period_label
from archive.search.store import OPERATOR, load_cards, open_index, readers_of
from archive.search.views import Facet, FacetValue, Found, SuggestionView
from indexer import SearchRequest, SearchResults, fold

MOST_AT_ONCE = 1000
_ABOUT_THE_INDEX = "检索索引"
_MOST_PAST = 3
_OFFICES = ("archive.", "leader.", OPERATOR)


@dataclass(frozen=True)
class _Wanted:
    """One search, checked."""

    text: str
    filters: Mapping[str, tuple[str, ...]]
    sort: Sort
    page: int
    per_page: int


@dataclass(frozen=True)
class Reader:
    """Who searches: the tokens they read by, and those by which they see personal numbers."""

    tokens: frozenset[str]
    personal: frozenset[str]

    @classmethod
    def of(cls, actor: Actor) -> "Reader":
        """Return the reader an actor is."""
        return cls(actor_tokens(actor), personal_tokens(actor))

    def may_be_told(self, text: str) -> bool:
        """Say whether a text of no one paper (a value, a correction) may be told to them."""
        return any(token.startswith(_OFFICES) for token in self.personal) or not personal_numbers(
            text
        )


def search(
    resources: Resources,
    actor: Actor,
    text: str,
    filters: Mapping[str, Iterable[str]] | None = None,
    sort: str = "relevance",
    page: int = 1,
    per_page: int = 20,
) -> Found:
    """Return one page of what the actor may see of what fits; never fails for how it is typed.

    Raises Forbidden for a bare administrator, Invalid for unknown filters, sorts and pages.
    """
    require(actor, "search")
    clean_paging(page, per_page)
    wanted = _Wanted(text, clean_filters(filters or {}), clean_sort(sort), page, per_page)
    return _run(resources, Reader.of(actor), wanted)


def search_on_command(
    resources: Resources,
    username: str | None,
    text: str,
    limit: int = 20,
    filters: Mapping[str, Iterable[str]] | None = None,
    sort: str = "relevance",
) -> Found:
    """Search as a user, or, without one, as the archive's operator, who sees everything.

    Raises NotFound for an unknown user; ``limit`` is cut to 1–1000.
    """
    reader = Reader(frozenset({OPERATOR}), frozenset({OPERATOR}))
    if username is not None:
        with resources.reading() as uow:
            actor = find_actor_by_username(uow, username)
        if actor is None:
            raise NotFound(f"没有用户“{username[:40]}”，或其已离职。")
        reader = Reader.of(require(actor, "search"))
    limit = max(1, min(limit, MOST_AT_ONCE))
    wanted = _Wanted(text, clean_filters(filters or {}), clean_sort(sort), 1, limit)
    return _run(resources, reader, wanted)


def matching_ids(
    resources: Resources, actor: Actor, text: str, filters: Mapping[str, Iterable[str]]
) -> frozenset[str] | None:
    """Return the ids of all that fits and the actor may see; None while the index is not whole."""
    require(actor, "search")
    wanted = _Wanted(text, clean_filters(filters), "date", 1, 1)
    request, _ = _request(resources, Reader.of(actor), wanted)
    return open_index(resources).matching_ids(request)


def suggest(
    resources: Resources, actor: Actor, text: str, limit: int = 8
) -> tuple[SuggestionView, ...]:
    """Return completions: own past searches, customers of papers and register, then titles.

    With nothing typed, the latest past searches.
    """
    require(actor, "search")
    with resources.reading() as uow:
        before = past.past_searches(uow, actor, text, _MOST_PAST if text.strip() else limit)
    found = {one: SuggestionView(one, "past", "查过") for one in before}
    if not text.strip():
        return tuple(found.values())
    suggested = open_index(resources).suggest(text, actor_tokens(actor), limit)
    titles = {one.text: one.id for one in reversed(suggested) if one.kind == "title"}
    reader = Reader.of(actor)
    notes = {
        one.text: f"客户 · {one.count} 件"
        for one in suggested
        if one.kind == "customer" and reader.may_be_told(one.text)
    }
    with resources.reading() as uow:
        for customer in customers.find_customers(uow, actor, text, limit):
            if reader.may_be_told(customer.name):
                notes.setdefault(customer.name, f"客户 · {customer.number}")
        readers = readers_of(uow, titles.values())
        cards = load_cards(uow, list(titles.values()))
    for name in sorted(notes, key=lambda name: not fold(name).startswith(fold(text).strip())):
        found.setdefault(name, SuggestionView(name, "customer", notes[name]))
    for title, entry_id in reversed(titles.items()):
        if entry_id in cards:
            known = cards[entry_id]
            note = " · ".join(part for part in (known.entry.form_title, known.card.number) if part)
            if not readers[entry_id] & reader.personal:
                title, note = mask(title), mask(note)
            card = replace(known.card, number="")
            found.setdefault(title, SuggestionView(title, "title", note, card))
    return tuple(found.values())[:limit]


def _with_whole_codes(text: str) -> str:
    """Return what is looked for: a 档号 as it is written, or also its end with all four digits.

    So ``z109 kh 2026 d30 xsb 1`` finds the paper, and ``XSB-1`` both that and what is called so.
    """
    whole = find_reference(text)
    if whole is not None:
        return str(whole)
    tail = find_tail(text)
    if "unit" not in tail or len(tail["serial"].lstrip("L")) == 4:
        return text
    mark, digits = ("L" if tail["serial"].startswith("L") else ""), tail["serial"].lstrip("L")
    return f"({text}) OR {tail['unit']}-{mark}{int(digits):04d}"


def _request(
    resources: Resources, reader: Reader, wanted: _Wanted
) -> tuple[SearchRequest, dict[str, str]]:
    """Return what the index is asked, and the titles of the forms by code."""
    with resources.reading() as uow:
        titles = form_titles(uow)
        now = uow.now()
        same = synonyms.groups(uow)
    request = SearchRequest(
        text=_with_whole_codes(wanted.text),
        readers=reader.tokens,
        filters=_by_codes(wanted.filters, titles),
        sort=wanted.sort,
        offset=(wanted.page - 1) * wanted.per_page,
        limit=wanted.per_page,
        today=local_day(now),
        synonyms=same,
        hide=personal_numbers,
        unveiled=reader.personal,
    )
    return request, dict(titles)


def _run(resources: Resources, reader: Reader, wanted: _Wanted) -> Found:
    request, titles = _request(resources, reader, wanted)
    filters = dict(request.filters)
    remark = rebuild_remark(resources) if mend_index(resources) else ""
    hits = HitReader(resources)
    results = open_index(resources).search(request, hits.load)
    return Found(
        text=wanted.text,
        items=hits.shown(results.hits),
        total=results.total,
        took_ms=round(results.took_ms, 2),
        facets=_facets(results, filters, titles, reader),
        notes=_notes(results, remark),
        filters=filters,
        sort=wanted.sort,
        page=wanted.page,
        per_page=wanted.per_page,
        rebuilding=remark,
        did_you_mean=tuple(text for text in results.did_you_mean if reader.may_be_told(text)),
    )


def _notes(results: SearchResults, remark: str) -> tuple[str, ...]:
    """Return the remarks on the query; those on the index itself are said in our own words."""
    told = tuple(note for note in results.notes if not note.startswith(_ABOUT_THE_INDEX))
    return (remark, *told) if remark else results.notes


def _facets(
    results: SearchResults,
    filters: Mapping[str, tuple[str, ...]],
    titles: Mapping[str, str],
    reader: Reader,
) -> tuple[Facet, ...]:
    return tuple(
        _facet(
            name,
            [pair for pair in results.facets.get(name, ()) if reader.may_be_told(pair[0])],
            filters.get(name, ()),
            titles,
        )
        for name in FIELDS
    )


def _facet(
    name: str,
    counts: Iterable[tuple[str, int]],
    chosen: tuple[str, ...],
    form_titles: Mapping[str, str],
) -> Facet:
    """One field with its counts; what is asked for stands there even when nothing has it."""
    numbers = dict(counts)
    numbers.update({value: 0 for value in chosen if value not in numbers})
    values = tuple(
        FacetValue(value, _label(name, value, form_titles), count, value in chosen)
        for value, count in numbers.items()
    )
    return Facet(name, FIELDS[name], values)


def _label(name: str, value: str, form_titles: Mapping[str, str]) -> str:
    if name == "form" and value in form_titles:
        return f"{value} {form_titles[value]}"
    if name == "date":
        return period_label(value)
    return f"{value}年" if name == "year" else value


def _by_codes(
    filters: Mapping[str, tuple[str, ...]], titles: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return the filters with a form's title turned into its code (买卖合同 → E05)."""
    found = dict(filters)
    if "form" in found:
        codes = {title: code for code, title in titles.items()}
        found["form"] = tuple(dict.fromkeys(codes.get(value, value) for value in found["form"]))
    return found
