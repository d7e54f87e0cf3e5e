"""What stands against ending an item's keeping: a loan, a hold, its state; each item named.

Asked when an appraisal is opened and decided, when a list is made, approved, witnessed and
carried out, and once more for each item while it is carried out.
"""

from collections.abc import Sequence

from sqlalchemy import select

from archive.filing.models import CopyStatus, Item, ItemCopy, ItemState
from archive.filing.retention.holds import holds_of
from archive.filing.retention.rules import named
from storage.work import UnitOfWork


def called(item: Item) -> str:
    """Return what an item is called in a sentence."""
    return f"{item.reference_code or item.provisional_code or item.id}《{item.title}》"


def obstacles(uow: UnitOfWork, items: Sequence[Item], wanted: ItemState) -> list[str]:
    """Return a sentence for every reason against every item; a fixed number of statements.

    ``wanted`` is the state the items must be in.
    """
    away = _away(uow, [item.id for item in items])
    held = holds_of(uow, items)
    found = []
    for item in items:
        if item.state != wanted:
            found.append(f"{called(item)}现在是“{ItemState(item.state).label}”")
        if not item.reference_code:
            found.append(f"{called(item)}还没有封卷")
        for status, barcode in away.get(item.id, ()):
            found.append(f"{called(item)}的实体 {barcode} 现在是“{CopyStatus(status).label}”")
        found += [f"{called(item)}被冻结：{hold.sentence}" for hold in held.get(item.id, ())]
    return found


def told(faults: Sequence[str], what: str) -> str:
    """Return the refusal that names the faults."""
    return f"{what}：{named(faults)}。"


def _away(uow: UnitOfWork, item_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    query = select(ItemCopy.item_id, ItemCopy.status, ItemCopy.barcode).where(
        ItemCopy.item_id.in_(item_ids), ItemCopy.status.in_((CopyStatus.OUT, CopyStatus.MISSING))
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for item_id, status, barcode in uow.session.execute(query):
        found.setdefault(item_id, []).append((status, barcode))
    return found
