"""Pages of stocktakes: their list, scanning, the offline page, differences, closing, the paper."""

from collections.abc import Callable, Mapping
from functools import partial
from uuid import uuid4

from apiflask import APIBlueprint
from flask import flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import (
    ArchiveError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Throttled,
    TooLarge,
    Unauthenticated,
)
from archive.core.kept_pages import worker_script
from archive.core.list_sheets import (
    MOST_LINES,
    ListColumn,
    ListPart,
    list_book,
    list_sheet,
    wants_sheet,
)
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.classes.kept import plan_in_force
from archive.filing.paper_files import paper_response
from archive.filing.places.posted import read_number
from archive.filing.places.tree import find_place, open_place
from archive.filing.stocktake import edge, service
from archive.filing.stocktake.lists import read_list, read_pasted
from archive.filing.stocktake.papers import take_paper
from archive.filing.stocktake.scans import Scan
from archive.filing.stocktake.sent import read_sent
from archive.filing.stocktake.service import Scope
from archive.filing.stocktake.views import FindingView, LineView, TakeSummary
from archive.people.gate import actor, client_address, guard

pages = APIBlueprint("stocktake", __name__, template_folder="../templates", enable_openapi=False)

Page = str | tuple[str, int] | Response
OFFLINE_ASSETS = (
    ("bootstrap.static", "css/font/bootstrap-icons.min.css"),
    ("bootstrap.static", "umd/popper.min.js"),
    ("bootstrap.static", "js/bootstrap.min.js"),
    ("filing.static", "places.css"),
    ("filing.static", "offline-count.js"),
)
REFUSALS = (Conflict, Forbidden, Invalid, NotFound, Throttled, TooLarge, Unauthenticated)
DIFFERENCES: tuple[ListColumn[FindingView], ...] = (
    ListColumn("条码", lambda one: one.barcode, 16),
    ListColumn("档号", lambda one: one.code, 30),
    ListColumn("题名", lambda one: one.title, 48),
    ListColumn("结果", lambda one: one.outcome_label, 14),
    ListColumn("应在位置", lambda one: one.home_text, 28),
    ListColumn("见到位置", lambda one: one.seen_text, 28),
    ListColumn("处理", lambda one: one.decision_label, 18),
    ListColumn("说明", lambda one: one.note, 30),
    ListColumn("处理人", lambda one: one.decided_name, 12),
)
TAKES: tuple[ListColumn[TakeSummary], ...] = (
    ListColumn("盘点单号", lambda one: one.number, 16),
    ListColumn("范围", lambda one: one.scope, 36),
    ListColumn("情况", lambda one: one.state_label, 10),
    ListColumn("应盘", lambda one: one.expected, 8),
    ListColumn("扫到", lambda one: one.seen, 8),
    ListColumn("开始", lambda one: one.opened_at, 18),
    ListColumn("主盘人", lambda one: one.opened_name, 12),
    ListColumn("结束", lambda one: one.ended_at, 18),
    ListColumn("签字人", lambda one: one.ended_name, 12),
)
LINES: tuple[ListColumn[LineView], ...] = (
    ListColumn("应在位置", lambda one: one.home_text, 28),
    ListColumn("条码", lambda one: one.barcode, 16),
    ListColumn("档号", lambda one: one.code, 30),
    ListColumn("题名", lambda one: one.title, 48),
    ListColumn("见到位置", lambda one: one.seen_text, 28),
    ListColumn("结果", lambda one: one.outcome_label, 14),
)


@pages.get("/stocktakes")
@guard("stocktake.list")
def listing() -> str | Response:
    """List the stocktakes, and open a new one."""
    if wants_sheet():
        with reading() as uow:
            read = partial(service.list_takes, uow, actor())
            return list_sheet("盘点", TAKES, lambda n, size: read(page=n, per_page=size))
    return _list_page({})


@pages.post("/stocktakes")
@guard("stocktake.work")
def open_new() -> Page:
    """Open a stocktake over a place, a volume or a class."""
    posted = request.form
    try:
        with work() as uow:
            made = service.open_take(uow, actor(), _scope(posted), posted.get("note", ""))
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _list_page(posted), _status(refusal)
    flash(f"盘点 {made.number} 已开始，应盘 {made.expected} 件。", "success")
    return redirect(url_for("stocktake.scan", take_id=made.id))


@pages.get("/stocktakes/<int:take_id>")
@guard("stocktake.list")
def show(take_id: int) -> str | Response:
    """Show what came of a stocktake so far, every difference with what may be decided of it."""
    if not wants_sheet():
        return _take_page(take_id)
    with reading() as uow:
        found = service.get_take(uow, actor(), take_id)
        lines = service.lines_of_take(uow, actor(), take_id)
    if len(lines) > MOST_LINES:
        raise TooLarge(f"一次最多导出 {MOST_LINES:,} 条，现在有 {len(lines):,} 条。")
    return list_book(
        f"盘点 {found.number}",
        ListPart.whole("差异", DIFFERENCES, found.findings),
        ListPart.whole("全部", LINES, lines),
    )


@pages.get("/stocktakes/<int:take_id>/scan")
@guard("stocktake.work")
def scan(take_id: int) -> str:
    """Show the page for a scanner: one box, places and copies."""
    return _scan_page(take_id, request.args.get("at", ""))


@pages.post("/stocktakes/<int:take_id>/scan")
@guard("stocktake.work")
def scan_post(take_id: int) -> Page:
    """Take one scan: a place says where one stands, anything else was seen there."""
    code, at = request.form.get("code", "").strip(), request.form.get("at", "")
    try:
        with work() as uow:
            place = find_place(uow, code)
            if place is None:
                scans = [Scan(f"page:{uuid4().hex}", code, at)]
                service.add_scans(uow, actor(), take_id, scans)
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _scan_page(take_id, at), _status(refusal)
    at = place.barcode if place else at
    return redirect(url_for("stocktake.scan", take_id=take_id, at=at or None))


@pages.post("/stocktakes/<int:take_id>/list")
@guard("stocktake.work")
def upload(take_id: int) -> Page:
    """Take a list in: pasted, or a file."""
    try:
        sent = request.files.get("file")
        pasted = request.form.get("list", "")
        has_file = sent is not None and bool(sent.filename)
        scans = read_list(sent.read()) if sent and has_file else read_pasted(pasted)
        with work() as uow:
            done = service.add_scans(uow, actor(), take_id, scans, "list")
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _take_page(take_id), _status(refusal)
    flash(f"收到 {done.new} 条，{done.known} 条以前已收过。", "success")
    if done.unknown_places:
        names = "、".join(done.unknown_places[:5])
        flash(f"有 {len(done.unknown_places)} 个位置对不上，按没有写位置算：{names}", "warning")
    return redirect(url_for("stocktake.show", take_id=take_id))


@pages.get("/stocktakes/<int:take_id>/offline")
@guard("stocktake.work")
def offline(take_id: int) -> str:
    """Show the page that goes on working without a network once it is loaded."""
    with reading() as uow:
        row, _, _ = service.scanning(uow, actor(), take_id)
        return render_template("stocktake/offline.html", take=row)


@pages.get("/stocktakes/<int:take_id>/offline-worker.js")
@guard("stocktake.work")
def offline_worker(take_id: int) -> Response:
    """Give the script that keeps the offline page in the browser."""
    page = url_for("stocktake.offline", take_id=take_id)
    return worker_script(page, page, OFFLINE_ASSETS, actor().id)


@pages.post("/stocktakes/<int:take_id>/offline")
@guard("stocktake.work")
def offline_post(take_id: int) -> Response:
    """Take in what the offline page kept; what was sent before changes nothing."""
    scans = read_sent(request.get_json(silent=True))
    with work() as uow:
        done = service.add_scans(uow, actor(), take_id, scans, "phone")
        uow.commit()
    return jsonify(new=done.new, known=done.known, unknown_places=done.unknown_places)


@pages.post("/stocktakes/<int:take_id>/decide")
@guard("stocktake.work")
def decide(take_id: int) -> Page:
    """Decide what becomes of one difference."""
    posted = request.form
    keys = ("barcode", "outcome", "decision", "note")

    def act() -> None:
        with work() as uow:
            service.decide(uow, actor(), take_id, *(posted.get(key, "") for key in keys))
            uow.commit()

    return _act(take_id, act, "已处理。")


@pages.post("/stocktakes/<int:take_id>/<any(close, discard):way>")
@guard("stocktake.work")
def end(take_id: int, way: str) -> Page:
    """Close a stocktake with one's password, or give it up with the reason."""
    posted = request.form

    def close() -> None:
        edge.close(
            resources(),
            actor(),
            take_id,
            posted.get("digest", ""),
            posted.get("note", ""),
            password=posted.get("password", ""),
            address=client_address(),
        )

    def discard() -> None:
        with work() as uow:
            service.discard_take(uow, actor(), take_id, posted.get("reason", ""))
            uow.commit()

    if way == "close":
        return _act(take_id, close, "盘点已结束，请打印盘点表。")
    return _act(take_id, discard, "盘点已作废，原因已记录。")


@pages.get("/stocktakes/<int:take_id>/A09.<any(docx, pdf):kind>")
@guard("stocktake.list")
def paper(take_id: int, kind: str) -> Response:
    """Hand out the result as Word or PDF."""
    with reading() as uow:
        found = take_paper(uow, actor(), take_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


def _scope(posted: Mapping[str, str]) -> Scope:
    kind = posted.get("kind", "")
    if kind == "class":
        return Scope(kind, name=posted.get("class", ""))
    if kind == "place" and posted.get("place", "").strip():
        with reading() as uow:
            return Scope(kind, open_place(uow, posted["place"]).id)
    return Scope(kind, read_number(posted, "volume" if kind == "volume" else "id", "编号"))


def _act(take_id: int, act: Callable[[], None], done: str) -> Page:
    """Do an act on a stocktake; a refusal shows the page again with what was typed."""
    try:
        act()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _take_page(take_id), _status(refusal)
    flash(done, "success")
    return redirect(url_for("stocktake.show", take_id=take_id))


def _status(refusal: ArchiveError) -> int:
    statuses = {Conflict: 409, Forbidden: 403, NotFound: 404, Throttled: 429, TooLarge: 413}
    return statuses.get(type(refusal), 422)


def _list_page(typed: Mapping[str, str]) -> str:
    number, kind = request.args.get("id", ""), request.args.get("kind", "")
    with reading() as uow:
        found = service.list_takes(uow, actor(), page=request.args.get("page", 1, type=int))
        asked = typed or {"kind": kind, "volume": number if kind == "volume" else ""}
        place = service.place_named(uow, number) if kind == "place" else ""
        classes = plan_in_force(uow).classes
    return render_template(
        "stocktake/all.html",
        page=found,
        typed={**asked, "place": typed.get("place", place)},
        classes=classes,
    )


def _take_page(take_id: int) -> str:
    with reading() as uow:
        found = service.get_take(uow, actor(), take_id)
    return render_template("stocktake/show.html", take=found, typed=request.form)


def _scan_page(take_id: int, at: str) -> str:
    with reading() as uow:
        row, seen, latest = service.scanning(uow, actor(), take_id)
        place = find_place(uow, at) if at else None
        return render_template(
            "stocktake/scan.html", take=row, seen=seen, latest=latest, place=place
        )
