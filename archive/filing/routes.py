"""The pages of the archive's desk, the catalogue of items, and the yearly volumes."""

from collections.abc import Mapping
from functools import partial

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from archive.core.errors import ArchiveError, Conflict, Invalid
from archive.core.list_sheets import MOST_LINES, ListPart, list_book, list_sheet, wants_sheet
from archive.core.web import reading, resources, work
from archive.customers.service import get_customer
from archive.filing import service
from archive.filing.checks.edge import check_offered, check_record, check_records
from archive.filing.classes.kept import plan_in_force
from archive.filing.downloads import file_response
from archive.filing.handover.service import list_lists
from archive.filing.import_rows import ImportedFile
from archive.filing.item_page import read_item_page
from archive.filing.labels import barcode_svg, qr_svg
from archive.filing.list_columns import CATALOGUE, ITEMS, UNFINISHED, VOLUMES, WAITING
from archive.filing.models import ItemState
from archive.filing.posted import (
    do_step,
    read_filter,
    read_offer,
    read_place_of_the_day,
    read_version,
)
from archive.filing.rules import STEPS, parse_place
from archive.filing.sealing_routes import volume_page
from archive.filing.views import ItemView
from archive.forms.service import list_forms
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY, Thing, can

pages = APIBlueprint(
    "filing",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/filing/static",
    enable_openapi=False,
)

MOST_AT_ONCE = 100
Page = str | tuple[str, int] | Response


@pages.get("/filing")
@guard("filing.list")
def desk() -> str | Response:
    """Show what waits to be filed and what is half done."""
    with reading() as uow:
        read_page = partial(service.waiting_records, uow, actor())
        if wants_sheet():
            half = service.unfinished_items(uow, actor(), limit=MOST_LINES)
            return list_book(
                "归档",
                ListPart("待归档", WAITING, lambda n, size: read_page(page=n, per_page=size)),
                ListPart.whole("办到一半", UNFINISHED, half),
            )
        waiting = read_page(page=request.args.get("page", 1, type=int), per_page=50)
        unfinished = service.unfinished_items(uow, actor())
        place = service.last_place(uow, actor())
        handed = list_lists(uow, actor(), state="handed", per_page=5)
        place = place or plan_in_force(uow).default_room
    return render_template(
        "filing/desk.html",
        handed=handed,
        waiting=waiting,
        unfinished=unfinished,
        place=place,
    )


@pages.post("/filing/many")
@guard("filing.list")
def file_many() -> Response:
    """File every chosen record with its form's defaults, each by itself."""
    chosen = request.form.getlist("record", type=int)[:MOST_AT_ONCE]
    done, refused = 0, []
    where = read_place_of_the_day(request.form)
    faults = check_records(resources(), actor(), chosen)
    for record_id in chosen:
        try:
            if (fault := faults[record_id]) is not None:
                raise fault
            with work() as uow:
                service.file_record(uow, actor(), record_id, place=where)
                uow.commit()
            done += 1
        except ArchiveError as refusal:
            refused.append(refusal.message)
    if done:
        flash(f"已归档 {done} 份文件。", "success")
    for message in refused[:5]:
        flash(message, "danger")
    if not chosen:
        flash("请先勾选要归档的文件。", "warning")
    return redirect(url_for("filing.desk"))


@pages.get("/filing/offer")
@guard("filing.import")
def offer() -> str:
    """Show the form for a paper that was not made here."""
    return _offer_page({}, {})


@pages.post("/filing/offer")
@guard("filing.import")
def offer_post() -> Page:
    """Keep the upload, then enter the paper as offered; 鉴别 is next."""
    try:
        row = service.read_row(read_offer(request.form))
        upload = _uploaded()
        with work() as uow:
            made = service.offer_paper(uow, actor(), row, upload)
            uow.commit()
    except Invalid as refusal:
        flash(refusal.message, "danger")
        return _offer_page(refusal.fields, request.form), 422
    flash("已收进，请鉴别。", "success")
    return redirect(url_for("filing.file", item_id=made.id))


@pages.get("/filing/record/<int:record_id>")
@guard("item.file")
def record(record_id: int) -> Page:
    """Show a signed record for 鉴别, with what its form proposes."""
    with reading() as uow:
        known = service.find_item_of_record(uow, record_id)
        if known is not None:
            item = service.get_for_filing(uow, actor(), known)
            return redirect(url_for("filing.file", item_id=item.id))
        found = service.get_waiting(uow, actor(), record_id)
        proposed = service.proposed_for_record(uow, found)
        refusals = service.refusals_of(uow, actor(), record_id)
        plan = plan_in_force(uow)
        place = service.last_place(uow, actor())
    return render_template(
        "filing/record.html",
        record=found,
        proposed=proposed,
        refusals=refusals,
        plan=plan,
        secrecy=SECRECY,
        place=place or plan.default_room,
    )


@pages.post("/filing/record/<int:record_id>/appraise")
@guard("item.file")
def appraise(record_id: int) -> Response:
    """鉴别: take the record in."""
    check_record(resources(), actor(), record_id)
    with work() as uow:
        item = service.appraise(uow, actor(), record_id)
        uow.commit()
    flash("鉴别合格，已收进。", "success")
    return redirect(url_for("filing.file", item_id=item.id))


@pages.post("/filing/record/<int:record_id>/file")
@guard("item.file")
def file_record(record_id: int) -> Response:
    """Do all four steps with the form's defaults."""
    check_record(resources(), actor(), record_id)
    with work() as uow:
        item = service.file_record(
            uow, actor(), record_id, place=read_place_of_the_day(request.form)
        )
        uow.commit()
    _flash_filed(item)
    return redirect(url_for("filing.desk"))


@pages.post("/filing/record/<int:record_id>/return")
@guard("item.file")
def send_back(record_id: int) -> Response:
    """Give the record back to its author with a reason."""
    try:
        with work() as uow:
            service.send_back(uow, actor(), record_id, request.form.get("reason", ""))
            uow.commit()
    except Invalid as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("filing.record", record_id=record_id))
    flash("已退回给填表人，原因已记录。", "success")
    return redirect(url_for("filing.desk"))


@pages.get("/filing/item/<int:item_id>")
@guard("item.file")
def file(item_id: int) -> str:
    """Show the four steps of an item, the next one ready to be done."""
    return _step_page(item_id, {}, {})


@pages.post(
    "/filing/item/<int:item_id>/<any(accept, classify, catalogue, shelve, rest, back):step>"
)
@guard("item.file")
def step(item_id: int, step: str) -> Page:
    """Do one step, or all that are left, or give the paper back."""
    try:
        item = _do_step(item_id, step)
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        page = _step_page(item_id, refusal.fields, request.form)
        return page, 409 if isinstance(refusal, Conflict) else 422
    if item is None:
        flash("已退回给交来的人，原因已记录。", "success")
        return redirect(url_for("filing.desk"))
    if item.next_step:
        return redirect(url_for("filing.file", item_id=item_id))
    _flash_filed(item)
    if request.form.get("from") == "desk":
        return redirect(url_for("filing.desk"))
    return redirect(url_for("filing.item", item_id=item_id))


@pages.post("/filing/item/<int:item_id>/again")
@guard("item.file")
def take_again(item_id: int) -> Response:
    """Have a paper that was given back wait for 鉴别 again."""
    with work() as uow:
        service.take_again(uow, actor(), item_id, version=read_version(request.form))
        uow.commit()
    flash("已重新收下，请接着鉴别。", "success")
    return redirect(url_for("filing.file", item_id=item_id))


@pages.get("/items")
@guard("item.list")
def items() -> str | Response:
    """List the catalogue, narrowed by form, year, customer, class and state."""
    narrow = read_filter(request.args)
    with reading() as uow:
        read_page = partial(service.list_items, uow, actor(), narrow)
        if wants_sheet():
            return list_sheet("档案目录", ITEMS, lambda n, size: read_page(page=n, per_page=size))
        found = read_page(page=request.args.get("page", 1, type=int))
        customer = narrow.customer_id and get_customer(uow, actor(), narrow.customer_id)
        forms = list_forms(uow, with_retired=True)
        classes = plan_in_force(uow).classes
    return render_template(
        "filing/items.html",
        page=found,
        asked=narrow,
        customer=customer,
        forms=forms,
        classes=classes,
        states=list(ItemState),
    )


@pages.get("/items/<int:item_id>")
@guard("item.read")
def item(item_id: int) -> str:
    """Show one item: description, files, steps, copies with their codes."""
    with reading() as uow:
        whole = read_item_page(uow, actor(), item_id)
    found = whole.item
    may_describe = _may_file(whole.thing) and found.state != ItemState.DESTROYED
    has_pdf = any(one.media_type == "application/pdf" for one in found.files)
    return render_template(
        "filing/item.html",
        item=found,
        moves=whole.moves,
        old_paper=whole.corrects,
        new_paper=whole.corrected_by,
        may_describe=may_describe,
        hold=whole.hold,
        refusals=whole.refusals,
        ending=whole.ending,
        may_declare=found.state == "shelved" and has_pdf and can(actor(), "controlled.manage"),
        may_move=may_describe and found.next_step not in STEPS[:2] and not found.reference_code,
        may_file=may_describe and bool(found.next_step),
        barcodes={copy.id: Markup(barcode_svg(copy.barcode)) for copy in found.copies},  # noqa: S704
        qr=_qr(found),
    )


@pages.get("/items/<int:item_id>/label")
@guard("item.read")
def label(item_id: int) -> str:
    """Show the labels of an item's copies for printing."""
    with reading() as uow:
        found = service.get_item(uow, actor(), item_id)
    return render_template(
        "filing/label.html",
        item=found,
        barcodes={copy.id: Markup(barcode_svg(copy.barcode)) for copy in found.copies},  # noqa: S704
        qr=_qr(found),
    )


@pages.get("/items/<int:item_id>/files/<int:file_id>")
@guard("item.read")
def item_file(item_id: int, file_id: int) -> Response:
    """Hand out a file of an item, checked against its digest."""
    with reading() as uow:
        found = service.get_file(uow, actor(), item_id, file_id)
    return file_response(found, inline=request.args.get("inline") == "1")


@pages.get("/volumes")
@guard("volume.list")
def volumes() -> str | Response:
    """List the yearly volumes."""
    narrow = read_filter(request.args)
    with reading() as uow:
        read_page = partial(
            service.list_volumes, uow, actor(), year=narrow.year, item_class=narrow.item_class
        )
        if wants_sheet():
            return list_sheet("年度案卷", VOLUMES, lambda n, size: read_page(page=n, per_page=size))
        found = read_page(page=request.args.get("page", 1, type=int))
        classes = plan_in_force(uow).classes
    return render_template("filing/volumes.html", page=found, asked=narrow, classes=classes)


@pages.get("/volumes/<int:volume_id>")
@guard("volume.list")
def volume(volume_id: int) -> str | Response:
    """Show a volume's catalogue (卷内文件目录), and how it is sealed."""
    if not wants_sheet():
        return volume_page(volume_id, {})
    with reading() as uow:
        read = partial(service.get_volume, uow, actor(), volume_id)
        return list_sheet("卷内文件目录", CATALOGUE, lambda n, size: read(page=n, per_page=size)[1])


def _do_step(item_id: int, step: str) -> ItemView | None:
    if step in ("accept", "rest"):
        check_offered(resources(), actor(), item_id)
    with work() as uow:
        done = do_step(uow, actor(), item_id, step, request.form)
        uow.commit()
    return done


def _step_page(item_id: int, errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    with reading() as uow:
        found = service.get_for_filing(uow, actor(), item_id)
        proposed = service.proposed_for_item(uow, found)
        place = service.last_place(uow, actor())
        plan = plan_in_force(uow)
    return render_template(
        "filing/file.html",
        item=found,
        proposed=proposed,
        place=parse_place(place or plan.default_room),
        plan=plan,
        secrecy=SECRECY,
        steps=STEPS,
        errors=errors,
        typed=typed,
    )


def _uploaded() -> ImportedFile | None:
    """Keep what was uploaded; None when no file was chosen (a paper without a scan)."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return None
    return service.keep_upload(resources().blobs, sent.read(), sent.filename)


def _offer_page(errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    with reading() as uow:
        forms = list_forms(uow)
    return render_template(
        "filing/offer.html", errors=errors, typed=typed, forms=forms, secrecy=SECRECY
    )


def _flash_filed(item: ItemView) -> None:
    places = "、".join(copy.location for copy in item.copies)
    flash(f"已归档：{item.title}，{item.code}，放在{places}。", "success")


def _may_file(thing: Thing) -> bool:
    return can(actor(), "item.file", thing)


def _qr(item: ItemView) -> Markup | None:
    return Markup(qr_svg(item.code)) if item.code else None  # noqa: S704
