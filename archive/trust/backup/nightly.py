"""What comes round by itself: a backup every night, a whole check every week.

Runs beside the worker's other work, because both may take long. Every part is kill-safe, and
two workers do not do it twice: one backup at a time, and due is what the journal says.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from archive.core.clock import local
from archive.core.errors import ArchiveError
from archive.core.resources import Resources
from archive.trust.backup import record
from archive.trust.backup.making import Made, backup_to_folder
from archive.trust.backup.passphrases import read_passphrase
from archive.trust.backup.record import Done
from archive.trust.checking import verify_instance
from storage.errors import PlaceTaken, StorageError

log = logging.getLogger(__name__)

HOUR = 1  # of local time, when a new night's backup falls due
RETRY = timedelta(hours=1)
CHECK_EVERY = timedelta(days=6, hours=12)


def backup_is_due(now: datetime, good: Done | None, failed: Done | None) -> bool:
    """Say whether a night's backup is to be made: none since the last one o'clock.

    After a failure it is tried again an hour later.
    """
    night = local(now).replace(hour=HOUR, minute=0, second=0, microsecond=0)
    if night > now:
        night -= timedelta(days=1)
    if good is not None and night <= good.at <= now:
        return False
    return failed is None or not now - RETRY < failed.at <= now


def check_is_due(now: datetime, checked: Done | None, begun: datetime | None) -> bool:
    """Say whether the whole check is to be made: none for six and a half days."""
    since = checked.at if checked is not None else begun
    return since is not None and now - since > CHECK_EVERY


def do_nightly(resources: Resources) -> bool:
    """Make the backup and the check that are due; return whether anything was done."""
    now = resources.clock()
    with resources.reading() as uow:
        good, failed = record.last(uow, record.BACKED_UP), record.last(uow, record.BACKUP_FAILED)
        checked, begun = record.last(uow, record.CHECKED), record.first_entry_at(uow)
    done = False
    if resources.settings.backup_to is not None and backup_is_due(now, good, failed):
        done = _back_up(resources)
    if check_is_due(now, checked, begun):
        note_check(resources, sum(1 for _ in verify_instance(resources)))
        done = True
    return done


def note_backup(resources: Resources, made: Made, where: str) -> None:
    """Write a finished backup in the journal."""
    detail = {
        "id": made.id,
        "where": where,
        "bytes": made.size,
        "added": made.added,
        "blobs": made.blobs,
        "findings": len(made.missing),
        "entries": made.seq,
    }
    record.note(resources, record.BACKED_UP, detail)


def note_check(resources: Resources, findings: int, actor_id: int | None = None) -> None:
    """Write a finished check in the journal; where nothing can be written it stays unsaid."""
    try:
        record.note(resources, record.CHECKED, {"findings": findings}, actor_id)
    except SQLAlchemyError:
        log.warning("the check could not be written in the journal")


def _back_up(resources: Resources) -> bool:
    settings = resources.settings
    if settings.backup_to is None:
        return False
    try:
        passphrase = read_passphrase(settings.backup_passphrase_file)
        made = backup_to_folder(
            resources,
            settings.backup_to,
            passphrase,
            lambda _done, _total: None,
            keep=settings.backup_keep,
            may_make=False,
        )
    except PlaceTaken:
        return False  # another worker is at it
    except (ArchiveError, StorageError) as refusal:
        log.error("nightly backup failed: %s", type(refusal).__name__)
        record.note(resources, record.BACKUP_FAILED, {"why": refusal.message[:300]})
        return False
    note_backup(resources, made, "nightly")
    return True
