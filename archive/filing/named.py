"""An item as people name it at a desk: its barcode, its 档号 in any spelling, or only its end.

Asked by the lending desk, visits, the trial of a rule and legal holds. An end is looked for
among the items the person may read; when several end so nothing is chosen for them.
"""

from typing import Any

from sqlalchemy import func, select

from archive.core.errors import Invalid
from archive.filing.codes import clean_barcode, find_tail
from archive.filing.items import ends_so
from archive.filing.lendable import (
    Lendable,
    find_lendable_by_barcode,
    find_lendable_by_code,
    load_lendable,
)
from archive.filing.models import Item, ItemState
from archive.people.readers import may_read_set
from archive.people.rights import Actor
from storage.work import UnitOfWork

MOST_NAMED = 6


def find_named(uow: UnitOfWork, actor: Actor, text: str, field: str = "") -> Lendable | None:
    """Return the item named by this text, or None; raise Invalid naming those that end so.

    ``field`` is the entry the text was typed into. A barcode or a whole 档号 finds whatever
    carries it: its rights are the caller's to check.
    """
    if clean_barcode(text):
        return find_lendable_by_barcode(uow, text)
    found, tail = find_lendable_by_code(uow, text), find_tail(text)
    if found is not None or not tail:
        return found
    wanted = (
        ends_so(tail),
        may_read_set(actor, Item.readers_id),
        Item.state != ItemState.REFUSED,
    )
    code: Any = func.coalesce(Item.reference_code, Item.provisional_code, "")
    query = select(Item.id, code, Item.title).where(*wanted, code != "")
    rows = uow.session.execute(query.order_by(Item.code_order, Item.id).limit(MOST_NAMED + 1))
    named = [(row[0], str(row[1]), row[2]) for row in rows]
    if len(named) > 1:
        raise Invalid(_which(text, named), {field: "不止一件，请写全档号"} if field else None)
    return load_lendable(uow, named[0][0]) if named else None


def shown(text: str) -> str:
    """Return what was typed as a sentence can quote it."""
    return "".join(char for char in text.strip()[:40] if char.isprintable())


def _which(text: str, named: list[tuple[int, str, str]]) -> str:
    told = "；".join(f"{code}《{title}》" for _, code, title in named[:MOST_NAMED])
    more = "；还有别的" if len(named) > MOST_NAMED else ""
    return f"档号末尾是“{shown(text)}”的不止一件：{told}{more}。请写全档号，或扫描条码。"
