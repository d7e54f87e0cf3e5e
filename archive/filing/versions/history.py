"""Reads the versions of an item: each change, field by field, old → new.

Called through ``versions.service``. Rights: whoever may read the item.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from archive.filing.items import get_row, thing_of_row
from archive.filing.models import Item
from archive.filing.versions.keeping import DESCRIBED, TEXT, plain
from archive.filing.versions.models import ItemVersion
from archive.filing.versions.views import FIELD_LABELS, FieldChange, ItemVersionView
from archive.filing.versions.wording import SHORT, Words
from archive.people import service as people
from archive.people.rights import Actor, require
from storage.work import UnitOfWork


def item_versions(uow: UnitOfWork, actor: Actor, item_id: int) -> tuple[ItemVersionView, ...]:
    """Return every change of an item's description, newest first; raise NotFound."""
    row = get_row(uow, item_id)
    require(actor, "item.read", thing_of_row(uow, row))
    rows = version_rows(uow, item_id)
    return _views(uow, row, rows)


def version_rows(uow: UnitOfWork, item_id: int) -> list[ItemVersion]:
    """Return the rows of an item's changes, oldest first; rights unchecked."""
    query = select(ItemVersion).where(ItemVersion.item_id == item_id).order_by(ItemVersion.id)
    return list(uow.session.scalars(query))


def described_now(row: Item) -> dict[str, Any]:
    """Return the description of an item as its versions keep it, with its text."""
    return {key: plain(getattr(row, key)) for key in DESCRIBED} | {TEXT: row.text}


def undone(described: dict[str, Any], rows: Sequence[ItemVersion]) -> dict[str, Any]:
    """Return a description as it was before these changes (oldest first)."""
    for change in reversed(rows):
        described = {**described, **change.before}
    return described


def _views(uow: UnitOfWork, row: Item, rows: Sequence[ItemVersion]) -> tuple[ItemVersionView, ...]:
    names = people.names_of(uow, {one.by_id for one in rows})
    words = Words(uow, [side for one in rows for side in (one.before, one.after)])
    texts = _texts_after(row, rows)
    found = []
    for n, one in enumerate(rows, start=1):
        changes = []
        for key, old in one.before.items():
            new = texts[one.id] if key == TEXT else one.after[key]
            told = (_short(words.tell(key, old)), _short(words.tell(key, new)))
            changes.append(FieldChange(key, FIELD_LABELS[key], *told))
        by_name = names.get(one.by_id or 0, "") or "系统"
        found.append(
            ItemVersionView(
                one.id, n, one.at, by_name, one.act, one.reason, one.digest, tuple(changes)
            )
        )
    return tuple(reversed(found))


def _texts_after(row: Item, rows: Sequence[ItemVersion]) -> dict[int, str]:
    """Return the text after each change of it: what the next change found, or the present."""
    found, following = {}, row.text
    for one in reversed(rows):
        if TEXT in one.before:
            found[one.id] = following
            following = one.before[TEXT]
    return found


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}……（共 {len(text)} 字）"
