"""The page of search and the completions while typing."""

from dataclasses import replace
from functools import partial
from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.pages import Page
from archive.core.web import reading, resources, work
from archive.people.gate import actor, guard
from archive.search import opening, past, saved, service
from archive.search.narrowing import address, bars, choices, toggled
from archive.search.rules import FIELDS, SORTS, plain_and_marks
from archive.search.views import ITEM, Card, Found, FoundHit

pages = APIBlueprint(
    "search",
    __name__,
    url_prefix="/search",
    template_folder="templates",
    static_folder="static",
    enable_openapi=False,
)
PER_PAGE = 20
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
    is_kept = found.total and found.page == 1 and not found.filters
    return render_template(
        "search/page.html",
        page=found,
        choices=[choices(found, one) for one in found.facets if one.values and one.field != "date"],
        bars=bars(found),
        chosen=[
            (one.label, value.label, toggled(found, one.field, value.value))
            for one, value in found.chosen
        ],
        sorts=[(key, label, address(found, sort=key)) for key, label in SORTS.items()],
        meant=[(text, address(replace(found, text=text))) for text in found.did_you_mean],
        plain_url=address(found, filters={}),
        first_url=address(found),
        link_of=link_of,
        news=_note(found.text if is_kept else None),
        tones=TONES,
    )


def _note(text: str | None) -> int:
    """Count what is new in the searches the person keeps, and keep this one among their past ones.

    None is not kept; a reload writes nothing. It is kept a moment later: nobody waits for it.
    """
    person = actor()
    with reading() as uow:
        news = saved.count_fresh(uow, person)
        is_new = text is not None and past.is_news(uow, person, text)
    if text is not None and is_new:
        resources().afterwards.do(lambda uow: past.remember(uow, person, text))
    return news


@pages.post("/past/clear")
@guard("search")
def forget() -> Redirect:
    """Clear one's own past searches."""
    resources().afterwards.settle()  # a search of a moment ago is cleared too
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
                "url": link_of(one.card) if one.card else "",
            }
            for one in found
        ]
    }


@pages.get("/at/<int:item_id>")
@guard("item.read")
def at_hit(item_id: int) -> Redirect:
    """Open an item's PDF at the page where what was searched for stands; else the item's page."""
    place = opening.find_place(resources(), actor(), item_id, request.args.get("q", "")[:500])
    if place is None:
        flash("没有能打开的 PDF，请在这里看文件。", "info")
        return redirect(url_for("filing.item", item_id=item_id))
    address = url_for("filing.item_file", item_id=item_id, file_id=place.file_id, inline=1)
    return redirect(f"{address}#page={place.page}")


def link_of(card: Card) -> str:
    """Return the page of a thing found; nothing when that station has no such page."""
    name = "filing.item" if card.kind == ITEM else "records.show"
    if name not in current_app.view_functions:
        return ""
    if card.kind == ITEM:
        return url_for(name, item_id=card.thing_id)
    return url_for(name, record_id=card.thing_id)
