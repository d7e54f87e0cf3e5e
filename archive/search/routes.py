"""The page of search and the completions while typing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import Response, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.pages import Page
from archive.core.web import reading, resources, work
from archive.people.gate import actor, guard
from archive.search import past, service
from archive.search.rules import FIELDS, SORTS, plain_and_marks
from archive.search.views import ITEM, Card, Facet, Found, FoundHit

pages = APIBlueprint(
    "search",
    __name__,
    url_prefix="/search",
    template_folder="templates",
    static_folder="static",
    enable_openapi=False,
)
PER_PAGE = 20
SHOWN_VALUES = 6
TONES = {"在库": "green", "借出": "amber", "待查": "red", "草稿": "gray", "签核中": "blue"}
TONES |= {"已退回": "amber", "已拒绝": "red", "已签，待归档": "green"}
_COLUMNS: tuple[ListColumn[FoundHit], ...] = (
    ListColumn("题名", lambda hit: plain_and_marks(hit.title)[0], 40),
    ListColumn("档号", lambda hit: hit.card.code, 30),
    ListColumn("编号", lambda hit: hit.card.number, 18),
    ListColumn("客户", lambda hit: hit.customer, 28),
    ListColumn("表单", lambda hit: hit.form_title or hit.form, 20),
    ListColumn("年度", lambda hit: hit.year, 8),
    ListColumn("部门", lambda hit: hit.department, 14),
    ListColumn("日期", lambda hit: hit.date, 12),
    ListColumn("状态", lambda hit: hit.status, 12),
    ListColumn("存放", lambda hit: hit.card.place, 24),
    ListColumn("内容片段", lambda hit: plain_and_marks(hit.snippet)[0], 60),
)


@dataclass(frozen=True)
class _Choice:
    """A value of a field as a link that switches it on or off."""

    label: str
    count: int
    is_chosen: bool
    url: str


@dataclass(frozen=True)
class _Choices:
    """A field with its links; those in ``more`` are folded away."""

    label: str
    first: Sequence[_Choice]
    more: Sequence[_Choice]


@pages.get("")
@guard("search")
def page() -> str | Response:
    """Show the box, and what fits, with filters, counts and sorting."""
    args = request.args
    sort = args.get("sort", "relevance")
    read_page = partial(
        service.search,
        resources(),
        actor(),
        args.get("q", ""),
        {name: args.getlist(name) for name in FIELDS},
        sort if sort in SORTS else "relevance",
    )
    if wants_sheet():
        return list_sheet("检索结果", _COLUMNS, lambda n, size: _as_page(read_page(n, size)))
    found = read_page(max(1, args.get("page", 1, int)), PER_PAGE)
    if found.total and found.page == 1 and not found.filters:
        _remember(found.text)
    return render_template(
        "search/page.html",
        page=found,
        choices=[_choices(found, one) for one in found.facets if one.values],
        chosen=[
            (one.label, value.label, _toggled(found, one.field, value.value))
            for one, value in found.chosen
        ],
        sorts=[(key, label, _address(found, sort=key)) for key, label in SORTS.items()],
        meant=[(text, _address(replace(found, text=text))) for text in found.did_you_mean],
        plain_url=_address(found, filters={}),
        first_url=_address(found),
        link_of=_link_of,
        tones=TONES,
    )


def _remember(text: str) -> None:
    """Keep the search for the completions of the one who made it; a reload writes nothing."""
    with reading() as uow:  # without the write lock
        if not past.is_news(uow, actor(), text):
            return
    with work() as uow:
        if past.remember(uow, actor(), text):
            uow.commit()


@pages.post("/past/clear")
@guard("search")
def forget() -> Redirect:
    """Clear one's own past searches."""
    with work() as uow:
        past.forget(uow, actor())
        uow.commit()
    flash("检索记录已清除。", "success")
    return redirect(url_for("search.page"))


def _as_page(found: Found) -> Page[FoundHit]:
    return Page(found.items, found.total, found.page, found.per_page)


@pages.get("/suggest")
@guard("search")
def suggestions() -> dict[str, Any]:
    """Complete what is being typed: text, a word about it, and where it leads."""
    found = service.suggest(resources(), actor(), request.args.get("q", ""))
    return {
        "items": [
            {
                "text": one.text,
                "kind": one.kind,
                "note": one.note,
                "url": _link_of(one.card) if one.card else "",
            }
            for one in found
        ]
    }


def _choices(found: Found, facet: Facet) -> _Choices:
    links = [
        _Choice(
            value.label, value.count, value.is_chosen, _toggled(found, facet.field, value.value)
        )
        for value in facet.values
    ]
    shown = SHOWN_VALUES if len(links) > SHOWN_VALUES + 1 else len(links)  # never fold just one
    first = [one for at, one in enumerate(links) if at < shown or one.is_chosen]
    return _Choices(facet.label, first, [one for one in links if one not in first])


def _toggled(found: Found, field: str, value: str) -> str:
    """Return the address with one value of a field switched on, or off."""
    values = found.filters.get(field, ())
    left = tuple(one for one in values if one != value)
    return _address(found, {**found.filters, field: left if value in values else (*values, value)})


def _address(
    found: Found, filters: Mapping[str, Sequence[str]] | None = None, sort: str = ""
) -> str:
    pairs = [("q", found.text)] if found.text else []
    chosen = found.filters if filters is None else filters
    pairs += [(name, value) for name in FIELDS for value in chosen.get(name, ())]
    order = sort or found.sort
    pairs += [("sort", order)] if order != "relevance" else []
    query = urlencode(pairs)
    return url_for("search.page") + (f"?{query}" if query else "")


def _link_of(card: Card) -> str:
    """Return the page of a thing found; nothing when that station has no such page."""
    name = "filing.item" if card.kind == ITEM else "records.show"
    if name not in current_app.view_functions:
        return ""
    if card.kind == ITEM:
        return url_for(name, item_id=card.thing_id)
    return url_for(name, record_id=card.thing_id)
