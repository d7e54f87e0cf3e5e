"""Local time: instants are UTC everywhere, shown and counted as days in Asia/Shanghai."""

from datetime import date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991


def local(instant: datetime) -> datetime:
    """Return the instant as local time."""
    return instant.astimezone(SHANGHAI)


def local_day(instant: datetime) -> date:
    """Return the local calendar day of an instant."""
    return local(instant).date()


def show_day(day: date) -> str:
    """Return the day as it prints: 2026年11月3日, without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def show_instant(instant: datetime) -> str:
    """Return the instant as lists show it: 2026-11-23 09:05 in local time."""
    return local(instant).strftime("%Y-%m-%d %H:%M")
