"""Holding free copies for approved requests, in order, and letting go what nobody picks up.

``settle`` runs after every act that frees or takes a copy or a place in line; whose turn it is
is decided in ``lending.claims``.
"""

from sqlalchemy import Select, and_, or_, select

from archive.core.calendar import load_calendar
from archive.core.clock import local_day, show_day
from archive.lending import matrix
from archive.lending.claims import Claim, is_lapsed, last_pick_up_day, newly_held
from archive.lending.line import (
    LIVE,
    PAPER_MODES,
    approved_requests,
    free_copies,
    is_in_line,
)
from archive.lending.lookup import approvals_of
from archive.lending.models import LoanRequest, RequestState
from archive.lending.notices import name_of_item, tell
from archive.people.models import User
from storage.work import UnitOfWork


def settle(uow: UnitOfWork, item_id: int) -> tuple[LoanRequest, ...]:
    """Hold the item's free copies for whoever is next; return the requests now ready."""
    uow.session.flush()
    approved = approved_requests(uow, item_id)
    if not approved:
        return ()
    claims = [Claim(row.id, row.pick_up_by is not None) for row in approved]
    chosen = newly_held(free_copies(uow, item_id), claims)
    ready = [row for row in approved if row.id in chosen]
    for row in ready:
        _hold(uow, row)
    return tuple(ready)


def let_lapse(uow: UnitOfWork) -> int:
    """Void what was not picked up in time and what leavers asked for; return how many.

    The freed copies go to the next in line at once. Also finds places in line that a copy added
    or found since then can serve.
    """
    void = 0
    for row in list(uow.session.scalars(_to_look_at(uow))):
        why = _why_void(uow, row)
        if why:
            _void(uow, row, why)
            void += 1
        if why or is_in_line(row):
            settle(uow, row.item_id)
    return void


def _to_look_at(uow: UnitOfWork) -> Select[LoanRequest]:
    today = local_day(uow.now())
    return (
        select(LoanRequest)
        .join(User, User.id == LoanRequest.borrower_id)
        .where(
            LoanRequest.state.in_(LIVE),
            or_(
                User.left_on <= today,
                LoanRequest.pick_up_by < today,
                and_(
                    LoanRequest.mode.in_(PAPER_MODES),
                    LoanRequest.state == RequestState.APPROVED,
                    LoanRequest.pick_up_by.is_(None),
                ),
            ),
        )
        .order_by(LoanRequest.id)
    )


def _why_void(uow: UnitOfWork, row: LoanRequest) -> str:
    today = local_day(uow.now())
    left_on = uow.session.scalar(select(User.left_on).where(User.id == row.borrower_id))
    if left_on is not None and left_on <= today:
        return "借阅人已离职"
    if row.state == RequestState.APPROVED and row.pick_up_by and is_lapsed(row.pick_up_by, today):
        return f"没有在{show_day(row.pick_up_by)}前取件"
    return ""


def _hold(uow: UnitOfWork, row: LoanRequest) -> None:
    days = matrix.policy().pick_up_working_days
    row.pick_up_by = last_pick_up_day(local_day(uow.now()), days, load_calendar(uow))
    uow.session.flush()
    until = row.pick_up_by.isoformat()
    detail = {"item": row.item_id, "until": until}
    uow.journal(None, "loan.hold", "loan_request", row.id, detail)
    what = name_of_item(uow, row.item_id)
    text = (
        f"您申请的{what}（{row.number}）可以取件了，请在{show_day(row.pick_up_by)}下班前带工牌到"
        "借阅台；过期作废，轮到下一位。"
    )
    tell(uow, row.borrower_id, "ready", f"ready:{row.id}:{until}", text, row.id)


def _void(uow: UnitOfWork, row: LoanRequest, why: str) -> None:
    row.state, row.closing_note, row.pick_up_by = RequestState.VOID, why, None
    for step in approvals_of(uow, row.id):
        if step.state in ("waiting", "open"):
            step.state = "cancelled"
    uow.session.flush()
    uow.journal(None, "loan.void", "loan_request", row.id, {"item": row.item_id})
    what = name_of_item(uow, row.item_id)
    text = f"您的借阅申请 {row.number}（{what}）已作废：{why}。仍需要的，请重新申请。"
    tell(uow, row.borrower_id, "void", f"void:{row.id}", text, row.id)
