"""What a change of the calendar does to the day a loan is due: its history replayed. Pure.

Where the old calendar explains the stored day, the new one gives the new day; else (recalled,
or the desk's own history) the day only slides off a closed day. Nobody becomes overdue by it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from archive.core.calendar import WorkCalendar
from archive.lending.links import Links
from archive.lending.matching import Case, Mode, Rule
from archive.lending.renewing import RenewalFacts, renewed_due
from archive.lending.rules import Facts, due_day
from archive.people.rights import SECRET

FIRST_COUNTED = 2026  # the library's last year when this began to be counted
YearEndOf = Callable[[int, WorkCalendar], date | None]


@dataclass(frozen=True)
class History:
    """How a loan came by its due day: handed out when, by what, and on which days renewed.

    ``secrecy`` is the rank it was approved for; ``renewed_on`` the days of asking, each with the
    day of granting.
    """

    handed_on: date
    rule: Rule
    mode: str
    secrecy: int
    wanted_until: date | None = None
    renewed_on: tuple[tuple[date, date], ...] = ()
    is_recalled: bool = False


def replay(history: History, calendar: WorkCalendar, year_end: YearEndOf) -> date | None:
    """Return the day the loan is due by this calendar; None when none can be found."""
    case = Case("", history.mode, history.secrecy)
    facts = Facts(
        case,
        history.handed_on,
        clearance=history.secrecy,
        links=Links(),
        wanted_until=history.wanted_until,
        year_end=_last(history, history.handed_on, calendar, year_end),
    )
    due = due_day(history.rule, facts, calendar)
    for asked_on, granted_on in history.renewed_on:
        if due is None:
            return None
        due = _renewed(history, due, asked_on, calendar, year_end)
        last = _last(history, granted_on, calendar, year_end)
        due = due if last is None else min(due, last)
    return due


def moved_due(
    history: History,
    stored: date,
    old: WorkCalendar,
    new: WorkCalendar,
    today: date,
    year_end: YearEndOf,
) -> date:
    """Return the day due after the calendar changed from ``old`` to ``new``.

    An overdue loan is left alone, and none is due before the first open day from today.
    """
    if stored < today or old == new:
        return stored
    due = None
    if not history.is_recalled and replay(history, old, year_end) == stored:
        due = replay(history, new, year_end)
    if due is None:
        due = slide(stored, history.secrecy, new)
        last_old, last = (_last(history, stored, one, year_end) for one in (old, new))
        if last_old is not None and last is not None and stored <= last_old:
            due = min(due, last)
    return due if due == stored else max(due, new.next_open(today))


def slide(day: date, secrecy: int, calendar: WorkCalendar) -> date:
    """Return the day itself while it is open; else the next, for 秘密 and up the one before."""
    return calendar.next_open(day) if secrecy < SECRET else calendar.previous_open(day)


def _renewed(
    history: History, due: date, asked_on: date, calendar: WorkCalendar, year_end: YearEndOf
) -> date:
    facts = RenewalFacts(
        on=asked_on,
        due_on=due,
        rule=history.rule,
        renewals_done=0,
        secrecy=history.secrecy,
        secrecy_then=history.secrecy,
        year_end=_last(history, asked_on, calendar, year_end),
    )
    return renewed_due(facts, calendar)


def _last(history: History, on: date, calendar: WorkCalendar, year_end: YearEndOf) -> date | None:
    return year_end(on.year, calendar) if history.mode == Mode.ORIGINAL else None
