"""Versions of items as routes and calls use them; corrections, with the 档号 they cite."""

from sqlalchemy import select

from archive.filing.models import Item
from archive.filing.versions.asof import item_as_of
from archive.filing.versions.editing import Description, describe_item, description_of
from archive.filing.versions.history import item_versions
from archive.filing.views import ItemView
from archive.people.rights import Actor
from archive.records import service as records
from archive.records.corrections import CorrectionView
from archive.records.service import RecordView
from storage.work import UnitOfWork

__all__ = [
    "Description",
    "correct_record",
    "corrections_of_item",
    "describe_item",
    "description_of",
    "item_as_of",
    "item_versions",
]


def correct_record(uow: UnitOfWork, actor: Actor, record_id: int, reason: str) -> RecordView:
    """Make the draft that corrects a signed or filed paper, citing its number and 档号."""
    code = uow.session.execute(
        select(Item.reference_code, Item.provisional_code).where(Item.record_id == record_id)
    ).first()
    cited = (code.reference_code or code.provisional_code or "") if code else ""
    return records.start_correction(uow, actor, record_id, reason, code=cited)


def corrections_of_item(
    uow: UnitOfWork, actor: Actor, item: ItemView
) -> tuple[CorrectionView | None, CorrectionView | None]:
    """Return what the item's paper corrects, and what corrects it."""
    if item.record_id is None:
        return None, None
    return records.corrections_of(uow, actor, item.record_id)
