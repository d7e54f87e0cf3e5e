"""A year's holidays as the State Council's notice gives them (放假通知), entered by hand.

Each holiday is a row of the profile, ``workdays:2027:01``; ``workdays:2027`` holds the year's
basis, and that it is there says that the year is published. Pure; ``core.calendar`` reads them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from archive.core.clock import each_day

PREFIX = "workdays:"


@dataclass(frozen=True)
class Holiday:
    """A holiday (节假日): its closed days, and the closed days worked in return (调休上班)."""

    name: str
    closed: tuple[tuple[date, date], ...]
    worked: tuple[date, ...] = ()

    @property
    def closed_days(self) -> Iterator[date]:
        """Every day off, in order."""
        for first, last in self.closed:
            yield from each_day(first, last)

    @property
    def days(self) -> Iterator[tuple[date, bool]]:
        """Every day the holiday says something about, and whether it is open."""
        yield from ((day, False) for day in self.closed_days)
        yield from ((day, True) for day in self.worked)

    def kept(self) -> str:
        """Return the holiday as its row keeps it."""
        closed = ",".join(f"{first:%Y%m%d}-{last:%Y%m%d}" for first, last in self.closed)
        return ";".join((self.name, closed, ",".join(f"{day:%Y%m%d}" for day in self.worked)))


@dataclass(frozen=True)
class YearNotice:
    """A year's notice as entered: its basis (文号) and its holidays."""

    basis: str
    holidays: tuple[Holiday, ...]

    def rows(self, year: int) -> dict[str, str]:
        """Return the notice as the rows that keep it, by key."""
        lines = {
            f"{PREFIX}{year}:{n:02d}": one.kept() for n, one in enumerate(self.holidays, start=1)
        }
        return {f"{PREFIX}{year}": self.basis, **lines}


def read_notices(rows: Mapping[str, str]) -> dict[int, YearNotice]:
    """Return the notices that rows of the profile keep, by year."""
    found: dict[int, YearNotice] = {}
    for key in sorted(rows):
        year, _, place = key.removeprefix(PREFIX).partition(":")
        if not place:
            found[int(year)] = YearNotice(rows[key], ())
        elif int(year) in found:
            before = found[int(year)]
            found[int(year)] = YearNotice(before.basis, (*before.holidays, _read(rows[key])))
    return found


def _read(kept: str) -> Holiday:
    name, closed, worked = kept.split(";")
    return Holiday(
        name,
        tuple((_day(one[:8]), _day(one[9:])) for one in closed.split(",") if one),
        tuple(_day(one) for one in worked.split(",") if one),
    )


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
