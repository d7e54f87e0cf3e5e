"""The decision before there is a request: on the page, over the API, at the command line.

Everything here changes nothing and logs no refusal.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import NotFound
from archive.lending import lookup
from archive.lending.answering import answer, answers, check_mode
from archive.lending.facts import Question
from archive.lending.matching import Mode
from archive.lending.requests import find_open
from archive.lending.rules import Decision
from archive.lending.views import Preview
from archive.people import service as people
from archive.people.models import User
from archive.people.rights import Actor, require
from storage.work import UnitOfWork


def decide(
    uow: UnitOfWork,
    borrower: Actor,
    item_id: int,
    mode: str,
    on: date,
    purpose: str = "",
    business_reference: str = "",
) -> Decision:
    """Return the decision, changing nothing; also for an item the person may not see.

    Raises NotFound for an unknown item and Invalid for an unknown mode.
    """
    question = Question(borrower, item_id, mode, on, purpose, business_reference)
    return answer(uow, question).decision


def preview(
    uow: UnitOfWork,
    actor: Actor,
    item_id: int,
    mode: str,
    on: date | None = None,
    purpose: str | None = None,
    business_reference: str = "",
    username: str = "",
    wanted_until: date | None = None,
) -> Preview:
    """Return the decision with its approvers, changing nothing; the title may be hidden.

    Without a purpose (None) purpose and reference are not asked for. ``username`` asks about
    somebody else, for those who keep the register.
    """
    require(actor, "loan.request")
    borrower = actor
    if username and username.strip() != actor.username:
        require(actor, "loan.register")
        borrower = _find_borrower(uow, username)
    question = Question(
        borrower=borrower,
        item_id=item_id,
        mode=check_mode(mode),
        on=on or local_day(uow.now()),
        purpose=purpose or "",
        business_reference=business_reference,
        asks_reason=purpose is not None,
        wanted_until=wanted_until,
    )
    return _previews(uow, actor, question, (mode,))[0]


def previews(uow: UnitOfWork, actor: Actor, item_id: int) -> list[Preview]:
    """Return for each way of borrowing the decision as things stand, reasons not asked for."""
    require(actor, "loan.request")
    today = local_day(uow.now())
    question = Question(actor, item_id, Mode.ORIGINAL, today, asks_reason=False)
    return _previews(uow, actor, question, tuple(Mode))


def _previews(
    uow: UnitOfWork, actor: Actor, question: Question, modes: Sequence[str]
) -> list[Preview]:
    found = answers(uow, question, modes)
    title, code = lookup.title_for(uow, actor, question.item_id)
    already = find_open(uow, question.borrower, question.item_id, modes)
    return [
        Preview(
            item_id=question.item_id,
            title=title,
            code=code,
            mode=mode,
            decision=one.decision,
            approvers=one.approvers,
            already=already[mode].number if mode in already else "",
        )
        for mode, one in zip(modes, found, strict=True)
    ]


def cli_decision(
    uow: UnitOfWork, username: str, item_id: int, mode: str, on: date | None
) -> dict[str, Any]:
    """Answer ``archive loan decide``: allowed, reasons, rule, approvals, due; changes nothing.

    This door brings no purpose, so purpose and reference are not asked for; a missing connection
    still is. ``approvals`` are the rule's candidates in order; ``rule`` is ``code@version`` or
    None, ``due`` an ISO date or None. A leaver may be asked about: borrower_left.
    """
    day = on or local_day(uow.now())
    borrower = _find_borrower(uow, username)
    question = Question(borrower, item_id, mode, day, asks_reason=False)
    decision = answer(uow, question).decision
    return decision_as_json(decision)


def decision_as_json(decision: Decision) -> dict[str, Any]:
    """Return a decision in the words of doors.md."""
    return {
        "allowed": decision.allowed,
        "reasons": [{"code": one.code, "text": one.text} for one in decision.reasons],
        "rule": decision.rule.name if decision.rule else None,
        "approvals": list(decision.approvals),
        "due": decision.due.isoformat() if decision.due else None,
    }


def _find_borrower(uow: UnitOfWork, username: str) -> Actor:
    """Return the person, leavers too, because the decision has a word for them."""
    present = people.find_actor_by_username(uow, username)
    if present is not None:
        return present
    row = uow.session.scalar(select(User).where(User.username == username.strip()))
    if row is None:
        raise NotFound(f"没有用户“{username[:40]}”。")
    return Actor(
        id=row.id,
        name=row.name,
        username=row.username,
        staff_no=row.staff_no,
        department_id=row.department_id,
        department_name=row.department.name,
        roles=frozenset(grant.role for grant in row.roles),
        clearance=row.clearance,
    )
