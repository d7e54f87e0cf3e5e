"""The page of the searches a person keeps: run, rename, take out, and what is new in each."""

from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Conflict, Invalid
from archive.core.web import reading, resources, work
from archive.people.gate import actor, guard
from archive.search import saved
from archive.search.routes import link_of
from archive.search.rules import FIELDS, SORTS
from archive.search.saved import SavedView
from archive.search.service import matching_ids

pages = APIBlueprint("saved_searches", __name__, url_prefix="/search/saved", enable_openapi=False)
Answer = str | tuple[str, int] | Response


@pages.get("")
@guard("search")
def listing() -> Answer:
    """Show the searches kept."""
    return _page()


@pages.post("")
@guard("search")
def save() -> Answer:
    """Keep the search shown; a refused one comes back with what was typed."""
    form = request.form
    filters = {name: form.getlist(name) for name in FIELDS}
    text, name = form.get("q", ""), form.get("name", "")
    try:
        known = matching_ids(resources(), actor(), text, filters)
        with work() as uow:
            sort = form.get("sort", "relevance")
            saved.save(uow, actor(), name, text, filters, sort, known)
            uow.commit()
    except (Invalid, Conflict) as refusal:
        asked = [(key, value) for key in ("q", *FIELDS, "sort") for value in form.getlist(key)]
        return _page(refusal.message, name, asked), 422
    is_wide = known is not None and len(known) > saved.MOST_KNOWN
    told = "合乎条件的太多，有新文件时不提醒" if is_wide else "有新文件时会提醒您"
    flash(f"已保存为“{' '.join(name.split())}”，{told}。", "success")
    return redirect(url_for("saved_searches.listing"))


@pages.post("/<int:saved_id>/name")
@guard("search")
def rename(saved_id: int) -> Answer:
    """Give a search another name."""
    try:
        with work() as uow:
            saved.rename(uow, actor(), saved_id, request.form.get("name", ""))
            uow.commit()
    except (Invalid, Conflict) as refusal:
        return _page(refusal.message, request.form.get("name", "")), 422
    flash("已改名。", "success")
    return redirect(url_for("saved_searches.listing"))


@pages.post("/<int:saved_id>/remove")
@guard("search")
def remove(saved_id: int) -> Response:
    """Take a search out."""
    with work() as uow:
        saved.remove(uow, actor(), saved_id)
        uow.commit()
    flash("已删去。", "success")
    return redirect(url_for("saved_searches.listing"))


@pages.post("/<int:saved_id>/run")
@guard("search")
def run(saved_id: int) -> Response:
    """Run a search: its news is seen now."""
    with work() as uow:
        one = saved.get_saved(uow, actor(), saved_id)
        if saved.mark_seen(uow, actor(), saved_id):
            uow.commit()
    pairs = [("q", one.text)] if one.text else []
    pairs += [(name, value) for name, values in one.filters.items() for value in values]
    pairs += [("sort", one.sort)] if one.sort != "relevance" else []
    return redirect(f"{url_for('search.page')}?{urlencode(pairs)}")


def _page(message: str = "", typed: str = "", asked: list[tuple[str, str]] | None = None) -> str:
    with reading() as uow:
        found = saved.list_saved(uow, actor())
    return render_template(
        "search/saved.html",
        saved=[(one, _in_words(one)) for one in found],
        message=message,
        typed=typed,
        asked=asked,
        link_of=link_of,
    )


def _in_words(one: SavedView) -> str:
    """Say what a search asks."""
    parts = [f"“{one.text}”"] if one.text else []
    parts += [f"{FIELDS[name]}：{'、'.join(values)}" for name, values in one.filters.items()]
    parts += [SORTS[one.sort]] if one.sort != "relevance" else []
    return "，".join(parts) or "全部文件"
