"""The calendar as people see it: each day of a year, open or closed, and by what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import chinese_calendar

from archive.core.calendar import CalendarBook, WorkCalendar, load_book
from archive.core.clock import each_day, local_day
from archive.core.errors import NotFound
from archive.lending.workdays.service import years_open
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

LIBRARY = "国务院办公厅的放假通知（随系统提供）"
_CHINESE: dict[str, str] = {
    one.value: one.chinese  # type: ignore[attr-defined]
    for one in chinese_calendar.Holiday
}


@dataclass(frozen=True)
class DayView:
    """A day: open or not, the holiday it belongs to, the note where it was set by hand."""

    day: date
    is_open: bool
    name: str
    note: str
    by_hand: bool

    @property
    def is_usual(self) -> bool:
        """Whether the day is as Monday to Friday would have it and nothing is said about it."""
        return self.is_open == (self.day.weekday() < 5) and not (self.name or self.by_hand)


@dataclass(frozen=True)
class YearView:
    """A year of days; ``basis`` says by what, empty while nothing is published."""

    year: int
    days: tuple[DayView, ...]
    is_published: bool
    basis: str
    version: str
    next_year: int  # the year whose notice may be entered next
    today: date

    @property
    def months(self) -> tuple[tuple[DayView, ...], ...]:
        """The days by month."""
        return tuple(
            tuple(one for one in self.days if one.day.month == month) for month in range(1, 13)
        )


def year_view(uow: UnitOfWork, actor: Actor, year: int) -> YearView:
    """Return a year of the calendar; NotFound outside the years that are kept."""
    require(actor, "loan.register")
    today = local_day(uow.now())
    years = years_open(today)
    if year not in years:
        raise NotFound(f"工作日历只有 {years[0]} 年到 {years[-1]} 年。")
    book = load_book(uow)
    calendar, names = book.calendar(), _names(book)
    is_published = calendar.is_known(date(year, 1, 1))
    notice = book.notices.get(year)
    basis = notice.basis if notice else LIBRARY if is_published else ""
    return YearView(
        year=year,
        days=tuple(
            _day(one, book, calendar, names)
            for one in each_day(date(year, 1, 1), date(year, 12, 31))
        ),
        is_published=is_published,
        basis=basis,
        version=book.version,
        next_year=calendar.last_year + 1,
        today=today,
    )


def stretches(days: Sequence[DayView]) -> list[tuple[DayView, DayView]]:
    """Return the first and last day of each stretch set by hand in the same way."""
    found: list[tuple[DayView, DayView]] = []
    for one in days:
        if not one.by_hand:
            continue
        goes_on = found and (one.day - found[-1][1].day).days == 1
        if goes_on and (found[-1][1].is_open, found[-1][1].note) == (one.is_open, one.note):
            found[-1] = (found[-1][0], one)
        else:
            found.append((one, one))
    return found


def _day(
    day: date, book: CalendarBook, calendar: WorkCalendar, names: Mapping[date, str]
) -> DayView:
    by_hand = day in book.corrections
    note = book.corrections[day][1] if by_hand else ""
    name = names.get(day, "") or _library_name(day, calendar)
    return DayView(day, calendar.is_open(day), name, note, by_hand)


def _names(book: CalendarBook) -> dict[date, str]:
    return {
        day: holiday.name
        for _, notice in sorted(book.notices.items())
        for holiday in notice.holidays
        for day, _ in holiday.days
    }


def _library_name(day: date, calendar: WorkCalendar) -> str:
    """The Chinese name of the holiday a day off or a day worked in return belongs to."""
    if day.year in calendar.noticed_years or day.year > calendar.library_year:
        return ""
    constants = chinese_calendar.constants
    name = constants.holidays.get(day) or constants.workdays.get(day)
    return _CHINESE.get(name, "") if name else ""
