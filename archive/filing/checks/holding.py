"""Whether an item is in quarantine; asked before its files are handed out, packed or lent.

Knows only the rows, so that every part of the station may ask.
"""

from sqlalchemy import select

from archive.core.errors import Conflict
from archive.documents.withholding import before_handing_out
from archive.filing.checks.models import Quarantine
from archive.filing.models import Item
from storage.work import UnitOfWork


def find_hold(uow: UnitOfWork, item_id: int) -> Quarantine | None:
    """Return the quarantine an item is in, or None."""
    return uow.session.scalar(select(Quarantine).where(Quarantine.holds == item_id))


def require_free(uow: UnitOfWork, item_id: int) -> None:
    """Raise Conflict when an item is in quarantine: its files are not handed out."""
    hold = find_hold(uow, item_id)
    if hold is not None:
        raise Conflict(
            "这件档案的电子文件在隔离中，暂不提供：四性检测发现它可能损坏或不安全。"
            "请联系档案室，处理好以后会恢复。",
            {"quarantine": str(hold.id)},
        )


@before_handing_out
def require_record_free(uow: UnitOfWork, record_id: int) -> None:
    """Raise Conflict when the item a record was filed as is in quarantine."""
    item_id = uow.session.scalar(
        select(Quarantine.holds)
        .join(Item, Item.id == Quarantine.holds)
        .where(Item.record_id == record_id)
    )
    if item_id is not None:
        require_free(uow, item_id)
