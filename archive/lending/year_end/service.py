"""Setting the day by which originals are back before the year ends, and recalling for it."""

from sqlalchemy import select

from archive.core.calendar import load_calendar
from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid
from archive.core.profile import ProfileEntry
from archive.lending import matrix, recalls
from archive.lending.matching import Mode
from archive.lending.models import Loan, LoanRequest
from archive.lending.year_end.rules import due_by_year_end, fault_of_basis, read_day, told_limit
from archive.lending.year_end.setting import BASIS, DAY, last_day, load_year_end
from archive.people.rights import Actor, require
from storage.work import UnitOfWork


def save_year_end(uow: UnitOfWork, actor: Actor, typed: str, basis: str, before: str) -> int:
    """Set the day (empty for none) with its basis; return how many loans it recalls at once.

    ``before`` is the day the change was made from. Raises Invalid, Conflict when it is another
    by now, Forbidden for anyone but the head of the archive.
    """
    require(actor, "loan.rules")
    now = load_year_end(uow)
    if before != now.day:
        raise Conflict(f"年底清还刚被别人改过（现在：{now.label}），请核对后再保存。")
    wrong, day, cleaned = {}, "", " ".join(basis.split())
    try:
        day = read_day(typed)
    except ValueError as fault:
        wrong["day"] = str(fault)
    if fault_of_basis(cleaned, day):
        wrong["basis"] = fault_of_basis(cleaned, day)
    if wrong:
        raise Invalid("年底清还有误：" + "；".join(wrong.values()) + "。", wrong)
    for key, value in ((DAY, day), (BASIS, cleaned)):
        uow.session.merge(ProfileEntry(key=key, value=value))
    uow.session.flush()
    told = {"before": now.day, "day": day, "basis": cleaned}
    uow.journal(actor.id, "loan.year_end", "profile", DAY, told)
    return recall_by_year_end(uow, actor.id)


def recall_by_year_end(uow: UnitOfWork, actor_id: int | None = None) -> int:
    """Recall the originals out beyond the year's last day; return how many.

    Run when the day is set and by the worker, for a day closed since then; what is due in time
    is left alone, so that it may run any number of times.
    """
    today, calendar = local_day(uow.now()), load_calendar(uow)
    last = last_day(uow, today, calendar)
    if last is None:
        return 0
    rows = uow.session.execute(
        select(LoanRequest, Loan)
        .join(Loan, Loan.request_id == LoanRequest.id)
        .where(
            Loan.returned_at.is_(None), Loan.due_on > last, LoanRequest.mode == str(Mode.ORIGINAL)
        )
        .order_by(Loan.id)
    ).all()
    grace, recalled = matrix.policy().recall_working_days, 0
    for row, loan in rows:
        due = due_by_year_end(loan.due_on, last, today, calendar, grace)
        if due < loan.due_on:
            recalls.call_back(uow, actor_id, row, loan, due, told_limit(last))
            recalled += 1
    return recalled
