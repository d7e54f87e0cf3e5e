"""Pages for the other party (by link, without an account) and for those who invite them.

The link's pages show the one paper and nothing else; they open after the code was typed.
"""

from apiflask import APIBlueprint
from flask import Response as FileResponse
from flask import flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from archive.core.answers import named_answer
from archive.core.errors import ArchiveError, Invalid, NotFound, Unavailable
from archive.core.web import reading, resources
from archive.documents import service as documents
from archive.documents.rules import SUFFIXES, file_name
from archive.people.gate import actor, client_address, guard
from archive.signing.outside import edge, service
from archive.signing.outside.rules import digest_of
from archive.signing.routes import drawing, paper_page

pages = APIBlueprint("outside", __name__, enable_openapi=False)

OPENED = "outside"
MOST_OPENED = 10
PAGE_WIDTH = 1000
KEPT = {"scan": "对方签好的扫描件", "evidence": "存证单"}
BESIDE = {**KEPT, "stamped": "盖章后的扫描件"}


@pages.app_context_processor
def panel() -> dict[str, object]:
    """Give the paper's page what it shows about the other party."""

    def invitations(record_id: int) -> dict[str, object]:
        with reading() as uow:
            kept = {one.kind for one in documents.list_documents(uow, record_id)}
            return {
                "items": service.list_invitations(uow, actor(), record_id),
                "may_invite": service.may_invite(uow, actor(), record_id),
                "files": [(kind, label) for kind, label in KEPT.items() if kind in kept],
                "may_mail": bool(resources().settings.smtp_url),
            }

    return {"invitations": invitations}


@pages.post("/signing/<int:record_id>/invitations")
@guard("record.read")
def invite(record_id: int) -> str | tuple[str, int]:
    """Make a link for the other party; it and its code are shown this once."""
    form = request.form
    try:
        invited = edge.invite(
            resources(),
            actor(),
            record_id,
            form.get("days", type=int),
            form.get("contact", ""),
            form.get("code_mail", ""),
        )
    except Unavailable as away:
        return paper_page(record_id, away), 503
    except Invalid as refusal:
        return paper_page(record_id, refusal), 422
    return render_template("signing/outside/invited.html", invited=invited, record_id=record_id)


@pages.post("/signing/<int:record_id>/invitations/<int:invitation_id>/revoke")
@guard("record.read")
def revoke(record_id: int, invitation_id: int) -> Response:
    """Take a link back."""
    edge.revoke(resources(), actor(), record_id, invitation_id)
    flash("链接已收回，不能再用。", "success")
    return redirect(url_for("signing.paper", record_id=record_id))


@pages.post("/signing/<int:record_id>/scan")
@guard("record.read")
def scan(record_id: int) -> Response:
    """Take the scan of a paper that the other party signed by hand."""
    sent = request.files.get("file")
    content = sent.stream.read(edge.LARGEST_SCAN + 1) if sent else b""
    edge.add_scan(resources(), actor(), record_id, content)
    flash("扫描件已存在文件旁边，签核完毕。", "success")
    return redirect(url_for("signing.paper", record_id=record_id))


@pages.get("/signing/<int:record_id>/files/<any(scan, evidence, stamped):kind>")
@guard("record.read")
def kept_file(record_id: int, kind: str) -> FileResponse:
    """Give out a scan or the evidence sheet of a paper."""
    with reading() as uow:
        service.list_invitations(uow, actor(), record_id)
        found = documents.latest_document(uow, record_id, kind)
    if found is None:
        raise NotFound(f"这份文件没有{BESIDE[kind]}。")
    name = file_name(SUFFIXES.get(found.media_type, "bin"), BESIDE[kind], str(record_id))
    return named_answer(resources().blobs.read(found.sha256), found.media_type, name)


@pages.get("/sign/<token>")
@guard("public")
def paper(token: str) -> str:
    """Ask for the code; once it was right, show the paper and the place to sign."""
    return _paper(token)


@pages.post("/sign/<token>/code")
@guard("public")
def code(token: str) -> Response | tuple[str, int]:
    """Check the code."""
    try:
        edge.try_code(resources(), token, request.form.get("code", ""))
    except Invalid as refusal:
        return _paper(token, refusal), 422
    kept = [one for one in session.get(OPENED, []) if one != digest_of(token)]
    session[OPENED] = [*kept, digest_of(token)][-MOST_OPENED:]
    return redirect(url_for("outside.paper", token=token))


@pages.post("/sign/<token>")
@guard("public")
def sign(token: str) -> Response | tuple[str, int]:
    """Sign as the other party; what was typed and drawn stays when it is refused."""
    _require_opened(token)
    form = request.form
    try:
        if form.get("agree") != "1":
            raise Invalid("请先勾选“我已看过全文，同意签署”。", {"agree": "请勾选"})
        edge.sign_outside(
            resources(),
            token,
            name=form.get("name", ""),
            phone=form.get("phone", ""),
            drawn_png=drawing(form.get("signature_png", "")),
            address=client_address(),
            browser=request.headers.get("User-Agent", ""),
        )
    except Invalid as refusal:
        return _paper(token, refusal), 422
    return redirect(url_for("outside.done", token=token))


@pages.post("/sign/<token>/decline")
@guard("public")
def decline(token: str) -> Response | tuple[str, int]:
    """Answer that the paper will not be signed."""
    _require_opened(token)
    try:
        edge.decline(resources(), token, request.form.get("reason", ""))
    except Invalid as refusal:
        return _paper(token, refusal), 422
    return redirect(url_for("outside.done", token=token))


@pages.get("/sign/<token>/done")
@guard("public")
def done(token: str) -> str:
    """Say what came of it, with the signed paper to take along."""
    _require_opened(token)
    with reading() as uow:
        outcome = service.outcome_for(uow, token)
    return render_template("signing/outside/done.html", token=token, outcome=outcome)


@pages.get("/sign/<token>/page/<int:number>.png")
@guard("public")
def picture(token: str, number: int) -> FileResponse:
    """Show one page of the paper."""
    content, _ = _content(token)
    return FileResponse(documents.page_picture(content, number, PAGE_WIDTH), mimetype="image/png")


@pages.get("/sign/<token>/paper.pdf")
@guard("public")
def pdf(token: str) -> FileResponse:
    """Give out the paper: as sent, and after signing as signed."""
    content, name = _content(token)
    return named_answer(content, "application/pdf", name)


def _content(token: str) -> tuple[bytes, str]:
    _require_opened(token)
    with reading() as uow:
        digest, title = service.pdf_for(uow, token)
    return resources().blobs.read(digest), file_name("pdf", title)


def _is_opened(token: str) -> bool:
    return digest_of(token) in session.get(OPENED, [])


def _require_opened(token: str) -> None:
    if not _is_opened(token):
        raise NotFound("请先打开链接，输入验证码。")


def _paper(token: str, refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        shown, _ = service.paper_for(uow, token)
    page = "paper" if _is_opened(token) else "code"
    return render_template(
        f"signing/outside/{page}.html",
        token=token,
        paper=shown,
        refusal=refusal,
        typed=request.form,
    )
