"""Answers a question of lending: the decision with who would approve, once or for every way.

Reads only. Facts come from ``lending.facts``; the decision itself is ``lending.rules.decide``.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from archive.core.calendar import WorkCalendar
from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid
from archive.filing.service import Lendable
from archive.lending import matrix, rules
from archive.lending.approvers import Approver, find_approvers, in_order
from archive.lending.facts import Around, Question, facts_of, gather
from archive.lending.matching import CANDIDATES, Mode, Rule
from archive.lending.models import LoanRequest
from archive.lending.rules import Decision
from archive.lending.visits.models import LoanVisit
from archive.lending.visits.rules import Visitor
from archive.people import service as people
from archive.people.rights import Actor
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Answer:
    """The decision, the persons who would approve, the item, and the calendar it was made by."""

    decision: Decision
    approvers: tuple[Approver, ...]
    item: Lendable
    calendar: WorkCalendar


def answer(uow: UnitOfWork, question: Question, item: Lendable | None = None) -> Answer:
    """Decide a question by the matrix; ``item`` is the item where the caller has it already.

    Raises NotFound for an unknown item, Invalid for an unknown mode.
    """
    check_mode(question.mode)
    return answers(uow, question, (question.mode,), item)[0]


def answers(
    uow: UnitOfWork, question: Question, modes: Collection[str], item: Lendable | None = None
) -> list[Answer]:
    """Decide the same question for each of several ways; what it turns on is read once."""
    around = gather(uow, question, item)
    persons = _persons(uow, question, around.item)
    lines = matrix.all_rules(uow)
    found = []
    for mode in modes:
        facts = facts_of(replace(question, mode=mode), around, frozenset(persons))
        decision = rules.decide(facts, lines, around.calendar, matrix.policy())
        approvers = in_order(decision.approvals, persons) if decision.allowed else ()
        found.append(Answer(decision, approvers, around.item, around.calendar))
    return found


def decide_again(
    uow: UnitOfWork, row: LoanRequest, on: date | None = None, item: Lendable | None = None
) -> Answer:
    """Look at the facts again under the rule a request was approved by; the first day is today.

    Approved as it is then, nobody is asked for approval again. ``on`` is another first day: that
    of a hand-over noted late.

    Raises Conflict in words when the borrower has left or the facts no longer allow it.
    """
    borrower = people.find_actor(uow, row.borrower_id)
    if borrower is None:
        raise Conflict(f"申请 {row.number} 的借阅人已离职，不能借出。")
    question = _asked_again(uow, row, borrower, on or local_day(uow.now()))
    around = gather(uow, question, item)
    decision = _under(matrix.from_snapshot(row.decision["rule"]), question, around)
    if not decision.allowed:
        words = "".join(reason.text for reason in decision.reasons)
        raise Conflict(f"批准之后情况有变，现在不能借出：{words}")
    return Answer(decision, (), around.item, around.calendar)


def _under(rule: Rule, question: Question, around: Around) -> Decision:
    facts = facts_of(question, around, frozenset(CANDIDATES))
    return rules.decide(facts, (rule,), around.calendar, matrix.policy())


def _asked_again(uow: UnitOfWork, row: LoanRequest, borrower: Actor, today: date) -> Question:
    is_ahead = row.wanted_until is not None and row.wanted_until >= today
    return Question(
        borrower=borrower,
        item_id=row.item_id,
        mode=row.mode,
        on=today,
        purpose=row.purpose,
        business_reference=row.business_reference,
        request_id=row.id,
        volume=(row.group_id, row.volume_id) if row.group_id and row.volume_id else None,
        wanted_until=row.wanted_until if is_ahead else None,
        visitor=visitor_of(uow, row.visit_id) if row.visit_id else None,
    )


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


def _persons(uow: UnitOfWork, question: Question, item: Lendable) -> dict[str, Actor]:
    persons = find_approvers(uow, question.borrower, item.department_id, item.secrecy)
    if question.approver is not None:
        persons["archivist"] = question.approver
    return persons
