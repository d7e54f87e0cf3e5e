"""A filed file whose successor only adds proof (a time-stamp) to the very same content.

The item follows to the new bytes; the old ones stay in the store, named by the record.
"""

from sqlalchemy import select

from archive.filing.models import ItemFile
from storage.work import UnitOfWork


def replace_file(uow: UnitOfWork, old_sha256: str, new_sha256: str) -> None:
    """Let every item that holds the old file hold the new one; the journal says so."""
    rows = uow.session.scalars(select(ItemFile).where(ItemFile.sha256 == old_sha256)).all()
    for row in rows:
        row.sha256 = new_sha256
        detail = {"file": row.id, "before": old_sha256, "after": new_sha256}
        uow.journal(None, "item.file.prove", "item", row.item_id, detail)
