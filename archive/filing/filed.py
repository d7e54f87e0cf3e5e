"""Whether the archive holds a file: asked by digest, answered without its content.

Used by ``archive verify-file``; the verdict on signatures is the signing station's.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import select

from archive.filing.models import Item, ItemFile, ItemState
from storage.work import UnitOfWork


@dataclass(frozen=True)
class FiledFacts:
    """What may be told about a filed file to whoever holds its bytes."""

    item: int
    reference_code: str
    state: str
    filed_on: str

    def as_json(self) -> dict[str, object]:
        """Return the facts as plain JSON."""
        return asdict(self)


def find_filed(uow: UnitOfWork, sha256: str) -> FiledFacts | None:
    """Return where the archive holds a file of this digest, or None."""
    row = uow.session.scalar(
        select(Item)
        .join(ItemFile, ItemFile.item_id == Item.id)
        .where(ItemFile.sha256 == sha256)
        .order_by(Item.id)
        .limit(1)
    )
    if row is None:
        return None
    return FiledFacts(
        item=row.id,
        reference_code=row.reference_code or row.provisional_code or "",
        state=ItemState(row.state).label,
        filed_on=row.created_at.date().isoformat(),
    )
