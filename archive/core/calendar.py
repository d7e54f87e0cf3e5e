"""Working days: the State Council's yearly notice seeds them, an archivist may correct them.

A correction is a ``CalendarDay`` row and wins over the library's years; a year that neither
knows counts Monday to Friday and is provisional (archive.md 6, Dates).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base
from storage.work import UnitOfWork


class CalendarDay(Base):
    """A day whose opening was set by hand: open or closed, and why (调休, 节假日, 盘点)."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    is_open: Mapped[bool]
    note: Mapped[str] = mapped_column(String(80), default="")


@dataclass(frozen=True)
class WorkCalendar:
    """Which days the archive is open; pure, made from the corrections in force."""

    corrections: frozenset[tuple[date, bool]] = frozenset()

    def is_open(self, day: date) -> bool:
        """Say whether ``day`` is a working day."""
        if (day, True) in self.corrections:
            return True
        if (day, False) in self.corrections:
            return False
        if not self.is_known(day):
            return day.weekday() < 5
        return bool(chinese_calendar.is_workday(day))  # type: ignore[no-untyped-call]

    def is_known(self, day: date) -> bool:
        """Say whether the year's official notice is known; an unknown year is provisional."""
        return _FIRST_KNOWN <= day <= _LAST_KNOWN

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
        days: Iterable[date] = (start + timedelta(n) for n in range(1, (end - start).days + 1))
        return sum(self.is_open(day) for day in days)


_YEARS = sorted({day.year for day in chinese_calendar.constants.holidays})
_FIRST_KNOWN, _LAST_KNOWN = date(_YEARS[0], 1, 1), date(_YEARS[-1], 12, 31)


_CORRECTIONS = select(CalendarDay.day, CalendarDay.is_open)


def load_calendar(uow: UnitOfWork) -> WorkCalendar:
    """Read the corrections and return the calendar in force."""
    rows = uow.session.execute(_CORRECTIONS)
    return WorkCalendar(frozenset((row.day, row.is_open) for row in rows))
