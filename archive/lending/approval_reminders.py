"""Reminding approvers of requests that wait for them: after one and after three working days.

Whoever decides for an approver who is away is told in their place. Once a step, however often and
late the worker comes by. When a request opens, its approver finds it among what waits.
"""

from datetime import datetime

from sqlalchemy import func, select

from archive.core.calendar import load_calendar
from archive.core.clock import local, local_day
from archive.lending.deputies import deputies
from archive.lending.models import LoanApproval, LoanRenewal, LoanRequest
from archive.lending.notices import name_of_item, tell
from archive.lending.reminders import FIRST_HOUR
from archive.people import service as people
from storage.work import UnitOfWork

AFTER_WORKING_DAYS = (3, 1)


def remind_approvers(uow: UnitOfWork) -> int:
    """Tell approvers, or who decides for them today, of what lies with them; count the told."""
    if local(uow.now()).hour < FIRST_HOUR:
        return 0
    rows = uow.session.execute(
        select(LoanApproval, LoanRequest)
        .join(LoanRequest, LoanRequest.id == LoanApproval.request_id)
        .where(LoanApproval.state == "open")
        .order_by(LoanApproval.id)
    ).all()
    agents = deputies(uow, [step.approver_id for step, _ in rows]) if rows else {}
    return sum(_remind(uow, step, row, agents) for step, row in rows)


def _remind(uow: UnitOfWork, step: LoanApproval, row: LoanRequest, agents: dict[int, int]) -> bool:
    opened, today = local_day(_opened_at(uow, step, row)), local_day(uow.now())
    waited = load_calendar(uow).working_days_between(opened, today)
    reached = next((days for days in AFTER_WORKING_DAYS if waited >= days), None)
    if reached is None:
        return False
    whom = agents.get(step.approver_id, step.approver_id)
    names = people.names_of(uow, {row.borrower_id, step.approver_id})
    instead = f"（您代{names[step.approver_id]}审批）" if whom != step.approver_id else ""
    what = name_of_item(uow, row.item_id)
    text = (
        f"{names[row.borrower_id]}借阅{what}的申请 {row.number} 已等了 {waited} 个工作日，"
        f"请到“借阅审批”办理{instead}。"
    )
    key = f"wait{reached}:{step.id}:{whom}"
    if not tell(uow, whom, "waiting", key, text, row.id):
        return False
    detail = {"item": row.item_id, "step": step.seq, "days": waited}
    uow.journal(None, "loan.approval_reminder", "loan_request", row.id, detail)
    return True


def _opened_at(uow: UnitOfWork, step: LoanApproval, row: LoanRequest) -> datetime:
    """Return since when a step is open: since the one before was decided, else since asked."""
    before = uow.session.scalar(
        select(func.max(LoanApproval.decided_at)).where(
            LoanApproval.request_id == row.id,
            LoanApproval.seq < step.seq,
            LoanApproval.renewal_id.is_(None)
            if step.renewal_id is None
            else LoanApproval.renewal_id == step.renewal_id,
        )
    )
    if before is not None:
        return before
    if step.renewal_id is not None:
        return uow.session.get_one(LoanRenewal, step.renewal_id).asked_at
    return row.created_at
