"""Work to do after a change, written in the change's own transaction and drained later.

At least once: a claimed row is leased, a killed worker's lease runs out and another takes the
row again, so every handler must be idempotent. What keeps failing waits longer each time and
is given up after ``MAX_ATTEMPTS``, visible in ``failed_at`` and ``last_error``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Index, String, Text, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.database import Base

LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 12


@dataclass(frozen=True)
class Kinds:
    """Which kinds of job a worker looks for: ``only`` these (all where empty), ``but`` those."""

    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


ALL = Kinds()


class OutboxRow(Base):
    """One job: its kind, what it is about (key), its payload and how its tries went."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "failed_at", "available_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(120))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    available_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    last_error: Mapped[str | None] = mapped_column(Text)
    failed_at: Mapped[datetime | None]


@dataclass(frozen=True)
class OutboxItem:
    """A claimed job as handlers see it."""

    id: int
    kind: str
    key: str
    payload: Mapping[str, Any]
    attempts: int


def enqueue(
    session: Session, kind: str, key: str, payload: Mapping[str, Any], now: datetime
) -> None:
    """Add a job in the session's transaction."""
    session.add(
        OutboxRow(kind=kind, key=key, payload=dict(payload), created_at=now, available_at=now)
    )


def claim(
    session: Session, owner: str, now: datetime, limit: int = 500, kinds: Kinds = ALL
) -> list[OutboxItem]:
    """Lease the oldest due jobs of one kind to ``owner`` and return them, oldest first.

    A leased job becomes due again when its lease runs out (the owner was killed).
    """
    due = (
        select(OutboxRow)
        .where(*_due(now, kinds))
        .order_by(OutboxRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.scalars(due))
    rows = [row for row in rows if row.kind == rows[0].kind]
    for row in rows:
        row.attempts += 1
        row.lease_owner = owner
        row.available_at = now + LEASE
    session.flush()
    return [OutboxItem(row.id, row.kind, row.key, row.payload, row.attempts) for row in rows]


def finish(session: Session, ids: Sequence[int]) -> None:
    """Remove jobs that are done."""
    session.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)))


def release(session: Session, items: Sequence[OutboxItem], why: str, now: datetime) -> None:
    """Give failed jobs back, to be tried again later; give them up after the last attempt."""
    for item in items:
        gives_up = item.attempts >= MAX_ATTEMPTS
        session.execute(
            update(OutboxRow)
            .where(OutboxRow.id == item.id)
            .values(
                available_at=now + timedelta(seconds=min(2**item.attempts, 3600)),
                lease_owner=None,
                last_error=why[:2000],
                failed_at=now if gives_up else None,
            )
        )


def free_leases(session: Session, owner: str, now: datetime) -> int:
    """Make every job leased to ``owner`` due at once (after its process ended); return how many."""
    freed = session.execute(
        update(OutboxRow)
        .where(OutboxRow.lease_owner == owner, OutboxRow.failed_at.is_(None))
        .values(lease_owner=None, available_at=now)
    )
    return int(getattr(freed, "rowcount", 0))


def renew_leases(session: Session, owner: str, now: datetime) -> int:
    """Keep the jobs that ``owner`` is working on from falling due; return how many."""
    kept = session.execute(
        update(OutboxRow)
        .where(OutboxRow.lease_owner == owner, OutboxRow.failed_at.is_(None))
        .values(available_at=now + LEASE)
    )
    return int(getattr(kept, "rowcount", 0))


def has_due(session: Session, now: datetime, kinds: Kinds = ALL) -> bool:
    """Say whether any job of these kinds is due."""
    due = select(OutboxRow.id).where(*_due(now, kinds))
    return session.scalar(due.limit(1)) is not None


def _due(now: datetime, kinds: Kinds) -> list[ColumnElement[bool]]:
    found = [OutboxRow.failed_at.is_(None), OutboxRow.available_at <= now]
    if kinds.only:
        found.append(OutboxRow.kind.in_(kinds.only))
    if kinds.but:
        found.append(OutboxRow.kind.not_in(kinds.but))
    return found


def pending(session: Session) -> int:
    """Return how many jobs are not done and not given up."""
    return (
        session.scalar(
            select(func.count()).select_from(OutboxRow).where(OutboxRow.failed_at.is_(None))
        )
        or 0
    )
