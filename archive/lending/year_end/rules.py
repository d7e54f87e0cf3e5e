"""The last day of a year for originals that are out (年底清还), of the day that is set. Pure.

Neither archive.md 6 nor a standard sets one; the company does, with its basis. It is a day of
the last quarter, the same every year; where it falls on a closed day the open one before counts.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from archive.core.calendar import WorkCalendar
from archive.core.clock import show_day
from doc_templates.fields import forbidden_mark

MAX_BASIS = 200
FIRST_MONTH = 10
YEAR_END = "年底清还"
_LEAP_YEAR = 2028  # knows every day there is
_DAY = re.compile(r"(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*日?")


@dataclass(frozen=True)
class YearEnd:
    """What is set: the day as ``12-25``, empty for none, and the basis."""

    day: str = ""
    basis: str = ""

    @property
    def label(self) -> str:
        """The day as shown to people."""
        month, _, day = self.day.partition("-")
        return f"{int(month)}月{int(day)}日" if day else "没有设"


def last_day_out(year_end: YearEnd, year: int, calendar: WorkCalendar) -> date | None:
    """Return the last day of a year on which an original may be out; None where none is set."""
    if not year_end.day:
        return None
    return calendar.previous_open(date.fromisoformat(f"{year:04d}-{year_end.day}"))


def due_by_year_end(
    due_on: date, last: date | None, on: date, calendar: WorkCalendar, grace: int
) -> date:
    """Return the day a loan that is out is due when the year's last day counts for it.

    Where that day is over already (it was set late) the loan has ``grace`` working days, like
    any recall. Never later than it was due.
    """
    if last is None or due_on <= last:
        return due_on
    return last if last >= on else min(due_on, calendar.add_working_days(on, grace))


def told_late(last: date) -> str:
    """Why no original goes out any more this year."""
    return (
        f"{YEAR_END}：外借的原件最迟{show_day(last)}归还，之后到年底不再外借，明年再借；"
        "可以改为现场阅览、电子阅览或复印摘录。"
    )


def told_limit(last: date) -> str:
    """Why a loan ends earlier than its rule says."""
    return f"{YEAR_END}：最迟{show_day(last)}归还"


def read_day(typed: str) -> str:
    """Return a typed day as ``12-25``, empty for none; raise ValueError in words."""
    text = unicodedata.normalize("NFKC", typed).strip()
    if not text:
        return ""
    match = _DAY.fullmatch(text)
    try:
        day = date(_LEAP_YEAR, int(match[1]), int(match[2])) if match else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError("请写成 12-25 这样的月和日")
    if day.month < FIRST_MONTH:
        raise ValueError(f"应在 {FIRST_MONTH} 月 1 日到 12 月 31 日之间")
    return day.strftime("%m-%d")


def fault_of_basis(basis: str, day: str) -> str:
    """Return what is wrong with the basis; a day needs one."""
    if forbidden_mark(basis):
        return forbidden_mark(basis) or ""
    if day and len(basis) < 2:
        return "请写明依据，如哪一号通知"
    return f"最多 {MAX_BASIS} 个字，现在有 {len(basis)} 个字" if len(basis) > MAX_BASIS else ""
