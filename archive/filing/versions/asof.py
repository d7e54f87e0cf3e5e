"""An item as it was at an instant, put together from its changes, steps, and the journal.

Descriptions go backwards from the present by the changes kept since; the state follows from the
four steps; whether a copy was lent from the journal, where lending's hand-outs stand. What was
not kept is told as it is now, and said so. Called through ``versions.service``.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select

from archive.core.clock import local_day
from archive.filing.items import get_row, thing_of_row
from archive.filing.models import (
    CopyStatus,
    FilingStep,
    Item,
    ItemCopy,
    ItemFile,
    ItemState,
    Volume,
    VolumeSeal,
)
from archive.filing.rules import APPRAISE, CATALOGUE, CLASSIFY, SHELVE
from archive.filing.versions.history import described_now, undone, version_rows
from archive.filing.versions.keeping import TEXT, description_digest
from archive.filing.versions.models import ItemVersion
from archive.filing.versions.views import FIELD_LABELS, CopyThen, ItemThen
from archive.filing.versions.wording import Words
from archive.people.rights import Actor, require
from storage.journal import JournalEntry
from storage.work import UnitOfWork

_STATES = {
    APPRAISE: ItemState.APPRAISED,
    CLASSIFY: ItemState.CLASSIFIED,
    CATALOGUE: ItemState.CATALOGUED,
    SHELVE: ItemState.SHELVED,
}


def item_as_of(uow: UnitOfWork, actor: Actor, item_id: int, at: datetime) -> ItemThen:
    """Return an item as it was at an instant (UTC); raise NotFound for one not readable."""
    row = get_row(uow, item_id)
    require(actor, "item.read", thing_of_row(uow, row))
    if at < row.created_at:
        return ItemThen(at, False, "", {}, "", (), (), ("那时还没有这件档案。",))
    rows = version_rows(uow, item_id)
    later = [one for one in rows if one.at > at]
    described = undone(described_now(row), later)
    words = Words(uow, [described])
    fields = {
        label: told
        for key, label in FIELD_LABELS.items()
        if key != TEXT and (told := words.tell(key, described[key]))
    }
    return ItemThen(
        at=at,
        exists=True,
        state_label=_state(uow, row, at),
        fields=fields,
        text=described[TEXT],
        copies=_copies(uow, row, at),
        files=_files(uow, row, at),
        notes=tuple(_notes(uow, rows, later, described, at)),
        version_n=len(rows) - len(later),
    )


def _state(uow: UnitOfWork, row: Item, at: datetime) -> str:
    steps = select(FilingStep.step).where(FilingStep.item_id == row.id, FilingStep.at <= at)
    done = list(uow.session.scalars(steps.order_by(FilingStep.id)))
    state = _STATES[done[-1]] if done else ItemState.OFFERED
    sealed = uow.session.scalar(
        select(VolumeSeal.confirmed_at)
        .join(Volume, Volume.id == VolumeSeal.volume_id)
        .where(Volume.id == row.volume_id, VolumeSeal.confirmed_at <= at)
    )
    return f"{state.label}，已封卷" if sealed and state is ItemState.SHELVED else state.label


def _copies(uow: UnitOfWork, row: Item, at: datetime) -> tuple[CopyThen, ...]:
    """Return the copies there were, each with its last status the journal knows of until then."""
    shelved = uow.session.scalar(
        select(FilingStep.at).where(FilingStep.item_id == row.id, FilingStep.step == SHELVE)
    )
    if shelved is None or shelved > at:
        return ()
    copies = list(
        uow.session.scalars(
            select(ItemCopy).where(ItemCopy.item_id == row.id).order_by(ItemCopy.id)
        )
    )
    told = _told_of_copies(uow, [copy.id for copy in copies])
    until = _stamp(at)
    found = []
    for copy in copies:
        events = told.get(copy.id, [])
        past = [now for when, _, now in events if when <= until]
        coming = [before for when, before, _ in events if when > until]
        status = past[-1] if past else coming[0] if coming else copy.status
        found.append(CopyThen(copy.barcode, copy.location, CopyStatus(status).label))
    return tuple(found)


def _told_of_copies(
    uow: UnitOfWork, copy_ids: Sequence[int]
) -> dict[int, list[tuple[str, str, str]]]:
    """Return when each copy changed its status, from what to what, oldest first."""
    entries = uow.session.execute(
        select(JournalEntry.at, JournalEntry.object_id, JournalEntry.detail)
        .where(JournalEntry.object_id.in_([str(one) for one in copy_ids]))
        .where(JournalEntry.object_type == "copy", JournalEntry.action == "copy.status")
        .order_by(JournalEntry.seq)
    )
    found: dict[int, list[tuple[str, str, str]]] = {}
    for when, copy_id, detail in entries:
        told = json.loads(detail)
        found.setdefault(int(copy_id), []).append((when, told["from"], told["to"]))
    return found


def _files(uow: UnitOfWork, row: Item, at: datetime) -> tuple[str, ...]:
    query = select(ItemFile.name).where(ItemFile.item_id == row.id, ItemFile.created_at <= at)
    return tuple(uow.session.scalars(query.order_by(ItemFile.id)))


def _notes(
    uow: UnitOfWork,
    rows: Sequence[ItemVersion],
    later: Sequence[ItemVersion],
    described: dict[str, object],
    at: datetime,
) -> list[str]:
    """Say what is not known for certain."""
    notes = []
    first = uow.session.scalar(select(func.min(ItemVersion.at)))
    if first is None or at < first:
        day = f"（{local_day(first).isoformat()} 起）" if first else ""
        notes.append(f"系统开始保留著录的版本{day}以前的改动没有记下，那时的著录按最早记下的列出。")
    earlier = rows[: len(rows) - len(later)]
    if earlier and earlier[-1].digest != description_digest(described):
        notes.append("著录与当时记下的校验码不符，请到“完整性检查”查明。")
    notes.append("存放位置的变动没有留版本，按现在的位置列出。")
    return notes


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
