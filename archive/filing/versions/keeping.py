"""Keeps every change of an item's description, whoever makes it: nothing is to be forgotten.

An act says beforehand who does it and why (``because``); when the rows are written, each item
whose description changed leaves an ``ItemVersion``. What no act owned up to is kept all the same.
Imported by the services that change items.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session, UOWTransaction

from archive.filing.models import Item
from archive.filing.versions.models import ItemVersion
from archive.people.rights import Actor
from storage.work import UnitOfWork

TEXT = "text"
DESCRIBED = (
    "title",
    "customer_id",
    "form_code",
    "document_number",
    "responsible",
    "department_id",
    "document_date",
    "year",
    "category",
    "item_class",
    "retention",
    "unit",
    "secrecy",
    "pages",
    "note",
    "volume_id",
    "provisional_code",
    "reference_code",
    "status",
    "elements",
)
READ_IN = "读取文字"
_KEY = "item_because"


@dataclass(frozen=True)
class _Because:
    by_id: int | None
    act: str
    reason: str
    at: datetime


def because(uow: UnitOfWork, actor: Actor | None, act: str, reason: str = "") -> None:
    """Say who changes items from here on in this unit of work, by what act, and why."""
    uow.session.info[_KEY] = _Because(actor.id if actor else None, act, reason, uow.now())


def note_reading(
    uow: UnitOfWork, item_id: int, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Keep what the worker's reading of a file changes in an item's text and note."""
    changed = {key: after[key] for key in after if before[key] != after[key]}
    if not changed:
        return
    row = uow.session.execute(
        select(*(getattr(Item, key) for key in DESCRIBED)).where(Item.id == item_id)
    ).one()
    described = {**row._mapping, **{key: changed[key] for key in changed if key != TEXT}}
    uow.session.add(
        ItemVersion(
            item_id=item_id,
            at=uow.now(),
            by_id=None,
            act=READ_IN,
            reason="",
            before={key: before[key] for key in changed},
            after={key: _kept(key, value) for key, value in changed.items()},
            digest=description_digest(described),
        )
    )


def description_digest(described: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a description, the same for the same values."""
    told = {key: plain(described[key]) for key in DESCRIBED}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def plain(value: Any) -> Any:
    """Return a value as JSON keeps it: a day as its ISO text."""
    return value.isoformat() if isinstance(value, date) else value


def text_digest(text: str) -> str:
    """Return what stands for a text where the text itself is not kept twice."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _kept(key: str, value: Any) -> Any:
    return text_digest(value) if key == TEXT else plain(value)


@event.listens_for(Session, "before_flush")
def _keep_changes(session: Session, _context: UOWTransaction, _instances: object) -> None:
    for row in [one for one in session.dirty if isinstance(one, Item)]:
        before, after = _changes(row)
        if before:
            session.add(_version(session, row, before, after))


def _changes(row: Item) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    state = inspect(row)
    for key in (*DESCRIBED, TEXT):
        history = state.attrs[key].history
        if not history.added or history.deleted == history.added:
            continue
        old = history.deleted[0] if history.deleted else None
        if old == history.added[0]:
            continue
        before[key] = old if key == TEXT else plain(old)
        after[key] = _kept(key, history.added[0])
    return before, after


def _version(
    session: Session, row: Item, before: dict[str, Any], after: dict[str, Any]
) -> ItemVersion:
    told = session.info.get(_KEY) or _Because(None, "", "", datetime.now(UTC))
    return ItemVersion(
        item_id=row.id,
        at=told.at,
        by_id=told.by_id,
        act=told.act,
        reason=told.reason,
        before=before,
        after=after,
        digest=description_digest({key: getattr(row, key) for key in DESCRIBED}),
    )
