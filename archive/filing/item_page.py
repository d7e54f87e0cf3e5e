"""One item with all that its page shows: the right is asked once, every set read once.

Called by the page alone; whoever wants a part asks the part, which checks for itself.
"""

from dataclasses import dataclass

from archive.filing.checks.quarantine import HoldView, read_hold
from archive.filing.describe import views_of
from archive.filing.items import get_row, thing_of_row
from archive.filing.moves import read_moves
from archive.filing.refusals import read_refusals
from archive.filing.retention.reading import Ending, ending_of
from archive.filing.versions.service import corrections_of_item
from archive.filing.views import ItemView, MoveView, RefusalView
from archive.people.rights import Actor, Thing, require
from archive.records.corrections import CorrectionView
from storage.work import UnitOfWork


@dataclass(frozen=True)
class ItemPage:
    """An item, what rights ask about it, and what happened to it."""

    item: ItemView
    thing: Thing
    moves: tuple[MoveView, ...]
    corrects: CorrectionView | None
    corrected_by: CorrectionView | None
    hold: HoldView | None
    refusals: tuple[RefusalView, ...]
    ending: Ending


def read_item_page(uow: UnitOfWork, actor: Actor, item_id: int) -> ItemPage:
    """Return the page of an item the actor may read; raise NotFound."""
    row = get_row(uow, item_id)
    thing = thing_of_row(uow, row)
    require(actor, "item.read", thing)
    item = views_of(uow, [row], with_text=True)[0]
    old, new = corrections_of_item(uow, actor, item)
    return ItemPage(
        item=item,
        thing=thing,
        moves=read_moves(uow, item_id),
        corrects=old,
        corrected_by=new,
        hold=read_hold(uow, item),
        refusals=read_refusals(uow, item_id),
        ending=ending_of(uow, actor, row),
    )
