"""Reminding of loans by the schedule: once a step, however often and late the worker comes by."""

from datetime import date

from sqlalchemy import select

from archive.core.calendar import load_calendar
from archive.core.clock import local, show_day
from archive.lending.incidents.models import IncidentKind
from archive.lending.incidents.service import open_incident
from archive.lending.models import Loan, LoanRequest
from archive.lending.notices import name_of_item, tell
from archive.lending.reminding import ARCHIVE, BORROWER, HEAD, LEADER, Step, step_reached
from archive.lending.year_end.setting import last_day
from archive.people import service as people
from archive.people.models import User
from storage.work import UnitOfWork

OVERDUE_INCIDENT = "late15"
FIRST_HOUR = 8  # nobody is reminded at night


def remind(uow: UnitOfWork) -> int:
    """Tell borrowers, heads and leaders of loans due and overdue; return how many were told."""
    now = local(uow.now())
    if now.hour < FIRST_HOUR:
        return 0
    today, calendar = now.date(), load_calendar(uow)
    last = last_day(uow, today, calendar)
    rows = uow.session.execute(
        select(Loan, LoanRequest, User)
        .join(LoanRequest, LoanRequest.id == Loan.request_id)
        .join(User, User.id == Loan.borrower_id)
        .where(Loan.returned_at.is_(None))
        .order_by(Loan.id)
    ).all()
    told = 0
    for loan, row, borrower in rows:
        step = step_reached(loan.due_on, today, calendar)
        if step is not None:
            late = calendar.working_days_between(loan.due_on, today)
            told += _tell_all(uow, step, loan, row, borrower, late, _is_final(loan, last))
            if step.kind == OVERDUE_INCIDENT:
                why = f"逾期 {late} 个工作日未归还。"
                open_incident(uow, None, loan, IncidentKind.OVERDUE, why)
    return told


def _is_final(loan: Loan, last: date | None) -> bool:
    """Whether a loan cannot be renewed whatever its rule: recalled, or due by the year's end."""
    return loan.recalled_at is not None or loan.due_on == last


def _tell_all(
    uow: UnitOfWork,
    step: Step,
    loan: Loan,
    row: LoanRequest,
    borrower: User,
    late: int,
    is_final: bool,
) -> int:
    told = 0
    for user_id in _whom(uow, step, borrower):
        key = f"{step.kind}:{loan.id}:{loan.due_on.isoformat()}:{user_id}"
        whose = "您" if user_id == borrower.id else borrower.name
        what = f"{name_of_item(uow, row.item_id)}（{row.number}）"
        text = f"{whose}借的{what}{_how(step, loan.due_on, late, is_final)}"
        told += tell(uow, user_id, step.kind, key, text, row.id)
    if told:
        detail = {"step": step.kind, "due": loan.due_on.isoformat(), "told": told}
        uow.journal(None, "loan.reminder", "loan", loan.id, detail)
    return told


def _whom(uow: UnitOfWork, step: Step, borrower: User) -> list[int]:
    """Return whom to tell, each once; for a leaver their head and the archive stand in."""
    has_left = people.find_actor(uow, borrower.id) is None
    wanted = {*step.to, HEAD, ARCHIVE} - {BORROWER} if has_left else set(step.to)
    found: dict[int, None] = {}
    if BORROWER in wanted:
        found[borrower.id] = None
    head = people.head_of(uow, borrower.department_id) if HEAD in wanted else None
    if head is not None:
        found[head.id] = None
    roles = [("leader", LEADER), ("archivist", ARCHIVE), ("archive_head", ARCHIVE)]
    for role, office in roles:
        if office in wanted:
            found.update(dict.fromkeys(one.id for one in people.actors_with_role(uow, role)))
    return list(found)


def _how(step: Step, due_on: date, late: int, is_final: bool) -> str:
    if step.kind == "before" and is_final:
        return f"将于{show_day(due_on)}到期，不能续借，请按时归还。"
    if step.kind == "before":
        return f"将于{show_day(due_on)}到期，请按时归还；还需要的可在这份借阅里续借。"
    if step.kind == "due":
        return f"应于{show_day(due_on)}下班前归还。"
    words = f"应于{show_day(due_on)}归还，已逾期 {late} 个工作日，请立即归还。"
    if step.kind == "late7":
        return words + "归还前暂停新的借阅。"
    if step.kind == "late15":
        return words + "按规定登记为遗失损坏事项，请档案室查明。"
    return words
