"""Looks for damage: blobs against their digests and rows, the journal against its chain.

Yields findings in Chinese and prints nothing; the command line and the nightly job show them.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from storage import checkpoints, journal
from storage.blobs import BlobStore, sha256_of
from storage.files import StoredFile
from storage.work import UnitOfWork

# Bytes come before rows, so a file without a row is no fault while it is fresh; the sweep takes
# it away after this long.
ORPHAN_AGE = timedelta(days=1)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: its kind, what it is about, and a Chinese sentence."""

    kind: str
    subject: str
    message: str


def verify_blobs(
    uow: UnitOfWork, blobs: BlobStore, on_progress: Progress | None = None
) -> Iterator[Finding]:
    """Re-hash every blob that a row names and yield what is missing, damaged or left ownerless."""
    rows = {
        row.sha256: row.size
        for row in uow.session.execute(select(StoredFile.sha256, StoredFile.size))
    }
    for done, (digest, size) in enumerate(sorted(rows.items()), start=1):
        yield from _check_blob(blobs, digest, size)
        if on_progress:
            on_progress(done, len(rows))
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


def _check_blob(blobs: BlobStore, digest: str, size: int) -> Iterator[Finding]:
    if not blobs.exists(digest):
        yield Finding("missing", digest, f"文件 {digest} 丢失")
        return
    with blobs.open(digest) as stream:
        actual = sha256_of(stream)
        length = stream.tell()
    if actual != digest or length != size:
        yield Finding("damaged", digest, f"文件 {digest} 的内容被改动（现摘要 {actual[:16]}…）")
