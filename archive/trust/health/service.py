"""Measures the server: rows, blobs, disk, worker, office, index, and what was done to keep it."""

import platform
import shutil
import socket
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from archive.config import Settings
from archive.core.resources import Resources
from archive.search.indexing import rebuild_progress
from archive.search.store import open_index
from archive.signing.authority_folder import ROOT_KEY, AuthorityError
from archive.signing.keys import authority_folder, find_standing
from archive.trust.backup import record
from archive.trust.backup.manifest import release
from archive.trust.backup.record import Done
from archive.trust.health.rules import Act, Authority, Measures
from storage import outbox
from storage.files import StoredFile
from storage.journal import last_entry
from storage.outbox import OutboxRow
from storage.work import UnitOfWork

BEAT = "worker.beat"


def measure(resources: Resources) -> Measures:
    """Return how the server is at this moment."""
    settings = resources.settings
    disk = shutil.disk_usage(settings.data)
    authority, trouble = _authority(settings)
    with resources.reading() as uow:
        blobs, size = _blobs(uow)
        return Measures(
            now=resources.clock(),
            begun=record.first_entry_at(uow),
            last_entry=record.last_entry_at(uow),
            checked=_act(record.last(uow, record.CHECKED)),
            backed_up=_act(record.last(uow, record.BACKED_UP)),
            backup_failed=_act(record.last(uow, record.BACKUP_FAILED)),
            drilled=_act(record.last(uow, record.DRILLED)),
            backup_is_set=settings.backup_to is not None,
            disk_free=disk.free,
            disk_total=disk.total,
            worker_beat=_written_at(settings.run / BEAT),
            office_answers=_answers(settings.office_socket),
            jobs_waiting=outbox.pending(uow.session),
            jobs_given_up=_given_up(uow),
            oldest_job=_oldest_job(uow),
            index_trouble=_index_trouble(resources),
            blobs=blobs,
            blob_bytes=size,
            row_bytes=_row_bytes(resources),
            entries=last_entry(uow.session)[0],
            authority=authority,
            authority_trouble=trouble,
            versions={
                "档案台": release(),
                "Python": platform.python_version(),
                "SQLite": sqlite3.sqlite_version,
            },
        )


def _index_trouble(resources: Resources) -> str:
    trouble = open_index(resources).needs_rebuild
    return trouble and f"{trouble}{rebuild_progress(resources)}"


def note_beat(resources: Resources) -> None:
    """Say that a worker of this data folder is alive."""
    (resources.settings.run / BEAT).touch()


def _authority(settings: Settings) -> tuple[Authority | None, str]:
    """Return until when the company's certificates hold, or what is wrong with their files."""
    try:
        standing = find_standing(settings)
    except AuthorityError as damaged:
        return None, damaged.message
    if standing is None:
        return None, ""
    root, issuing = standing.root.not_valid_after_utc, standing.issuing.not_valid_after_utc
    return Authority(root, issuing, (authority_folder(settings) / ROOT_KEY).is_file()), ""


def _act(done: Done | None) -> Act | None:
    if done is None:
        return None
    return Act(done.at, done.findings, str(done.detail.get("why", "")))


def _blobs(uow: UnitOfWork) -> tuple[int, int]:
    row = uow.session.execute(select(func.count(), func.coalesce(func.sum(StoredFile.size), 0)))
    count, size = row.one()
    return int(count), int(size)


def _given_up(uow: UnitOfWork) -> int:
    given_up = select(func.count()).select_from(OutboxRow).where(OutboxRow.failed_at.is_not(None))
    return uow.session.scalar(given_up) or 0


def _oldest_job(uow: UnitOfWork) -> datetime | None:
    """Return since when the oldest job waits that is due and not in anybody's hands."""
    return uow.session.scalar(
        select(func.min(OutboxRow.available_at)).where(
            OutboxRow.failed_at.is_(None), OutboxRow.available_at <= uow.now()
        )
    )


def _row_bytes(resources: Resources) -> int:
    name = resources.database.engine.url.database or ""
    path = Path(name)
    return path.stat().st_size if resources.database.is_sqlite and path.is_file() else 0


def _written_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(0.5)
        try:
            asking.connect(str(address))
        except OSError:
            return False
    return True
