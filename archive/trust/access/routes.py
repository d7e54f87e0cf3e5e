"""Pages: who can see a thing and why, why somebody cannot, and grants given and withdrawn."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import ArchiveError, Conflict, Invalid, NotFound
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet, whole_list_sheet
from archive.core.pages import clean_paging
from archive.core.web import reading, work
from archive.people.gate import actor, find_current_actor, guard
from archive.people.grants.service import GrantFields
from archive.people.grants.views import GrantView
from archive.people.rights import can
from archive.trust.access import service
from archive.trust.access.posted import read_day
from archive.trust.access.views import Seer

pages = APIBlueprint("access", __name__, template_folder="templates", enable_openapi=False)

Page = str | Response | tuple[str, int]
PER_PAGE = 50
KINDS = "<any(record, item, customer, volume):kind>"
HOME = {
    "record": ("records.show", "record_id"),
    "item": ("filing.item", "item_id"),
    "customer": ("customers.show", "customer_id"),
    "volume": ("filing.volume", "volume_id"),
}
_SEERS: tuple[ListColumn[Seer], ...] = (
    ListColumn("工号", lambda one: one.staff_no, 10),
    ListColumn("姓名", lambda one: one.name, 12),
    ListColumn("部门", lambda one: one.department_name, 16),
    ListColumn("为什么看得到", lambda one: one.why, 60),
)
_GRANTS: tuple[ListColumn[GrantView], ...] = (
    ListColumn("授权给", lambda one: one.user_name, 12),
    ListColumn("看什么", lambda one: one.kind_label, 8),
    ListColumn("编号", lambda one: one.number, 26),
    ListColumn("谁授的", lambda one: one.by_name, 12),
    ListColumn("何时", lambda one: one.given_on, 18),
    ListColumn("到哪天", lambda one: one.until, 12),
    ListColumn("原因", lambda one: one.reason, 40),
    ListColumn("状态", lambda one: one.state_label, 10),
    ListColumn("收回", lambda one: one.ended, 40),
)


@pages.get(f"/access/{KINDS}/<int:thing_id>")
@guard("access.read")
def show(kind: str, thing_id: int) -> Page:
    """Show everybody who can see the thing and why; ``person``: ask about one."""
    if wants_sheet():
        with reading() as uow:
            found = service.circle_of(uow, actor(), kind, thing_id, request.args.get("text", ""))
        return whole_list_sheet(f"谁能看到 {found.subject.number}", _SEERS, found.seers)
    return _circle_page(kind, thing_id)


@pages.post(f"/access/{KINDS}/<int:thing_id>/grants")
@guard("access.grant")
def give(kind: str, thing_id: int) -> Page:
    """Let somebody in until a day."""
    try:
        with work() as uow:
            fields = GrantFields(
                kind,
                thing_id,
                read_day(request.form.get("until", "")),
                request.form.get("reason", ""),
            )
            made, _ = service.let_in(uow, actor(), request.form.get("person", ""), fields)
            uow.commit()
    except (Invalid, Conflict) as refusal:
        return _circle_page(kind, thing_id, refusal, request.form), _status(refusal)
    flash(f"已授权 {made.user_name} 看到 {made.until}。", "success")
    return redirect(url_for("access.show", kind=kind, thing_id=thing_id))


@pages.get("/access/grants")
@guard("grant.list")
def grants() -> Page:
    """List grants, newest first."""
    return _grants_page()


@pages.get("/access/find")
@guard("grant.list")
def find() -> Response:
    """Go to the circle of the paper or customer with this number."""
    number = request.args.get("number", "").strip()
    with reading() as uow:
        found = service.find_by_number(uow, actor(), number)
    if found is None:
        flash(f"没有编号是“{number[:40]}”的文件、档案或客户，或者不归您管。", "warning")
        return redirect(url_for("access.grants"))
    return redirect(url_for("access.show", kind=found[0], thing_id=found[1]))


@pages.post("/access/grants/<int:grant_id>/withdraw")
@guard("access.grant")
def withdraw(grant_id: int) -> Page:
    """End a grant now."""
    try:
        with work() as uow:
            done = service.let_out(uow, actor(), grant_id, request.form.get("reason", ""))
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("access.grants"))
    flash(f"已收回 {done.user_name} 的授权，现在起看不到了。", "success")
    if request.form.get("back") == "thing":
        return redirect(url_for("access.show", kind=done.kind, thing_id=done.thing_id))
    return redirect(url_for("access.grants"))


@pages.get("/access/mine")
@guard("self")
def mine() -> Page:
    """Show what is open to the person signed in by grant."""
    with reading() as uow:
        found = service.own_grants(uow, actor())
    if wants_sheet():
        return whole_list_sheet("我得到的授权", _GRANTS, found)
    return render_template("access/mine.html", grants=found, home=HOME)


@pages.app_context_processor
def links() -> dict[str, object]:
    """Give the pages of papers and customers the link to their circle."""
    return {"circle_url": circle_url, "grants_open": grants_open}


def circle_url(kind: str, thing_id: int) -> str:
    """Return the address of a thing's circle for who keeps it, else nothing."""
    person = find_current_actor()
    if person is None or not can(person, "grant.list"):
        return ""
    with reading() as uow:
        keeps = service.keeps_circle(uow, person, kind, thing_id)
    return url_for("access.show", kind=kind, thing_id=thing_id) if keeps else ""


def grants_open() -> int:
    """Return how many grants hold for the person signed in now."""
    person = find_current_actor()
    return len(person.grants) if person else 0


def _circle_page(
    kind: str,
    thing_id: int,
    refusal: ArchiveError | None = None,
    typed: Mapping[str, str] | None = None,
) -> str:
    page, per_page = clean_paging(request.args.get("page", 1, int), PER_PAGE)
    asked, answer, why = request.args.get("person", "").strip(), None, ""
    with reading() as uow:
        found = service.circle_of(uow, actor(), kind, thing_id, request.args.get("text", ""))
        if asked:
            try:
                answer = service.ask_about(uow, actor(), kind, thing_id, asked)
            except (Invalid, NotFound) as unknown:
                why = unknown.message
    endpoint, name = HOME[kind]
    values: dict[str, Any] = {name: thing_id}
    return render_template(
        "access/show.html",
        subject=found.subject,
        page=service.page_of_seers(found, page, per_page),
        grants=found.grants,
        answer=answer,
        not_understood=why,
        refusal=refusal,
        typed=typed or {},
        home=url_for(endpoint, **values) if found.subject.title else "",
    )


def _grants_page() -> Page:
    live = request.args.get("live") == "1"
    with reading() as uow:
        if wants_sheet():
            return list_sheet(
                "授权",
                _GRANTS,
                lambda number, size: service.list_grants(
                    uow, actor(), only_live=live, page=number, per_page=size
                ),
            )
        page, per_page = clean_paging(request.args.get("page", 1, int), 20)
        found = service.list_grants(uow, actor(), only_live=live, page=page, per_page=per_page)
    return render_template("access/grants.html", page=found, live=live)


def _status(refusal: ArchiveError) -> int:
    return 409 if isinstance(refusal, Conflict) else 422
