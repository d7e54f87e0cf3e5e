"""Reads what is set about the end of the year; the shipped value is in rules.toml. No rights."""

from datetime import date

from sqlalchemy import select

from archive.core.calendar import WorkCalendar
from archive.core.profile import ProfileEntry
from archive.lending import matrix
from archive.lending.year_end.rules import YearEnd, last_day_out
from storage.work import UnitOfWork

DAY, BASIS = "loan_year_end", "loan_year_end_basis"


def load_year_end(uow: UnitOfWork) -> YearEnd:
    """Return the day and its basis in force."""
    kept = {row.key: row.value for row in uow.session.execute(_KEPT)}
    shipped = matrix.policy()
    return YearEnd(
        day=kept.get(DAY, shipped.year_end), basis=kept.get(BASIS, shipped.year_end_basis)
    )


def last_day_kept(kept: str | None, on: date, calendar: WorkCalendar) -> date | None:
    """Return the same of the day as ``DAY_KEPT`` read it along with something else."""
    day = matrix.policy().year_end if kept is None else kept
    return last_day_out(YearEnd(day), on.year, calendar)


def last_day(uow: UnitOfWork, on: date, calendar: WorkCalendar) -> date | None:
    """Return the last day for originals out in the year of ``on``; None where none is set."""
    return last_day_out(load_year_end(uow), on.year, calendar)


DAY_KEPT = select(ProfileEntry.value).where(ProfileEntry.key == DAY).scalar_subquery()
_KEPT = select(ProfileEntry.key, ProfileEntry.value).where(ProfileEntry.key.in_((DAY, BASIS)))
