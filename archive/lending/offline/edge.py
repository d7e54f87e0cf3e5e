"""Replaying a desk's queue as a whole: each act in a unit of work of its own. It commits.

So an act that does not fit holds nothing up, and a connection lost on the way loses nothing: what
is sent again is known by its id.
"""

from collections.abc import Sequence

from archive.core.errors import ArchiveError
from archive.core.resources import Resources
from archive.lending.confirming.rules import ON_PAPER, Confirmed, Way
from archive.lending.offline import service
from archive.lending.offline.rules import Act
from archive.lending.offline.service import Taken
from archive.people.rights import Actor
from archive.signing.appearance import compose


def replay(resources: Resources, actor: Actor, acts: Sequence[Act]) -> tuple[Taken, ...]:
    """Take the acts in by their own times and return what became of each, in the order sent."""
    in_order = sorted(range(len(acts)), key=lambda place: (acts[place].at, place))
    found = {place: _one(resources, actor, acts[place]) for place in in_order}
    return tuple(found[place] for place in range(len(acts)))


def _one(resources: Resources, actor: Actor, act: Act) -> Taken:
    try:
        confirmed = _signed(resources, act)
        with resources.work() as uow:
            taken = service.take_in(uow, actor, act, confirmed)
            uow.commit()
    except ArchiveError as refusal:
        with resources.work() as uow:
            taken = service.note_conflict(uow, actor, act, refusal.message)
            uow.commit()
    return taken


def _signed(resources: Resources, act: Act) -> Confirmed:
    """Return the borrower's signature on an act; a drawn picture is kept before it is bound."""
    if act.drawn_png is None:
        return ON_PAPER
    with resources.reading() as uow:
        signer = service.who_signs(uow, act)
    if signer is None:
        return ON_PAPER  # the act says itself what is wrong with it
    signer_id, name = signer
    picture = compose(act.drawn_png, name, "")
    return Confirmed(Way.DRAWN, signer_id, resources.blobs.put(picture, "image/png"))
