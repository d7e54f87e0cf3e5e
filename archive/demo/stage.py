"""The parts of the story: a paper, an act, and a moment with its people and a standing clock.

An act of the story is done at its moment, through the stations' own services, and only if it
was not done before; so a story broken off half way is taken up by telling it again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from archive.core.clock import local_day
from archive.core.resources import Resources
from archive.demo.firms import Firm
from archive.demo.staff import PEOPLE
from archive.filing import service as filing
from archive.people import service as people
from archive.people.rights import Actor
from storage.work import Clock

Values = Callable[[Firm, date, str], dict[str, object]]


@dataclass(frozen=True)
class Paper:
    """One paper of the story, filled in ``day`` working days before the demo is made.

    ``values`` makes its entries from firm, day and author's name; ``way`` are the words for what
    becomes of it.
    """

    key: str
    form: str
    author: str
    firm: Firm
    day: int
    way: tuple[str, ...]
    values: Values


@dataclass(frozen=True)
class Stage:
    """The company at one moment; ``records`` holds the id of every paper by its key."""

    resources: Resources
    people: Mapping[str, Actor]
    records: dict[str, int] = field(default_factory=dict)

    def person(self, user_id: int) -> Actor:
        """Return the person with this id."""
        return next(actor for actor in self.people.values() if actor.id == user_id)

    def item_of(self, paper: str) -> int | None:
        """Return the id of the item that a paper became, or None before it is taken in."""
        with self.resources.reading() as uow:
            return filing.find_item_of_record(uow, self.records[paper])


@dataclass(frozen=True)
class Act:
    """Something that happens ``day`` working days before the demo is made, at a local minute.

    ``do`` does nothing when it was done before.
    """

    day: int
    minute: int
    do: Callable[[Stage], None]


def standing_at(instant: datetime) -> Clock:
    """Return a clock that stands at one instant."""
    return lambda: instant


def today(stage: Stage) -> date:
    """Return the local day of the moment."""
    return local_day(stage.resources.clock())


def meet_people(resources: Resources) -> dict[str, Actor]:
    """Return everyone of the company by user name."""
    with resources.reading() as uow:
        found = {one.username: one for one in people.staff(uow, limit=len(PEOPLE) + 100)}
    return {person.username: found[person.username] for person in PEOPLE}
