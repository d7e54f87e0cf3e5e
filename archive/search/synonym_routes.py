"""The page of synonyms: the list with every group open to change, and the list as Excel."""

from functools import partial

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Conflict, Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.pages import MAX_PER_PAGE
from archive.core.web import reading, work
from archive.people.gate import actor, guard
from archive.search import synonyms
from archive.search.synonyms import SynonymView

pages = APIBlueprint("synonyms", __name__, url_prefix="/search/synonyms", enable_openapi=False)
_COLUMNS: tuple[ListColumn[SynonymView], ...] = (
    ListColumn("同义词", lambda one: one.text, 60),
    ListColumn("词数", lambda one: len(one.words), 8),
    ListColumn("修改人", lambda one: one.changed_by, 14),
    ListColumn("修改时间", lambda one: one.changed_at, 18),
)
Answer = str | tuple[str, int] | Response


@pages.get("")
@guard("search.synonyms")
def listing() -> Answer:
    """Show every group, each open to change."""
    if wants_sheet():
        with reading() as uow:
            read_page = partial(synonyms.list_groups, uow, actor())
            return list_sheet("同义词", _COLUMNS, read_page)
    return _page()


@pages.post("")
@guard("search.synonyms")
def add() -> Answer:
    """Add a group; what is not right comes back as it was typed."""
    text = request.form.get("words", "")
    try:
        with work() as uow:
            synonyms.add_group(uow, actor(), text)
            uow.commit()
    except Invalid as refusal:
        return _page(0, text, refusal.message), 422
    flash("已加上，从下一次检索起生效。", "success")
    return redirect(url_for("synonyms.listing"))


@pages.post("/<int:group_id>")
@guard("search.synonyms")
def change(group_id: int) -> Answer:
    """Write a group anew; a stale or wrong one comes back as it was typed."""
    text = request.form.get("words", "")
    try:
        with work() as uow:
            version = request.form.get("version", 0, type=int)
            synonyms.change_group(uow, actor(), group_id, version, text)
            uow.commit()
    except (Invalid, Conflict) as refusal:
        status = 422 if isinstance(refusal, Invalid) else 409
        return _page(group_id, text, refusal.message), status
    flash("已保存，从下一次检索起生效。", "success")
    return redirect(url_for("synonyms.listing"))


@pages.post("/<int:group_id>/remove")
@guard("search.synonyms")
def remove(group_id: int) -> Response:
    """Take a group out."""
    with work() as uow:
        synonyms.remove_group(uow, actor(), group_id)
        uow.commit()
    flash("已删去。", "success")
    return redirect(url_for("synonyms.listing"))


def _page(wrong_id: int = -1, typed: str = "", message: str = "") -> str:
    """Show the list; ``wrong_id`` is the group refused, 0 the new one."""
    with reading() as uow:
        found = synonyms.list_groups(
            uow, actor(), max(1, request.args.get("page", 1, int)), MAX_PER_PAGE
        )
    return render_template(
        "search/synonyms.html", page=found, wrong_id=wrong_id, typed=typed, message=message
    )
