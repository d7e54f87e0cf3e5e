"""The line for an item's copies: what is free, what is held, who stands where; reads only.

Whose turn it is is decided in ``lending.claims`` and noted by ``lending.queue``.
"""

from collections.abc import Iterable

from sqlalchemy import bindparam, func, or_, select

from archive.filing.models import CopyStatus, Item, ItemCopy, ItemState
from archive.lending.matching import Mode
from archive.lending.models import LoanRequest, RequestState
from storage.work import UnitOfWork

PAPER_MODES = tuple(mode for mode in Mode if mode.takes_the_paper)
LIVE = (RequestState.WAITING, RequestState.APPROVED)


def free_copies(uow: UnitOfWork, item_id: int) -> int:
    """Return how many copies are on the shelf, held ones included."""
    return uow.session.scalar(_FREE, {"item": item_id}) or 0


def held_by_others(uow: UnitOfWork, item_id: int, request_id: int = 0) -> int:
    """Return how many of the item's copies are held for other requests than this one."""
    return uow.session.scalar(_HELD_FOR_OTHERS, {"item": item_id, "own": request_id}) or 0


def somebody_waits(uow: UnitOfWork, item_id: int, holder_id: int) -> bool:
    """Say whether more people than free copies ask for the item, the holder left aside."""
    asking = uow.session.scalar(
        select(func.count()).select_from(
            select(LoanRequest.id)
            .where(
                LoanRequest.item_id == item_id,
                LoanRequest.mode.in_(PAPER_MODES),
                LoanRequest.state.in_(LIVE),
                LoanRequest.borrower_id != holder_id,
            )
            .subquery()
        )
    )
    return (asking or 0) > free_copies(uow, item_id)


def is_in_line(row: LoanRequest) -> bool:
    """Say whether the request is approved and waits for a copy."""
    return row.state == RequestState.APPROVED and row.pick_up_by is None


def places(uow: UnitOfWork, rows: Iterable[LoanRequest]) -> dict[int, int]:
    """Return for each request that stands in line its place (1 is next); others are left out."""
    lined = [row for row in rows if row.state in LIVE and row.pick_up_by is None]
    if not lined:
        return {}
    found = uow.session.execute(
        select(LoanRequest.item_id, LoanRequest.id)
        .where(
            LoanRequest.item_id.in_({row.item_id for row in lined}),
            LoanRequest.mode.in_(PAPER_MODES),
            LoanRequest.pick_up_by.is_(None),
            or_(
                LoanRequest.state == RequestState.APPROVED,
                LoanRequest.queued & (LoanRequest.state == RequestState.WAITING),
            ),
        )
        .order_by(LoanRequest.id)
    ).all()
    line: dict[int, list[int]] = {}
    for item_id, request_id in found:
        line.setdefault(item_id, []).append(request_id)
    return {
        row.id: line[row.item_id].index(row.id) + 1
        for row in lined
        if row.id in line.get(row.item_id, ())
    }


def approved_requests(uow: UnitOfWork, item_id: int) -> list[LoanRequest]:
    """Return the approved requests for the item's paper, first come first."""
    return list(uow.session.scalars(_APPROVED, {"item": item_id}))


# Made once: putting a statement together takes longer than sending it.
_FREE = (
    select(func.count())
    .select_from(ItemCopy)
    .join(Item, Item.id == ItemCopy.item_id)
    .where(
        ItemCopy.item_id == bindparam("item"),
        ItemCopy.status == CopyStatus.IN,
        Item.state == ItemState.SHELVED,
    )
)
_IS_APPROVED = (
    LoanRequest.item_id == bindparam("item"),
    LoanRequest.state == RequestState.APPROVED,
    LoanRequest.mode.in_(PAPER_MODES),
)
_APPROVED = select(LoanRequest).where(*_IS_APPROVED).order_by(LoanRequest.id)
_HELD_FOR_OTHERS = (
    select(func.count())
    .select_from(LoanRequest)
    .where(*_IS_APPROVED, LoanRequest.pick_up_by.is_not(None), LoanRequest.id != bindparam("own"))
)
