"""What was done to keep the instance safe, written in the journal and read back from it.

Checks, backups and drills are acts like any other; the last of each is what the health page and
the banner go by. Edges call this after the work; there is no other table of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from archive.core.resources import Resources
from storage import journal
from storage.journal import JournalEntry, last_act
from storage.work import UnitOfWork

CHECKED, BACKUP_FAILED = "verify.run", "backup.fail"
LATELY = 1_000  # entries
BACKED_UP, DRILLED = journal.BACKED_UP, journal.DRILLED


@dataclass(frozen=True)
class Done:
    """When something was done last, and what came of it."""

    at: datetime
    detail: Mapping[str, Any]

    @property
    def findings(self) -> int:
        """How many things were wrong."""
        return int(self.detail.get("findings", 0))


def note(
    resources: Resources, act: str, detail: Mapping[str, Any], actor_id: int | None = None
) -> None:
    """Write an act of safekeeping in the journal."""
    with resources.work() as uow:
        uow.journal(actor_id, act, "instance", "instance", detail)
        uow.commit()


def last(uow: UnitOfWork, act: str) -> Done | None:
    """Return when the act was done last, or None."""
    found = last_act(uow.session, act)
    return None if found is None else Done(*found)


def first_entry_at(uow: UnitOfWork) -> datetime | None:
    """Return when the instance began: the time of the journal's first entry."""
    at = uow.session.scalar(select(JournalEntry.at).where(JournalEntry.seq == 1))
    return None if at is None else datetime.fromisoformat(at)


def last_entry_at(uow: UnitOfWork) -> datetime | None:
    """Return the latest time in the journal's last entries: after a clock went back, not the last.

    Not of all entries, so that a clock that once was years ahead is not told of for years.
    """
    lately = select(JournalEntry.at).order_by(JournalEntry.seq.desc()).limit(LATELY).subquery()
    at = uow.session.scalar(select(func.max(lately.c.at)))
    return None if at is None else datetime.fromisoformat(at)
