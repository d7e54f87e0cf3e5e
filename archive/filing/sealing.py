"""封卷: one archivist closes a volume, a second one confirms, and the 档号 are fixed for ever.

The first counts and closes; from then on nothing goes in or out. The second, who must be
another person, confirms the very catalogue the first one saw (its digest); only then is it
numbered, in one transaction, 1..n in catalogue order behind the numbers its lowest class has
given already. Source: DA/T 22 (编号, 装订), archive.md 2. The passwords are the edge's business.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from archive.core.errors import Conflict, Forbidden, NotFound
from archive.filing.codes import MAX_SERIAL, ReferenceCode, final_of
from archive.filing.copies import last_of, take_run
from archive.filing.models import CopyStatus, Item, ItemCopy, ItemState, Volume, VolumeSeal
from archive.filing.models import VolumeState as State
from archive.filing.rules import check_note, check_reason
from archive.filing.versions.keeping import because
from archive.filing.views import SealView
from archive.filing.volumes import LARGEST_ID, NOT_THERE
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork


def prepare_seal(uow: UnitOfWork, actor: Actor, volume_id: int, note: str = "") -> SealView:
    """Close a volume for a second archivist to confirm; raise Conflict, saying all that is amiss.

    ``note`` is what the 备考表 says of the papers (damage, copies in place of originals).
    """
    row = _get_for_sealing(uow, actor, volume_id)
    if row.state != State.OPEN:
        raise Conflict(f"案卷“{row.title}”现在是“{State(row.state).label}”，不能再提出封卷。")
    note = check_note(note)
    items = _items_of(uow, actor, row)
    _require_ready(uow, row, items)
    seal = VolumeSeal(
        volume_id=row.id,
        prepared_by=actor.id,
        prepared_at=uow.now(),
        note=note,
        digest=_digest(row, items),
        items=len(items),
        pages=sum(item.pages for item in items),
    )
    uow.session.add(seal)
    row.state = State.CHECKING
    uow.session.flush()
    told = {"items": seal.items, "pages": seal.pages, "digest": seal.digest}
    uow.journal(actor.id, "volume.prepare", "volume", row.id, told)
    return _view(uow, row, seal)


def withdraw_seal(uow: UnitOfWork, actor: Actor, volume_id: int, reason: str) -> None:
    """Open a volume again that waits for confirmation, with a reason; a sealed one stays so."""
    row = _get_for_sealing(uow, actor, volume_id)
    reason = check_reason(reason, "撤回原因")
    seal = _require_checking(uow, row)
    seal.withdrawn_by, seal.withdrawn_at, seal.reason = actor.id, uow.now(), reason
    row.state = State.OPEN
    uow.session.flush()
    uow.journal(actor.id, "volume.withdraw", "volume", row.id, {"digest": seal.digest})


def confirm_seal(uow: UnitOfWork, actor: Actor, volume_id: int, digest: str) -> SealView:
    """Seal a volume as the second archivist and number its items; raise Conflict, Forbidden.

    ``digest`` is that of the catalogue the second archivist was shown.
    """
    row = _get_for_sealing(uow, actor, volume_id)
    seal = _require_checking(uow, row)
    if seal.prepared_by == actor.id:
        raise Forbidden("封卷要由另一位档案员核对：提出封卷的人不能自己确认。")
    items = _items_of(uow, actor, row)
    if digest != seal.digest or _digest(row, items) != seal.digest:
        raise Conflict("卷内目录与提出封卷时不同，没有封卷；请撤回，核对后重新提出。")
    _require_ready(uow, row, items)
    _number(uow, actor, row, seal, items)
    row.state = State.SEALED
    seal.confirmed_by, seal.confirmed_at = actor.id, uow.now()
    uow.session.flush()
    told = {
        "items": seal.items,
        "first": seal.first_serial,
        "last": seal.last_serial,
        "prepared_by": seal.prepared_by,
        "digest": seal.digest,
    }
    uow.journal(actor.id, "volume.seal", "volume", row.id, told)
    return _view(uow, row, seal)


def get_seal(uow: UnitOfWork, actor: Actor, volume_id: int) -> SealView:
    """Return how a volume is sealed, to an archivist who may read all of it; raise NotFound."""
    row, _ = whole_volume(uow, actor, volume_id)
    seal = _seal_of(uow, row)
    if seal is None:
        raise NotFound(f"案卷“{row.title}”还没有提出封卷。")
    return _view(uow, row, seal)


def find_seal(uow: UnitOfWork, actor: Actor, volume_id: int) -> SealView | None:
    """Return how a volume was or is being sealed; None while open.

    Its counts are of the whole volume: show them only to who may read all of it.
    """
    require(actor, "volume.list")
    row = uow.session.get(Volume, volume_id) if 0 < volume_id <= LARGEST_ID else None
    seal = None if row is None else _seal_of(uow, row)
    return None if row is None or seal is None else _view(uow, row, seal)


def whole_volume(uow: UnitOfWork, actor: Actor, volume_id: int) -> tuple[Volume, list[Item]]:
    """Return a volume's rows in catalogue order, for its printed papers; all must be readable."""
    row = _get_for_sealing(uow, actor, volume_id)
    return row, _items_of(uow, actor, row)


def final_series(lowest_class: str) -> str:
    """Return the name of the counter of final numbers; it only ever rises."""
    return f"final:{lowest_class}"


def _get_for_sealing(uow: UnitOfWork, actor: Actor, volume_id: int) -> Volume:
    require(actor, "volume.seal")
    if not 0 < volume_id <= LARGEST_ID:
        raise NotFound(NOT_THERE)
    row = uow.session.scalar(select(Volume).where(Volume.id == volume_id).with_for_update())
    readable = select(Item.id).where(Item.volume_id == volume_id, may_read(actor, "item", Item.id))
    if row is None or uow.session.scalar(readable.limit(1)) is None:
        raise NotFound(NOT_THERE)
    return row


def _items_of(uow: UnitOfWork, actor: Actor, row: Volume) -> list[Item]:
    """Return every item in catalogue order; raise Forbidden when some may not be read."""
    inside = Item.volume_id == row.id
    count = select(func.count()).select_from(Item).where(inside)
    readable = uow.session.scalar(count.where(may_read(actor, "item", Item.id)))
    if uow.session.scalar(count) != readable:
        raise Forbidden("卷内有超出您涉密权限的文件，请交给权限足够的档案员办理整卷的事。")
    query = select(Item).options(defer(Item.text, raiseload=True)).where(inside)
    return list(uow.session.scalars(query.order_by(Item.serial, Item.id)))


def _require_ready(uow: UnitOfWork, row: Volume, items: Sequence[Item]) -> None:
    faults = list(_faults(uow, row, items))
    if faults:
        raise Conflict("还不能封卷：" + "；".join(faults) + "。")


def _faults(uow: UnitOfWork, row: Volume, items: Sequence[Item]) -> Iterator[str]:
    unfinished = [item for item in items if item.state != ItemState.SHELVED]
    if unfinished:
        names = "、".join(f"《{item.title}》" for item in unfinished[:3])
        yield f"{len(unfinished)} 件还没有上架（{names}{'等' if len(unfinished) > 3 else ''}）"
    if any(item.reference_code for item in items):
        yield "卷内已有编了正式档号的文件"
    away = select(ItemCopy.status, func.count()).join(Item, Item.id == ItemCopy.item_id)
    away = away.where(Item.volume_id == row.id, ItemCopy.status != CopyStatus.IN)
    for status, count in uow.session.execute(away.group_by(ItemCopy.status)).all():
        yield f"{count} 份实体现在是“{CopyStatus(status).label}”，请等归还或查清"
    used = last_of(uow, final_series(_class_code(row).lowest_class))
    if used + len(items) > MAX_SERIAL:
        yield (
            f"{_class_code(row).lowest_class} 的件号已用到 {used}，再编 {len(items)} 件就超过 "
            f"{MAX_SERIAL}；请把一部分文件移到二级门类（例如 {row.category[:2]}·02）或按机构分开"
        )


def _number(
    uow: UnitOfWork, actor: Actor, row: Volume, seal: VolumeSeal, items: Sequence[Item]
) -> None:
    """Give the final 档号, one after the other, and let the index follow."""
    code = _class_code(row)
    because(uow, actor, "封卷编号")
    first = take_run(uow, final_series(code.lowest_class), len(items), MAX_SERIAL)
    for serial, item in enumerate(items, start=first):
        item.reference_code, item.serial = str(final_of(code, serial)), serial
    uow.session.flush()
    for item in items:
        told = {"volume": row.id, "before": item.provisional_code, "code": item.reference_code}
        uow.journal(actor.id, "item.number", "item", item.id, told)
        uow.outbox("index", f"item:{item.id}")
    seal.first_serial, seal.last_serial = first, first + len(items) - 1


def _class_code(row: Volume) -> ReferenceCode:
    return ReferenceCode(row.fonds, row.category, row.year, row.retention, row.unit, 1)


def _require_checking(uow: UnitOfWork, row: Volume) -> VolumeSeal:
    seal = _seal_of(uow, row)
    if row.state != State.CHECKING or seal is None:
        raise Conflict(f"案卷“{row.title}”现在是“{State(row.state).label}”，不在等待核对。")
    return seal


def _seal_of(uow: UnitOfWork, row: Volume) -> VolumeSeal | None:
    query = select(VolumeSeal).where(VolumeSeal.volume_id == row.id)
    return uow.session.scalar(query.where(VolumeSeal.withdrawn_at.is_(None)))


def _digest(row: Volume, items: Sequence[Item]) -> str:
    """Return SHA-256 over the catalogue: every line as it will be printed, in its order."""
    lines = [
        [
            item.id,
            item.provisional_code,
            item.document_number,
            item.responsible,
            item.title,
            item.document_date.isoformat() if item.document_date else "",
            item.secrecy,
            item.pages,
            item.note,
        ]
        for item in items
    ]
    text = json.dumps([row.id, row.title, lines], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _view(uow: UnitOfWork, row: Volume, seal: VolumeSeal) -> SealView:
    names = people.names_of(uow, {seal.prepared_by, seal.confirmed_by} - {None})
    code = _class_code(row)
    ends = [
        str(final_of(code, serial)) if serial else ""
        for serial in (seal.first_serial, seal.last_serial)
    ]
    return SealView(
        prepared_by=seal.prepared_by,
        prepared_name=names.get(seal.prepared_by, ""),
        prepared_at=seal.prepared_at,
        note=seal.note,
        digest=seal.digest,
        items=seal.items,
        pages=seal.pages,
        confirmed_name=names.get(seal.confirmed_by or 0, ""),
        confirmed_at=seal.confirmed_at,
        first_code=ends[0],
        last_code=ends[1],
    )
