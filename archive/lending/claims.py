"""Who gets a free copy (取件与排队): first come, first served, for so many working days.

Pure. Rows and the acts upon them are in ``lending.queue``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from archive.core.calendar import WorkCalendar


@dataclass(frozen=True)
class Claim:
    """An approved request for the paper, and whether a copy is held for it already."""

    request_id: int
    is_held: bool


def newly_held(free_copies: int, claims: Sequence[Claim]) -> tuple[int, ...]:
    """Return the requests for which a copy is now held, in the order of asking.

    What is held stays held. Whoever asked before goes before, so that nobody waits for ever: a
    copy never goes to a later request while an earlier one, approved like it, stands in line.
    """
    ordered = sorted(claims, key=lambda claim: claim.request_id)
    spare = free_copies - sum(claim.is_held for claim in ordered)
    waiting = [claim.request_id for claim in ordered if not claim.is_held]
    return tuple(waiting[: max(spare, 0)])


def last_pick_up_day(ready_on: date, working_days: int, calendar: WorkCalendar) -> date:
    """Return the last day on which the held copy may be picked up (archive.md 6: 3 wd)."""
    return calendar.add_working_days(ready_on, working_days)


def is_lapsed(pick_up_by: date | None, on: date) -> bool:
    """Say whether the term for picking up is over; whoever stands in line has none."""
    return pick_up_by is not None and on > pick_up_by
