"""Pages of the four-property check: runs with their report, and what is in quarantine."""

from collections.abc import Callable
from functools import partial

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.answers import named_answer
from archive.core.errors import Conflict, Forbidden, Invalid, Throttled, Unauthenticated
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.checks import quarantine, restoring, runs
from archive.filing.checks.edge import keep_volume_check
from archive.filing.checks.paper import run_paper
from archive.filing.checks.quarantine import HoldView
from archive.filing.checks.runs import RunView
from archive.filing.checks.scheme import STAGES
from archive.filing.items import get_item
from archive.filing.paper_files import paper_response
from archive.people.gate import actor, client_address, guard
from archive.people.rights import can
from archive.signing.edge import confirm
from storage.work import UnitOfWork

pages = APIBlueprint("checks", __name__, template_folder="templates", enable_openapi=False)

REFUSALS = (Conflict, Forbidden, Invalid, Throttled, Unauthenticated)
LARGEST = 64 << 20
NOT_DONE = "没有办理"
_RUNS: tuple[ListColumn[RunView], ...] = (
    ListColumn("检测号", lambda one: one.id, 8),
    ListColumn("时间", lambda one: one.started_at, 18),
    ListColumn("环节", lambda one: one.stage_label, 10),
    ListColumn("案卷", lambda one: one.volume_title, 36),
    ListColumn("事由", lambda one: one.why, 24),
    ListColumn("检测人", lambda one: one.by_name, 12),
    ListColumn("件数", lambda one: one.papers, 8),
    ListColumn("不合格", lambda one: one.failed, 8),
    ListColumn("结论", lambda one: one.outcome, 16),
    ListColumn("方案", lambda one: one.scheme, 8),
)
_HOLDS: tuple[ListColumn[HoldView], ...] = (
    ListColumn("档号", lambda one: one.code, 28),
    ListColumn("题名", lambda one: one.title, 40),
    ListColumn("不合格项", lambda one: one.codes, 14),
    ListColumn("原因", lambda one: one.reason, 60),
    ListColumn("隔离时间", lambda one: one.put_at, 18),
    ListColumn("提出接收", lambda one: one.accept_name, 12),
)


@pages.get("/checks")
@guard("check.read")
def listing() -> str | Response:
    """List the runs, newest first."""
    stage = request.args.get("stage", "")
    with reading() as uow:
        read_page = partial(runs.list_runs, uow, actor(), stage=stage)
        if wants_sheet():
            return list_sheet("四性检测", _RUNS, lambda n, size: read_page(page=n, per_page=size))
        page = read_page(page=request.args.get("page", 1, type=int))
        held = quarantine.list_holds(uow, actor(), per_page=1).total
    return render_template("checks/list.html", page=page, stages=STAGES, stage=stage, held=held)


@pages.get("/checks/<int:run_id>")
@guard("check.read")
def show(run_id: int) -> str:
    """Show a run item by item."""
    with reading() as uow:
        run = runs.get_run(uow, actor(), run_id)
    return render_template("checks/show.html", run=run)


@pages.get("/checks/<int:run_id>/report.<any(docx, pdf):kind>")
@guard("check.read")
def report(run_id: int, kind: str) -> Response:
    """Hand out a run as its report (A16)."""
    with reading() as uow:
        found = run_paper(uow, actor(), run_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


@pages.post("/checks/findings/<int:finding_id>")
@guard("check.confirm")
def confirm_finding(finding_id: int) -> Response:
    """Say whether what a machine could not decide is as it should be."""
    is_good = request.form.get("outcome") == "good"
    with work() as uow:
        run_id = runs.confirm_finding(
            uow, actor(), finding_id, is_good=is_good, note=request.form.get("note", "")
        )
        uow.commit()
    flash("核对结果已记录。", "success")
    return redirect(url_for(".show", run_id=run_id))


@pages.post("/volumes/<int:volume_id>/check")
@guard("volume.seal")
def keep(volume_id: int) -> Response:
    """Check a volume and keep the outcome."""
    kept = keep_volume_check(resources(), actor(), volume_id, "随时检测")
    return redirect(url_for(".show", run_id=kept.run_id))


@pages.get("/quarantine")
@guard("check.read")
def holds() -> str | Response:
    """List what is in quarantine."""
    with reading() as uow:
        read_page = partial(quarantine.list_holds, uow, actor())
        if wants_sheet():
            return list_sheet("隔离区", _HOLDS, lambda n, size: read_page(page=n, per_page=size))
        page = read_page(page=request.args.get("page", 1, type=int))
    return render_template("checks/holds.html", page=page)


@pages.get("/quarantine/<int:item_id>")
@guard("quarantine.release")
def hold(item_id: int) -> str | Response:
    """Show an item in quarantine and what can be done."""
    return _hold_page(item_id, "")


@pages.post("/quarantine/<int:item_id>/restore")
@guard("quarantine.release")
def restore(item_id: int) -> str | tuple[str, int] | Response:
    """Bring the right bytes back; taken only when their digest is the registered one."""
    sent = request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise Invalid("请选择从备份取回的原文件。", {"file": "请选择文件"})
        content = sent.stream.read(LARGEST + 1)
        done = restoring.restore_file(resources(), actor(), item_id, content)
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _hold_page(item_id, ""), 422
    return _told(item_id, restoring.is_free(done), "文件已换回")


@pages.post("/quarantine/<int:item_id>/again")
@guard("quarantine.release")
def again(item_id: int) -> Response:
    """Check the item anew; it is let go when nothing is wrong with it any more."""
    done = restoring.check_again(resources(), actor(), item_id)
    return _told(item_id, restoring.is_free(done), "已重新检测")


@pages.post("/quarantine/<int:item_id>/accept")
@guard("quarantine.accept")
def accept(item_id: int) -> str | tuple[str, int] | Response:
    """Propose as the archive's head to accept the item as it is."""
    reason = request.form.get("reason", "")
    return _act(
        item_id,
        lambda uow: quarantine.ask_to_accept(uow, actor(), item_id, reason),
        "已提出按现状接收，请另一人打开本页确认。",
    )


@pages.post("/quarantine/<int:item_id>/accept/confirm")
@guard("quarantine.release")
def accept_confirm(item_id: int) -> str | tuple[str, int] | Response:
    """Confirm as the second person that the item is accepted as it is."""
    return _act(
        item_id,
        lambda uow: quarantine.confirm_accept(uow, actor(), item_id),
        "已按现状接收，解除隔离。",
    )


@pages.post("/quarantine/<int:item_id>/files/<int:file_id>")
@guard("quarantine.accept")
def take_out(item_id: int, file_id: int) -> Response:
    """Hand a quarantined file to the archive's head as it is, with its use in the journal."""
    with work() as uow:
        item = get_item(uow, actor(), item_id)
        found = next((one for one in item.files if one.id == file_id), None)
        if found is None:
            raise Invalid("这件档案没有这个文件。")
        purpose = request.form.get("purpose", "")
        quarantine.note_reading(uow, actor(), item_id, found.sha256, purpose)
        uow.commit()
    with resources().blobs.open(found.sha256) as stream:
        content = stream.read()
    answer = named_answer(content, "application/octet-stream", f"隔离-{found.name}.bin")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _act(
    item_id: int, act: Callable[[UnitOfWork], object], done: str
) -> str | tuple[str, int] | Response:
    """Do an act with one's password; a refusal shows the page again with what was typed."""
    try:
        password = request.form.get("password", "")
        confirm(resources(), actor(), password, client_address(), NOT_DONE)
        with work() as uow:
            act(uow)
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        status = {Conflict: 409, Forbidden: 403, Throttled: 429}.get(type(refusal), 422)
        return _hold_page(item_id, request.form.get("reason", "")), status
    flash(done, "success")
    return redirect(url_for(".hold", item_id=item_id))


def _told(item_id: int, is_free: bool, done: str) -> Response:
    if is_free:
        flash(f"{done}，检测合格，已解除隔离。", "success")
    else:
        flash(f"{done}，但还有不合格项，仍在隔离中。", "warning")
    return redirect(url_for(".hold", item_id=item_id))


def _hold_page(item_id: int, typed: str) -> str:
    with reading() as uow:
        item = get_item(uow, actor(), item_id)
        found = quarantine.hold_of(uow, actor(), item_id)
        findings = runs.runs_of_item(uow, actor(), item_id)
    return render_template(
        "checks/hold.html",
        item=item,
        hold=found,
        findings=findings,
        typed=typed,
        purposes=quarantine.PURPOSES,
        may_accept=can(actor(), "quarantine.accept"),
        is_own=found is not None and found.accept_by == actor().id,
    )
