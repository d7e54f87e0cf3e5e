"""Writes due days as an iCalendar (RFC 5545) that calendars can subscribe to. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

LONGEST_LINE = 75  # octets, RFC 5545 3.1


@dataclass(frozen=True)
class DueDay:
    """One whole day in the calendar; ``uid`` stays the same when the day moves."""

    uid: str
    day: date
    summary: str
    description: str = ""


def write_calendar(name: str, days: Iterable[DueDay], now: datetime) -> bytes:
    """Return the calendar: one event a due day, in UTF-8 with folded CRLF lines."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//archive-desk//loans//ZH",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_escaped(name)}",
        "X-PUBLISHED-TTL:PT1H",
        *(line for day in days for line in _event(day, now)),
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line)).encode()


def _event(due: DueDay, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{due.uid}"
    yield f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{due.day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{due.day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_escaped(due.summary)}"
    if due.description:
        yield f"DESCRIPTION:{_escaped(due.description)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _escaped(text: str) -> str:
    plain = "".join(char for char in text if char == "\n" or char.isprintable())
    for mark in ("\\", ";", ","):
        plain = plain.replace(mark, f"\\{mark}")
    return plain.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Break a line so that no part is longer than 75 octets and no letter is cut."""
    part, size = "", 0
    for char in line:
        width = len(char.encode())
        if size + width > LONGEST_LINE:
            yield part
            part, size = " ", 1
        part, size = part + char, size + width
    yield part
