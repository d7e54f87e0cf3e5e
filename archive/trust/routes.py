"""Pages for the auditor (the journal, the checks) and the server's own pulse."""

from functools import partial

from apiflask import APIBlueprint
from flask import Response, render_template, request

from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.pages import clean_paging
from archive.core.web import reading, resources
from archive.people.gate import actor, guard
from archive.trust import service

pages = APIBlueprint("trust", __name__, template_folder="templates", enable_openapi=False)

SHOWN = 200
_COLUMNS: tuple[ListColumn[service.JournalLine], ...] = (
    ListColumn("序号", lambda line: line.seq, 8),
    ListColumn("时间", lambda line: line.at, 18),
    ListColumn("何人", lambda line: line.actor_name, 12),
    ListColumn("做了什么", lambda line: line.action, 24),
    ListColumn("对什么", lambda line: line.object_type, 12),
    ListColumn("编号", lambda line: line.object_id, 12),
    ListColumn("详情", lambda line: line.detail, 60),
    ListColumn("摘要", lambda line: line.hash, 30),
)


@pages.get("/healthz")
@guard("public")
def healthz() -> tuple[dict[str, str], int]:
    """Say whether the server and its database answer."""
    service.is_alive(resources())
    return {"status": "ok"}, 200


@pages.get("/admin/journal")
@guard("journal.read")
def journal() -> str | Response:
    """Show the journal, newest first."""
    page, per_page = clean_paging(request.args.get("page", 1, int), 50)
    with reading() as uow:
        read_page = partial(
            service.list_journal,
            uow,
            actor(),
            action=request.args.get("action", "")[:60],
            object_id=request.args.get("object", "")[:60],
        )
        if wants_sheet():
            return list_sheet("日志", _COLUMNS, lambda n, size: read_page(page=n, per_page=size))
        lines = read_page(page=page, per_page=per_page)
    return render_template("trust/journal.html", page=lines)


@pages.route("/admin/verify", methods=["GET", "POST"])
@guard("verify.run")
def verify() -> str:
    """Check bytes, rows, journal and index, when asked to."""
    findings = None
    if request.method == "POST":
        findings = list(service.verify_instance(resources()))
    return render_template("trust/verify.html", findings=findings, shown=SHOWN)
