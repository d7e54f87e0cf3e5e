"""鉴别 failed: papers given back with a reason, and taken up again.

A record goes back to its author to be filled anew. A paper from outside goes back to who brought
it: its item stays with the reason, out of the catalogue's way, and nothing of it is lost.
Source: 客户档案管理制度, step one of filing (archive.md 1.7).
"""

from sqlalchemy import ColumnElement, select

from archive.core.errors import Conflict
from archive.filing.handover import claims
from archive.filing.intake import get_waiting
from archive.filing.items import row_to_file, thing_of_item
from archive.filing.models import IntakeRefusal, ItemState
from archive.filing.rules import APPRAISE, check_reason
from archive.filing.versions.keeping import because
from archive.filing.views import RefusalView
from archive.people import service as people
from archive.people.rights import Actor, require
from archive.records import service as records
from storage.work import UnitOfWork


def send_back(uow: UnitOfWork, actor: Actor, record_id: int, reason: str) -> RefusalView:
    """Refuse a signed record at 鉴别: it goes back to its author, with the reason kept."""
    get_waiting(uow, actor, record_id)
    words = check_reason(reason)
    row = IntakeRefusal(record_id=record_id, by_id=actor.id, at=uow.now(), reason=words)
    uow.session.add(row)
    records.mark_returned(uow, actor, record_id, f"归档退回：{words}")
    claims.release(uow, record_id)
    uow.session.flush()
    uow.journal(actor.id, "filing.refuse", "record", record_id, {"refusal": row.id})
    return RefusalView(actor.name, row.at, words, record_id=record_id)


def give_back(
    uow: UnitOfWork, actor: Actor, item_id: int, reason: str, *, version: int | None = None
) -> RefusalView:
    """Refuse a paper from outside at 鉴别, with the reason kept; raise Conflict once it is in."""
    row = row_to_file(uow, actor, item_id, version)
    if row.state != ItemState.OFFERED:
        label = ItemState(row.state).label
        raise Conflict(f"这份文件现在是“{label}”，只有还没有鉴别的文件可以退回。")
    words = check_reason(reason)
    because(uow, actor, APPRAISE, f"退回：{words}")
    refusal = IntakeRefusal(item_id=item_id, by_id=actor.id, at=uow.now(), reason=words)
    uow.session.add(refusal)
    row.state = ItemState.REFUSED
    uow.session.flush()
    uow.journal(actor.id, "item.refuse", "item", item_id, {"refusal": refusal.id})
    return RefusalView(actor.name, refusal.at, words, item_id=item_id)


def take_again(uow: UnitOfWork, actor: Actor, item_id: int, *, version: int | None = None) -> None:
    """Put a paper that was given back among those that wait for 鉴别 again; raise Conflict."""
    row = row_to_file(uow, actor, item_id, version)
    if row.state != ItemState.REFUSED:
        raise Conflict(f"这份文件现在是“{ItemState(row.state).label}”，没有退回，不用重新收。")
    because(uow, actor, APPRAISE, "退回后重新收")
    row.state = ItemState.OFFERED
    uow.session.flush()
    uow.journal(actor.id, "item.offer", "item", item_id, {"again": True})


def refusals_of(uow: UnitOfWork, actor: Actor, record_id: int) -> tuple[RefusalView, ...]:
    """Return how often and why the archive gave this record back, the latest first."""
    require(actor, "record.read", records.thing_of(uow, record_id))
    return _views(uow, IntakeRefusal.record_id == record_id)


def refusals_of_item(uow: UnitOfWork, actor: Actor, item_id: int) -> tuple[RefusalView, ...]:
    """Return how often and why the archive gave this paper back, the latest first."""
    require(actor, "item.read", thing_of_item(uow, item_id))
    return read_refusals(uow, item_id)


def read_refusals(uow: UnitOfWork, item_id: int) -> tuple[RefusalView, ...]:
    """Return the same for an item whose reader was checked by the caller."""
    return _views(uow, IntakeRefusal.item_id == item_id)


def _views(uow: UnitOfWork, which: ColumnElement[bool]) -> tuple[RefusalView, ...]:
    query = select(IntakeRefusal).where(which).order_by(IntakeRefusal.id.desc())
    rows = list(uow.session.scalars(query))
    names = people.names_of(uow, {row.by_id for row in rows})
    return tuple(
        RefusalView(names.get(row.by_id, ""), row.at, row.reason, row.record_id, row.item_id)
        for row in rows
    )
