"""Local time: instants are UTC everywhere, shown and counted as days in Asia/Shanghai."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991


def local(instant: datetime) -> datetime:
    """Return the instant as local time."""
    return instant.astimezone(SHANGHAI)


def local_day(instant: datetime) -> date:
    """Return the local calendar day of an instant."""
    return local(instant).date()


def day_begins(day: date) -> datetime:
    """Return the first instant of a local day."""
    return datetime.combine(day, time.min, SHANGHAI)


def each_day(first: date, last: date) -> Iterator[date]:
    """Yield every day from the first to the last; none where the last is before the first."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def show_day(day: date) -> str:
    """Return the day as it prints: 2026年11月3日, without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def show_instant(instant: datetime) -> str:
    """Return the instant as lists show it: 2026-11-23 09:05 in local time."""
    return local(instant).strftime("%Y-%m-%d %H:%M")
