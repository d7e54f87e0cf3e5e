"""Pages for the auditor (the journal, the checks) and the server's own pulse."""

from apiflask import APIBlueprint
from flask import render_template, request

from archive.core.pages import clean_paging
from archive.core.web import reading, resources
from archive.people.gate import actor, guard
from archive.trust import service

pages = APIBlueprint("trust", __name__, template_folder="templates", enable_openapi=False)

SHOWN = 200


@pages.get("/healthz")
@guard("public")
def healthz() -> tuple[dict[str, str], int]:
    """Say whether the server and its database answer."""
    service.is_alive(resources())
    return {"status": "ok"}, 200


@pages.get("/admin/journal")
@guard("journal.read")
def journal() -> str:
    """Show the journal, newest first."""
    page, per_page = clean_paging(request.args.get("page", 1, int), 50)
    with reading() as uow:
        lines = service.list_journal(
            uow,
            actor(),
            action=request.args.get("action", "")[:60],
            object_id=request.args.get("object", "")[:60],
            page=page,
            per_page=per_page,
        )
    return render_template("trust/journal.html", page=lines)


@pages.route("/admin/verify", methods=["GET", "POST"])
@guard("verify.run")
def verify() -> str:
    """Check bytes, rows, journal and index, when asked to."""
    findings = None
    if request.method == "POST":
        findings = list(service.verify_instance(resources()))
    return render_template("trust/verify.html", findings=findings, shown=SHOWN)
