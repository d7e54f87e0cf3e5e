"""Approving and refusing requests: in order, by the person asked, never one's own."""

from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm.attributes import flag_modified

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.lending import lookup, renewals
from archive.lending.deputies import may_decide, stands_in_for
from archive.lending.models import LoanApproval, LoanRefusal, LoanRenewal, LoanRequest, RequestState
from archive.lending.requests import cancel_rest, take_effect
from archive.lending.views import RequestView
from archive.people.rights import Actor, Thing, require
from doc_templates.fields import forbidden_mark
from storage.work import UnitOfWork

MAX_OPINION = 500


def waiting_for(uow: UnitOfWork, actor: Actor) -> tuple[RequestView, ...]:
    """Return the requests this person is to decide now, oldest first; also for those away."""
    away = stands_in_for(uow, actor)
    found = uow.session.execute(_open_steps({actor.id, *away})).all()
    rows = [row for row, step in found if may_decide(actor, row, step, away)]
    return lookup.request_views(uow, actor, rows)


def waiting_count(uow: UnitOfWork, actor: Actor) -> int:
    """Return how many requests this person is to decide now, also for those away."""
    away = stands_in_for(uow, actor)
    if away:
        found = uow.session.execute(_open_steps({actor.id, *away})).all()
        return sum(may_decide(actor, row, step, away) for row, step in found)
    return (
        uow.session.scalar(
            select(func.count())
            .select_from(LoanApproval)
            .where(LoanApproval.approver_id == actor.id, LoanApproval.state == "open")
        )
        or 0
    )


def _open_steps(approver_ids: set[int]) -> Select[LoanRequest, LoanApproval]:
    return (
        select(LoanRequest, LoanApproval)
        .join(LoanApproval, LoanApproval.request_id == LoanRequest.id)
        .where(LoanApproval.approver_id.in_(approver_ids), LoanApproval.state == "open")
        .order_by(LoanRequest.created_at, LoanRequest.id)
    )


def decided_by(uow: UnitOfWork, actor: Actor, limit: int = 20) -> tuple[RequestView, ...]:
    """Return the requests this person decided last, also in another's name."""
    found: dict[int, tuple[datetime, LoanRequest]] = {}
    for mine in (LoanApproval.approver_id, LoanApproval.decided_by):
        rows = uow.session.execute(
            select(LoanApproval.decided_at, LoanRequest)
            .join(LoanRequest, LoanApproval.request_id == LoanRequest.id)
            .where(mine == actor.id, LoanApproval.decided_at.is_not(None))
            .order_by(LoanApproval.decided_at.desc())
            .limit(limit)
        )
        for at, row in rows:
            if at is not None:
                found.setdefault(row.id, (at, row))
    latest = sorted(found.values(), key=lambda pair: pair[0], reverse=True)[:limit]
    return lookup.request_views(uow, actor, [row for _, row in latest])


def approve(
    uow: UnitOfWork, actor: Actor, request_id: int, opinion: str = "", version: int | None = None
) -> RequestView:
    """Approve one's step; after the last one the paper may be picked up, or the due day moves."""
    row, step = _my_step(uow, actor, request_id, version)
    approve_step(uow, actor, row, step, _clean_opinion(opinion))
    return lookup.request_views(uow, actor, [row])[0]


def approve_step(
    uow: UnitOfWork, actor: Actor, row: LoanRequest, step: LoanApproval, opinion: str
) -> None:
    """Approve an open step; the caller has checked that it is this person's to decide."""
    _decide(uow, actor, step, "approved", opinion)
    later = [one for one in lookup.approvals_of(uow, row.id) if one.state == "waiting"]
    if later:
        later[0].state = "open"
    elif step.renewal_id is not None:
        renewals.grant(uow, actor, uow.session.get_one(LoanRenewal, step.renewal_id))
    else:
        row.state = RequestState.APPROVED
    _note(uow, actor, row, step, "loan.approve")
    if row.state == RequestState.APPROVED:
        take_effect(uow, row)


def refuse(
    uow: UnitOfWork, actor: Actor, request_id: int, opinion: str, version: int | None = None
) -> RequestView:
    """Refuse a request, with the reason; the log keeps it like every refusal."""
    cleaned = _clean_opinion(opinion)
    if len(cleaned) < 2:
        raise Invalid("请写明不同意的理由，申请人会看到。", {"opinion": "请写明理由"})
    row, step = _my_step(uow, actor, request_id, version)
    _decide(uow, actor, step, "refused", cleaned)
    cancel_rest(uow, row.id)
    if step.renewal_id is None:
        row.state = RequestState.REFUSED
    else:
        renewals.decline(uow, step.renewal_id, cleaned.rstrip("。"))
    uow.session.add(
        LoanRefusal(
            borrower_id=row.borrower_id,
            item_id=row.item_id,
            mode=row.mode,
            purpose=row.purpose if step.renewal_id is None else f"续借 {row.number}",
            business_reference=row.business_reference,
            reasons=[{"code": "approval_refused", "text": f"{actor.name}不同意：{cleaned}"}],
            request_id=row.id,
            at=uow.now(),
        )
    )
    _note(uow, actor, row, step, "loan.refuse")
    return lookup.request_views(uow, actor, [row])[0]


def _my_step(
    uow: UnitOfWork, actor: Actor, request_id: int, version: int | None
) -> tuple[LoanRequest, LoanApproval]:
    """Return request and step that is this person's turn; say in words why it is not."""
    row = lookup.get_row(uow, request_id)
    if not lookup.may_see(uow, actor, row):
        raise NotFound(lookup.NO_REQUEST)
    if row.borrower_id == actor.id:
        raise Forbidden("不能审批自己的借阅申请。")
    steps = lookup.approvals_of(uow, row.id)
    away = stands_in_for(uow, actor)
    mine = [one for one in steps if one.decided_by == actor.id or may_decide(actor, row, one, away)]
    current = next((step for step in steps if step.state == "open"), None)
    if current is None:
        label = RequestState(row.state).label
        raise Conflict(f"申请 {row.number} 已经办完审批（{label}），不能再审批。")
    if mine and current not in mine:
        done = any(step.decided_at for step in mine)
        words = "您已经审批过了" if done else "还没有轮到您，请等前一位审批"
        raise Conflict(f"申请 {row.number}：{words}。")
    if version is not None and version != row.row_version:
        raise Conflict(f"申请 {row.number} 刚有变化，请刷新后再审批。")
    asked = {current.approver_id} | ({actor.id} if current in mine else set())
    thing = Thing(kind="loan", owner_id=row.borrower_id, assignee_ids=frozenset(asked))
    require(actor, "loan.approve", thing)
    return row, current


def _decide(uow: UnitOfWork, actor: Actor, step: LoanApproval, state: str, opinion: str) -> None:
    step.state, step.opinion, step.decided_at = state, opinion, uow.now()
    if step.approver_id != actor.id:
        step.decided_by = actor.id


def _note(uow: UnitOfWork, actor: Actor, row: LoanRequest, step: LoanApproval, action: str) -> None:
    flag_modified(row, "state")  # a new version: stale for whoever looked at it before this step
    uow.session.flush()
    uow.journal(
        actor.id,
        action,
        "loan_request",
        row.id,
        {
            "item": row.item_id,
            "step": step.seq,
            "candidate": step.candidate,
            "state": row.state,
            **({"for": step.approver_id} if step.decided_by else {}),
        },
    )


def _clean_opinion(opinion: str) -> str:
    cleaned = opinion.replace("\r\n", "\n").strip()
    fault = forbidden_mark(cleaned)
    if len(cleaned) > MAX_OPINION:
        fault = f"最多 {MAX_OPINION} 个字，现在有 {len(cleaned)} 个字"
    if fault:
        raise Invalid(f"意见有误：{fault}。", {"opinion": fault})
    return cleaned
