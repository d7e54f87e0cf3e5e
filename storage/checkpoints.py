"""Checkpoints of the journal: a Merkle root over every entry up to one, kept, signed, stamped.

A hash chain alone shows nothing to an outsider if all of it is rewritten; a root that was printed
or stamped before does. Leaves are the entries' own hashes, which cover their content.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.database import Base
from storage.journal import JournalEntry
from storage.merkle import Frontier, beside_path, is_included, leaf_hash, node_hash, split_of

_BLOCK = 512  # entries read rather than looked for in halves


class JournalCheckpoint(Base):
    """The root over the first ``tree_size`` entries, with the company's signature over ``told``."""

    __tablename__ = "journal_checkpoint"

    tree_size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[str] = mapped_column(String(10), index=True)
    root: Mapped[str] = mapped_column(String(64))
    peaks: Mapped[str] = mapped_column(Text)
    told: Mapped[str] = mapped_column(Text)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    certificate_pem: Mapped[str] = mapped_column(Text)
    time_stamp: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


@dataclass(frozen=True)
class CheckpointFault:
    """A checkpoint that the journal does not bear out any more, and why, in Chinese."""

    tree_size: int
    why: str


def latest(session: Session) -> JournalCheckpoint | None:
    """Return the newest checkpoint, or None."""
    return session.scalar(
        select(JournalCheckpoint).order_by(JournalCheckpoint.tree_size.desc()).limit(1)
    )


def covering(session: Session, seq: int) -> JournalCheckpoint | None:
    """Return the oldest checkpoint that covers an entry, or None."""
    return session.scalar(
        select(JournalCheckpoint)
        .where(JournalCheckpoint.tree_size >= seq)
        .order_by(JournalCheckpoint.tree_size)
        .limit(1)
    )


def frontier_now(session: Session) -> Frontier:
    """Return the tree over the whole journal, from the newest checkpoint on."""
    last = latest(session)
    frontier = Frontier()
    if last is not None:
        frontier = Frontier(last.tree_size, [bytes.fromhex(one) for one in last.peaks.split()])
    for _, digest in _hashes(session, frontier.size):
        frontier.add(leaf_hash(digest))
    return frontier


def path_of(session: Session, seq: int, tree_size: int) -> list[str]:
    """Return the inclusion path of an entry in the tree of a checkpoint, in hexadecimal.

    Reads the entries around it only: what lies further off is known from the checkpoints kept.
    Where one of those was tampered with, everything is read instead.
    """
    beside = beside_path(seq - 1, tree_size)
    known = _known_subtrees(session)
    path = [_subtree(session, known, low, high) for low, high in beside]
    if not _leads_to_root(session, seq, tree_size, path):
        path = [_subtree(session, {}, low, high) for low, high in beside]
    return [one.hex() for one in path]


def _known_subtrees(session: Session) -> dict[tuple[int, int], bytes]:
    """Return the hashes of the full subtrees that the checkpoints kept, by range."""
    found: dict[tuple[int, int], bytes] = {}
    rows = session.execute(select(JournalCheckpoint.tree_size, JournalCheckpoint.peaks))
    for size, peaks in rows:
        found |= Frontier(size, [bytes.fromhex(one) for one in peaks.split()]).spans()
    return found


def _subtree(
    session: Session, known: Mapping[tuple[int, int], bytes], low: int, high: int
) -> bytes:
    """Return the hash over a range of entries, from what is known or from the entries."""
    if (low, high) in known:
        return known[low, high]
    if high - low <= _BLOCK or not known:
        frontier = Frontier()
        for _, digest in _hashes(session, low, high):
            frontier.add(leaf_hash(digest))
        return frontier.root()
    middle = low + split_of(high - low)
    left = _subtree(session, known, low, middle)
    return node_hash(left, _subtree(session, known, middle, high))


def _leads_to_root(session: Session, seq: int, tree_size: int, path: Sequence[bytes]) -> bool:
    kept = session.get(JournalCheckpoint, tree_size)
    digest = session.scalar(select(JournalEntry.hash).where(JournalEntry.seq == seq))
    if kept is None or digest is None:
        return True  # nothing to hold it against
    leaf, root = leaf_hash(bytes.fromhex(digest)), bytes.fromhex(kept.root)
    return is_included(leaf, seq - 1, tree_size, path, root)


def check_checkpoints(session: Session) -> Iterator[CheckpointFault]:
    """Hold every checkpoint against the journal in one pass; yield those that do not hold."""
    waiting = list(session.scalars(select(JournalCheckpoint).order_by(JournalCheckpoint.tree_size)))
    frontier = Frontier()
    for _, digest in _hashes(session, 0):
        if not waiting:
            return
        frontier.add(leaf_hash(digest))
        while waiting and waiting[0].tree_size == frontier.size:
            kept = waiting.pop(0)
            if kept.root != frontier.root().hex():
                told = f"日志前 {kept.tree_size} 条与 {kept.day} 的检查点不符，其中有条目被改写"
                yield CheckpointFault(kept.tree_size, told)
    for kept in waiting:
        told = f"{kept.day} 的检查点记有 {kept.tree_size} 条日志，现在只有 {frontier.size} 条"
        yield CheckpointFault(kept.tree_size, told)


def _hashes(session: Session, after: int, up_to: int | None = None) -> Iterator[tuple[int, bytes]]:
    wanted = select(JournalEntry.seq, JournalEntry.hash).where(JournalEntry.seq > after)
    if up_to is not None:
        wanted = wanted.where(JournalEntry.seq <= up_to)
    wanted = wanted.order_by(JournalEntry.seq).execution_options(yield_per=5000)
    with session.execute(wanted) as rows:  # stopped half-way, it leaves no cursor open
        for seq, digest in rows:
            yield seq, bytes.fromhex(digest)
