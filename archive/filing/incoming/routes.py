"""Pages of incoming papers: batches, their upload, the grid, and separator sheets."""

from collections.abc import Callable, Mapping

from apiflask import APIBlueprint
from flask import Response as FlaskResponse
from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.answers import named_answer
from archive.core.errors import Conflict, Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.previews import RECENT
from archive.core.web import reading, resources, work
from archive.filing.classes.kept import plan_in_force
from archive.filing.downloads import SHOWN_INLINE
from archive.filing.incoming import service
from archive.filing.incoming.cutting import start_split
from archive.filing.incoming.edge import Received, Upload, receive
from archive.filing.incoming.looking import page_picture
from archive.filing.incoming.models import FileState
from archive.filing.incoming.posted import (
    read_changes,
    read_chosen,
    read_common_values,
    read_department,
    read_number,
)
from archive.filing.incoming.registering import start_register
from archive.filing.incoming.rules import CARRIERS, LARGEST_FILE
from archive.filing.incoming.separators import KEYS
from archive.filing.incoming.sheets import MOST_SHEETS, sheets_pdf
from archive.filing.incoming.views import BatchView, FileView
from archive.forms.service import list_forms
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY
from archive.people.service import departments

pages = APIBlueprint("incoming", __name__, template_folder="../templates", enable_openapi=False)

Page = str | tuple[str, int] | Response
PICTURE_WIDTH = 900
BATCHES: tuple[ListColumn[BatchView], ...] = (
    ListColumn("批次", lambda one: one.title, 32),
    ListColumn("来源", lambda one: one.source_label, 12),
    ListColumn("状态", lambda one: one.state_label, 10),
    ListColumn("文件", lambda one: one.total, 8),
    ListColumn("待登记", lambda one: one.waiting, 8),
    ListColumn("已登记", lambda one: one.registered, 8),
    ListColumn("没有收下", lambda one: one.refused, 10),
    ListColumn("建批人", lambda one: one.made_name, 12),
    ListColumn("时间", lambda one: one.made_at, 18),
)


@pages.get("/filing/incoming")
@guard("filing.import")
def batches() -> str | Response:
    """List the intake batches, and offer to begin one."""
    if wants_sheet():
        with reading() as uow:
            return list_sheet(
                "收件批次",
                BATCHES,
                lambda n, size: service.list_batches(uow, actor(), page=n, per_page=size),
            )
    return _list_page({}, {})


@pages.post("/filing/incoming")
@guard("filing.import")
def make() -> Page:
    """Begin a batch."""
    posted = request.form
    try:
        with work() as uow:
            made = service.make_batch(
                uow,
                actor(),
                posted.get("title", ""),
                read_common_values(posted),
                read_department(posted),
            )
            uow.commit()
    except Invalid as refusal:
        flash(refusal.message, "danger")
        return _list_page(refusal.fields, posted), 422
    return redirect(url_for("incoming.show", batch_id=made.id))


@pages.get("/filing/incoming/<int:batch_id>")
@guard("filing.import")
def show(batch_id: int) -> str:
    """Show a batch: where to put files, what they have in common, and each of them."""
    return _batch_page(batch_id, {}, {})


@pages.post("/filing/incoming/<int:batch_id>")
@guard("filing.import")
def edit(batch_id: int) -> Page:
    """Change the common values."""
    posted = request.form
    try:
        with work() as uow:
            service.edit_batch(
                uow,
                actor(),
                batch_id,
                read_number(posted.get("version", ""), "version"),
                posted.get("title", ""),
                read_common_values(posted),
                read_department(posted),
            )
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        status = 422 if isinstance(refusal, Invalid) else 409
        return _batch_page(batch_id, refusal.fields, posted), status
    flash("共同内容已保存。", "success")
    return redirect(url_for("incoming.show", batch_id=batch_id))


@pages.post("/filing/incoming/<int:batch_id>/files")
@guard("filing.import")
def upload(batch_id: int) -> Page | FlaskResponse:
    """Take some files in; a script gets JSON, a plain form goes back to the batch."""
    sent = [
        Upload(file.filename, file.stream.read(LARGEST_FILE + 1))
        for file in request.files.getlist("upload")
        if file.filename
    ]
    if not sent:
        raise Invalid("请选择要收的文件。", {"upload": "没有选文件"})
    received = receive(resources(), actor(), batch_id, sent)
    if request.accept_mimetypes.best == "application/json":
        return jsonify({"files": [_told(one) for one in received]})
    taken = sum(not one.refused and not one.was_here for one in received)
    if taken:
        flash(f"收下 {taken} 个文件。", "success")
    for one in received:
        if one.refused:
            flash(f"{one.name}：{one.refused}", "danger")
    return redirect(url_for("incoming.show", batch_id=batch_id))


@pages.post("/filing/incoming/<int:batch_id>/describe")
@guard("filing.import")
def describe(batch_id: int) -> Page:
    """Save the grid; then do what else the button says."""
    posted = request.form
    acts: dict[str, Callable[[int], Response]] = {
        "save": _saved,
        "suggest": _suggested,
        "dismiss": _dismissed,
        "take_back": _taken_back,
        "register": _registering,
    }
    then = acts.get(posted.get("then", "save"), _saved)
    try:
        with work() as uow:
            service.edit_files(uow, actor(), batch_id, read_changes(posted))
            uow.commit()
        return then(batch_id)
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        status = 422 if isinstance(refusal, Invalid) else 409
        return _batch_page(batch_id, refusal.fields, posted), status


@pages.post("/filing/incoming/<int:batch_id>/files/<int:file_id>/split")
@guard("filing.import")
def split(batch_id: int, file_id: int) -> Response:
    """Have a scan cut at its separator sheets."""
    with work() as uow:
        task = start_split(uow, actor(), batch_id, file_id)
        uow.commit()
    return redirect(url_for("tasks.show", task_id=task.id))


@pages.post("/filing/incoming/<int:batch_id>/close")
@guard("filing.import")
def close(batch_id: int) -> Response:
    """Put a batch away."""
    try:
        with work() as uow:
            service.close_batch(uow, actor(), batch_id, request.form.get("reason", ""))
            uow.commit()
    except Invalid as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("incoming.show", batch_id=batch_id))
    flash("批次已收起。", "success")
    return redirect(url_for("incoming.batches"))


@pages.get("/filing/incoming/<int:batch_id>/files/<int:file_id>")
@guard("filing.import")
def download(batch_id: int, file_id: int) -> FlaskResponse:
    """Hand out a file as it came."""
    with reading() as uow:
        found = _held(service.get_file(uow, actor(), batch_id, file_id))
    shown = request.args.get("inline") == "1" and found.media_type in SHOWN_INLINE
    content = resources().blobs.read(found.digest)
    response = named_answer(content, found.media_type, found.name, inline=shown)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@pages.get("/filing/incoming/<int:batch_id>/files/<int:file_id>/page/<int:number>.png")
@guard("filing.import")
def picture(batch_id: int, file_id: int, number: int) -> FlaskResponse:
    """Show a page of a scan as a picture."""
    with reading() as uow:
        found = _held(service.get_file(uow, actor(), batch_id, file_id))
    return picture_response(found.digest, number)


@pages.get("/filing/separators")
@guard("filing.import")
def separators() -> Page | FlaskResponse:
    """Offer separator sheets; with a number of copies, give them out as PDF."""
    if "copies" not in request.args:
        return _separators_page({})
    values = {key: request.args.get(key, "").strip() for key in KEYS}
    try:
        content = sheets_pdf(values, read_number(request.args.get("copies", ""), "copies"))
    except Invalid as refusal:
        flash(refusal.message, "danger")
        return _separators_page(refusal.fields), 422
    return named_answer(content, "application/pdf", "分隔页.pdf")


def picture_response(digest: str, number: int) -> FlaskResponse:
    """Return a page of kept bytes as PNG, drawn in the child and remembered for a while."""
    content = resources().blobs.read(digest)
    key = f"intake:{digest}:{number}:{PICTURE_WIDTH}"
    made = RECENT.get_or_make(key, lambda: page_picture(content, number, PICTURE_WIDTH))
    response = make_response(made)
    response.headers["Content-Type"] = "image/png"
    return response


def _saved(batch_id: int) -> Response:
    flash("已保存。", "success")
    return _back(batch_id)


def _suggested(batch_id: int) -> Response:
    with work() as uow:
        taken = service.take_suggestions(uow, actor(), batch_id)
        uow.commit()
    flash(f"采用了 {taken} 处建议的客户，请核对。", "success")
    return _back(batch_id)


def _dismissed(batch_id: int) -> Response:
    with work() as uow:
        done = service.dismiss_files(
            uow, actor(), batch_id, read_chosen(request.form), request.form.get("reason", "")
        )
        uow.commit()
    flash(f"{done} 个文件不收；收起批次以前都可以恢复。", "success")
    return _back(batch_id)


def _taken_back(batch_id: int) -> Response:
    with work() as uow:
        done = service.take_back_files(uow, actor(), batch_id, read_chosen(request.form))
        uow.commit()
    flash(f"恢复了 {done} 个文件。", "success")
    return _back(batch_id)


def _registering(batch_id: int) -> Response:
    with work() as uow:
        task = start_register(uow, actor(), batch_id)
        uow.commit()
    return redirect(url_for("tasks.show", task_id=task.id))


def _back(batch_id: int) -> Response:
    page = request.args.get("page", type=int)
    return redirect(url_for("incoming.show", batch_id=batch_id, page=page))


def _held(file: FileView) -> FileView:
    if not file.is_held:
        raise Conflict("这个文件已经登记或不再保留，请到档案目录里看。")
    return file


def _told(one: Received) -> dict[str, object]:
    return {
        "name": one.name,
        "file_id": one.file_id,
        "refused": one.refused,
        "was_here": one.was_here,
    }


def _list_page(errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    with reading() as uow:
        found = service.list_batches(uow, actor(), page=request.args.get("page", 1, type=int))
        units, forms = departments(uow), list_forms(uow)
        plan = plan_in_force(uow)
    return render_template(
        "incoming/batches.html",
        page=found,
        units=units,
        forms=forms,
        errors=errors,
        typed=typed,
        plan=plan,
        secrecy=SECRECY,
        carriers=CARRIERS,
        inbox=resources().settings.inbox,
    )


def _batch_page(batch_id: int, errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    state = request.args.get("state", "")
    with reading() as uow:
        batch = service.get_batch(uow, actor(), batch_id)
        files = service.list_files(
            uow, actor(), batch_id, state=state, page=request.args.get("page", 1, type=int)
        )
        units, forms = departments(uow), list_forms(uow)
        plan = plan_in_force(uow)
    return render_template(
        "incoming/batch.html",
        batch=batch,
        files=files,
        state=state,
        states=list(FileState),
        units=units,
        forms=forms,
        errors=errors,
        typed=typed,
        plan=plan,
        secrecy=SECRECY,
        carriers=CARRIERS,
    )


def _separators_page(errors: Mapping[str, str]) -> str:
    with reading() as uow:
        plan = plan_in_force(uow)
    return render_template("incoming/separators.html", plan=plan, errors=errors, most=MOST_SHEETS)
