"""Pages around a volume: its catalogue, sealing it in two steps, its papers, and moving items."""

from collections.abc import Callable, Mapping

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import (
    ArchiveError,
    Conflict,
    Forbidden,
    Invalid,
    Throttled,
    Unauthenticated,
)
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing import service
from archive.filing.checks.edge import check_before_seal, check_volume
from archive.filing.classes.kept import plan_in_force
from archive.filing.paper_files import paper_response
from archive.filing.papers import LINES, PAPERS, volume_paper
from archive.filing.posted import read_belonging, read_version
from archive.filing.rules import NOT_SEALED, Belonging
from archive.people.gate import actor, client_address, guard
from archive.people.rights import SECRECY, can
from archive.signing.edge import confirm
from storage.work import UnitOfWork

pages = APIBlueprint("sealing", __name__, template_folder="templates", enable_openapi=False)

Page = str | tuple[str, int] | Response
REFUSALS = (Conflict, Forbidden, Invalid, Throttled, Unauthenticated)


@pages.post("/volumes/<int:volume_id>/seal")
@guard("volume.seal")
def prepare(volume_id: int) -> Page:
    """Propose a volume for sealing, with one's password."""
    note = request.form.get("note", "")
    return _act(
        volume_id,
        lambda uow: service.prepare_seal(uow, actor(), volume_id, note),
        "已提出封卷，请另一位档案员打开本页核对确认。",
        with_check=True,
    )


@pages.post("/volumes/<int:volume_id>/seal/confirm")
@guard("volume.seal")
def confirm_seal(volume_id: int) -> Page:
    """Seal a volume as the second archivist, with one's password."""
    digest = request.form.get("digest", "")
    return _act(
        volume_id,
        lambda uow: service.confirm_seal(uow, actor(), volume_id, digest),
        "已封卷，正式档号已编定。请打印封面、卷内目录、备考表和盒签。",
        with_check=True,
    )


@pages.post("/volumes/<int:volume_id>/seal/withdraw")
@guard("volume.seal")
def withdraw(volume_id: int) -> Page:
    """Open a volume again that waits for its second archivist."""
    reason = request.form.get("reason", "")
    return _act(
        volume_id,
        lambda uow: service.withdraw_seal(uow, actor(), volume_id, reason),
        "已撤回封卷，案卷可以继续整理。",
        with_password=False,
    )


@pages.get("/volumes/<int:volume_id>/check")
@guard("volume.seal")
def check(volume_id: int) -> str:
    """Check a volume now (四性检测) and show the outcome item by item."""
    report = check_volume(resources(), actor(), volume_id)
    with reading() as uow:
        found, _ = service.get_volume(uow, actor(), volume_id)
    return render_template("filing/check.html", volume=found, report=report)


@pages.get("/volumes/<int:volume_id>/papers/<any(A04, A05, A06, A10):code>.<any(docx, pdf):kind>")
@guard("volume.seal")
def paper(volume_id: int, code: str, kind: str) -> Response:
    """Hand out one of a volume's papers as Word or PDF."""
    part = request.args.get("part", 1, type=int)
    with reading() as uow:
        found = volume_paper(uow, actor(), volume_id, code, part)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


@pages.get("/items/<int:item_id>/move")
@guard("item.file")
def move(item_id: int) -> str:
    """Show where an item belongs, to be put elsewhere."""
    return _move_page(item_id, {}, {})


@pages.post("/items/<int:item_id>/move")
@guard("item.file")
def move_post(item_id: int) -> Page:
    """Put an item into another class, year, term or unit."""
    try:
        belonging, version = read_belonging(request.form), read_version(request.form)
        reason = request.form.get("reason", "")
        with work() as uow:
            service.move_item(uow, actor(), item_id, belonging, reason, version=version)
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        page = _move_page(item_id, refusal.fields, request.form)
        return page, 409 if isinstance(refusal, Conflict) else 422
    flash("已改归，原因已记录。", "success")
    return redirect(url_for("filing.item", item_id=item_id))


def volume_page(volume_id: int, typed: Mapping[str, str]) -> str:
    """Return the page of a volume: its catalogue, how it was sealed, and what can be done now."""
    with reading() as uow:
        found, lines = service.get_volume(
            uow, actor(), volume_id, page=request.args.get("page", 1, type=int)
        )
        seal = service.find_seal(uow, actor(), volume_id)
    return render_template(
        "filing/volume.html",
        volume=found,
        page=lines,
        seal=seal,
        typed=typed,
        sees_all=seal is not None and seal.items == found.items,
        may_seal=can(actor(), "volume.seal"),
        is_own=seal is not None and seal.prepared_by == actor().id,
        papers=PAPERS,
        parts=-(-found.items // LINES),
    )


def _act(
    volume_id: int,
    act: Callable[[UnitOfWork], object],
    done: str,
    *,
    with_password: bool = True,
    with_check: bool = False,
) -> Page:
    """Do an act on a volume; a refusal shows the page again with what was typed."""
    try:
        if with_password:
            password = request.form.get("password", "")
            confirm(resources(), actor(), password, client_address(), NOT_SEALED)
        if with_check:
            check_before_seal(resources(), actor(), volume_id)
        with work() as uow:
            act(uow)
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return volume_page(volume_id, request.form), _status(refusal)
    flash(done, "success")
    return redirect(url_for("filing.volume", volume_id=volume_id))


def _status(refusal: ArchiveError) -> int:
    statuses = {Conflict: 409, Forbidden: 403, Throttled: 429}
    return statuses.get(type(refusal), 422)


def _move_page(item_id: int, errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    with reading() as uow:
        found = service.get_for_filing(uow, actor(), item_id)
        plan = plan_in_force(uow)
    now = Belonging(
        found.category, found.item_class, found.year, found.retention, found.unit, found.secrecy
    )
    return render_template(
        "filing/move.html",
        item=found,
        proposed=now,
        plan=plan,
        secrecy=SECRECY,
        errors=errors,
        typed=typed,
    )
