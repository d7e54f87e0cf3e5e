"""Reads and writes what is kept about the calendar of working days. No rights, no recompute."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import delete, select

from archive.core.calendar import LIBRARY_YEAR, CalendarDay
from archive.core.holidays import PREFIX, YearNotice
from archive.core.profile import ProfileEntry
from archive.lending.workdays.rules import FIRST_COUNTED
from storage.work import UnitOfWork

COUNTED = "workdays_counted"


def library_year_counted(uow: UnitOfWork) -> int:
    """Return the last of the library's years by which due days have been counted."""
    kept = uow.session.scalar(select(ProfileEntry.value).where(ProfileEntry.key == COUNTED))
    return min(int(kept or FIRST_COUNTED), LIBRARY_YEAR)


def note_counted(uow: UnitOfWork) -> None:
    """Note that due days are counted by all the library knows."""
    uow.session.merge(ProfileEntry(key=COUNTED, value=str(LIBRARY_YEAR)))


def keep_days(
    uow: UnitOfWork, days: Collection[date], is_open: bool | None, note: str = ""
) -> None:
    """Correct days by hand; ``is_open`` None takes corrections of theirs away."""
    uow.session.execute(delete(CalendarDay).where(CalendarDay.day.between(min(days), max(days))))
    if is_open is not None:
        uow.session.add_all(CalendarDay(day=day, is_open=is_open, note=note) for day in days)
    uow.session.flush()


def keep_notice(uow: UnitOfWork, year: int, notice: YearNotice) -> None:
    """Keep a year's notice in place of what was kept for the year."""
    key = f"{PREFIX}{year}"
    uow.session.execute(delete(ProfileEntry).where(ProfileEntry.key.startswith(key)))
    rows = notice.rows(year)
    uow.session.add_all(ProfileEntry(key=one, value=value) for one, value in rows.items())
    uow.session.flush()
