"""Replaying a desk's queue as a whole: each act in a unit of work of its own. It commits.

So an act that does not fit holds nothing up, and a connection lost on the way loses nothing: what
is sent again is known by its id.
"""

from collections.abc import Sequence

from archive.core.errors import ArchiveError
from archive.core.resources import Resources
from archive.lending.offline import service
from archive.lending.offline.rules import Act
from archive.lending.offline.service import Taken
from archive.people.rights import Actor


def replay(resources: Resources, actor: Actor, acts: Sequence[Act]) -> tuple[Taken, ...]:
    """Take the acts in by their own times and return what became of each, in the order sent."""
    in_order = sorted(range(len(acts)), key=lambda place: (acts[place].at, place))
    found = {place: _one(resources, actor, acts[place]) for place in in_order}
    return tuple(found[place] for place in range(len(acts)))


def _one(resources: Resources, actor: Actor, act: Act) -> Taken:
    try:
        with resources.work() as uow:
            taken = service.take_in(uow, actor, act)
            uow.commit()
    except ArchiveError as refusal:
        with resources.work() as uow:
            taken = service.note_conflict(uow, actor, act, refusal.message)
            uow.commit()
    return taken
