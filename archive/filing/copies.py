"""Physical copies: made at 上架 with a barcode of their own; lending says when one is out."""

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.numbering import Serial, locked_serial, take_number
from archive.filing.codes import MAX_BARCODE, make_barcode
from archive.filing.models import GONE, CopyStatus, ItemCopy
from archive.filing.views import CopyView
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

BARCODES = "item:barcode"


def add_copy(
    uow: UnitOfWork, item_id: int, pages: int, location: str, place_id: int | None = None
) -> ItemCopy:
    """Add a physical copy of an item under a fresh barcode."""
    barcode = make_barcode(take_number(uow, BARCODES, MAX_BARCODE))
    row = ItemCopy(
        item_id=item_id,
        barcode=barcode,
        pages=pages,
        location=location,
        place_id=place_id,
        status=CopyStatus.IN,
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def take_barcodes(uow: UnitOfWork, count: int) -> list[str]:
    """Take a run of fresh barcodes at once, for an import."""
    first = take_run(uow, BARCODES, count, MAX_BARCODE)
    return [make_barcode(number) for number in range(first, first + count)]


def take_run(uow: UnitOfWork, series: str, count: int, limit: int) -> int:
    """Take ``count`` numbers of a series in one go and return the first; raise Conflict."""
    row = locked_serial(uow, series)
    if row.last + count > limit:
        raise Conflict(f"编号已用到 {row.last}，不够再取 {count} 个（上限 {limit}）。")
    first = row.last + 1
    row.last += count
    uow.session.flush()
    return first


def last_of(uow: UnitOfWork, series: str) -> int:
    """Return the last number taken of a series; 0 when none was."""
    return uow.session.scalar(select(Serial.last).where(Serial.series == series)) or 0


def get_copy(uow: UnitOfWork, copy_id: int) -> CopyView:
    """Return a copy; raise NotFound."""
    row = uow.session.get(ItemCopy, copy_id)
    if row is None:
        raise NotFound("没有这件实体档案。")
    return CopyView(row.id, row.barcode, row.pages, row.location, row.status)


def set_copy_status(uow: UnitOfWork, actor: Actor, copy_id: int, status: str) -> CopyView:
    """Set where a copy is (lending's hand-out and return); raise Conflict when it is so already."""
    require(actor, "loan.desk")
    if status not in set(CopyStatus) - set(GONE):
        raise Invalid(f"没有“{status[:20]}”这种实体状态。", {"status": "没有这种状态"})
    row = uow.session.get(ItemCopy, copy_id)
    if row is None:
        raise NotFound("没有这件实体档案。")
    if row.status == status:
        raise Conflict(f"条码 {row.barcode} 已经是“{CopyStatus(status).label}”，没有改动。")
    if row.status in GONE:
        raise Conflict(f"条码 {row.barcode} {CopyStatus(row.status).label}，不能再改动。")
    before, row.status = row.status, CopyStatus(status)
    uow.session.flush()
    uow.journal(
        actor.id,
        "copy.status",
        "copy",
        row.id,
        {"item": row.item_id, "barcode": row.barcode, "from": str(before), "to": str(status)},
    )
    uow.outbox("index", f"item:{row.item_id}")
    return CopyView(row.id, row.barcode, row.pages, row.location, row.status, row.place_id)
