"""Pages of outsiders' visits: the list, noting one, one visit, its letter, its end."""

from datetime import date, timedelta

from apiflask import APIBlueprint
from flask import flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.web import reading, resources, work
from archive.filing.import_files import media_type_of
from archive.lending import matrix
from archive.lending.visits import service
from archive.lending.visits.rules import ID_KINDS
from archive.lending.visits.service import Told, VisitView
from archive.people.gate import actor, guard
from storage.blobs import BlobRef

pages = APIBlueprint(
    "visits", __name__, url_prefix="/loans", template_folder="templates", enable_openapi=False
)
Answer = str | tuple[str, int] | Response
SCANS = ("application/pdf", "image/jpeg", "image/png")
LARGEST_SCAN = 10 * 1024 * 1024
COLUMNS: tuple[ListColumn[VisitView], ...] = (
    ListColumn("登记号", lambda one: one.number, 14),
    ListColumn("姓名", lambda one: one.name, 12),
    ListColumn("单位", lambda one: one.unit, 30),
    ListColumn("介绍信编号", lambda one: one.letter_number, 20),
    ListColumn("证件", lambda one: one.id_kind, 12),
    ListColumn("证件号码（部分隐去）", lambda one: one.id_shown, 24),
    ListColumn("号码保存到", lambda one: one.kept_until, 14),
    ListColumn("陪同人", lambda one: one.companion_name, 12),
    ListColumn("登记人", lambda one: one.noted_by_name, 12),
    ListColumn("目的", lambda one: one.purpose, 30),
    ListColumn("件数", lambda one: one.papers, 8),
    ListColumn("开始", lambda one: one.began_at, 18),
    ListColumn("结束", lambda one: one.ended_at, 18),
)


@pages.get("/visits")
@guard("loan.register")
def listing() -> Answer:
    """List the visits of a period."""
    with reading() as uow:
        today = local_day(uow.now())
        start, end = _day("from", today - timedelta(days=90)), _day("to", today)
        if wants_sheet():
            return list_sheet(
                "外来查阅登记",
                COLUMNS,
                lambda n, size: service.list_visits(
                    uow, actor(), start, end, page=n, per_page=size
                ),
            )
        page = service.list_visits(uow, actor(), start, end, page=request.args.get("page", 1, int))
    return render_template("visits/list.html", page=page, start=start, end=end)


@pages.get("/visits/new")
@guard("loan.desk")
def new() -> str:
    """Show the form to note a visit."""
    return _form(None, None)


@pages.post("/visits")
@guard("loan.desk")
def note() -> Answer:
    """Note a visit; what is refused is kept in the log and shown with every reason."""
    form = request.form
    told = Told(**{key: form.get(key, "") for key in Told.__dataclass_fields__})
    try:
        letter = _letter()
        with work() as uow:
            noted = service.note_visit(
                uow, actor(), told, form.get("papers", "").splitlines(), letter
            )
            uow.commit()
    except Invalid as refusal:
        return _form(refusal, None), 422
    except Conflict as refusal:
        return _form(refusal, None), 409
    if noted.visit is None:
        return _form(None, noted), 403
    if noted.refused:
        words = "".join(one.message for one in noted.refused[:5])
        flash(f"有 {len(noted.refused)} 件不能提供（已记入借阅登记）：{words}", "warning")
    flash(f"外来查阅 {noted.visit.number} 已登记，可查阅 {noted.visit.papers} 件。", "success")
    return redirect(url_for("visits.show", visit_id=noted.visit.id))


@pages.get("/visits/<int:visit_id>")
@guard("loan.register")
def show(visit_id: int) -> str:
    """Show one visit, the document's number covered."""
    return _show(visit_id)


@pages.post("/visits/<int:visit_id>/reveal")
@guard("loan.register")
def reveal(visit_id: int) -> str:
    """Show the document's whole number once, to those who may; it is noted who looked."""
    with work() as uow:
        number = service.reveal_number(uow, actor(), visit_id)
        uow.commit()
    return _show(visit_id, number)


@pages.get("/visits/<int:visit_id>/letter")
@guard("loan.register")
def letter(visit_id: int) -> Response:
    """Hand out the letter's scan, to those who may see personal numbers; it is noted."""
    with work() as uow:
        digest, media_type = service.letter_of(uow, actor(), visit_id)
        uow.commit()
    with resources().blobs.open(digest) as stream:
        response = make_response(stream.read())
    response.headers["Content-Type"] = media_type
    response.headers["Content-Disposition"] = "inline"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@pages.post("/visits/<int:visit_id>/end")
@guard("loan.desk")
def end(visit_id: int) -> Response:
    """Note that the outsider has gone."""
    try:
        with work() as uow:
            visit = service.end_visit(uow, actor(), visit_id)
            uow.commit()
        flash(f"外来查阅 {visit.number} 已结束。", "success")
    except Conflict as refusal:
        flash(refusal.message, "danger")
    return redirect(url_for("visits.show", visit_id=visit_id))


def _show(visit_id: int, number: str = "") -> str:
    with reading() as uow:
        visit = service.get_visit(uow, actor(), visit_id)
    years = matrix.policy().outsider_id_years
    return render_template("visits/show.html", visit=visit, number=number, years=years)


def _form(refusal: Invalid | Conflict | None, noted: service.Noted | None) -> str:
    return render_template(
        "visits/new.html",
        typed=request.form,
        refusal=refusal,
        noted=noted,
        kinds=ID_KINDS,
    )


def _letter() -> BlobRef | None:
    """Keep the letter's scan that was sent; None for none, Invalid for what is no scan."""
    sent = request.files.get("letter")
    if sent is None or not sent.filename:
        return None
    content = sent.read(LARGEST_SCAN + 1)
    if len(content) > LARGEST_SCAN:
        raise Invalid("介绍信扫描件最大 10 MB，请压缩后再传。", {"letter": "太大"})
    media_type = media_type_of(content, sent.filename)
    if media_type not in SCANS:
        raise Invalid("介绍信扫描件请用 PDF、JPEG 或 PNG。", {"letter": "换一种格式"})
    return resources().blobs.put(content, media_type)


def _day(name: str, default: date) -> date:
    text = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise Invalid("日期不对，请写成 2026-11-23 这样。", {name: "应为 年-月-日"}) from None
