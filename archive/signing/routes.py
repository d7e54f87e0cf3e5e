"""Pages of signing one paper: before it is submitted, the paper with its chain, the acts on it.

Lists and settings hang on the same blueprint in ``desk_routes``.
"""

import base64
import binascii

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import ArchiveError, Conflict, Forbidden, Invalid, Unauthenticated
from archive.core.web import reading, resources, work
from archive.documents import service as documents
from archive.people.gate import actor, client_address, guard
from archive.records import service as records
from archive.signing import (
    desk_routes,
    edge,
    entries,
    inbox,
    opinions,
    planning,
    service,
    submission,
)
from archive.signing.acts import Asked
from archive.signing.blueprint import pages
from archive.signing.seals.posted import asked_seal
from archive.signing.seals.service import seals_for
from archive.signing.verdicts import judge_link
from archive.signing.views import RunView, StepView

__all__ = ["desk_routes", "pages"]

DATA_URL = "data:image/png;base64,"
DRAWING_LIMIT = 2_000_000
ENTRY = "entry:"
CHOSEN = "chosen:"


@pages.app_context_processor
def panel() -> dict[str, object]:
    """Give other stations' pages the signing panel of a record (``signing/_panel.html``)."""

    def signing_run(record_id: int) -> RunView | None:
        with reading() as uow:
            return service.find_run(uow, actor(), record_id)

    return {"signing_run": signing_run}


@pages.get("/signing/<int:record_id>")
@guard("record.read")
def paper(record_id: int) -> str:
    """Show a paper with its chain; to its present signer, with the pad to sign."""
    with reading() as uow:
        unread = inbox.is_unread(uow, actor(), record_id)
    if unread:
        with work() as uow:
            inbox.mark_read(uow, actor(), record_id)
            uow.commit()
    return paper_page(record_id)


@pages.get("/signing/<int:record_id>/submit")
@guard("record.submit")
def before_submit(record_id: int) -> str:
    """Show who will sign a draft, and ask for whom the submitter picks."""
    return _before_submit(record_id)


@pages.post("/signing/<int:record_id>/submit")
@guard("record.submit")
def submit(record_id: int) -> Response | tuple[str, int]:
    """Submit a record for signing; where the form asks whom, ask first."""
    posted = request.form
    chosen = {
        key.removeprefix(CHOSEN): _names(value)
        for key, value in posted.items()
        if key.startswith(CHOSEN)
    }
    if not chosen and "copies" not in posted and _must_choose(record_id):
        return redirect(url_for("signing.before_submit", record_id=record_id))
    version = posted.get("version", type=int) or 0
    try:
        picked, copies = edge.resolve_people(resources(), chosen, _names(posted.get("copies", "")))
        edge.submit(
            resources(),
            actor(),
            record_id,
            version,
            chosen=picked,
            copies=copies,
            with_outside=posted.get("outside") == "1",
            seal=asked_seal(posted),
        )
    except Invalid as refusal:
        if "copies" not in posted:
            raise
        return _before_submit(record_id, refusal), 422
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
            circled=form.get("circled") == "1",
            filled={
                key.removeprefix(ENTRY): value
                for key, value in form.items()
                if key.startswith(ENTRY)
            },
            own_password=form.get("own_password", ""),
            with_mark=form.get("with_mark") == "1",
        )
    except (Invalid, Unauthenticated) as refusal:
        return paper_page(record_id, refusal), 422
    flash("签字完成。", "success")
    return redirect(url_for("signing.paper", record_id=record_id))


@pages.post("/signing/<int:record_id>/<act>")
@guard("record.read")
def act(record_id: int, act: str) -> Response | tuple[str, int]:
    """Do any other act on the paper; what was typed stays on the page when it is refused."""
    form = request.form
    asked = Asked(
        words=form.get("opinion", ""),
        people=tuple(_names(form.get("people", ""))),
        way=form.get("way", ""),
        to=form.get("to", type=int) or 0,
        straight_back=form.get("then") == "back",
        task_id=form.get("task_id", type=int) or 0,
    )
    try:
        done = edge.act(
            resources(),
            actor(),
            record_id,
            act,
            asked,
            password=form.get("password", ""),
            address=client_address(),
        )
    except (Invalid, Unauthenticated) as refusal:
        return paper_page(record_id, refusal), 422
    flash(done, "success")
    if act == "withdraw":
        return redirect(url_for("records.show", record_id=record_id))
    return redirect(url_for("signing.paper", record_id=record_id))


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


def _names(text: str) -> list[str]:
    """Return the people written into one field, parted by commas or new lines."""
    for mark in "，、；;\n":
        text = text.replace(mark, ",")
    return [one.strip() for one in text.split(",") if one.strip()]


def _must_choose(record_id: int) -> bool:
    with reading() as uow:
        record = records.get_record(uow, actor(), record_id)
        form = entries.form_for(uow, record)
        seals = seals_for(uow, form)
        return bool(planning.steps_to_choose(form) or planning.outside_role(form) or seals)


def _before_submit(record_id: int, refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        record = records.get_record(uow, actor(), record_id)
        form = entries.form_for(uow, record)
        asked, seals = planning.steps_to_choose(form), seals_for(uow, form)
        trouble, steps = refusal, tuple[StepView, ...]()
        try:
            steps = submission.chain_in_words(uow, actor(), record_id)
        except (Invalid, Conflict) as why:
            trouble = trouble or (None if asked else why)
        except Forbidden as why:
            raise Conflict("这份表已经提交，不用再提交。") from why
    return render_template(
        "signing/before_submit.html",
        record=record,
        steps=steps,
        asked=asked,
        outside_role=planning.outside_role(form),
        seals=seals,
        crosses=bool(form.seal and form.seal.cross_page),
        refusal=trouble,
        typed=request.form,
    )


def paper_page(record_id: int, refusal: ArchiveError | None = None) -> str:
    """Return the page of a paper, with what was refused and typed."""
    me = actor()
    with reading() as uow:
        record = records.get_record(uow, me, record_id)
        run = service.find_run(uow, me, record_id)
        document = documents.latest_document(uow, record_id, "pdf")
        task = run.open_task_of(me.id) if run and run.state == "running" else None
        form = entries.form_for(uow, record)
        return render_template(
            "signing/paper.html",
            record=record,
            run=run,
            pages=document.pages if document else 0,
            task=task,
            step=run.step(task.seq) if run and task else None,
            own_entries=entries.entries_for(form, task.role) if task else (),
            phrases=opinions.phrases_for(uow, me) if task else (),
            may_take_back=run is not None and service.may_take_back(uow, me, record_id),
            refusal=refusal,
            typed=request.form,
        )
