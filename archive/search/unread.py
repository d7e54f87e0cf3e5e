"""Attached files whose words could not be read: listed for the archivist, read again on demand.

Why stands on the item, a line for each file (``extraction``); such an item is found by its
description all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from archive.core.errors import Invalid
from archive.core.pages import Page, clean_paging
from archive.filing.models import HELD, UNFINISHED, Item, ItemFile
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from archive.search.rules import UNREAD
from storage.work import UnitOfWork

MOST_AGAIN = 2000


@dataclass(frozen=True)
class UnreadView:
    """An item with files that could not be read, and why."""

    id: int
    code: str
    title: str
    why: tuple[str, ...]


def list_unread(
    uow: UnitOfWork, actor: Actor, *, page: int = 1, per_page: int = 20
) -> Page[UnreadView]:
    """Return the items one may read that have unread files, the newest first."""
    require(actor, "filing.list")
    page, per_page = clean_paging(page, per_page)
    query = _unread(actor)
    total = uow.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = uow.session.scalars(
        query.order_by(Item.id.desc()).offset((page - 1) * per_page).limit(per_page)
    )
    shown = tuple(
        UnreadView(
            row.id,
            row.reference_code or row.provisional_code or row.document_number,
            row.title,
            tuple(line for line in row.note.splitlines() if UNREAD in line),
        )
        for row in rows
    )
    return Page(shown, total, page, per_page)


def read_again(uow: UnitOfWork, actor: Actor, item_ids: Sequence[int] | None) -> int:
    """Have unread files of these items (of all, where None) read again; return how many files."""
    require(actor, "filing.list")
    if item_ids is not None and not item_ids:
        raise Invalid("请先勾选要再读一次的档案。")
    query = _unread(actor)
    if item_ids is not None:
        query = query.where(Item.id.in_(list(item_ids)[:MOST_AGAIN]))
    notes = {row.id: row.note for row in uow.session.scalars(query.limit(MOST_AGAIN))}
    files = uow.session.scalars(select(ItemFile).where(ItemFile.item_id.in_(notes)))
    count = 0
    for file in files:
        if f"“{file.name}”{UNREAD}" in notes[file.item_id]:
            uow.outbox("extract", f"item_file:{file.id}")
            count += 1
    uow.journal(actor.id, "item.read-again", "item", "", {"items": sorted(notes), "files": count})
    return count


def _unread(actor: Actor) -> Select[Item]:
    return select(Item).where(
        Item.note.contains(UNREAD),
        Item.state.in_((*HELD, *UNFINISHED)),
        may_read(actor, "item", Item.id),
    )
