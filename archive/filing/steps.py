"""归属, 登记目录, 上架: the steps after 鉴别, each recorded with who and when.

Every step checks the right, then the order, then its own entries, and only then writes; what
is refused changes nothing. ``file_in_one`` does what is left in one act, as recorded steps.
"""

from dataclasses import astuple, replace

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid
from archive.core.numbering import take_number
from archive.core.profile import load_profile
from archive.filing import intake
from archive.filing.classes.kept import plan_in_force
from archive.filing.codes import MAX_SERIAL, ReferenceCode
from archive.filing.copies import add_copy
from archive.filing.effects import apply_effects
from archive.filing.items import belonging_of, load_item, row_to_file
from archive.filing.models import HELD, FilingStep, Item, ItemCopy, ItemState
from archive.filing.places.tree import ensure_place
from archive.filing.rules import (
    APPRAISE,
    CATALOGUE,
    CLASSIFY,
    SHELVE,
    Belonging,
    Place,
    check_belonging,
    check_place,
    check_step,
)
from archive.filing.versions.keeping import because
from archive.filing.views import ItemView
from archive.filing.volumes import open_volume
from archive.people.rights import SECRECY, Actor, require
from archive.records import service as records
from storage.work import UnitOfWork


def accept_offered(
    uow: UnitOfWork, actor: Actor, item_id: int, *, version: int | None = None
) -> ItemView:
    """Take in a paper that was not made here and was offered to the archive (鉴别)."""
    row = _begin(uow, actor, item_id, APPRAISE, version)
    _record_step(uow, actor, row, APPRAISE, "item.appraise", {})
    return load_item(uow, item_id)


def classify(
    uow: UnitOfWork,
    actor: Actor,
    item_id: int,
    belonging: Belonging,
    *,
    version: int | None = None,
) -> ItemView:
    """Say where the item belongs (归属); a term shorter than its class's minimum is refused."""
    row = _begin(uow, actor, item_id, CLASSIFY, version)
    _classify(uow, actor, row, belonging)
    intake.settle_readers(uow, row)
    return load_item(uow, item_id)


def _classify(uow: UnitOfWork, actor: Actor, row: Item, belonging: Belonging) -> None:
    plan = plan_in_force(uow)
    check_belonging(belonging, plan)
    if belonging.secrecy > actor.clearance:
        label = SECRECY[belonging.secrecy]
        raise Invalid(
            f"您的涉密权限不到“{label}”，不能定这个密级；请交给权限足够的档案员办理。",
            {"secrecy": f"高于您的权限：{label}"},
        )
    row.category, row.item_class, row.year, row.retention, row.unit, row.secrecy = astuple(
        belonging
    )
    row.plan_version = plan.version
    _record_step(
        uow,
        actor,
        row,
        CLASSIFY,
        "item.classify",
        {
            "category": row.category,
            "year": row.year,
            "retention": row.retention,
            "unit": row.unit,
            "secrecy": row.secrecy,
            "plan": plan.version,
        },
    )


def catalogue(
    uow: UnitOfWork, actor: Actor, item_id: int, *, version: int | None = None
) -> ItemView:
    """Enter the item in the year's volume under the next provisional number (登记目录)."""
    _catalogue(uow, actor, _begin(uow, actor, item_id, CATALOGUE, version))
    return load_item(uow, item_id)


def _catalogue(uow: UnitOfWork, actor: Actor, row: Item) -> None:
    belonging = belonging_of(row)
    volume = open_volume(uow, belonging, row.customer_id)
    code = next_provisional(uow, belonging)
    row.volume_id, row.serial, row.provisional_code = volume.id, code.serial, str(code)
    _record_step(
        uow,
        actor,
        row,
        CATALOGUE,
        "item.catalogue",
        {"volume": volume.id, "code": str(code)},
    )


def shelve(
    uow: UnitOfWork,
    actor: Actor,
    item_id: int,
    place: Place,
    *,
    pages: int | None = None,
    version: int | None = None,
) -> ItemView:
    """Put the paper at its place under a barcode (上架); its record is filed from now on."""
    _shelve(uow, actor, _begin(uow, actor, item_id, SHELVE, version), place, pages)
    return load_item(uow, item_id)


def _shelve(uow: UnitOfWork, actor: Actor, row: Item, place: Place, pages: int | None) -> None:
    leaves = row.pages if pages is None else pages
    location = check_place(place, leaves)
    if row.record_id is not None:
        apply_effects(uow, actor, row, records.load_record(uow, row.record_id))
    row.pages = leaves
    copy = add_copy(uow, row.id, leaves, location, ensure_place(uow, place))
    _record_step(
        uow,
        actor,
        row,
        SHELVE,
        "item.shelve",
        {"copy": copy.id, "barcode": copy.barcode, "pages": leaves},
    )
    if row.record_id is not None:
        records.mark_filed(uow, actor, row.record_id)
    intake.settle_readers(uow, row)
    uow.outbox("index", f"item:{row.id}")


def file_in_one(
    uow: UnitOfWork,
    actor: Actor,
    item_id: int,
    *,
    belonging: Belonging | None = None,
    place: Place | None = None,
    pages: int | None = None,
    version: int | None = None,
) -> ItemView:
    """Do every step that is left, with the form's defaults where nothing is given."""
    finish_filing(
        uow, actor, item_id, belonging=belonging, place=place, pages=pages, version=version
    )
    return load_item(uow, item_id)


def finish_filing(
    uow: UnitOfWork,
    actor: Actor,
    item_id: int,
    *,
    belonging: Belonging | None = None,
    place: Place | None = None,
    pages: int | None = None,
    version: int | None = None,
) -> None:
    """Do the same as ``file_in_one`` without telling of the item: for papers by the hundred."""
    row = row_to_file(uow, actor, item_id, version)
    if row.state == ItemState.OFFERED:
        because(uow, actor, APPRAISE)
        _record_step(uow, actor, row, APPRAISE, "item.appraise", {})
    if row.state == ItemState.APPRAISED:
        because(uow, actor, CLASSIFY)
        _classify(uow, actor, row, belonging or intake.proposed_for_item(uow, row))
    if row.state == ItemState.CLASSIFIED:
        because(uow, actor, CATALOGUE)
        _catalogue(uow, actor, row)
    check_step(SHELVE, row.state)
    because(uow, actor, SHELVE)
    place = place or Place(room=plan_in_force(uow).default_room)
    _shelve(uow, actor, row, place, pages)


def file_record(
    uow: UnitOfWork, actor: Actor, record_id: int, *, place: Place | None = None
) -> ItemView:
    """Take a signed record in and do all four steps with its form's defaults."""
    item = intake.appraise(uow, actor, record_id)
    return file_in_one(uow, actor, item.id, place=place)


def get_for_filing(uow: UnitOfWork, actor: Actor, item_id: int) -> ItemView:
    """Return an item the actor may do the next step of; raise NotFound, Forbidden."""
    row_to_file(uow, actor, item_id)
    return load_item(uow, item_id)


def kind_for_filing(uow: UnitOfWork, actor: Actor, item_id: int) -> tuple[str, str]:
    """Return form code and class of an item the actor may do the next step of."""
    row = row_to_file(uow, actor, item_id)
    return row.form_code, row.item_class


def last_place(uow: UnitOfWork, actor: Actor) -> str:
    """Return where this person put a paper last, to be offered for the next one."""
    require(actor, "filing.list")
    return (
        uow.session.scalar(
            select(ItemCopy.location)
            .join(FilingStep, FilingStep.item_id == ItemCopy.item_id)
            .where(FilingStep.by_id == actor.id, FilingStep.step == SHELVE, ItemCopy.location != "")
            .order_by(FilingStep.id.desc())
            .limit(1)
        )
        or ""
    )


def settle_customer(uow: UnitOfWork, customer_id: int) -> int:
    """Rewrite who may read a customer's items after the customer changed; return how many.

    For the worker: the customer register leaves it a job when keeper, department or name change.
    """
    rows = list(uow.session.scalars(select(Item).where(Item.customer_id == customer_id)))
    for row in rows:
        intake.settle_readers(uow, row)
        if row.state in HELD:
            uow.outbox("index", f"item:{row.id}")
    return len(rows)


def next_provisional(uow: UnitOfWork, belonging: Belonging) -> ReferenceCode:
    """Take the next provisional code of the lowest class; raise Conflict past 9999."""
    code = reference_of(load_profile(uow).fonds, belonging, 0)
    try:
        serial = take_number(uow, series_of(code), MAX_SERIAL)
    except Conflict as full:
        raise Conflict(
            f"{code.lowest_class} 的件号已用到 {MAX_SERIAL}，不能再登记。"
            "请在“归属”里改用二级门类（例如把 KH 写成 KH·02）或按机构分开，再登记目录。",
            {"category": "本类件号已满"},
        ) from full
    return replace(code, serial=serial)


def reference_of(fonds: str, belonging: Belonging, serial: int) -> ReferenceCode:
    """Return the provisional code of an item that belongs there."""
    return ReferenceCode(
        fonds=fonds,
        category=belonging.category,
        year=belonging.year,
        retention=belonging.retention,
        unit=belonging.unit,
        serial=serial,
        is_provisional=True,
    )


def series_of(code: ReferenceCode) -> str:
    """Return the name of the counter of a lowest class."""
    return f"item:{code.lowest_class}"


def _begin(uow: UnitOfWork, actor: Actor, item_id: int, step: str, version: int | None) -> Item:
    row = row_to_file(uow, actor, item_id, version)
    check_step(step, row.state)
    because(uow, actor, step)
    return row


def _record_step(
    uow: UnitOfWork, actor: Actor, row: Item, step: str, action: str, detail: dict[str, object]
) -> None:
    row.state = check_step(step, row.state)
    uow.session.add(FilingStep(item_id=row.id, step=step, by_id=actor.id, at=uow.now(), note=""))
    uow.session.flush()
    uow.journal(actor.id, action, "item", row.id, detail)
