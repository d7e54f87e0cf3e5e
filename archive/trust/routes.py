"""Pages for the auditor (the journal, the checks) and the server's own pulse."""

from functools import partial
from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from archive.core.answers import named_answer
from archive.core.errors import Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.pages import Page, clean_paging
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.paper_files import paper_response
from archive.people.gate import actor, guard
from archive.trust import check_proof, checking
from archive.trust import checkpoints as kept
from archive.trust.month_paper import month_paper
from archive.trust.posted import read_journal_filter
from archive.trust.reading import JournalLine, list_journal
from storage.journal import acts

pages = APIBlueprint("trust", __name__, template_folder="templates", enable_openapi=False)

# Where the thing of an entry is shown: by its type, the page and the name of its id.
WAYS = {
    "item": ("filing.item", "item_id"),
    "record": ("records.show", "record_id"),
}
_COLUMNS: tuple[ListColumn[JournalLine], ...] = (
    ListColumn("序号", lambda line: line.seq, 8),
    ListColumn("时间", lambda line: line.at, 18),
    ListColumn("何人", lambda line: line.actor_name, 12),
    ListColumn("做了什么", lambda line: line.action, 24),
    ListColumn("对什么", lambda line: line.object_type, 12),
    ListColumn("编号", lambda line: line.object_id, 12),
    ListColumn("题名", lambda line: line.object_title, 30),
    ListColumn("详情", lambda line: line.detail, 60),
    ListColumn("摘要", lambda line: line.hash, 30),
)

_CHECKPOINTS: tuple[ListColumn[kept.CheckpointView], ...] = (
    ListColumn("日期", lambda one: one.day, 12),
    ListColumn("日志条数", lambda one: one.tree_size, 12),
    ListColumn("根（SHA-256）", lambda one: one.root, 70),
    ListColumn("做成时间", lambda one: one.made_at, 18),
    ListColumn("时间戳", lambda one: "有" if one.is_stamped else "", 8),
)


@pages.get("/healthz")
@guard("public")
def healthz() -> tuple[dict[str, str], int]:
    """Say whether the server and its database answer."""
    if not checking.is_alive(resources()):
        return {"status": "down"}, 503
    return {"status": "ok"}, 200


@pages.get("/admin/journal")
@guard("journal.read")
def journal() -> str | Response:
    """Show the journal, newest first."""
    page, per_page = clean_paging(request.args.get("page", 1, int), 50)
    refusal: Invalid | None = None
    with reading() as uow:
        read_page = partial(list_journal, uow, actor(), read_journal_filter(request.args))
        if wants_sheet():
            return list_sheet("日志", _COLUMNS, lambda n, size: read_page(page=n, per_page=size))
        try:
            lines = read_page(page=page, per_page=per_page)
        except Invalid as wrong:
            lines, refusal = Page[JournalLine]((), 0, 1, per_page), wrong
        known = sorted(acts(uow.session))
    shown = render_template(
        "trust/journal.html", page=lines, acts=known, ways=WAYS, refusal=refusal
    )
    return Response(shown, 422 if refusal else 200)


@pages.get("/admin/checkpoints")
@guard("journal.read")
def checkpoints() -> str | Response:
    """Show the journal's checkpoints, to be printed every month."""
    with reading() as uow:
        found = kept.list_checkpoints(uow, actor(), request.args.get("month", ""))
    if wants_sheet():
        return list_sheet("日志检查点", _CHECKPOINTS, lambda _page, _size: Page.whole(found))
    return render_template("trust/checkpoints.html", checkpoints=found)


@pages.get("/admin/checkpoints/<month>.<any(docx, pdf):kind>")
@guard("journal.read")
def month_report(month: str, kind: str) -> Response:
    """Hand out a month's checkpoints as a paper (A13), with places for signatures."""
    with reading() as uow:
        found = month_paper(uow, actor(), month)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


@pages.post("/admin/checkpoints")
@guard("verify.run")
def make_checkpoint() -> Redirect:
    """Make a checkpoint now."""
    made = kept.note_checkpoint(resources(), daily=False)
    flash("检查点已做好。" if made else "从上次检查点以来日志没有新的内容，不用再做。", "success")
    return redirect(url_for("trust.checkpoints"))


@pages.get("/admin/journal/<int:seq>/proof.json")
@guard("journal.read")
def proof(seq: int) -> Response:
    """Hand out the proof of one entry, for the script beside it."""
    with reading() as uow:
        content = kept.proof_of(uow, actor(), seq)
    return named_answer(content, "application/json", f"journal-{seq}-proof.json")


@pages.get("/admin/journal/check_proof.py")
@guard("journal.read")
def proof_script() -> Response:
    """Hand out the script that checks a proof without us."""
    content = Path(check_proof.__file__).read_bytes()
    return named_answer(content, "text/x-python; charset=utf-8", "check_proof.py")


@pages.get("/admin/verify")
@guard("verify.run")
def verify() -> str:
    """Say what is checked, and let it be started."""
    return render_template("trust/verify.html")


@pages.post("/admin/verify")
@guard("verify.run")
def start_verify() -> Redirect:
    """Check bytes, rows, journal and index as a task with a live bar."""
    with work() as uow:
        task = checking.start_verify(uow, actor())
        uow.commit()
    return redirect(url_for("tasks.show", task_id=task.id))
