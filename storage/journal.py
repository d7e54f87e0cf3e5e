"""The append-only, hash-chained log of every act (archive.md 7).

Each entry carries the hash of the one before, is written in the same transaction as the change
it records, and holds ids and digests, never personal data. ``check_chain`` names every entry
that was changed, removed or put elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, Text, event, insert, select, text
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from storage.database import Base
from storage.errors import StorageError

GENESIS = "0" * 64
BACKED_UP, DRILLED = "backup.make", "backup.drill"  # acts that others look up
CHAIN_LOCK = 7_301_149  # PostgreSQL advisory lock: one writer appends at a time


class JournalEntry(Base):
    """One act: who did what to which thing, when, chained to the act before."""

    __tablename__ = "journal_entry"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(40), index=True)
    actor_id: Mapped[int | None] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(60), index=True)
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(60), index=True)
    detail: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


_TABLE: Any = JournalEntry.__table__
_COLUMNS = tuple(column.key for column in _TABLE.columns)
_LAST = select(JournalEntry.seq, JournalEntry.hash).order_by(JournalEntry.seq.desc()).limit(1)
_INSERT = insert(_TABLE)  # every act writes one: past the unit of work, by itself


@dataclass(frozen=True)
class ChainFault:
    """An entry that does not fit the chain, and why, in Chinese."""

    seq: int
    why: str


def append(
    session: Session,
    *,
    at: datetime,
    actor_id: int | None,
    action: str,
    object_type: str,
    object_id: str,
    detail: Mapping[str, Any],
) -> int:
    """Append an act in the session's transaction and return its sequence number."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})
    session.flush()
    rows = session.connection()
    last = rows.execute(_LAST).first()
    entry = JournalEntry(
        seq=1 if last is None else last.seq + 1,
        at=at.astimezone(UTC).isoformat(timespec="microseconds"),
        actor_id=actor_id,
        action=action,
        object_type=object_type,
        object_id=object_id,
        detail=_canonical(dict(detail)),
        previous_hash=GENESIS if last is None else last.hash,
    )
    entry.hash = entry_hash(entry)
    rows.execute(_INSERT, {name: getattr(entry, name) for name in _COLUMNS})
    return entry.seq


def entry_hash(entry: JournalEntry) -> str:
    """Return SHA-256 over the previous hash and the canonical JSON of the entry."""
    body = _canonical(
        {
            "seq": entry.seq,
            "at": entry.at,
            "actor_id": entry.actor_id,
            "action": entry.action,
            "object_type": entry.object_type,
            "object_id": entry.object_id,
            "detail": entry.detail,
        }
    )
    return hashlib.sha256((entry.previous_hash + body).encode()).hexdigest()


def check_chain(session: Session) -> Iterator[ChainFault]:
    """Walk the whole chain and yield every fault, in order of sequence."""
    expected_seq, previous = 1, GENESIS
    wanted = select(JournalEntry).order_by(JournalEntry.seq).execution_options(yield_per=1000)
    with session.scalars(wanted) as entries:  # stopped half-way, it leaves no cursor open
        for entry in entries:
            if entry.seq != expected_seq:
                yield ChainFault(expected_seq, f"日志第 {expected_seq} 至 {entry.seq - 1} 条缺失")
            elif entry.previous_hash != previous:
                yield ChainFault(entry.seq, f"日志第 {entry.seq} 条与前一条接不上")
            if entry_hash(entry) != entry.hash:
                yield ChainFault(entry.seq, f"日志第 {entry.seq} 条的内容被改动")
            expected_seq, previous = entry.seq + 1, entry.hash


def acts(session: Session) -> frozenset[str]:
    """Return the kinds of act that the log knows."""
    return frozenset(session.scalars(select(JournalEntry.action).distinct()))


def last_entry(session: Session) -> tuple[int, str]:
    """Return sequence number and hash of the last entry; (0, genesis) when there is none."""
    row = session.execute(
        select(JournalEntry.seq, JournalEntry.hash).order_by(JournalEntry.seq.desc()).limit(1)
    ).first()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


def last_act(session: Session, action: str) -> tuple[datetime, dict[str, Any]] | None:
    """Return when an act was done last and its detail; None when it never was."""
    row = session.execute(
        select(JournalEntry.at, JournalEntry.detail)
        .where(JournalEntry.action == action)
        .order_by(JournalEntry.seq.desc())
        .limit(1)
    ).first()
    return None if row is None else (datetime.fromisoformat(row.at), json.loads(row.detail))


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@event.listens_for(Session, "before_flush")
def _refuse_rewriting(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    touched = [*session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    if any(isinstance(row, JournalEntry) for row in touched):
        raise StorageError("日志只能追加，不能修改或删除。")
