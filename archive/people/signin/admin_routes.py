"""The audit office's log of signing in, and one person's sign-ins for the administrator."""

from datetime import date
from functools import partial

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.pages import clean_paging
from archive.core.web import reading, resources, work
from archive.people import service
from archive.people.gate import actor, guard
from archive.people.rights import require
from archive.people.signin import entries, factors, locks, outside, sessions, tokens
from archive.people.signin.entries import EntryFilter, EntryView
from archive.people.signin.routes import LOG_COLUMNS
from archive.people.signin.rules import REFUSALS

pages = APIBlueprint("sign_in_admin", __name__, template_folder="templates", enable_openapi=False)
LONGEST = 60

_COLUMNS: tuple[ListColumn[EntryView], ...] = (
    ListColumn("姓名", lambda one: one.person, 12),
    ListColumn("工号", lambda one: one.staff_no, 12),
    *LOG_COLUMNS,
)


@pages.get("/admin/sign-ins")
@guard("journal.read")
def log() -> str | Response:
    """Show everybody's sign-ins, newest first."""
    page, per_page = clean_paging(request.args.get("page", 1, int), 50)
    with reading() as uow:
        read_page = partial(entries.list_all, uow, actor(), _filter())
        if wants_sheet():
            return list_sheet("登录记录", _COLUMNS, read_page)
        lines = read_page(page, per_page)
    return render_template("signin/log.html", page=lines, refusals=REFUSALS)


@pages.get("/admin/users/<int:user_id>/sign-in")
@guard("people.list")
def of_user(user_id: int) -> str:
    """Show how one person signs in: locks, second factor, sign-ins, tokens."""
    with reading() as uow:
        view = service.get_user(uow, actor(), user_id)
        factor = factors.view_factor(uow, user_id)
        return render_template(
            "signin/of_user.html",
            user=view,
            locked_until=locks.locked_until(uow, view.username) or factor.locked_until,
            factor=factor,
            sessions=sessions.list_sessions(uow, user_id, resources().settings.sign_in.idle),
            tokens=tokens.list_tokens(uow, user_id),
            identities=outside.identities_of(uow, user_id),
        )


@pages.post("/admin/users/<int:user_id>/sign-in/unlock")
@guard("people.edit")
def unlock(user_id: int) -> Response:
    """End the locks of an account."""
    with work() as uow:
        service.get_user(uow, actor(), user_id)
        ended = locks.unlock(uow, actor(), user_id)
        uow.commit()
    return _back(user_id, "已解锁。" if ended else "账号没有锁定，不用解锁。")


@pages.post("/admin/users/<int:user_id>/sign-in/end")
@guard("people.edit")
def end_all(user_id: int) -> Response:
    """End every sign-in of a person."""
    with work() as uow:
        require(actor(), "people.edit")
        service.get_user(uow, actor(), user_id)
        ended = sessions.end_sessions(uow, user_id, actor().id)
        uow.commit()
    return _back(user_id, f"已结束 {ended} 处登录。")


@pages.post("/admin/users/<int:user_id>/sign-in/drop-factor")
@guard("people.edit")
def drop_factor(user_id: int) -> Response:
    """Take a person's second factor away; they hear of it."""
    with work() as uow:
        factors.drop_for(uow, actor(), user_id)
        uow.commit()
    return _back(user_id, "两步验证已停用，并已告知本人。")


@pages.post("/admin/users/<int:user_id>/sign-in/unbind")
@guard("people.edit")
def unbind(user_id: int) -> Response:
    """Forget by what others know a person."""
    with work() as uow:
        service.get_user(uow, actor(), user_id)
        outside.unbind(uow, actor(), user_id)
        uow.commit()
    return _back(user_id, "对应已解除，下次登录时重新对应。")


def _back(user_id: int, message: str) -> Response:
    flash(message, "success")
    return redirect(url_for("sign_in_admin.of_user", user_id=user_id))


def _filter() -> EntryFilter:
    asked = {
        name: request.args.get(name, "").strip()[:LONGEST]
        for name in ("person", "address", "outcome")
    }
    return EntryFilter(since=_day("since"), until=_day("until"), **asked)


def _day(name: str) -> date | None:
    text = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as wrong:
        raise Invalid("日期不对，请写成 2026-11-23 这样。", {name: "日期不对"}) from wrong
