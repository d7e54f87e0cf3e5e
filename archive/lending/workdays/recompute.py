"""Recomputes what was counted by the calendar after it changed: due days, terms, views.

Reads in as many statements as there are kinds of things, whatever their number; decides in
``workdays.rules``; writes only what moves, and tells each borrower once.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from archive.core.calendar import WorkCalendar
from archive.core.clock import day_begins, local_day
from archive.lending import matrix
from archive.lending.claims import last_pick_up_day
from archive.lending.matching import Rule
from archive.lending.models import Loan, LoanNotice, LoanRenewal, LoanRequest, RequestState
from archive.lending.viewing.models import LoanGrant
from archive.lending.workdays.rules import History, YearEndOf, moved_due, slide
from archive.lending.year_end.rules import last_day_out
from archive.lending.year_end.setting import load_year_end
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Move:
    """A day that moves: of what kind (``loan``, ``renewal``, ``hold`` or ``view``), from and to."""

    kind: str
    id: int
    request_id: int
    before: date
    after: date


@dataclass(frozen=True)
class Shift:
    """The calendar before and after, the day it changes on, and the year's end by either."""

    old: WorkCalendar
    new: WorkCalendar
    today: date
    year_end: YearEndOf

    def due(self, history: History, stored: date) -> date:
        """Return the day due by the new calendar."""
        return moved_due(history, stored, self.old, self.new, self.today, self.year_end)


def find_moves(uow: UnitOfWork, old: WorkCalendar, new: WorkCalendar) -> tuple[Move, ...]:
    """Return what moves when the calendar changes; reads only."""
    if old == new:
        return ()
    shift = Shift(old, new, local_day(uow.now()), _year_ends(uow))
    rules: dict[str, Rule] = {}
    return (
        *_loans(uow, shift, rules),
        *_holds(uow, shift),
        *_views(uow, shift, rules),
    )


def _year_ends(uow: UnitOfWork) -> YearEndOf:
    """Return the year's last day for originals by a calendar; each is worked out once."""
    setting = load_year_end(uow)
    known: dict[tuple[int, WorkCalendar], date | None] = {}

    def year_end(year: int, calendar: WorkCalendar) -> date | None:
        key = (year, calendar)
        if key not in known:
            known[key] = last_day_out(setting, year, calendar)
        return known[key]

    return year_end


def _loans(uow: UnitOfWork, shift: Shift, rules: dict[str, Rule]) -> list[Move]:
    renewals = _renewals(uow)
    rows = uow.session.execute(
        select(
            Loan.id,
            Loan.request_id,
            Loan.rule,
            Loan.handed_at,
            Loan.due_on,
            Loan.recalled_at,
            LoanRequest.mode,
            LoanRequest.decision,
            LoanRequest.wanted_until,
        )
        .join(LoanRequest, LoanRequest.id == Loan.request_id)
        .where(Loan.returned_at.is_(None), Loan.due_on >= shift.today)
        .order_by(Loan.id)
    )
    found = []
    for row in rows:
        asked = renewals.get(row.id, [])
        history = _history(row, row.rule, row.handed_at, _granted(asked), rules)
        due = shift.due(history, row.due_on)
        found.append(Move("loan", row.id, row.request_id, row.due_on, due))
        found += _waiting(shift, history, row, asked)
    return [move for move in found if move.before != move.after]


def _renewals(uow: UnitOfWork) -> dict[int, list[Any]]:
    """The renewals of open loans that were granted or wait, in their order."""
    rows = uow.session.execute(
        select(
            LoanRenewal.id,
            LoanRenewal.loan_id,
            LoanRenewal.state,
            LoanRenewal.due_after,
            LoanRenewal.asked_at,
            LoanRenewal.decided_at,
        )
        .join(Loan, Loan.id == LoanRenewal.loan_id)
        .where(Loan.returned_at.is_(None), LoanRenewal.state.in_(("granted", "waiting")))
        .order_by(LoanRenewal.id)
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.loan_id].append(row)
    return found


def _granted(asked: list[Any]) -> tuple[tuple[date, date], ...]:
    return tuple(
        (local_day(one.asked_at), local_day(one.decided_at or one.asked_at))
        for one in asked
        if one.state == "granted"
    )


def _waiting(shift: Shift, history: History, row: Any, asked: list[Any]) -> list[Move]:
    """What becomes of the day a waiting renewal would move the loan to."""
    found = []
    for one in asked:
        if one.state == "waiting":
            on = local_day(one.asked_at)
            whole = replace(history, renewed_on=(*history.renewed_on, (on, on)))
            due = shift.due(whole, one.due_after)
            found.append(Move("renewal", one.id, row.request_id, one.due_after, due))
    return found


def _history(
    row: Any,
    snapshot: dict[str, Any],
    begun: datetime,
    renewed_on: tuple[tuple[date, date], ...],
    rules: dict[str, Rule],
) -> History:
    name = f"{snapshot['code']}@{snapshot['version']}"
    if name not in rules:
        rules[name] = matrix.from_snapshot(snapshot)
    return History(
        handed_on=local_day(begun),
        rule=rules[name],
        mode=row.mode,
        secrecy=row.decision["secrecy"],
        wanted_until=row.wanted_until,
        renewed_on=renewed_on,
        is_recalled=getattr(row, "recalled_at", None) is not None,
    )


def _holds(uow: UnitOfWork, shift: Shift) -> list[Move]:
    """The last days for picking up, counted from the day the copy was told ready."""
    told = (
        select(func.max(LoanNotice.created_at))
        .where(LoanNotice.request_id == LoanRequest.id, LoanNotice.kind == "ready")
        .scalar_subquery()
    )
    rows = uow.session.execute(
        select(LoanRequest.id, LoanRequest.pick_up_by, told.label("at"))
        .where(LoanRequest.state == RequestState.APPROVED, LoanRequest.pick_up_by >= shift.today)
        .order_by(LoanRequest.id)
    )
    found = [
        Move("hold", row.id, row.id, row.pick_up_by, _held_until(shift, row.pick_up_by, row.at))
        for row in rows
    ]
    return [move for move in found if move.before != move.after]


def _held_until(shift: Shift, stored: date, ready_at: datetime | None) -> date:
    days, until = matrix.policy().pick_up_working_days, slide(stored, 0, shift.new)
    ready = None if ready_at is None else local_day(ready_at)
    if ready is not None and last_pick_up_day(ready, days, shift.old) == stored:
        until = last_pick_up_day(ready, days, shift.new)
    return until if until == stored else max(until, shift.new.next_open(shift.today))


def _views(uow: UnitOfWork, shift: Shift, rules: dict[str, Rule]) -> list[Move]:
    """The last days of open electronic views."""
    rows = uow.session.execute(
        select(
            LoanGrant.id,
            LoanGrant.request_id,
            LoanGrant.opens_at,
            LoanGrant.until,
            LoanRequest.mode,
            LoanRequest.decision,
            LoanRequest.wanted_until,
        )
        .join(LoanRequest, LoanRequest.id == LoanGrant.request_id)
        .where(LoanGrant.ended_at.is_(None), LoanGrant.until > day_begins(shift.today))
        .order_by(LoanGrant.id)
    )
    found = []
    for row in rows:
        history = _history(row, row.decision["rule"], row.opens_at, (), rules)
        last = local_day(row.until) - timedelta(days=1)
        found.append(Move("view", row.id, row.request_id, last, shift.due(history, last)))
    return [move for move in found if move.before != move.after]
