"""Pages of the storeroom: its rooms, the plan of one, moves by scanning, copies and labels."""

from collections.abc import Mapping
from functools import partial

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.answers import named_answer
from archive.core.errors import ArchiveError, Conflict, Forbidden, Invalid, NotFound
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet, whole_list_sheet
from archive.core.web import reading, work
from archive.filing.models import CopyStatus
from archive.filing.places import service
from archive.filing.places.label_lists import KINDS, labels_for
from archive.filing.places.label_pages import draw_labels, label_sheets
from archive.filing.places.models import PlaceKind
from archive.filing.places.posted import read_copy_filter, read_number, read_words
from archive.filing.places.views import StandingCopy, StandingPlace
from archive.people.gate import actor, guard

pages = APIBlueprint("places", __name__, template_folder="../templates", enable_openapi=False)

Page = str | tuple[str, int] | Response
REFUSALS = (Conflict, Forbidden, Invalid, NotFound)
ROOMS: tuple[ListColumn[StandingPlace], ...] = (
    ListColumn("库房", lambda one: one.place.path, 28),
    ListColumn("条码", lambda one: one.place.barcode, 16),
    ListColumn("存放（件）", lambda one: one.held, 12),
    ListColumn("容量（件）", lambda one: one.place.capacity, 12),
    ListColumn("不在架（件）", lambda one: one.out, 12),
)
COPIES: tuple[ListColumn[StandingCopy], ...] = (
    ListColumn("存放位置", lambda one: one.location, 28),
    ListColumn("条码", lambda one: one.barcode, 16),
    ListColumn("档号", lambda one: one.code, 30),
    ListColumn("题名", lambda one: one.title, 48),
    ListColumn("案卷", lambda one: one.volume_title, 36),
    ListColumn("状态", lambda one: one.status_label, 8),
)


@pages.get("/places")
@guard("place.list")
def rooms() -> str | Response:
    """Show every room with its counts, and how a whole room is made at once."""
    if wants_sheet():
        with reading() as uow:
            return whole_list_sheet("库房", ROOMS, service.rooms(uow, actor())[0])
    return _rooms_page({})


@pages.post("/places/layout")
@guard("place.edit")
def layout() -> Page:
    """Make a whole room, or what is missing of it, from one line."""
    try:
        capacity = read_number(request.form, "capacity", "容量")
        with work() as uow:
            room, made = service.lay_out(uow, actor(), request.form.get("layout", ""), capacity)
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _rooms_page(request.form), _status(refusal)
    flash(f"已建 {made} 个位置。请打印位置标签，贴到架上。", "success")
    return redirect(url_for("places.show", place_id=room.id))


@pages.post("/places")
@guard("place.edit")
def make() -> Page:
    """Make places of one level in one other, or a room."""
    parent_id: int | None = None
    try:
        parent_id = read_number(request.form, "parent", "上级位置")
        names = read_words(request.form.get("names", ""))
        capacity = read_number(request.form, "capacity", "容量")
        kind = request.form.get("kind", "")
        with work() as uow:
            made = service.make_places(uow, actor(), parent_id, kind, names, capacity)
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        page = _place_page(parent_id, request.form) if parent_id else _rooms_page(request.form)
        return page, _status(refusal)
    flash(f"已建 {len(made)} 个位置。", "success")
    return redirect(url_for("places.show", place_id=parent_id or made[0].id))


@pages.get("/places/<int:place_id>")
@guard("place.list")
def show(place_id: int) -> str | Response:
    """Show what stands in a place: the plan of a room, counts, and the copies one by one."""
    if wants_sheet():
        narrow = service.CopyFilter(place_id=place_id)
        with reading() as uow:
            read = partial(service.list_copies, uow, actor(), narrow)
            return list_sheet("实体档案", COPIES, lambda n, size: read(page=n, per_page=size))
    return _place_page(place_id, {})


@pages.post("/places/<int:place_id>/<any(change, close, reopen):act>")
@guard("place.edit")
def edit(place_id: int, act: str) -> Page:
    """Rename a place or say how much it holds, take it out of use or back into it."""
    posted = request.form
    try:
        version = read_number(posted, "version", "版本") or 0
        capacity = read_number(posted, "capacity", "容量")
        with work() as uow:
            if act == "change":
                name = posted.get("name", "")
                service.change_place(uow, actor(), place_id, name, capacity, version)
            elif act == "close":
                service.close_place(uow, actor(), place_id, version)
            else:
                service.reopen_place(uow, actor(), place_id, version)
            uow.commit()
    except (Conflict, Invalid) as refusal:
        flash(refusal.message, "danger")
        return _place_page(place_id, posted), _status(refusal)
    done = {
        "change": "已改好，里面的位置也跟着改了。",
        "close": "已停用。",
        "reopen": "已恢复使用。",
    }
    flash(done[act], "success")
    return redirect(url_for("places.show", place_id=place_id))


@pages.get("/places/move")
@guard("place.move")
def move() -> str:
    """Show the page where a place and then copies are scanned."""
    return _move_page(request.args.get("at", ""))


@pages.post("/places/move")
@guard("place.move")
def move_post() -> Page:
    """Take one scan: a shelf's barcode says where to, a copy's or box's puts it there."""
    code, at = request.form.get("code", "").strip(), request.form.get("at", "")
    reason = request.form.get("reason", "")
    try:
        with reading() as uow:
            place = service.find_place(uow, code)
        if place is not None and (place.kind != PlaceKind.BOX or not at):
            return redirect(url_for("places.move", at=place.barcode, reason=reason or None))
        if not at:
            raise Invalid("请先扫要放到的位置，再扫档案。", {"code": "先扫位置"})
        _move_to(at, [code], reason)
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _move_page(at), _status(refusal)
    return redirect(url_for("places.move", at=at, reason=reason or None))


@pages.get("/places/copies")
@guard("place.list")
def copies() -> str | Response:
    """List copies by place: of a volume, of a status, or without a place."""
    narrow = read_copy_filter(request.args)
    with reading() as uow:
        read_page = partial(service.list_copies, uow, actor(), narrow)
        if wants_sheet():
            return list_sheet("实体档案", COPIES, lambda n, size: read_page(page=n, per_page=size))
        found = read_page(page=request.args.get("page", 1, type=int))
    return render_template(
        "places/copies.html", page=found, asked=narrow, statuses=list(CopyStatus)
    )


@pages.get("/copies/<barcode>")
@guard("place.list")
def copy(barcode: str) -> str:
    """Show one copy: its home, its moves, and where to put it."""
    return _copy_page(barcode, {})


@pages.post("/copies/<barcode>/<any(move, found):act>")
@guard("place.move")
def copy_post(barcode: str, act: str) -> Page:
    """Put one copy elsewhere, or say that a missing one was found."""
    posted = request.form
    try:
        if act == "move":
            _move_to(posted.get("place", ""), [barcode], posted.get("reason", ""))
        else:
            with work() as uow:
                service.mark_found(uow, actor(), barcode, posted.get("note", ""))
                uow.commit()
            flash("已记为找到，又在库了。", "success")
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _copy_page(barcode, posted), _status(refusal)
    return redirect(url_for("places.copy", barcode=barcode))


@pages.get("/labels")
@guard("place.list")
def labels() -> str:
    """Show how labels are to be printed: which ones, on what sheet, from which position."""
    return _labels_page()


@pages.get("/labels.pdf")
@guard("place.list")
def labels_pdf() -> Page:
    """Hand out the labels as a PDF to be printed at its real size."""
    try:
        what = request.args.get("what", "")
        number = read_number(request.args, "id", "编号") or 0
        start = read_number(request.args, "start", "开始位置")
        with reading() as uow:
            found = labels_for(uow, actor(), what, number)
        content = draw_labels(found, request.args.get("sheet", ""), 1 if start is None else start)
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _labels_page(), _status(refusal)
    return named_answer(content, "application/pdf", "标签.pdf", inline=True)


def _move_to(place: str, barcodes: list[str], reason: str) -> None:
    with work() as uow:
        done = service.move_here(uow, actor(), place, barcodes, reason)
        uow.commit()
    for what in done.moved:
        flash(f"{what} 已放到 {done.place.path}。", "success")
    for what in done.there:
        flash(f"{what} 本来就在 {done.place.path}，没有改动。", "info")


def _move_page(at: str) -> str:
    with reading() as uow:
        place = service.find_place(uow, at) if at else None
        there = (
            service.list_copies(uow, actor(), service.CopyFilter(place_id=place.id), per_page=20)
            if place
            else None
        )
    reason = request.values.get("reason", "")
    return render_template("places/move.html", place=place, there=there, reason=reason)


def _rooms_page(typed: Mapping[str, str]) -> str:
    with reading() as uow:
        found, unplaced = service.rooms(uow, actor())
    return render_template("places/rooms.html", rooms=found, unplaced=unplaced, typed=typed)


def _place_page(place_id: int, typed: Mapping[str, str]) -> str:
    with reading() as uow:
        standing = service.standing(uow, actor(), place_id)
        narrow = service.CopyFilter(place_id=place_id)
        page = request.args.get("page", 1, type=int)
        found = service.list_copies(uow, actor(), narrow, page=page)
    return render_template(
        "places/show.html",
        standing=standing,
        place=standing.place,
        page=found,
        typed=typed,
        levels=_levels_below(standing.place.kind),
    )


def _levels_below(kind: str) -> list[PlaceKind]:
    levels = list(PlaceKind)
    at = levels.index(PlaceKind(kind))
    return [] if kind == PlaceKind.BOX else list(dict.fromkeys([levels[at + 1], PlaceKind.BOX]))


def _copy_page(barcode: str, typed: Mapping[str, str]) -> str:
    with reading() as uow:
        found = service.get_copy(uow, actor(), barcode)
        moves = service.moves_of_copy(uow, actor(), barcode)
    return render_template("places/copy.html", copy=found, moves=moves, typed=typed)


def _labels_page() -> str:
    return render_template(
        "places/labels.html", kinds=KINDS, sheets=label_sheets().values(), asked=request.args
    )


def _status(refusal: ArchiveError) -> int:
    return {Conflict: 409, Forbidden: 403, NotFound: 404}.get(type(refusal), 422)
