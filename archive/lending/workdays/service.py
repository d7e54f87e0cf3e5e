"""Changing the calendar of working days: days by hand, a year's notice, what an upgrade brings.

Each change recomputes, in the same transaction, what was counted by the calendar.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from archive.core.calendar import LIBRARY_YEAR, MAX_NOTE, CalendarBook, WorkCalendar, load_book
from archive.core.clock import each_day, local_day
from archive.core.errors import Conflict, Invalid
from archive.core.holidays import Holiday, YearNotice
from archive.core.numbering import locked_serial
from archive.lending.workdays.moving import Change, write_moves
from archive.lending.workdays.notice import Unclear, read_notice
from archive.lending.workdays.recompute import Move, find_moves
from archive.lending.workdays.setting import (
    keep_days,
    keep_notice,
    library_year_counted,
    note_counted,
)
from archive.people.rights import Actor, require
from doc_templates.fields import forbidden_mark
from storage.work import UnitOfWork

CLOSED, OPEN, RESTORE = "closed", "open", "restore"
WHATS = {CLOSED: "休息", OPEN: "上班", RESTORE: "恢复原样（按放假通知）"}
MAX_DAYS = 366
MAX_BASIS = 200
_LONGEST_DAY = 20
SERIES = "calendar"
STALE = "工作日历刚被别人改过，这次没有保存；请看过现在的日历，再保存一次。"


@dataclass(frozen=True)
class DaysChange:
    """A change of days as typed: from, to (empty: that day only), what, why."""

    first: str
    last: str
    what: str
    note: str


@dataclass(frozen=True)
class NoticeEntry:
    """A year's notice as typed: the year, its text, its basis."""

    year: int
    text: str
    basis: str


@dataclass(frozen=True)
class NoticeDraft:
    """A notice read but not saved: its holidays, and how many loans it would move."""

    year: int
    basis: str
    holidays: tuple[Holiday, ...]
    moved: int
    is_published: bool


def years_open(today: date) -> range:
    """Return the years that may be shown and changed: last year to two years on."""
    return range(today.year - 1, today.year + 3)


def digest(entry: NoticeEntry) -> str:
    """Return what tells whether a notice is still the one that was shown."""
    kept = repr((entry.year, entry.text.replace("\r\n", "\n"), entry.basis))
    return hashlib.sha256(kept.encode("utf-8", "replace")).hexdigest()[:16]


def change_days(uow: UnitOfWork, actor: Actor, change: DaysChange, before: str) -> int:
    """Set days by hand, or take what was set away; return how many due days moved.

    ``before`` is the calendar's version the change was made from. Raises Invalid, Conflict when
    it is another by now, Forbidden for anyone but the head of the archive.
    """
    require(actor, "loan.rules")
    days, note = _read_days(change, local_day(uow.now()))
    number, book, old = _begin(uow, before)
    is_open = None if change.what == RESTORE else change.what == OPEN
    if is_open is None and not any(day in book.corrections for day in days):
        raise Invalid("这几天没有手工改过，不用恢复。", {"first": "没有手工改过"})
    keep_days(uow, days, is_open, note)
    detail = {"change": number, "first": days[0].isoformat(), "last": days[-1].isoformat()}
    more = {"what": change.what, "note": note}
    uow.journal(actor.id, "calendar.days", "calendar", days[0].isoformat(), detail | more)
    why = "工作日历已恢复" if is_open is None else f"工作日历有变（{note}）"
    return _recompute(uow, actor.id, old, Change(number, "days", why))


def preview_notice(uow: UnitOfWork, actor: Actor, entry: NoticeEntry) -> NoticeDraft:
    """Read a year's notice and say what it would do; changes nothing. Raises Invalid."""
    require(actor, "loan.rules")
    book = load_book(uow)
    notice = _read_notice(entry, local_day(uow.now()), book.calendar())
    new = replace(book, notices={**book.notices, entry.year: notice}).calendar()
    moves = find_moves(uow, _counted(uow, book), new)
    is_published = entry.year <= book.calendar().last_year
    return NoticeDraft(entry.year, notice.basis, notice.holidays, count(moves), is_published)


def save_notice(uow: UnitOfWork, actor: Actor, entry: NoticeEntry, before: str) -> int:
    """Save a year's notice, which makes the year published; return how many due days moved.

    Raises as ``change_days`` does.
    """
    require(actor, "loan.rules")
    number, book, old = _begin(uow, before)
    notice = _read_notice(entry, local_day(uow.now()), book.calendar())
    keep_notice(uow, entry.year, notice)
    days = sum(1 for holiday in notice.holidays for _ in holiday.days)
    detail = {"change": number, "year": entry.year, "basis": notice.basis, "days": days}
    uow.journal(actor.id, "calendar.notice", "calendar", entry.year, detail)
    why = f"{entry.year} 年放假安排已公布"
    return _recompute(uow, actor.id, old, Change(number, "notice", why))


def catch_up(uow: UnitOfWork) -> int:
    """Recompute once when the library has learned a year by an upgrade; return what moved.

    For the worker; may run any number of times.
    """
    if library_year_counted(uow) == LIBRARY_YEAR:
        return 0
    number = _next(uow)
    if library_year_counted(uow) == LIBRARY_YEAR:  # another worker was first
        return 0
    old = _counted(uow, load_book(uow))
    detail = {"change": number, "from": old.library_year, "to": LIBRARY_YEAR}
    uow.journal(None, "calendar.library", "calendar", LIBRARY_YEAR, detail)
    why = f"{LIBRARY_YEAR} 年放假安排已公布"
    return _recompute(uow, None, old, Change(number, "library", why))


def count(moves: tuple[Move, ...]) -> int:
    """Return how many moves people are told of: a waiting renewal's is none."""
    return sum(move.kind != "renewal" for move in moves)


def _begin(uow: UnitOfWork, before: str) -> tuple[int, CalendarBook, WorkCalendar]:
    """Begin a change, one at a time: its number, the book, the calendar counted by so far."""
    number = _next(uow)
    book = load_book(uow)
    if before != book.version:
        raise Conflict(STALE)
    return number, book, _counted(uow, book)


def _next(uow: UnitOfWork) -> int:
    row = locked_serial(uow, SERIES)
    row.last += 1
    uow.session.flush()
    return row.last


def _counted(uow: UnitOfWork, book: CalendarBook) -> WorkCalendar:
    return replace(book.calendar(), library_year=library_year_counted(uow))


def _recompute(uow: UnitOfWork, actor_id: int | None, old: WorkCalendar, change: Change) -> int:
    moves = find_moves(uow, old, load_book(uow).calendar())
    write_moves(uow, actor_id, moves, change)
    note_counted(uow)
    uow.session.flush()
    return count(moves)


def _read_days(change: DaysChange, today: date) -> tuple[tuple[date, ...], str]:
    """Return the days and the note of a change; raise Invalid with every fault."""
    wrong: dict[str, str] = {}
    first = _day(change.first, "first", wrong)
    last = _day(change.last, "last", wrong) if change.last.strip() else first
    if first and last and not wrong:
        wrong |= _fault_of_stretch(first, last, years_open(today))
    if change.what not in WHATS:
        wrong["what"] = "请选休息、上班或恢复原样"
    note = " ".join(change.note.split())
    fault = _fault(note, MAX_NOTE, needs=change.what in (CLOSED, OPEN))
    if fault:
        wrong["note"] = fault
    if wrong or first is None or last is None:
        raise _invalid("这几天没有改", wrong)
    return tuple(each_day(first, last)), note


def _fault_of_stretch(first: date, last: date, years: range) -> Mapping[str, str]:
    for name, day in (("first", first), ("last", last)):
        if day.year not in years:
            return {name: f"应在 {years[0]} 年到 {years[-1]} 年之间"}
    if last < first:
        return {"last": "不能早于开始的那一天"}
    if (last - first).days >= MAX_DAYS:
        return {"last": f"一次最多改 {MAX_DAYS} 天"}
    return {}


def _day(typed: str, name: str, wrong: dict[str, str]) -> date | None:
    text = typed.strip()
    try:
        return date.fromisoformat(text if len(text) <= _LONGEST_DAY else "")
    except ValueError:
        wrong[name] = "请写成 2026-12-31 这样的日期" if text else "请填哪一天"
        return None


def _read_notice(entry: NoticeEntry, today: date, calendar: WorkCalendar) -> YearNotice:
    """Return the notice of what was typed; raise Invalid with every fault."""
    wrong: dict[str, str] = {}
    basis = " ".join(entry.basis.split())
    holidays: tuple[Holiday, ...] = ()
    years = years_open(today)
    if entry.year not in years:
        wrong["year"] = f"应在 {years[0]} 年到 {years[-1]} 年之间"
    elif entry.year > calendar.last_year + 1:
        wrong["year"] = f"请先录入 {calendar.last_year + 1} 年的，再录入 {entry.year} 年的"
    fault = _fault(basis, MAX_BASIS, needs=True, what="文号，如国办发明电〔2026〕7 号")
    if fault:
        wrong["basis"] = fault
    try:
        holidays = () if "year" in wrong else read_notice(entry.text, entry.year)
    except Unclear as unclear:
        wrong["text"] = str(unclear)
    if any(forbidden_mark(one.name) for one in holidays):
        wrong["text"] = "节日的名称里有不能保存的字符"
    if wrong:
        raise _invalid("放假通知没有保存", wrong)
    return YearNotice(basis, holidays)


def _fault(text: str, longest: int, *, needs: bool, what: str = "原因，借阅人会看到") -> str:
    if forbidden_mark(text):
        return forbidden_mark(text) or ""
    if needs and len(text) < 2:
        return f"请写明{what}"
    return f"最多 {longest} 个字，现在有 {len(text)} 个字" if len(text) > longest else ""


def _invalid(what: str, wrong: Mapping[str, str]) -> Invalid:
    return Invalid(f"{what}：" + "；".join(wrong.values()) + "。", wrong)
