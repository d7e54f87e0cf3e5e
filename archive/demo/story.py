"""The whole story of the demo company in order of time, and the telling of it.

Everything happens on working days before the demo is made, never later than the last act, so
that the journal's times run forward like its numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from archive.core.calendar import WorkCalendar
from archive.core.clock import day_begins, local_day
from archive.core.resources import Resources
from archive.demo.desk_work import register_customer
from archive.demo.firms import REGISTERED
from archive.demo.loans import loan_acts
from archive.demo.papers import paper_acts, story_papers
from archive.demo.seal_marks import register_seals
from archive.demo.stage import Act, Stage, meet_people, standing_at

FOUNDED = 330  # working days before the demo is made
_FIRST_LIST = 14  # customers entered on one day, at the start
_OPENING = 320
_LATER, _APART = 230, 12

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Moment:
    """An act at its instant."""

    at: datetime
    act: Act


def founding(base: datetime) -> datetime:
    """Return the instant the company starts to use the office, for a demo made at ``base``."""
    return _instants(base, FOUNDED)[FOUNDED] + timedelta(hours=8, minutes=30)


def story(base: datetime) -> list[Moment]:
    """Return everything that happens, in order of time."""
    acts = list(_acts())
    days = _instants(base, max(act.day for act in acts))
    moments = [Moment(days[act.day] + timedelta(minutes=act.minute), act) for act in acts]
    return sorted(moments, key=lambda moment: moment.at)


def tell(resources: Resources, base: datetime, on_progress: Progress) -> None:
    """Make everything happen that has not happened yet."""
    moments = story(base)
    stage = Stage(resources, meet_people(resources))
    for done, moment in enumerate(moments):
        on_progress(done, len(moments))
        moment.act.do(replace(stage, resources=_at(resources, moment.at)))
    on_progress(len(moments), len(moments))


def _at(resources: Resources, instant: datetime) -> Resources:
    return replace(resources, clock=standing_at(instant))


def _acts() -> Iterator[Act]:
    yield Act(_OPENING, 8 * 60 + 40, register_seals)
    for place, firm in enumerate(REGISTERED):
        later = place - _FIRST_LIST
        day = _OPENING if later < 0 else _LATER - _APART * later
        yield Act(day, 9 * 60 + place * 4, partial(register_customer, firm=firm))
    for place, paper in enumerate(story_papers()):
        yield from paper_acts(paper, place)
    yield from loan_acts()


def _instants(base: datetime, count: int) -> list[datetime]:
    """Return local midnight of the last ``count`` working days before ``base``, latest first.

    The first place is ``base``'s own day, so that day ``n`` stands at place ``n``.
    """
    calendar, day = WorkCalendar(), local_day(base)
    days = [day]
    while len(days) <= count:
        day -= timedelta(days=1)
        if calendar.is_open(day):
            days.append(day)
    return [day_begins(one) for one in days]
