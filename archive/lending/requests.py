"""Asking to borrow: the request with its approvals, taking it back.

The decision beforehand is in ``lending.beforehand``, approving in ``lending.approvals``, handing
out in ``lending.desk``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select

from archive.core.clock import local, local_day
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import take_number
from archive.lending import lookup, matrix
from archive.lending.answering import Answer, answer, check_mode
from archive.lending.facts import Question
from archive.lending.matching import Mode
from archive.lending.models import Loan, LoanApproval, LoanRefusal, LoanRequest, RequestState
from archive.lending.queue import settle
from archive.lending.rules import MAX_PURPOSE, MAX_REFERENCE, Decision, Reason
from archive.lending.viewing.service import open_grant
from archive.lending.views import Refused, RequestView
from archive.people.rights import Actor, require
from doc_templates.fields import forbidden_mark
from storage.work import UnitOfWork

OPEN_STATES = (RequestState.WAITING, RequestState.APPROVED, RequestState.HANDED_OUT)


@dataclass(frozen=True)
class Origin:
    """Where a request comes from besides its asker: a loan note and its number, a visit."""

    number: str = ""
    group_id: int | None = None
    volume_id: int | None = None
    visit_id: int | None = None


ALONE = Origin()


def request_loan(
    uow: UnitOfWork,
    actor: Actor,
    item_id: int,
    mode: str,
    purpose: str,
    business_reference: str,
    *,
    joins_queue: bool = False,
    wanted_until: date | None = None,
) -> RequestView | Refused:
    """Ask to borrow. What the rules refuse comes back as Refused, already in the log.

    ``joins_queue`` asks for a place in line for a paper that is out or held for another
    (预约); approvals are asked for meanwhile. Conflict when the paper is free after all.
    ``wanted_until`` is a day before the rule's on which the asker will be done.

    The edge commits either way, so that the refusal stays. Raises NotFound for an unknown item,
    Invalid for text that cannot be kept or a mode the desk does not serve, Conflict when the
    person has asked for this item in this mode already.
    """
    require(actor, "loan.request")
    check_mode(mode)
    purpose, reference = clean_words(purpose, business_reference)
    question = Question(
        borrower=actor,
        item_id=item_id,
        mode=mode,
        on=local_day(uow.now()),
        purpose=purpose,
        business_reference=reference,
        wanted_until=wanted_until,
    )
    found = answer(uow, question)
    check_not_asked(uow, actor, item_id, mode)
    if joins_queue and found.decision.allowed:
        raise Conflict("这件档案现在就能借，不用预约，请直接提交申请。")
    if joins_queue:
        question = replace(question, joins_queue=True)
        found = answer(uow, question)
    if not found.decision.allowed:
        return refuse(uow, question, found.decision)
    row = enter(uow, question, found)
    return lookup.request_views(uow, actor, [row])[0]


def clean_words(purpose: str, business_reference: str) -> tuple[str, str]:
    """Return purpose and reference as they are kept; raise Invalid for what cannot be."""
    return (
        _clean(purpose, "purpose", "借阅用途", MAX_PURPOSE),
        _clean(business_reference, "business_reference", "业务依据", MAX_REFERENCE),
    )


def check_not_asked(uow: UnitOfWork, actor: Actor, item_id: int, mode: str) -> None:
    """Refuse to ask for what one has at home or has asked for in this mode already: Conflict."""
    _check_not_holding(uow, actor, item_id, mode)
    already = find_open(uow, actor, item_id, (mode,)).get(mode)
    if already is not None:
        raise Conflict(
            f"您已经申请过借这一件（{already.number}，{RequestState(already.state).label}），"
            "不必再次申请。"
        )


def find_open(
    uow: UnitOfWork, actor: Actor, item_id: int, modes: Sequence[str]
) -> dict[str, LoanRequest]:
    """Return the person's request for the item that is not done yet, by way of borrowing."""
    rows = uow.session.scalars(
        select(LoanRequest)
        .where(
            LoanRequest.borrower_id == actor.id,
            LoanRequest.item_id == item_id,
            LoanRequest.mode.in_(modes),
            LoanRequest.state.in_(OPEN_STATES),
            LoanRequest.visit_id.is_(None),
        )
        .order_by(LoanRequest.id.desc())
    )
    return {row.mode: row for row in rows}


def withdraw(uow: UnitOfWork, actor: Actor, request_id: int) -> RequestView:
    """Take one's own request back before the paper is handed out."""
    require(actor, "loan.request")
    row = lookup.get_row(uow, request_id)
    if not lookup.may_see(uow, actor, row):
        raise NotFound(lookup.NO_REQUEST)
    if row.borrower_id != actor.id:
        raise Forbidden("只有申请人本人可以撤回借阅申请。")
    if row.state not in (RequestState.WAITING, RequestState.APPROVED):
        label = RequestState(row.state).label
        raise Conflict(f"申请 {row.number} 现在是“{label}”，不能再撤回。")
    row.state, row.pick_up_by = RequestState.WITHDRAWN, None
    cancel_rest(uow, row.id)
    uow.session.flush()
    uow.journal(actor.id, "loan.withdraw", "loan_request", row.id, {"item": row.item_id})
    settle(uow, row.item_id)
    return lookup.request_views(uow, actor, [row])[0]


def cancel_rest(uow: UnitOfWork, request_id: int) -> None:
    """Cancel the approvals of a request that nobody has decided."""
    for step in lookup.approvals_of(uow, request_id):
        if step.state in ("waiting", "open"):
            step.state = "cancelled"


def take_effect(uow: UnitOfWork, row: LoanRequest) -> None:
    """Give a request what it is for once it is approved: a copy held, or the view opened."""
    if row.mode != Mode.ELECTRONIC:
        settle(uow, row.item_id)
    elif row.state == RequestState.APPROVED:
        open_grant(uow, row)


def next_number(uow: UnitOfWork) -> str:
    """Return the next number of requests and loan notes, which share one series a year."""
    year = local(uow.now()).year
    return f"JY{year}-{take_number(uow, f'loan:{year}'):04d}"


def enter(
    uow: UnitOfWork, question: Question, found: Answer, origin: Origin = ALONE
) -> LoanRequest:
    """Enter an allowed request with its approvals; the caller has decided and checked."""
    rule, now = found.decision.rule, uow.now()
    assert rule is not None  # noqa: S101 - an allowed decision has its rule
    row = LoanRequest(
        number=origin.number or next_number(uow),
        borrower_id=question.borrower.id,
        item_id=question.item_id,
        mode=question.mode,
        purpose=question.purpose,
        business_reference=question.business_reference,
        state=RequestState.WAITING if found.approvers else RequestState.APPROVED,
        decision={
            "rule": matrix.snapshot(rule),
            "secrecy": found.item.secrecy,
            "due": found.decision.due.isoformat() if found.decision.due else None,
            "provisional": found.decision.is_provisional,
        },
        created_at=now,
        queued=question.joins_queue,
        group_id=origin.group_id,
        volume_id=origin.volume_id,
        visit_id=origin.visit_id,
        wanted_until=question.wanted_until,
    )
    uow.session.add(row)
    uow.session.flush()
    _open_approvals(uow, row.id, found)
    uow.journal(
        question.borrower.id,
        "loan.request",
        "loan_request",
        row.id,
        {
            "item": row.item_id,
            "mode": row.mode,
            "rule": rule.name,
            "approvers": [one.person.id for one in found.approvers],
            "purpose_sha256": _digest(question),
            **({"queued": True} if row.queued else {}),
            **({"group": row.group_id} if row.group_id else {}),
            **({"visit": row.visit_id} if row.visit_id else {}),
        },
    )
    take_effect(uow, row)
    return row


def _open_approvals(uow: UnitOfWork, request_id: int, found: Answer) -> None:
    """Enter who approves, in their order; the first one's turn begins."""
    uow.session.add_all(
        LoanApproval(
            request_id=request_id,
            seq=seq,
            candidate=one.candidate,
            approver_id=one.person.id,
            state="open" if seq == 1 else "waiting",
        )
        for seq, one in enumerate(found.approvers, start=1)
    )
    uow.session.flush()


def refuse(uow: UnitOfWork, question: Question, decision: Decision) -> Refused:
    """Write a refusal into the log and return it; the edge commits."""
    row = LoanRefusal(
        borrower_id=question.borrower.id,
        item_id=question.item_id,
        mode=question.mode,
        purpose=question.purpose,
        business_reference=question.business_reference,
        reasons=[{"code": one.code, "text": one.text} for one in decision.reasons],
        at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    rule = decision.rule.name if decision.rule else ""
    uow.journal(
        question.borrower.id,
        "loan.refused",
        "item",
        question.item_id,
        {
            "refusal": row.id,
            "mode": question.mode,
            "reasons": [one.code for one in decision.reasons],
            "rule": rule,
            "purpose_sha256": _digest(question),
        },
    )
    reasons: tuple[Reason, ...] = decision.reasons
    return Refused(row.id, question.item_id, question.mode, reasons, rule)


def _check_not_holding(uow: UnitOfWork, actor: Actor, item_id: int, mode: str) -> None:
    """Refuse to lend to the present holder: that is a renewal (archive.md 6)."""
    if not Mode(mode).takes_the_paper:
        return
    held = uow.session.scalar(
        select(LoanRequest.number)
        .join(Loan, Loan.request_id == LoanRequest.id)
        .where(
            Loan.borrower_id == actor.id,
            Loan.returned_at.is_(None),
            LoanRequest.item_id == item_id,
            LoanRequest.visit_id.is_(None),
        )
        .limit(1)
    )
    if held is not None:
        raise Conflict(f"这一件就在您手上（{held}），不必再申请；要接着用，请在这份借阅里办续借。")


def _clean(text: str, name: str, label: str, limit: int) -> str:
    """Return the text without outer blanks; raise Invalid for what cannot be kept or printed."""
    cleaned = text.replace("\r\n", "\n").strip()
    fault = forbidden_mark(cleaned)
    if len(cleaned) > limit:
        fault = f"最多 {limit} 个字，现在有 {len(cleaned)} 个字"
    if fault:
        raise Invalid(f"{label}有误：{fault}。", {name: fault})
    return cleaned


def _digest(question: Question) -> str:
    words = f"{question.purpose}\n{question.business_reference}"
    return hashlib.sha256(words.encode()).hexdigest()
