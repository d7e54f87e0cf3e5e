"""The lending log (借阅登记): who has what, what is late, what happened in a period; reads only.

Refusals stand in it like loans. ``overdue`` is never stored: it follows from the due day.
"""

from datetime import date, datetime, time
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select

from archive.core.clock import SHANGHAI, day_begins, local_day
from archive.core.errors import Invalid, NotFound
from archive.core.pages import Page, clean_paging
from archive.filing.models import ItemCopy
from archive.lending import lookup
from archive.lending.models import Loan, LoanApproval, LoanRefusal, LoanRequest, RequestState
from archive.lending.views import ItemPanel, LoanView, LogLine, RefusalView, RequestView
from archive.people.rights import Actor, can, require
from storage.work import UnitOfWork

LONGEST_PERIOD = 3660
LONGEST_LIST = 200

Row = TypeVar("Row")


def get_request(uow: UnitOfWork, actor: Actor, request_id: int) -> RequestView:
    """Return a request with its loan for its borrower, its approvers or the desk; NotFound."""
    row = lookup.get_row(uow, request_id)
    if not lookup.may_see(uow, actor, row):
        raise NotFound(lookup.NO_REQUEST)
    return lookup.request_views(uow, actor, [row])[0]


def list_requests(
    uow: UnitOfWork,
    actor: Actor,
    *,
    state: str = "",
    item_id: int | None = None,
    mine: bool = False,
    page: int = 1,
    per_page: int = 20,
) -> Page[RequestView]:
    """Return requests, newest first: everyone's for the register, else one's own and one's steps.

    ``state`` is a request state or ``overdue``.
    """
    require(actor, "loan.list")
    query = select(LoanRequest).where(*_state_is(uow, state))
    if item_id is not None:
        query = query.where(LoanRequest.item_id == item_id)
    if mine:
        query = query.where(LoanRequest.borrower_id == actor.id)
    elif not can(actor, "loan.register"):
        asked = select(LoanApproval.request_id).where(LoanApproval.approver_id == actor.id)
        query = query.where(or_(LoanRequest.borrower_id == actor.id, LoanRequest.id.in_(asked)))
    page, per_page = clean_paging(page, per_page)
    total, rows = _page_of(uow, query.order_by(LoanRequest.id.desc()), page, per_page)
    return Page(lookup.request_views(uow, actor, rows), total, page, per_page)


def my_loans(uow: UnitOfWork, actor: Actor) -> tuple[LoanView, ...]:
    """Return what this person has out, the earliest due first."""
    rows = uow.session.scalars(
        select(Loan)
        .where(Loan.borrower_id == actor.id, Loan.returned_at.is_(None))
        .order_by(Loan.due_on, Loan.id)
    )
    return lookup.loan_views(uow, actor, list(rows))


def open_loans(
    uow: UnitOfWork,
    actor: Actor,
    *,
    overdue_only: bool = False,
    page: int = 1,
    per_page: int = 20,
) -> Page[LoanView]:
    """Return who has what now, the longest overdue first."""
    require(actor, "loan.register")
    query = select(Loan).where(Loan.returned_at.is_(None))
    if overdue_only:
        query = query.where(Loan.due_on < local_day(uow.now()))
    page, per_page = clean_paging(page, per_page)
    total, rows = _page_of(uow, query.order_by(Loan.due_on, Loan.id), page, per_page)
    return Page(lookup.loan_views(uow, actor, rows), total, page, per_page)


def held_at_desk(uow: UnitOfWork, actor: Actor) -> tuple[RequestView, ...]:
    """Return the requests for which a copy is held, the first term to run out first."""
    require(actor, "loan.desk")
    rows = uow.session.scalars(
        select(LoanRequest)
        .where(LoanRequest.state == RequestState.APPROVED, LoanRequest.pick_up_by.is_not(None))
        .order_by(LoanRequest.pick_up_by, LoanRequest.id)
        .limit(LONGEST_LIST)
    )
    return lookup.request_views(uow, actor, list(rows))


def overdue_count(uow: UnitOfWork, actor: Actor) -> int:
    """Return how many loans are overdue, for those who watch over it; else one's own."""
    query = (
        select(func.count())
        .select_from(Loan)
        .where(Loan.returned_at.is_(None), Loan.due_on < local_day(uow.now()))
    )
    if not can(actor, "loan.register"):
        query = query.where(Loan.borrower_id == actor.id)
    return uow.session.scalar(query) or 0


def register(
    uow: UnitOfWork, actor: Actor, start: date, end: date, *, page: int = 1, per_page: int = 20
) -> Page[LoanView]:
    """Return the loans handed out from ``start`` to ``end`` (local days, both included)."""
    require(actor, "loan.register")
    begin, finish = instants(start, end)
    query = select(Loan).where(Loan.handed_at.between(begin, finish))
    page, per_page = clean_paging(page, per_page)
    ordered = query.order_by(Loan.handed_at.desc(), Loan.id.desc())
    total, rows = _page_of(uow, ordered, page, per_page)
    return Page(lookup.loan_views(uow, actor, rows), total, page, per_page)


def refusals(
    uow: UnitOfWork, actor: Actor, start: date, end: date, *, page: int = 1, per_page: int = 20
) -> Page[RefusalView]:
    """Return the requests refused from ``start`` to ``end``, by the rules or by an approver."""
    require(actor, "loan.register")
    begin, finish = instants(start, end)
    query = select(LoanRefusal).where(LoanRefusal.at.between(begin, finish))
    page, per_page = clean_paging(page, per_page)
    ordered = query.order_by(LoanRefusal.at.desc(), LoanRefusal.id.desc())
    total, rows = _page_of(uow, ordered, page, per_page)
    return Page(lookup.refusal_views(uow, actor, rows), total, page, per_page)


def loans_of_item(uow: UnitOfWork, item_id: int) -> tuple[LoanView, ...]:
    """Return every loan of an item's copies, newest first; rights unchecked, nothing hidden."""
    rows = uow.session.scalars(
        select(Loan)
        .join(ItemCopy, ItemCopy.id == Loan.copy_id)
        .where(ItemCopy.item_id == item_id)
        .order_by(Loan.id.desc())
    )
    return lookup.loan_views(uow, None, list(rows))


def item_panel(uow: UnitOfWork, actor: Actor, item_id: int) -> ItemPanel:
    """Return what the item's page shows of lending; the caller has checked that it may be read."""
    out = uow.session.scalars(
        select(Loan)
        .join(ItemCopy, ItemCopy.id == Loan.copy_id)
        .where(ItemCopy.item_id == item_id, Loan.returned_at.is_(None))
        .order_by(Loan.id)
    )
    mine = select(LoanRequest).where(
        LoanRequest.item_id == item_id,
        LoanRequest.borrower_id == actor.id,
        LoanRequest.state.in_((RequestState.WAITING, RequestState.APPROVED)),
    )
    keeps_log = can(actor, "loan.register")
    return ItemPanel(
        item_id=item_id,
        out=lookup.loan_views(uow, actor, list(out)),
        mine=lookup.request_views(uow, actor, list(uow.session.scalars(mine))),
        may_ask=can(actor, "loan.request"),
        log=log_of_item(uow, actor, item_id)[-10:] if keeps_log else (),
        keeps_log=keeps_log,
    )


def log_of_item(uow: UnitOfWork, actor: Actor, item_id: int) -> tuple[LogLine, ...]:
    """Return all that happened in lending to an item, oldest first, refusals included."""
    require(actor, "loan.register")
    return _log(uow, actor, LoanRequest.item_id == item_id, LoanRefusal.item_id == item_id)


def log_of_person(uow: UnitOfWork, actor: Actor, person_id: int) -> tuple[LogLine, ...]:
    """Return a person's lending history, oldest first: one's own, or for the register."""
    if person_id != actor.id:
        require(actor, "loan.register")
    return _log(
        uow, actor, LoanRequest.borrower_id == person_id, LoanRefusal.borrower_id == person_id
    )


def _log(
    uow: UnitOfWork,
    actor: Actor,
    of_requests: ColumnElement[bool],
    of_refusals: ColumnElement[bool],
) -> tuple[LogLine, ...]:
    asked = list(uow.session.scalars(select(LoanRequest).where(of_requests)))
    refused = list(
        uow.session.scalars(
            select(LoanRefusal).where(of_refusals, LoanRefusal.request_id.is_(None))
        )
    )
    lines = [line for view in lookup.request_views(uow, actor, asked) for line in _lines_of(view)]
    for refusal in lookup.refusal_views(uow, actor, refused):
        why = "".join(reason.text for reason in refusal.reasons)
        note = f"{refusal.mode_label}：{why}"
        lines.append(
            LogLine(refusal.at, "规则拒绝", refusal.borrower_name, note, "", refusal.item_id)
        )
    return tuple(sorted(lines, key=lambda line: line.at))


def _lines_of(view: RequestView) -> list[LogLine]:
    """Return the events of one request in the order they come."""

    def line(at: datetime, what: str, who: str, note: str = "") -> LogLine:
        return LogLine(at, what, who, note, view.number, view.item_id)

    lines = [line(view.created_at, f"申请{view.mode_label}", view.borrower_name, view.purpose)]
    for step in view.approvals:
        if step.decided_at is not None:
            lines.append(line(step.decided_at, step.state_label, step.who, step.opinion))
    loan = view.loan
    if loan is None:
        return lines
    note = f"借给{loan.borrower_name}，{loan.pages_out} 页，{loan.due_on} 前归还"
    lines.append(line(loan.handed_at, "借出", loan.handed_by_name, note))
    if loan.returned_at is not None:
        note = f"{loan.pages_in} 页，{loan.condition}"
        lines.append(line(loan.returned_at, "归还", loan.received_by_name, note))
    return lines


def _state_is(uow: UnitOfWork, state: str) -> list[ColumnElement[bool]]:
    if not state:
        return []
    if state == "overdue":
        late = select(Loan.request_id).where(
            Loan.returned_at.is_(None), Loan.due_on < local_day(uow.now())
        )
        return [LoanRequest.id.in_(late)]
    if state not in set(RequestState):
        words = "、".join([*RequestState, "overdue"])
        raise Invalid("没有这种借阅状态。", {"state": f"应为 {words}"})
    return [LoanRequest.state == state]


def instants(start: date, end: date) -> tuple[datetime, datetime]:
    """Return the first and last instant of a period of local days; raise Invalid in words."""
    if end < start:
        raise Invalid("起止日期颠倒了，请改正。", {"end": "不能早于开始日期"})
    if (end - start).days > LONGEST_PERIOD:
        raise Invalid("时间跨度太长，请分段查询（最多十年）。", {"start": "离结束日期太远"})
    if start.year < 2 or end.year > 9998:
        raise Invalid("日期不对，请改正。", {"start": "日期不对"})
    return (
        day_begins(start),
        datetime.combine(end, time.max, SHANGHAI),
    )


def _page_of(
    uow: UnitOfWork, query: Select[Row], page: int, per_page: int
) -> tuple[int, list[Row]]:
    total = uow.session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = uow.session.scalars(query.limit(per_page).offset((page - 1) * per_page))
    return total or 0, list(rows)
