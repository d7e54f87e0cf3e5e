"""Seals taken out and back (印章外带): who has one, why, who allowed it; back the same day.

The keeper writes it down; the one who takes it gives their own password at the desk, which the
edge asks for. Nothing here commits.
"""

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.people import service as people
from archive.people.rights import Actor, require
from archive.signing import audience
from archive.signing.seals.models import CompanySeal, SealOuting
from archive.signing.seals.rules import clean_line, is_late
from archive.signing.seals.views import OutingView
from storage.work import UnitOfWork

ALLOWS = "leader"
SHOWN = 50


def is_out(uow: UnitOfWork, seal_id: int) -> bool:
    """Say whether a seal is out of its keeper's hands."""
    return _open(uow, seal_id) is not None


def taker_named(uow: UnitOfWork, actor: Actor, seal_id: int, text: str) -> Actor:
    """Return who is to take the seal; raise NotFound for another's seal, Invalid for nobody."""
    _kept_row(uow, actor, seal_id)
    try:
        return audience.person_named(uow, text)
    except Invalid as unknown:
        raise Invalid(unknown.message, {"taker": "请写在职人员的姓名或工号"}) from unknown


def take_out(
    uow: UnitOfWork,
    actor: Actor,
    seal_id: int,
    taker: Actor,
    approver: str,
    where_to: str,
    why: str,
) -> int:
    """Write down that a seal goes out; return the entry's number.

    A leader must have allowed it, and not for themselves. Raises Invalid, Conflict.
    """
    row = _kept_row(uow, actor, seal_id)
    if row.state != "in_use":
        raise Conflict(f"“{row.name}”已停用或销毁，不能外带。")
    if is_out(uow, seal_id):
        raise Conflict(f"“{row.name}”已经外带，还没有归还。")
    faults: dict[str, str] = {}
    place = clean_line(where_to, 100, "where_to", faults)
    reason = clean_line(why, 200, "why", faults)
    for key, text, told in (("where_to", place, "带到哪里"), ("why", reason, "外带的事由")):
        if not text:
            faults.setdefault(key, f"请写明{told}")
    allowed = _approver(uow, approver, taker, faults)
    if faults or allowed is None:
        raise Invalid("外带登记没有写全。", faults)
    outing = SealOuting(
        seal_id=seal_id,
        taken_by_id=taker.id,
        approved_by_id=allowed.id,
        where_to=place,
        why=reason,
        handed_by_id=actor.id,
        taken_at=uow.now(),
        back_at=None,
        received_by_id=None,
    )
    uow.session.add(outing)
    uow.session.flush()
    detail = {"outing": outing.id, "taken_by": taker.id, "approved_by": allowed.id}
    uow.journal(actor.id, "seal.out", "seal", seal_id, detail)
    return outing.id


def bring_back(uow: UnitOfWork, actor: Actor, seal_id: int, note: str = "") -> None:
    """Write down that a seal is back; raise Conflict when it was not out."""
    row, outing = _kept_row(uow, actor, seal_id), _open(uow, seal_id)
    if outing is None:
        raise Conflict(f"“{row.name}”没有外带，不用归还。")
    faults: dict[str, str] = {}
    outing.note = clean_line(note, 200, "note", faults)
    if faults:
        raise Invalid("归还的说明没有写对。", faults)
    outing.back_at, outing.received_by_id = uow.now(), actor.id
    uow.session.flush()
    uow.journal(actor.id, "seal.back", "seal", seal_id, {"outing": outing.id})


def list_outings(
    uow: UnitOfWork, actor: Actor, seal_id: int, limit: int = SHOWN
) -> tuple[OutingView, ...]:
    """Return the last outings of a seal, newest first."""
    require(actor, "seal.list")
    rows = uow.session.scalars(
        select(SealOuting)
        .where(SealOuting.seal_id == seal_id)
        .order_by(SealOuting.id.desc())
        .limit(limit)
    ).all()
    seal = uow.session.get(CompanySeal, seal_id)
    names = people.names_of(
        uow,
        {
            one
            for row in rows
            for one in (row.taken_by_id, row.approved_by_id, row.handed_by_id, row.received_by_id)
        },
    )
    return tuple(
        OutingView(
            id=row.id,
            seal_name=seal.name if seal else "",
            taken_by_name=names[row.taken_by_id],
            approved_by_name=names[row.approved_by_id],
            where_to=row.where_to,
            why=row.why,
            taken_at=row.taken_at,
            handed_by_name=names[row.handed_by_id],
            back_at=row.back_at,
            received_by_name=names.get(row.received_by_id or 0, ""),
            note=row.note,
            is_late=is_late(row.taken_at, row.back_at or uow.now()),
        )
        for row in rows
    )


def _approver(uow: UnitOfWork, text: str, taker: Actor, faults: dict[str, str]) -> Actor | None:
    try:
        found = audience.person_named(uow, text)
    except Invalid as unknown:
        faults["approver"] = unknown.message
        return None
    if ALLOWS not in found.roles:
        faults["approver"] = f"{found.name}不是公司领导，外带印章要由公司领导批准"
    elif found.id == taker.id:
        faults["approver"] = "不能自己批准自己外带"
    return found


def _open(uow: UnitOfWork, seal_id: int) -> SealOuting | None:
    return uow.session.scalar(
        select(SealOuting).where(SealOuting.seal_id == seal_id, SealOuting.back_at.is_(None))
    )


def _kept_row(uow: UnitOfWork, actor: Actor, seal_id: int) -> CompanySeal:
    row = uow.session.get(CompanySeal, seal_id)
    if row is None or row.keeper_id != actor.id:
        raise NotFound("没有这枚印章，或者它不由您保管。")
    return row
