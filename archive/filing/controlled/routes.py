"""Pages of controlled documents: the list, one document with its copies, declaring, receiving."""

from collections.abc import Callable, Mapping
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
from archive.core.list_sheets import ListPart, list_book, wants_sheet, whole_list_sheet
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.controlled import edge, service
from archive.filing.controlled.downloads import copy_response
from archive.filing.controlled.models import Ending
from archive.filing.controlled.papers import DOCUMENTS, REGISTER, register_paper
from archive.filing.controlled.posted import read_declared, read_number
from archive.filing.paper_files import paper_response
from archive.people.gate import actor, client_address, guard
from archive.people.rights import can
from archive.people.service import departments, staff
from storage.work import UnitOfWork

pages = APIBlueprint("controlled", __name__, template_folder="../templates", enable_openapi=False)
Page = str | tuple[str, int] | Response
REFUSALS = (Conflict, Forbidden, Invalid, Throttled, Unauthenticated)
MOST_STAFF = 500


@pages.get("/controlled")
@guard("controlled.list")
def listing() -> str | Response:
    """Show one's own copies, the documents one may see, and (the archive) who holds old ones."""
    text = request.args.get("q", "")
    with reading() as uow:
        manages = can(actor(), "controlled.manage")
        old = service.old_copies(uow, actor()) if manages else ()
        mine = service.my_copies(uow, actor())
        if wants_sheet():
            return list_book(
                "受控文件",
                ListPart(
                    "受控文件",
                    DOCUMENTS,
                    lambda n, size: service.list_documents(uow, actor(), text, n, size),
                ),
                ListPart.whole("未收回的旧版", REGISTER, old),
                ListPart.whole("我手上的副本", REGISTER, mine),
            )
        found = service.list_documents(uow, actor(), text, request.args.get("page", 1, type=int))
    return render_template(
        "controlled/list.html", page=found, mine=mine, old=old, text=text, manages=manages
    )


@pages.get("/controlled/<int:document_id>")
@guard("controlled.list")
def show(document_id: int) -> str | Response:
    """Show a document: its versions and its copies, with what may be done now."""
    if wants_sheet():
        with reading() as uow:
            found = service.get_document(uow, actor(), document_id)
        return whole_list_sheet("文件资料发收记录", REGISTER, found.copies)
    return _document_page(document_id)


@pages.get("/items/<int:item_id>/controlled")
@guard("controlled.manage")
def declare(item_id: int) -> str:
    """Show what is to be said of a paper that is declared controlled."""
    return _declare_page(item_id, {}, {})


@pages.post("/items/<int:item_id>/controlled")
@guard("controlled.manage")
def declare_post(item_id: int) -> Page:
    """Declare a filed paper controlled; holders of the version before are told."""
    try:
        said = read_declared(request.form)
        done = edge.declare(resources(), actor(), item_id, said)
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        return _declare_page(item_id, refusal.fields, request.form), _status(refusal)
    flash("已列为受控文件；旧版的领用人已通知交回。", "success")
    return redirect(url_for("controlled.show", document_id=done.id))


@pages.post("/items/<int:item_id>/controlled/refuse")
@guard("controlled.manage")
def refuse(item_id: int) -> Page:
    """Refuse a paper as controlled, with the reason."""
    try:
        with work() as uow:
            service.refuse(uow, actor(), item_id, request.form.get("note", ""))
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        return _declare_page(item_id, refusal.fields, request.form), _status(refusal)
    flash("已拒收，原因已记录。", "success")
    return redirect(url_for("filing.item", item_id=item_id))


@pages.post("/controlled/<int:document_id>/issue")
@guard("controlled.manage")
def issue(document_id: int) -> Page:
    """Issue a copy of the valid version under the next number."""

    def act() -> None:
        edge.issue(
            resources(),
            actor(),
            document_id,
            read_number(request.form, "department", "部门"),
            read_number(request.form, "person", "领用人"),
            seen=read_number(request.form, "seen", "受控号") if "seen" in request.form else None,
        )

    return _act(document_id, act, "已发放，请打印副本并让领用人签收。")


@pages.post("/controlled/<int:document_id>/withdraw/<int:version_id>")
@guard("controlled.manage")
def withdraw(document_id: int, version_id: int) -> Page:
    """Put a version out of use."""

    def act() -> None:
        note = request.form.get("note", "")
        _work(lambda uow: service.withdraw(uow, actor(), document_id, version_id, note))

    return _act(document_id, act, "已作废，领用人已通知交回。")


@pages.post("/controlled/copies/<int:copy_id>/receive")
@guard("controlled.list")
def receive(copy_id: int) -> Page:
    """Receive a copy with one's password."""

    def act() -> None:
        edge.receive(
            resources(),
            actor(),
            copy_id,
            password=request.form.get("password", ""),
            address=client_address(),
        )

    return _act(_document_of(copy_id), act, "已签收。")


@pages.post("/controlled/copies/<int:copy_id>/<any(paper, end):way>")
@guard("controlled.manage")
def account(copy_id: int, way: str) -> Page:
    """Note a signature on paper, or that a copy came back, was destroyed or lost."""
    note, how = request.form.get("note", ""), request.form.get("how", "")

    def act() -> None:
        if way == "paper":
            _work(lambda uow: service.note_paper_receipt(uow, actor(), copy_id, note))
        else:
            _work(lambda uow: service.end_copy(uow, actor(), copy_id, how, note))

    return _act(_document_of(copy_id), act, "已登记。")


@pages.get("/controlled/copies/<int:copy_id>.pdf")
@guard("controlled.list")
def copy_pdf(copy_id: int) -> Response:
    """Hand out the stamped PDF of a copy, to its holder and the archive."""
    with reading() as uow:
        found = service.get_copy(uow, actor(), copy_id)
    return copy_response(found)


@pages.get("/controlled/<int:document_id>/D21.<any(docx, pdf):kind>")
@guard("controlled.register")
def register(document_id: int, kind: str) -> Response:
    """Hand out the register as Word or PDF (D21)."""
    with reading() as uow:
        found = register_paper(uow, actor(), document_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


def _work(act: Callable[[UnitOfWork], object]) -> None:
    with work() as uow:
        act(uow)
        uow.commit()


def _act(document_id: int, act: Callable[[], object], done: str) -> Page:
    """Do an act; a refusal shows the page again with what was typed."""
    try:
        act()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _document_page(document_id), _status(refusal)
    flash(done, "success")
    return redirect(url_for("controlled.show", document_id=document_id))


def _status(refusal: ArchiveError) -> int:
    return {Conflict: 409, Forbidden: 403, Throttled: 429}.get(type(refusal), 422)


def _document_of(copy_id: int) -> int:
    with reading() as uow:
        return service.get_copy(uow, actor(), copy_id).document_id


def _document_page(document_id: int) -> str:
    with reading() as uow:
        found = service.get_document(uow, actor(), document_id)
        manages = can(actor(), "controlled.manage")
        units = departments(uow) if manages else []
        people = staff(uow, "", MOST_STAFF) if manages else []
    return render_template(
        "controlled/show.html",
        document=found,
        manages=manages,
        may_print=can(actor(), "controlled.register"),
        units=units,
        people=people,
        endings=list(Ending),
        typed=request.form,
    )


def _declare_page(item_id: int, errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    with reading() as uow:
        item, pdf = service.plan_declaration(uow, actor(), item_id)
        known = service.list_documents(uow, actor(), per_page=100)
        refusals = service.refusals_of(uow, actor(), item_id)
        today: date = local_day(uow.now())
    return render_template(
        "controlled/declare.html",
        item=item,
        pdf=pdf,
        known=known.items,
        refusals=refusals,
        today=today,
        errors=errors,
        typed=typed,
    )
