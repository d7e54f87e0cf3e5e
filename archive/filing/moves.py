"""Items are put elsewhere (改归) while their volume is open; what was before stays on record.

A sealed item never moves (DA/T 22: the 档号 is fixed by sealing), and neither does one whose
volume waits for the second archivist.
"""

from dataclasses import astuple

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid
from archive.filing.classes.kept import plan_in_force
from archive.filing.intake import settle_readers, tell_of_change
from archive.filing.items import belonging_of, get_row, load_item, row_to_file, thing_of_row
from archive.filing.models import Item, ItemMove, Volume, VolumeState
from archive.filing.rules import (
    Belonging,
    check_belonging,
    check_move,
    check_reason,
    is_other_class,
)
from archive.filing.steps import next_provisional
from archive.filing.versions.keeping import because
from archive.filing.views import ItemView, MoveView
from archive.filing.volumes import open_volume
from archive.people import service as people
from archive.people.rights import SECRECY, Actor, require
from storage.work import UnitOfWork


def move_item(
    uow: UnitOfWork,
    actor: Actor,
    item_id: int,
    belonging: Belonging,
    reason: str,
    *,
    version: int | None = None,
) -> ItemView:
    """Put an item into another class, year, term or unit; raise Conflict once it is sealed.

    In another lowest class it gets a new provisional number; the old one is never used again.
    Secrecy raised leaves a job ``secrecy``: who has the paper out may have to bring it back.
    """
    row = row_to_file(uow, actor, item_id, version)
    check_move(row.state, row.reference_code)
    before, plan = belonging_of(row), plan_in_force(uow)
    check_belonging(belonging, plan, before)
    _check_secrecy(actor, belonging)
    reason = check_reason(reason, "改归原因")
    because(uow, actor, "改归", reason)
    if before == belonging:
        raise Invalid("归属没有变化，不用改归。", {"item_class": "与现在相同"})
    move = ItemMove(
        item_id=row.id,
        from_volume_id=row.volume_id,
        from_code=row.provisional_code or "",
        by_id=actor.id,
        at=uow.now(),
        reason=reason,
    )
    _require_open(uow, row.volume_id)
    row.category, row.item_class, row.year, row.retention, row.unit, row.secrecy = astuple(
        belonging
    )
    if is_other_class(before, belonging):
        row.plan_version = plan.version
    if row.volume_id is not None:
        _into_volume(uow, row, before, belonging)
    move.to_volume_id, move.to_code = row.volume_id, row.provisional_code or ""
    uow.session.add(move)
    uow.session.flush()
    settle_readers(uow, row)
    told = {"from": move.from_code, "to": move.to_code, "volume": row.volume_id}
    uow.journal(actor.id, "item.move", "item", row.id, told)
    tell_of_change(uow, row, before.secrecy)
    return load_item(uow, row.id)


def moves_of(uow: UnitOfWork, actor: Actor, item_id: int) -> tuple[MoveView, ...]:
    """Return the moves of an item the actor may read, oldest first."""
    require(actor, "item.read", thing_of_row(uow, get_row(uow, item_id)))
    return read_moves(uow, item_id)


def read_moves(uow: UnitOfWork, item_id: int) -> tuple[MoveView, ...]:
    """Return the moves of an item, oldest first; rights are the caller's."""
    query = select(ItemMove).where(ItemMove.item_id == item_id).order_by(ItemMove.id)
    rows = list(uow.session.scalars(query))
    names = people.names_of(uow, {row.by_id for row in rows})
    return tuple(
        MoveView(row.from_code, row.to_code, names.get(row.by_id, ""), row.at, row.reason)
        for row in rows
    )


def _check_secrecy(actor: Actor, belonging: Belonging) -> None:
    if belonging.secrecy > actor.clearance:
        label = SECRECY[belonging.secrecy]
        raise Invalid(
            f"您的涉密权限不到“{label}”，不能定这个密级；请交给权限足够的档案员办理。",
            {"secrecy": f"高于您的权限：{label}"},
        )


def _require_open(uow: UnitOfWork, volume_id: int | None) -> None:
    volume = uow.session.scalar(select(Volume).where(Volume.id == volume_id).with_for_update())
    if volume is not None and volume.state != VolumeState.OPEN:
        label = VolumeState(volume.state).label
        raise Conflict(f"案卷“{volume.title}”现在是“{label}”，里面的文件不能移动。")


def _into_volume(uow: UnitOfWork, row: Item, before: Belonging, after: Belonging) -> None:
    row.volume_id = open_volume(uow, after, row.customer_id).id
    if _lowest(before) != _lowest(after):
        code = next_provisional(uow, after)
        row.serial, row.provisional_code = code.serial, str(code)


def _lowest(belonging: Belonging) -> tuple[str, int, str, str]:
    return belonging.category, belonging.year, belonging.retention, belonging.unit
