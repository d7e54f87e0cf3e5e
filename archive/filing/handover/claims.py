"""Which list a record stands on, asked by 鉴别 before it takes a paper in.

A paper on a list that was handed over waits until the archive has received the list; one on no
list, or on a list still being made, is taken in by itself as ever.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, select, update

from archive.core.errors import Conflict
from archive.filing.handover.models import HandoverLine, HandoverList, ListState
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Claim:
    """The list a record stands on."""

    list_id: int
    number: str
    state: str


def claims_of(uow: UnitOfWork, record_ids: Collection[int]) -> dict[int, Claim]:
    """Return the list each of the records stands on; those on none are left out."""
    rows = uow.session.execute(
        select(HandoverLine.claim, HandoverList.id, HandoverList.number, HandoverList.state)
        .join(HandoverList, HandoverList.id == HandoverLine.list_id)
        .where(HandoverLine.claim.in_(record_ids))
    )
    return {row.claim: Claim(row.id, row.number or "", row.state) for row in rows}


def on_the_way() -> Select[int | None]:
    """Return the records handed over and not received yet, as a subquery."""
    return (
        select(HandoverLine.claim)
        .join(HandoverList, HandoverList.id == HandoverLine.list_id)
        .where(HandoverList.state == ListState.HANDED, HandoverLine.claim.is_not(None))
    )


def claimed() -> Select[int | None]:
    """Return the records that stand on any list, as a subquery."""
    return select(HandoverLine.claim).where(HandoverLine.claim.is_not(None))


def received_by_list(uow: UnitOfWork, record_id: int) -> str:
    """Return the number of the list a record came by; "" when it came by itself.

    Raises Conflict while that list is on its way.
    """
    claim = claims_of(uow, [record_id]).get(record_id)
    if claim is None or claim.state == ListState.DRAFT:
        return ""
    if claim.state == ListState.HANDED:
        raise Conflict(
            f"这份文件在移交清单 {claim.number} 上，清单还没有接收；请先核对并接收清单，再鉴别。",
            {"handover_id": str(claim.list_id)},
        )
    return claim.number


def release(uow: UnitOfWork, record_id: int) -> None:
    """Let a record go from its list: it was given back and may be handed over again."""
    uow.session.execute(
        update(HandoverLine).where(HandoverLine.claim == record_id).values(claim=None)
    )
