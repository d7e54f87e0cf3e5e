"""Reads the journal page by page and runs the checks over bytes, rows, journal and index."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from archive.core.clock import show_instant
from archive.core.pages import Page
from archive.core.resources import Resources
from archive.people import service as people
from archive.people.rights import Actor, require
from archive.search.indexing import verify_index
from archive.trust.head import read_head
from storage.files import StoredFile
from storage.journal import JournalEntry
from storage.snapshot import check_rows_file
from storage.verify import (
    Finding,
    Progress,
    verify_blobs,
    verify_checkpoints,
    verify_head,
    verify_journal,
)
from storage.work import UnitOfWork


@dataclass(frozen=True)
class JournalLine:
    """One act in the journal as the auditor reads it."""

    seq: int
    at: str
    actor_id: int | None
    actor_name: str
    action: str
    object_type: str
    object_id: str
    detail: str
    hash: str


def list_journal(
    uow: UnitOfWork,
    actor: Actor,
    *,
    action: str = "",
    object_id: str = "",
    page: int = 1,
    per_page: int = 50,
) -> Page[JournalLine]:
    """Return the journal, newest first, of an action or a thing where asked."""
    require(actor, "journal.read")
    wanted = []
    if action:
        wanted.append(JournalEntry.action.startswith(action, autoescape=True))
    if object_id:
        wanted.append(JournalEntry.object_id == object_id)
    total = uow.session.scalar(select(func.count()).select_from(JournalEntry).where(*wanted)) or 0
    rows = list(
        uow.session.scalars(
            select(JournalEntry)
            .where(*wanted)
            .order_by(JournalEntry.seq.desc())
            .limit(per_page)
            .offset((page - 1) * per_page)
        )
    )
    names = people.names_of(uow, [row.actor_id for row in rows])
    lines = tuple(
        JournalLine(
            seq=row.seq,
            at=show_instant(datetime.fromisoformat(row.at)),
            actor_id=row.actor_id,
            actor_name=names.get(row.actor_id or 0, "系统"),
            action=row.action,
            object_type=row.object_type,
            object_id=row.object_id,
            detail=row.detail,
            hash=row.hash,
        )
        for row in rows
    )
    return Page(lines, total, page, per_page)


def verify_instance(
    resources: Resources, *, with_index: bool = True, on_progress: Progress | None = None
) -> Iterator[Finding]:
    """Check every blob, row, journal entry and (by default) the index; yield what is wrong."""
    damage = _rows_damage(resources)
    if damage:
        yield Finding("database", "archive.db", damage)
        return  # nothing else can be read from it
    with resources.reading() as uow:
        yield from verify_blobs(uow, resources.blobs, on_progress)
        yield from verify_journal(uow)
        yield from verify_head(uow, *read_head(resources))
        yield from verify_checkpoints(uow)
    if with_index:
        yield from verify_index(resources)


def is_alive(resources: Resources) -> bool:
    """Say whether rows can be read."""
    try:
        with resources.reading() as uow:
            return uow.session.scalar(select(func.count()).select_from(StoredFile)) is not None
    except SQLAlchemyError:
        return False


def _rows_damage(resources: Resources) -> str:
    path = Path(resources.database.engine.url.database or "")
    return check_rows_file(path) if resources.database.is_sqlite else ""
