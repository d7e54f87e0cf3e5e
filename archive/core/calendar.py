"""Working days: three layers, the upper winning (archive.md 6, Dates).

A correction by hand is a ``CalendarDay`` row. Below it lies a year's notice entered by hand
(``core.holidays``), below that the library's years. A year that none of them knows counts Monday
to Friday and is provisional. ``lending.workdays`` changes the calendar and recomputes what was
counted by it; here it is only read.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import chinese_calendar
from sqlalchemy import Boolean, Date, String, cast, null, select, union_all
from sqlalchemy.orm import Mapped, mapped_column

from archive.core.clock import each_day
from archive.core.holidays import PREFIX, YearNotice, read_notices
from archive.core.profile import ProfileEntry
from storage.database import Base
from storage.work import UnitOfWork

MAX_NOTE = 80


class CalendarDay(Base):
    """A day whose opening was set by hand: open or closed, and why (调休, 节假日, 盘点)."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    is_open: Mapped[bool]
    note: Mapped[str] = mapped_column(String(MAX_NOTE), default="")


_YEARS = sorted({day.year for day in chinese_calendar.constants.holidays})
FIRST_YEAR, LIBRARY_YEAR = _YEARS[0], _YEARS[-1]


@dataclass(frozen=True)
class WorkCalendar:
    """Which days the archive is open; pure, made from what is set by hand.

    ``noticed`` are the days that notices entered by hand name, ``noticed_years`` the years they
    are for; ``library_year`` is the last year the library is asked about.
    """

    corrections: frozenset[tuple[date, bool]] = frozenset()
    noticed: frozenset[tuple[date, bool]] = frozenset()
    noticed_years: frozenset[int] = frozenset()
    library_year: int = LIBRARY_YEAR

    def is_open(self, day: date) -> bool:
        """Say whether ``day`` is a working day."""
        for layer in (self.corrections, self.noticed):
            if (day, True) in layer:
                return True
            if (day, False) in layer:
                return False
        if day.year in self.noticed_years or not FIRST_YEAR <= day.year <= self.library_year:
            return day.weekday() < 5
        return _library_says_open(day)

    def is_known(self, day: date) -> bool:
        """Say whether the year's official notice is known; an unknown year is provisional."""
        return FIRST_YEAR <= day.year <= self.last_year

    @property
    def last_year(self) -> int:
        """The last year whose notice is known."""
        return max(self.library_year, *self.noticed_years, FIRST_YEAR)

    def add_working_days(self, start: date, count: int) -> date:
        """Return the ``count``-th working day after ``start``."""
        day = start
        while count > 0:
            day += timedelta(days=1)
            if self.is_open(day):
                count -= 1
        return day

    def next_open(self, day: date) -> date:
        """Return ``day`` itself or the first open day after it."""
        while not self.is_open(day):
            day += timedelta(days=1)
        return day

    def previous_open(self, day: date) -> date:
        """Return ``day`` itself or the last open day before it."""
        while not self.is_open(day):
            day -= timedelta(days=1)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Count the working days after ``start`` up to and including ``end``; 0 if not later."""
        return sum(self.is_open(day) for day in each_day(start + timedelta(days=1), end))


@lru_cache(maxsize=4096)  # the library goes through all its days at every question
def _library_says_open(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day))  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class CalendarBook:
    """Everything set by hand about working days: corrections with their notes, and notices."""

    corrections: Mapping[date, tuple[bool, str]] = field(default_factory=dict)
    notices: Mapping[int, YearNotice] = field(default_factory=dict)

    def calendar(self) -> WorkCalendar:
        """Return the calendar in force."""
        named = (day for _, one in sorted(self.notices.items()) for day in _days_of(one))
        return WorkCalendar(
            frozenset((day, is_open) for day, (is_open, _) in self.corrections.items()),
            frozenset(dict(named).items()),  # where two years' notices name a day, the later
            frozenset(self.notices),
        )

    @property
    def version(self) -> str:
        """A digest of the whole: what a change was made from."""
        kept = repr((sorted(self.corrections.items()), sorted(self.notices.items())))
        return hashlib.sha256(kept.encode()).hexdigest()[:16]


def _days_of(notice: YearNotice) -> Iterable[tuple[date, bool]]:
    return (day for holiday in notice.holidays for day in holiday.days)


def load_book(uow: UnitOfWork) -> CalendarBook:
    """Read, at once, everything set by hand about working days."""
    corrections: dict[date, tuple[bool, str]] = {}
    kept: dict[str, str] = {}
    rows: Iterable[Any] = uow.session.execute(_BOOK)
    for day, is_open, text, value in rows:
        if day is None:
            kept[text] = value
        else:
            corrections[day] = (is_open, text)
    return CalendarBook(corrections, read_notices(kept))


def load_calendar(uow: UnitOfWork) -> WorkCalendar:
    """Read what is set by hand and return the calendar in force."""
    return load_book(uow).calendar()


# Made once: putting a statement together takes longer than sending it.
_BOOK = union_all(
    select(CalendarDay.day, CalendarDay.is_open, CalendarDay.note, cast(null(), String(200))),
    select(cast(null(), Date), cast(null(), Boolean), ProfileEntry.key, ProfileEntry.value).where(
        ProfileEntry.key.startswith(PREFIX)
    ),
)
