"""Gathers the plain facts of one question "may this person borrow this item this way?".

Reads only. The decision itself is ``lending.rules.decide``.
"""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import or_, select

from archive.core.calendar import WorkCalendar, load_calendar
from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid
from archive.customers.models import Customer
from archive.filing import service as filing
from archive.filing.checks.holding import find_hold
from archive.filing.models import CopyStatus, Item
from archive.filing.rules import parse_place
from archive.filing.views import ItemView
from archive.lending import matrix, rules
from archive.lending.approvers import Approver, find_approvers, in_order
from archive.lending.line import held_by_others
from archive.lending.matching import CANDIDATES, Case, Mode, Rule
from archive.lending.models import Loan, LoanRequest, RequestState
from archive.lending.rules import Decision, Facts, Links
from archive.lending.visits.models import LoanVisit
from archive.lending.visits.rules import Visitor
from archive.people import service as people
from archive.people.models import User
from archive.people.rights import Actor
from archive.records.models import Record, RecordState
from storage.work import UnitOfWork

_NOT_DONE = (RequestState.WAITING, RequestState.APPROVED, RequestState.HANDED_OUT)


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
class Answer:
    """The decision, the persons who would approve, the item, and the calendar it was made by."""

    decision: Decision
    approvers: tuple[Approver, ...]
    item: ItemView
    calendar: WorkCalendar


def answer(
    uow: UnitOfWork,
    question: Question,
    only_rules: tuple[Rule, ...] | None = None,
    item: ItemView | None = None,
) -> Answer:
    """Decide a question; ``only_rules`` holds it to the rule a request was approved under.

    Approved as it is then, nobody is asked for approval again. ``item`` is the item where the
    caller has it already.

    Raises NotFound for an unknown item, Invalid for an unknown mode.
    """
    check_mode(question.mode)
    item = item or filing.load_item(uow, question.item_id)
    persons = {} if only_rules is not None else _persons(uow, question, item)
    calendar = load_calendar(uow)
    facts = replace(
        _facts_of_borrower(uow, question, item, calendar),
        fillable=frozenset(CANDIDATES if only_rules is not None else persons),
    )
    lines = matrix.all_rules(uow) if only_rules is None else only_rules
    decision = rules.decide(facts, lines, calendar, matrix.policy())
    approvers = in_order(decision.approvals, persons) if decision.allowed and persons else ()
    return Answer(decision, approvers, item, calendar)


def _persons(uow: UnitOfWork, question: Question, item: ItemView) -> dict[str, Actor]:
    persons = find_approvers(uow, question.borrower, item.department_id, item.secrecy)
    if question.approver is not None:
        persons["archivist"] = question.approver
    return persons


def decide_again(
    uow: UnitOfWork, row: LoanRequest, on: date | None = None, item: ItemView | None = None
) -> Decision:
    """Look at the facts again under the rule a request was approved by; the first day is today.

    ``on`` is another first day: that of a hand-over noted late.

    Raises Conflict in words when the borrower has left or the facts no longer allow it.
    """
    borrower = people.find_actor(uow, row.borrower_id)
    if borrower is None:
        raise Conflict(f"申请 {row.number} 的借阅人已离职，不能借出。")
    today = on or local_day(uow.now())
    is_ahead = row.wanted_until is not None and row.wanted_until >= today
    volume = (row.group_id, row.volume_id) if row.group_id and row.volume_id else None
    question = Question(
        borrower=borrower,
        item_id=row.item_id,
        mode=row.mode,
        on=today,
        purpose=row.purpose,
        business_reference=row.business_reference,
        request_id=row.id,
        volume=volume,
        wanted_until=row.wanted_until if is_ahead else None,
        visitor=visitor_of(uow, row.visit_id) if row.visit_id else None,
    )
    kept = matrix.from_snapshot(row.decision["rule"])
    decision = answer(uow, question, (kept,), item).decision
    if not decision.allowed:
        words = "".join(reason.text for reason in decision.reasons)
        raise Conflict(f"批准之后情况有变，现在不能借出：{words}")
    return decision


def visitor_of(uow: UnitOfWork, visit_id: int) -> Visitor:
    """Return the outsider of a visit as the decision sees them."""
    row = uow.session.get_one(LoanVisit, visit_id)
    companion = people.names_of(uow, {row.companion_id})[row.companion_id]
    return Visitor(row.name, row.unit, row.letter_number, row.id_kind, row.id_number, companion)


def check_mode(mode: str) -> Mode:
    """Return the mode; raise Invalid for any other word."""
    try:
        return Mode(mode)
    except ValueError:
        words = "、".join(f"{one}（{one.label}）" for one in Mode)
        raise Invalid(f"没有这种借阅方式，请从{words}中选。", {"mode": "借阅方式不对"}) from None


def _facts_of_borrower(
    uow: UnitOfWork, question: Question, item: ItemView, calendar: WorkCalendar
) -> Facts:
    links = _links(uow, question.borrower, item)
    overdue = [] if question.visitor else _overdue_days(uow, question, calendar)
    out = [copy.id for copy in item.copies if copy.status == CopyStatus.OUT]
    return Facts(
        case=Case(
            borrower_class="outside"
            if question.visitor
            else rules.borrower_class(
                roles=question.borrower.roles, own_department=links.own_department
            ),
            mode=question.mode,
            secrecy=item.secrecy,
            category=item.category,
            item_class=item.item_class,
            form_code=item.form_code,
            place=_room(item),
        ),
        on=question.on,
        clearance=question.borrower.clearance,
        links=links,
        purpose=question.purpose,
        reference=question.business_reference,
        asks_reason=question.asks_reason,
        item_state=item.state,
        copies_in=sum(copy.status == CopyStatus.IN for copy in item.copies),
        copies_out=len(out),
        copies_missing=sum(copy.status == CopyStatus.MISSING for copy in item.copies),
        copies_lost=sum(copy.status == CopyStatus.LOST for copy in item.copies),
        copies_held=held_by_others(uow, item.id, question.request_id or 0),
        joins_queue=question.joins_queue,
        back_on=_back_on(uow, out),
        has_file=bool(item.files),
        in_quarantine=find_hold(uow, item.id) is not None,
        borrower_left=_has_left(uow, question),
        overdue_loans=len(overdue),
        overdue_days=max(overdue, default=0),
        held=() if question.visitor else _held(uow, question),
        wanted_until=question.wanted_until,
        visitor=question.visitor,
    )


def _room(item: ItemView) -> str:
    """The room of the copy that would be lent: the first that is in, else the first."""
    ordered = sorted(item.copies, key=lambda copy: copy.status != CopyStatus.IN)
    return parse_place(ordered[0].location).room if ordered else ""


def _links(uow: UnitOfWork, borrower: Actor, item: ItemView) -> Links:
    """Find what ties the borrower to the paper: department, office, own part, customer."""
    thing = filing.thing_of_item(uow, item.id)
    units = {borrower.department_id, *borrower.headed}
    keeps_customer = item.customer_id is not None and (
        thing.customer_department_id in units or thing.customer_owner_id == borrower.id
    )
    return Links(
        own_department=item.department_id in units,
        office=bool(borrower.roles & {"archivist", "archive_head", "leader", "audit", "legal"}),
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


def _overdue_days(uow: UnitOfWork, question: Question, calendar: WorkCalendar) -> list[int]:
    dues = uow.session.scalars(
        select(Loan.due_on).where(
            Loan.borrower_id == question.borrower.id,
            Loan.returned_at.is_(None),
            Loan.due_on < question.on,
        )
    )
    return [calendar.working_days_between(due, question.on) for due in dues]


def _back_on(uow: UnitOfWork, copy_ids: list[int]) -> date | None:
    if not copy_ids:
        return None
    return uow.session.scalar(
        select(Loan.due_on)
        .where(Loan.copy_id.in_(copy_ids), Loan.returned_at.is_(None))
        .order_by(Loan.due_on)
        .limit(1)
    )


def _has_left(uow: UnitOfWork, question: Question) -> bool:
    left_on = uow.session.scalar(select(User.left_on).where(User.id == question.borrower.id))
    return left_on is not None and left_on <= question.on


def _held(uow: UnitOfWork, question: Question) -> tuple[int, ...]:
    """Secrecy of what the borrower has out or has asked for in this mode; a volume counts once."""
    mine = (
        LoanRequest.borrower_id == question.borrower.id,
        LoanRequest.mode == question.mode,
        LoanRequest.state.in_(_NOT_DONE),
        LoanRequest.id != (question.request_id or 0),
        LoanRequest.visit_id.is_(None),
    )
    found = select(Item.secrecy).join(LoanRequest, LoanRequest.item_id == Item.id).where(*mine)
    single = list(uow.session.scalars(found.where(LoanRequest.volume_id.is_(None))))
    group_id, own_volume = question.volume or (0, 0)
    others = or_(LoanRequest.group_id != group_id, LoanRequest.volume_id != own_volume)
    volumes = found.where(LoanRequest.volume_id.is_not(None), others)
    whole = volumes.group_by(LoanRequest.group_id, LoanRequest.volume_id, Item.secrecy)
    beside = [secrecy for secrecy, volume in question.beside if volume is None]
    besides = {(volume, secrecy) for secrecy, volume in question.beside if volume is not None}
    beside += [secrecy for volume, secrecy in besides if volume != own_volume]
    return (*single, *uow.session.scalars(whole), *beside)
