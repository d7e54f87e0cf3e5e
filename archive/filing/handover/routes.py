"""Pages of handing over: what my department owes, all departments, and one list."""

from collections.abc import Callable
from datetime import date

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.clock import local_day
from archive.core.errors import (
    ArchiveError,
    Conflict,
    Forbidden,
    Invalid,
    Throttled,
    Unauthenticated,
)
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.pages import Page as Lines
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.handover import edge, service
from archive.filing.handover.papers import list_paper
from archive.filing.handover.posted import read_counted, read_department, read_records
from archive.filing.handover.rules import read_month
from archive.filing.handover.service import Owing
from archive.filing.paper_files import paper_response
from archive.people.gate import actor, client_address, guard
from archive.people.rights import Thing, can
from archive.people.service import departments

pages = APIBlueprint("handover", __name__, template_folder="../templates", enable_openapi=False)

Page = str | tuple[str, int] | Response
REFUSALS = (Conflict, Forbidden, Invalid, Throttled, Unauthenticated)
OWED: tuple[ListColumn[Owing], ...] = (
    ListColumn("部门", lambda one: one.department_name, 16),
    ListColumn("责任人", lambda one: one.person_name, 12),
    ListColumn("应交文件", lambda one: one.name, 28),
    ListColumn("客户", lambda one: one.customer_name, 36),
    ListColumn("应交日期", lambda one: one.due, 12),
    ListColumn("情况", lambda one: one.state_label, 16),
    ListColumn("移交日期", lambda one: one.came_on, 12),
    ListColumn("是否逾期", lambda one: "逾期" if one.is_late else "", 10),
    ListColumn("依据", lambda one: one.basis, 40),
)


@pages.get("/handover")
@guard("handover.list")
def mine() -> str | Response:
    """Show what a department owes, what of it is late, and what is ready to be handed over."""
    month = _month()
    with reading() as uow:
        units = departments(uow)
        ours = {actor().department_id, *actor().headed}
        department_id = read_department(request.args.get("department", ""), ours, actor())
        owed = service.owed_papers(uow, actor(), month, department_id)
        if wants_sheet():
            return _sheet(owed)
        finished = service.finished_papers(uow, actor(), department_id)
        lists = service.list_lists(uow, actor(), department_id=department_id)
    return render_template(
        "handover/mine.html",
        month=month,
        department_id=department_id,
        units=[unit for unit in units if unit.id in ours],
        owed=owed,
        finished=finished,
        lists=lists,
    )


@pages.get("/handover/all")
@guard("handover.all")
def everyone() -> str | Response:
    """Show the archivist what all departments owe, and the lists that wait to be received."""
    month = _month()
    asked = request.args.get("department", "")
    with reading() as uow:
        units = departments(uow)
        known = {unit.id for unit in units}
        department_id = read_department(asked, known) if asked else None
        owed = service.owed_papers(uow, actor(), month, department_id)
        if wants_sheet():
            return _sheet(owed)
        waiting = service.list_lists(uow, actor(), state="handed", per_page=100)
        lists = service.list_lists(
            uow,
            actor(),
            department_id=department_id,
            page=request.args.get("page", 1, type=int),
        )
    return render_template(
        "handover/all.html",
        month=month,
        department_id=department_id,
        units=units,
        owed=owed,
        sums=service.owing_by_department(owed),
        waiting=waiting,
        lists=lists,
    )


@pages.post("/handover")
@guard("handover.make")
def make() -> Response:
    """Put the chosen papers on a new list."""
    posted = request.form
    try:
        department_id = read_department(posted.get("department", ""), None)
        with work() as uow:
            made = service.make_list(
                uow,
                actor(),
                department_id,
                posted.get("month", ""),
                read_records(posted),
                posted.get("note", ""),
            )
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("handover.mine"))
    flash("清单已做好，请核对后移交。", "success")
    return redirect(url_for("handover.show", list_id=made.id))


@pages.get("/handover/<int:list_id>")
@guard("handover.read")
def show(list_id: int) -> str:
    """Show one list with what may be done now."""
    return _list_page(list_id)


@pages.post("/handover/<int:list_id>/hand")
@guard("handover.make")
def hand(list_id: int) -> Page:
    """Hand the list over, with one's password."""
    return _act(
        list_id,
        lambda: edge.hand_over(
            resources(),
            actor(),
            list_id,
            request.form.get("digest", ""),
            password=request.form.get("password", ""),
            address=client_address(),
        ),
        "已移交，请等档案员核对接收。",
    )


@pages.post("/handover/<int:list_id>/receive")
@guard("handover.receive")
def receive(list_id: int) -> Page:
    """Receive the list, with the pages counted and one's password."""
    return _act(
        list_id,
        lambda: edge.receive(
            resources(),
            actor(),
            list_id,
            request.form.get("digest", ""),
            read_counted(request.form),
            password=request.form.get("password", ""),
            address=client_address(),
        ),
        "已接收，清单上的文件可以鉴别了。",
    )


@pages.post("/handover/<int:list_id>/<any(back, withdraw):way>")
@guard("handover.list")
def back(list_id: int, way: str) -> Page:
    """Give a list back as the archivist, or take it back as its department, with a reason."""
    return _act(
        list_id,
        lambda: _reopen(list_id, way),
        "已退回移交部门，原因已记录。" if way == "back" else "已撤回，可以修改后重新移交。",
    )


@pages.post("/handover/<int:list_id>/<any(refresh, drop, discard):change>")
@guard("handover.make")
def change(list_id: int, change: str) -> Page:
    """Mend a list that is still being made: describe anew, take a paper off, give it up."""
    if change == "refresh":
        return _act(list_id, lambda: _refresh(list_id), "已重新核对清单上的每一件。")
    if change == "drop":
        return _act(list_id, lambda: _drop(list_id), "已从清单里去掉。")
    return _act(list_id, lambda: _discard(list_id), "清单已作废，文件可以列入别的清单。")


@pages.get("/handover/<int:list_id>/A07.<any(docx, pdf):kind>")
@guard("handover.read")
def paper(list_id: int, kind: str) -> Response:
    """Hand out the list as Word or PDF (A07)."""
    with reading() as uow:
        found = list_paper(uow, actor(), list_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


def _reopen(list_id: int, way: str) -> None:
    act = service.give_back if way == "back" else service.take_back
    with work() as uow:
        act(uow, actor(), list_id, request.form.get("reason", ""))
        uow.commit()


def _refresh(list_id: int) -> None:
    with work() as uow:
        _, dropped = service.refresh_list(uow, actor(), list_id)
        uow.commit()
    for sentence in dropped:
        flash(sentence, "warning")


def _drop(list_id: int) -> None:
    chosen = read_records(request.form)
    if not chosen:
        raise Invalid("没有勾选文件，清单没有变。请先勾选要去掉的。", {"record": "没有勾选"})
    with work() as uow:
        for record_id in chosen:
            service.drop_paper(uow, actor(), list_id, record_id)
        uow.commit()


def _discard(list_id: int) -> None:
    with work() as uow:
        service.discard_list(uow, actor(), list_id)
        uow.commit()


def _act(list_id: int, act: Callable[[], object], done: str) -> Page:
    """Do an act on a list; a refusal shows the page again with what was typed."""
    try:
        act()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _list_page(list_id), _status(refusal)
    flash(done, "success")
    return redirect(url_for("handover.show", list_id=list_id))


def _status(refusal: ArchiveError) -> int:
    return {Conflict: 409, Forbidden: 403, Throttled: 429}.get(type(refusal), 422)


def _list_page(list_id: int) -> str:
    with reading() as uow:
        found = service.get_list(uow, actor(), list_id)
    thing = Thing(kind="handover", department_id=found.department_id)
    return render_template(
        "handover/show.html",
        list=found,
        typed=request.form,
        may_make=can(actor(), "handover.make", thing),
        may_receive=can(actor(), "handover.receive"),
        is_own=found.handed_by == actor().id,
    )


def _month() -> date:
    asked = request.args.get("month", "")
    if asked:
        return read_month(asked)
    with reading() as uow:
        return local_day(uow.now()).replace(day=1)


def _sheet(owed: tuple[Owing, ...]) -> Response:
    def page(number: int, size: int) -> Lines[Owing]:
        start = (number - 1) * size
        return Lines(owed[start : start + size], len(owed), number, size)

    return list_sheet("应交文件", OWED, page)
