"""The page of attached files that could not be read."""

from functools import partial

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.web import reading, work
from archive.people.gate import actor, guard
from archive.search import unread
from archive.search.unread import UnreadView

pages = APIBlueprint("unread", __name__, url_prefix="/search/unread", enable_openapi=False)
_COLUMNS: tuple[ListColumn[UnreadView], ...] = (
    ListColumn("档号", lambda one: one.code, 30),
    ListColumn("题名", lambda one: one.title, 44),
    ListColumn("没读出的原因", lambda one: "；".join(one.why), 80),
)


@pages.get("")
@guard("filing.list")
def listing() -> str | Response:
    """Show the items with unread files."""
    with reading() as uow:
        read_page = partial(unread.list_unread, uow, actor())
        if wants_sheet():
            return list_sheet(
                "没读出文字的附件", _COLUMNS, lambda n, size: read_page(page=n, per_page=size)
            )
        shown = read_page(page=request.args.get("page", 1, type=int))
    return render_template("search/unread.html", page=shown)


@pages.post("")
@guard("filing.list")
def again() -> Response:
    """Have the chosen ones, or all, read again."""
    chosen = None if "all" in request.form else request.form.getlist("item", type=int)
    try:
        with work() as uow:
            count = unread.read_again(uow, actor(), chosen)
            uow.commit()
    except Invalid as refusal:
        flash(refusal.message, "danger")
    else:
        flash(f"已安排再读 {count} 个文件，读完以后就能按内容查到。", "success")
    return redirect(url_for(".listing"))
