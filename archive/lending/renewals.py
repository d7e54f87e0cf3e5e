"""Renewing a loan: asked by the borrower, done at once or after the same approvals again.

The decision is pure in ``lending.renewing``. A renewal's approvals stand behind the request's
own (``LoanApproval.renewal_id``) and are given in ``lending.approvals``.
"""

from datetime import date

from sqlalchemy import bindparam, func, select

from archive.core.calendar import load_calendar
from archive.core.clock import local_day, show_day
from archive.core.errors import Conflict, Forbidden, NotFound
from archive.filing.models import Item
from archive.lending import lookup, matrix
from archive.lending.approvers import find_approvers, in_order
from archive.lending.line import somebody_waits
from archive.lending.matching import Mode
from archive.lending.models import (
    Loan,
    LoanApproval,
    LoanRefusal,
    LoanRenewal,
    LoanRequest,
)
from archive.lending.notices import name_of_item, tell
from archive.lending.renewing import RenewalDecision, RenewalFacts, decide_renewal
from archive.lending.views import Refused, RequestView
from archive.lending.year_end.rules import told_limit
from archive.lending.year_end.setting import last_day
from archive.people.models import User
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

NOT_OUT = "这份借阅现在没有档案在外，不能续借。"


def renewal_decision(uow: UnitOfWork, actor: Actor, request_id: int) -> RenewalDecision | None:
    """Return whether one's own loan may be renewed now; None where there is nothing to renew."""
    row = lookup.get_row(uow, request_id)
    loan = find_open_loan(uow, row.id)
    if loan is None or row.borrower_id != actor.id:
        return None
    return _decide(uow, row, loan)


def renew(uow: UnitOfWork, actor: Actor, request_id: int) -> RequestView | Refused:
    """Renew one's own loan. What the rules refuse comes back as Refused, already in the log.

    Below 秘密 it is done at once; else the loan's approvals are asked for again and the due day
    moves after the last one. The edge commits either way. Raises NotFound, Forbidden for
    another's loan, Conflict when nothing is out.
    """
    require(actor, "loan.request")
    row = lookup.get_row(uow, request_id)
    if not lookup.may_see(uow, actor, row):
        raise NotFound(lookup.NO_REQUEST)
    if row.borrower_id != actor.id:
        raise Forbidden("只有借阅人本人可以续借。")
    loan = find_open_loan(uow, row.id)
    if loan is None:
        raise Conflict(NOT_OUT)
    decision = _decide(uow, row, loan)
    if not decision.allowed or decision.due is None:
        return _refuse(uow, row, decision)
    renewal = LoanRenewal(
        loan_id=loan.id,
        state="waiting",
        due_before=loan.due_on,
        due_after=decision.due,
        asked_at=uow.now(),
    )
    uow.session.add(renewal)
    uow.session.flush()
    if decision.needs_approval:
        _ask_approvals(uow, actor, row, renewal)
    else:
        grant(uow, actor, renewal)
    return lookup.request_views(uow, actor, [row])[0]


def grant(uow: UnitOfWork, actor: Actor, renewal: LoanRenewal) -> None:
    """Move the due day; Conflict when since the asking something came up against it."""
    loan = uow.session.get_one(Loan, renewal.loan_id)
    row = lookup.get_row(uow, loan.request_id)
    if loan.returned_at is not None or loan.recalled_at is not None:
        raise Conflict("这件档案已归还或被催回，续借不能再批，请不同意并说明。")
    if somebody_waits(uow, row.item_id, loan.borrower_id):
        raise Conflict("申请续借之后已有人排队，不能再批，请不同意并说明。")
    last = _last_day(uow, row)
    if last is not None and loan.due_on >= last:
        raise Conflict(f"{told_limit(last)}，续借不能再批，请不同意并说明。")
    renewal.due_after = renewal.due_after if last is None else min(renewal.due_after, last)
    renewal.state, renewal.decided_at = "granted", uow.now()
    loan.due_on, loan.renewals = renewal.due_after, loan.renewals + 1
    uow.session.flush()
    detail = {"renewal": renewal.id, "due": loan.due_on.isoformat(), "nth": loan.renewals}
    uow.journal(actor.id, "loan.renew", "loan", loan.id, detail)
    what = name_of_item(uow, row.item_id)
    text = f"您借的{what}（{row.number}）已续借，应于{show_day(loan.due_on)}归还。"
    tell(uow, loan.borrower_id, "renewed", f"renewal:{renewal.id}", text, row.id)


def decline(uow: UnitOfWork, renewal_id: int, why: str) -> None:
    """Note that a renewal was refused; the due day stays."""
    renewal = uow.session.get_one(LoanRenewal, renewal_id)
    renewal.state, renewal.decided_at = "refused", uow.now()
    loan = uow.session.get_one(Loan, renewal.loan_id)
    row = lookup.get_row(uow, loan.request_id)
    what = name_of_item(uow, row.item_id)
    text = f"您借的{what}（{row.number}）续借未获同意：{why}。请在{show_day(loan.due_on)}前归还。"
    tell(uow, loan.borrower_id, "not_renewed", f"renewal:{renewal.id}", text, row.id)


def cancel_waiting(uow: UnitOfWork, loan: Loan) -> None:
    """Drop a renewal that waits for approval: the copy came back or was recalled."""
    waiting = _waiting_renewal(uow, loan.id)
    if waiting is None:
        return
    waiting.state, waiting.decided_at = "cancelled", uow.now()
    for step in lookup.approvals_of(uow, loan.request_id):
        if step.renewal_id == waiting.id and step.decided_at is None:
            step.state = "cancelled"


def find_open_loan(uow: UnitOfWork, request_id: int) -> Loan | None:
    """Return the request's loan while its copy is out."""
    return uow.session.scalar(
        select(Loan).where(Loan.request_id == request_id, Loan.returned_at.is_(None))
    )


def _decide(uow: UnitOfWork, row: LoanRequest, loan: Loan) -> RenewalDecision:
    today = local_day(uow.now())
    left_on = uow.session.scalar(select(User.left_on).where(User.id == loan.borrower_id))
    last = uow.session.scalar(_LAST, {"loan": loan.id})
    facts = RenewalFacts(
        on=today,
        due_on=loan.due_on,
        rule=matrix.from_snapshot(loan.rule),
        renewals_done=loan.renewals,
        secrecy=uow.session.get_one(Item, row.item_id).secrecy,
        secrecy_then=row.decision["secrecy"],
        somebody_waits=somebody_waits(uow, row.item_id, loan.borrower_id),
        is_recalled=loan.recalled_at is not None,
        is_asked=last is not None and last.state == "waiting",
        is_renewed_today=last is not None
        and (last.state, local_day(last.asked_at)) == ("granted", today),
        borrower_left=left_on is not None and left_on <= today,
        year_end=_last_day(uow, row),
    )
    return decide_renewal(facts, load_calendar(uow), matrix.policy())


def _last_day(uow: UnitOfWork, row: LoanRequest) -> date | None:
    """The last day this year for an original that is out."""
    if row.mode != Mode.ORIGINAL:
        return None
    return last_day(uow, local_day(uow.now()), load_calendar(uow))


def _ask_approvals(
    uow: UnitOfWork, borrower: Actor, row: LoanRequest, renewal: LoanRenewal
) -> None:
    item = uow.session.get_one(Item, row.item_id)
    persons = find_approvers(uow, borrower, item.department_id, item.secrecy)
    wanted = matrix.from_snapshot(row.decision["rule"]).approvals
    missing = [one for one in wanted if one not in persons]
    if missing or not wanted:
        raise Conflict("找不到可以审批续借的人，请联系档案室。")
    last = uow.session.scalar(
        select(func.max(LoanApproval.seq)).where(LoanApproval.request_id == row.id)
    )
    approvers = in_order(wanted, persons)
    uow.session.add_all(
        LoanApproval(
            request_id=row.id,
            seq=(last or 0) + place,
            candidate=one.candidate,
            approver_id=one.person.id,
            state="open" if place == 1 else "waiting",
            renewal_id=renewal.id,
        )
        for place, one in enumerate(approvers, start=1)
    )
    uow.session.flush()
    asked = [one.person.id for one in approvers]
    detail = {"renewal": renewal.id, "due": renewal.due_after.isoformat(), "approvers": asked}
    uow.journal(borrower.id, "loan.renewal_asked", "loan", renewal.loan_id, detail)


def _refuse(uow: UnitOfWork, row: LoanRequest, decision: RenewalDecision) -> Refused:
    refusal = LoanRefusal(
        borrower_id=row.borrower_id,
        item_id=row.item_id,
        mode=row.mode,
        purpose=f"续借 {row.number}",
        business_reference=row.business_reference,
        reasons=[{"code": one.code, "text": one.text} for one in decision.reasons],
        request_id=row.id,
        at=uow.now(),
    )
    uow.session.add(refusal)
    uow.session.flush()
    codes = [one.code for one in decision.reasons]
    detail = {"refusal": refusal.id, "item": row.item_id, "reasons": codes}
    uow.journal(row.borrower_id, "loan.renewal_refused", "loan_request", row.id, detail)
    return Refused(refusal.id, row.item_id, row.mode, decision.reasons, "", what="续借")


def _waiting_renewal(uow: UnitOfWork, loan_id: int) -> LoanRenewal | None:
    return uow.session.scalar(_WAITING, {"loan": loan_id})


_OF_LOAN = select(LoanRenewal).where(LoanRenewal.loan_id == bindparam("loan"))
_WAITING = _OF_LOAN.where(LoanRenewal.state == "waiting")
_LAST = _OF_LOAN.order_by(LoanRenewal.id.desc()).limit(1)
