"""Pages of signing: what waits for me, the paper with its chain, and the acts on it."""

import base64
import binascii

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import ArchiveError, Invalid, Unauthenticated
from archive.core.pages import clean_paging
from archive.core.web import reading, resources, work
from archive.documents import service as documents
from archive.people.gate import actor, client_address, guard
from archive.records import service as records
from archive.signing import edge, service
from archive.signing.verdicts import judge_link
from archive.signing.views import RunView

pages = APIBlueprint(
    "signing",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/signing",
    enable_openapi=False,
)

PHRASES = ("同意。", "已阅。", "拟同意，请领导审批。", "情况属实。")
DATA_URL = "data:image/png;base64,"
DRAWING_LIMIT = 2_000_000


@pages.app_context_processor
def panel() -> dict[str, object]:
    """Give other stations' pages the signing panel of a record (``signing/_panel.html``)."""

    def signing_run(record_id: int) -> RunView | None:
        with reading() as uow:
            return service.find_run(uow, actor(), record_id)

    return {"signing_run": signing_run}


@pages.get("/signing")
@guard("self")
def inbox() -> str:
    """Show what waits for my signature, or what I signed."""
    done = request.args.get("view") == "done"
    page, per_page = clean_paging(request.args.get("page", 1, int), 20)
    with reading() as uow:
        entries = service.inbox(uow, actor(), done=done, page=page, per_page=per_page)
    return render_template("signing/inbox.html", page=entries, done=done)


@pages.get("/signing/<int:record_id>")
@guard("record.read")
def paper(record_id: int) -> str:
    """Show a paper with its chain; to its present signer, with the pad to sign."""
    return _paper(record_id)


@pages.post("/signing/<int:record_id>/submit")
@guard("record.submit")
def submit(record_id: int) -> Response:
    """Submit a record for signing."""
    version = request.form.get("version", type=int) or 0
    edge.submit(resources(), actor(), record_id, version)
    flash("已提交，文件已定稿。", "success")
    return redirect(url_for("signing.paper", record_id=record_id))


@pages.post("/signing/<int:record_id>/sign")
@guard("record.sign")
def sign(record_id: int) -> Response | tuple[str, int]:
    """Sign the paper; what was drawn and typed stays on the page when it is refused."""
    form = request.form
    try:
        edge.sign(
            resources(),
            actor(),
            record_id,
            password=form.get("password", ""),
            drawn_png=drawing(form.get("signature_png", "")),
            opinion=form.get("opinion", ""),
            address=client_address(),
        )
    except (Invalid, Unauthenticated) as refusal:
        return _paper(record_id, refusal), 422
    flash("签字完成。", "success")
    return redirect(url_for("signing.paper", record_id=record_id))


@pages.post("/signing/<int:record_id>/return")
@guard("record.reject")
def return_(record_id: int) -> Response | tuple[str, int]:
    """Send the paper back to its author."""
    return _refuse(record_id, service.return_record, "已退回给提交人。")


@pages.post("/signing/<int:record_id>/reject")
@guard("record.reject")
def reject(record_id: int) -> Response | tuple[str, int]:
    """Refuse the paper for good."""
    return _refuse(record_id, service.reject_record, "已拒绝。")


@pages.post("/signing/<int:record_id>/withdraw")
@guard("record.withdraw")
def withdraw(record_id: int) -> Response:
    """Take one's own paper back."""
    with work() as uow:
        service.withdraw_record(uow, actor(), record_id)
        uow.commit()
    flash("已撤回，可以修改后重新提交。", "success")
    return redirect(url_for("records.show", record_id=record_id))


@pages.get("/verify/<token>")
@guard("public")
def verify_link(token: str) -> str:
    """Say whether the paper whose printed code this is comes from here; shows no content."""
    with reading() as uow:
        verdict = judge_link(uow, token)
    return render_template("signing/verify.html", verdict=verdict)


def drawing(data_url: str) -> bytes | None:
    """Return the drawn PNG of a data URL, None when nothing was drawn; raise Invalid."""
    if not data_url:
        return None
    if len(data_url) > DRAWING_LIMIT:
        raise Invalid("手写签名的图片太大，请清除后重签。", {"signature_png": "图片太大"})
    if not data_url.startswith(DATA_URL):
        raise Invalid("手写签名的图片格式不对，请清除后重签。", {"signature_png": "应为 PNG 图片"})
    try:
        return base64.b64decode(data_url.removeprefix(DATA_URL), validate=True)
    except binascii.Error as wrong:
        raise Invalid(
            "手写签名的图片不完整，请清除后重签。", {"signature_png": "图片不完整"}
        ) from wrong


def _refuse(record_id: int, act: object, done: str) -> Response | tuple[str, int]:
    form = request.form
    try:
        edge.confirm(resources(), actor(), form.get("password", ""), client_address())
        with work() as uow:
            act(uow, actor(), record_id, form.get("opinion", ""))  # type: ignore[operator]
            uow.commit()
    except (Invalid, Unauthenticated) as refusal:
        return _paper(record_id, refusal), 422
    flash(done, "success")
    return redirect(url_for("signing.inbox"))


def _paper(record_id: int, refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        record = records.get_record(uow, actor(), record_id)
        run = service.find_run(uow, actor(), record_id)
        document = documents.latest_document(uow, record_id, "pdf")
    task = run.open_task if run and run.state == "running" else None
    return render_template(
        "signing/paper.html",
        record=record,
        run=run,
        pages=document.pages if document else 0,
        task=task if task and task.assignee_id == actor().id else None,
        phrases=PHRASES,
        refusal=refusal,
        typed=request.form,
    )
