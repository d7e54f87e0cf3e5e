"""Looks for damage: blobs against their digests and rows, the journal against its chain.

Yields findings in Chinese and prints nothing; the command line and the nightly job show them.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from storage import checkpoints, journal
from storage.blobs import BlobStore, sha256_of
from storage.checked import BlobCheck
from storage.errors import BlobMissing
from storage.files import StoredFile
from storage.work import UnitOfWork

# Bytes come before rows, so a file without a row is no fault while it is fresh; the sweep takes
# it away after this long.
ORPHAN_AGE = timedelta(days=1)
BATCH = 256
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: its kind, what it is about, and a Chinese sentence."""

    kind: str
    subject: str
    message: str


def verify_blobs(
    uow: UnitOfWork,
    blobs: BlobStore,
    on_progress: Progress | None = None,
    *,
    not_since: datetime | None = None,
    on_read: Callable[[Sequence[str], Collection[str]], None] | None = None,
) -> Iterator[Finding]:
    """Re-hash every blob that a row names and yield what is missing, damaged or left ownerless.

    Hashing goes on in as many threads as there are processors. ``not_since`` leaves out what was
    found whole after that time; ``on_read`` is told, now and then, which digests were read and
    which of them are bad.
    """
    rows = {
        row.sha256: row.size
        for row in uow.session.execute(select(StoredFile.sha256, StoredFile.size))
    }
    wanted = sorted(rows.items())
    if not_since is not None:
        recent = select(BlobCheck.sha256).where(BlobCheck.checked_at >= not_since)
        left_out = set(uow.session.scalars(recent))
        wanted = [one for one in wanted if one[0] not in left_out]
    done = 0
    for batch, found in check_files(blobs, wanted):
        yield from found
        done += len(batch)
        if on_read:
            on_read([digest for digest, _ in batch], {finding.subject for finding in found})
        if on_progress:
            on_progress(done, len(wanted))
    yield from find_orphans(blobs, rows)


def check_files(
    blobs: BlobStore, files: Sequence[tuple[str, int]]
) -> Iterator[tuple[Sequence[tuple[str, int]], list[Finding]]]:
    """Re-hash files (digest and size) side by side; yield batch after batch with its findings."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            found = threads.map(lambda one: _check_blob(blobs, *one), batch)
            yield batch, [finding for finding in found if finding is not None]


def find_orphans(blobs: BlobStore, rows: Collection[str]) -> Iterator[Finding]:
    """Yield the blobs that no row names and that the sweep should have taken."""
    horizon = time.time() - 2 * ORPHAN_AGE.total_seconds()
    for digest in blobs.digests():
        if digest not in rows and blobs.modified(digest) < horizon:
            yield Finding("orphan", digest, f"文件 {digest} 没有任何记录引用，也没有被清理")


def verify_journal(uow: UnitOfWork) -> Iterator[Finding]:
    """Walk the journal's hash chain and yield every entry that does not fit."""
    for fault in journal.check_chain(uow.session):
        yield Finding("journal", str(fault.seq), fault.why)


def verify_checkpoints(uow: UnitOfWork) -> Iterator[Finding]:
    """Hold the journal against its checkpoints and yield those it does not bear out."""
    for fault in checkpoints.check_checkpoints(uow.session):
        yield Finding("checkpoint", str(fault.tree_size), fault.why)


def verify_head(uow: UnitOfWork, seq: int, entry_hash: str) -> Iterator[Finding]:
    """Hold the journal against a head noted outside the database; yield if its end was cut off."""
    entry = uow.session.get(journal.JournalEntry, seq) if seq else None
    if seq and entry is None:
        yield Finding("journal", str(seq), f"日志末尾缺失：曾有 {seq} 条，第 {seq} 条已不在")
    elif entry is not None and entry.hash != entry_hash:
        yield Finding(
            "journal", str(seq), f"日志第 {seq} 条与库外留存的摘要不符，日志可能被整体重写"
        )


def note_read(uow: UnitOfWork, digests: Sequence[str], bad: Collection[str]) -> None:
    """Note that these blobs but the bad ones are whole now, for a verify that goes on from here."""
    now = uow.now()
    uow.session.execute(delete(BlobCheck).where(BlobCheck.sha256.in_(digests)))
    rows = [{"sha256": digest, "checked_at": now} for digest in digests if digest not in bad]
    if rows:
        uow.session.execute(insert(BlobCheck), rows)


def _check_blob(blobs: BlobStore, digest: str, size: int) -> Finding | None:
    try:
        with blobs.open(digest) as stream:
            actual = sha256_of(stream)
            length = stream.tell()
    except BlobMissing:
        return Finding("missing", digest, f"文件 {digest} 丢失")
    except OSError as error:
        return Finding("damaged", digest, f"文件 {digest} 读不出来（{error.strerror}）")
    if actual != digest or length != size:
        told = f"文件 {digest} 的内容被改动（现摘要 {actual[:16]}…）"
        return Finding("damaged", digest, told)
    return None
