"""Gathers the plain facts of one question "may this person borrow this item this way?".

Reads only. What holds whatever way is asked for is gathered once (``gather``); ``facts_of`` makes
of it the facts of one way. The answer is ``lending.answering``, the decision ``lending.rules``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, bindparam, select

from archive.core.calendar import WorkCalendar, load_calendar
from archive.customers.models import Customer
from archive.filing import service as filing
from archive.filing.models import CopyStatus, Item
from archive.filing.rules import parse_place
from archive.filing.service import Lendable
from archive.lending import rules
from archive.lending.line import held_by_others
from archive.lending.links import Links
from archive.lending.matching import Case
from archive.lending.models import Loan, LoanRequest, RequestState
from archive.lending.rules import Facts
from archive.lending.visits.rules import Visitor
from archive.lending.year_end.setting import DAY_KEPT, last_day_kept
from archive.people.models import User
from archive.people.rights import Actor
from archive.records.models import Record, RecordState
from storage.work import UnitOfWork

_NOT_DONE = (RequestState.WAITING, RequestState.APPROVED, RequestState.HANDED_OUT)
_OFFICES = frozenset({"archivist", "archive_head", "leader", "audit", "legal"})


@dataclass(frozen=True)
class Question:
    """Who wants to borrow what, how, why, on which day.

    ``request_id`` is the request itself when it is asked again at the desk, so that it does not
    count against its own limit; ``joins_queue`` asks as whoever stands in line for a copy.
    ``volume`` is the note and the volume it is asked as part of (a volume counts once against
    the limit), ``beside`` what the same act asks for besides: secrecy and volume. ``visitor`` is
    the outsider who reads, ``borrower`` then whoever accompanies them, ``approver`` the archivist
    at the desk who has checked letter and document.
    """

    borrower: Actor
    item_id: int
    mode: str
    on: date
    purpose: str = ""
    business_reference: str = ""
    asks_reason: bool = True
    request_id: int | None = None
    joins_queue: bool = False
    volume: tuple[int, int] | None = None
    beside: tuple[tuple[int, int | None], ...] = ()
    wanted_until: date | None = None
    visitor: Visitor | None = None
    approver: Actor | None = None


@dataclass(frozen=True)
class Around:
    """What a question turns on whatever way of borrowing is asked for.

    ``asked`` is what the borrower has out or has asked for, in every way; ``overdue`` the working
    days by which each of their loans is late.
    """

    item: Lendable
    calendar: WorkCalendar
    links: Links
    has_left: bool
    overdue: tuple[int, ...]
    asked: tuple[Any, ...]
    copies_held: int
    back_on: date | None
    year_end: date | None


def gather(uow: UnitOfWork, question: Question, item: Lendable | None = None) -> Around:
    """Read what the question turns on; ``item`` is the item where the caller has it already.

    Raises NotFound for an unknown item.
    """
    item = item or filing.load_lendable(uow, question.item_id)
    calendar = load_calendar(uow)
    has_left, overdue, year_end = _standing(uow, question, calendar)
    return Around(
        item=item,
        calendar=calendar,
        links=_links(uow, question.borrower, item),
        has_left=has_left,
        overdue=() if question.visitor else overdue,
        asked=() if question.visitor else _asked(uow, question.borrower),
        copies_held=held_by_others(uow, item.id, question.request_id or 0),
        back_on=_back_on(uow, item),
        year_end=year_end,
    )


def facts_of(question: Question, around: Around, fillable: frozenset[str]) -> Facts:
    """Return the facts of a question; ``fillable`` are the candidates somebody could fill."""
    item, copies = around.item, around.item.copies
    return Facts(
        case=_case(question, around),
        on=question.on,
        clearance=question.borrower.clearance,
        links=around.links,
        purpose=question.purpose,
        reference=question.business_reference,
        asks_reason=question.asks_reason,
        item_state=item.state,
        copies_in=sum(copy.status == CopyStatus.IN for copy in copies),
        copies_out=sum(copy.status == CopyStatus.OUT for copy in copies),
        copies_missing=sum(copy.status == CopyStatus.MISSING for copy in copies),
        copies_lost=sum(copy.status == CopyStatus.LOST for copy in copies),
        copies_held=around.copies_held,
        joins_queue=question.joins_queue,
        back_on=around.back_on,
        has_file=item.has_file,
        in_quarantine=item.in_quarantine,
        borrower_left=around.has_left,
        overdue_loans=len(around.overdue),
        overdue_days=max(around.overdue, default=0),
        held=() if question.visitor else _held(question, around.asked),
        fillable=fillable,
        wanted_until=question.wanted_until,
        visitor=question.visitor,
        year_end=around.year_end,
    )


def _case(question: Question, around: Around) -> Case:
    item = around.item
    borrower_class = "outside"
    if not question.visitor:
        own = around.links.own_department
        borrower_class = rules.borrower_class(roles=question.borrower.roles, own_department=own)
    return Case(
        borrower_class=borrower_class,
        mode=question.mode,
        secrecy=item.secrecy,
        category=item.category,
        item_class=item.item_class,
        form_code=item.form_code,
        place=_room(item),
    )


def _room(item: Lendable) -> str:
    """The room of the copy that would be lent: the first that is in, else the first."""
    ordered = sorted(item.copies, key=lambda copy: copy.status != CopyStatus.IN)
    return parse_place(ordered[0].location).room if ordered else ""


def _links(uow: UnitOfWork, borrower: Actor, item: Lendable) -> Links:
    """Find what ties the borrower to the paper: department, office, own part, customer."""
    thing = item.thing
    units = {borrower.department_id, *borrower.headed}
    keeps_customer = item.customer_id is not None and (
        thing.customer_department_id in units or thing.customer_owner_id == borrower.id
    )
    return Links(
        own_department=item.department_id in units,
        office=bool(borrower.roles & _OFFICES),
        took_part=borrower.id in {thing.owner_id, *thing.participants},
        customer_names=_customer_words(uow, item.customer_id) if keeps_customer else (),
        record_numbers=_record_numbers(uow, item.customer_id, units),
        paper_numbers=tuple(filter(None, (item.code, item.document_number))),
    )


def _customer_words(uow: UnitOfWork, customer_id: int | None) -> tuple[str, ...]:
    row = uow.session.execute(
        select(Customer.number, Customer.name, Customer.short_name).where(
            Customer.id == customer_id
        )
    ).one()
    return tuple(filter(None, row))


def _record_numbers(uow: UnitOfWork, customer_id: int | None, units: set[int]) -> tuple[str, ...]:
    """Numbers of papers the borrower's department signed about the customer; drafts do not tie."""
    if customer_id is None:
        return ()
    rows = uow.session.scalars(
        select(Record.number).where(
            Record.customer_id == customer_id,
            Record.department_id.in_(units),
            Record.state.in_((RecordState.SIGNED, RecordState.FILED)),
            Record.number.is_not(None),
        )
    )
    return tuple(number for number in rows if number)


def _standing(
    uow: UnitOfWork, question: Question, calendar: WorkCalendar
) -> tuple[bool, tuple[int, ...], date | None]:
    """Say whether the borrower has left by that day, and how late each of their loans is then.

    The year's last day for originals is read along.
    """
    asked = {"borrower": question.borrower.id, "on": question.on}
    rows = uow.session.execute(_STANDING, asked).all()
    has_left = any(row.left_on is not None and row.left_on <= question.on for row in rows)
    dues = [row.due_on for row in rows if row.due_on is not None]
    late = tuple(calendar.working_days_between(due, question.on) for due in dues)
    return has_left, late, last_day_kept(rows[0].year_end, question.on, calendar)


def _back_on(uow: UnitOfWork, item: Lendable) -> date | None:
    out = [copy.id for copy in item.copies if copy.status == CopyStatus.OUT]
    if not out:
        return None
    return uow.session.scalar(
        select(Loan.due_on)
        .where(Loan.copy_id.in_(out), Loan.returned_at.is_(None))
        .order_by(Loan.due_on)
        .limit(1)
    )


def _asked(uow: UnitOfWork, borrower: Actor) -> tuple[Any, ...]:
    """What the borrower has out or has asked for and is not done; an outsider's left aside."""
    return tuple(uow.session.execute(_ASKED, {"borrower": borrower.id}))


def _held(question: Question, asked: Sequence[Any]) -> tuple[int, ...]:
    """Secrecy of what the borrower has out or has asked for in this mode; a volume counts once."""
    others = [row for row in asked if row.mode == question.mode and row.id != question.request_id]
    single = [row.secrecy for row in others if row.volume_id is None]
    group_id, own_volume = question.volume or (0, 0)
    whole = {
        (row.group_id, row.volume_id, row.secrecy)
        for row in others
        if row.volume_id is not None and (row.group_id, row.volume_id) != (group_id, own_volume)
    }
    beside = [secrecy for secrecy, volume in question.beside if volume is None]
    besides = {(volume, secrecy) for secrecy, volume in question.beside if volume is not None}
    beside += [secrecy for volume, secrecy in besides if volume != own_volume]
    return (*single, *(secrecy for *_, secrecy in whole), *beside)


# Made once: putting a statement together takes longer than sending it.
_STANDING = (
    select(User.left_on, Loan.due_on, DAY_KEPT.label("year_end"))
    .outerjoin(
        Loan,
        and_(
            Loan.borrower_id == User.id,
            Loan.returned_at.is_(None),
            Loan.due_on < bindparam("on"),
        ),
    )
    .where(User.id == bindparam("borrower"))
)
_ASKED = (
    select(
        LoanRequest.id,
        LoanRequest.mode,
        LoanRequest.group_id,
        LoanRequest.volume_id,
        Item.secrecy,
    )
    .join(Item, LoanRequest.item_id == Item.id)
    .where(
        LoanRequest.borrower_id == bindparam("borrower"),
        LoanRequest.state.in_(_NOT_DONE),
        LoanRequest.visit_id.is_(None),
    )
)
