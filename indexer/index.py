"""The index as the rest of the product knows it: open, apply, rebuild, search, suggest.

Disposable: everything in it can be made again from the records, so trouble on disk is never
mended here but flagged by `needs_rebuild`. One writer at a time; any number of readers, also in
other processes, see a commit at their next search. Called by archive.search and archive.jobs.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from indexer import corrections, suggest
from indexer.errors import IndexDamaged
from indexer.generations import FIRST_RIGHTS, Generations, Trouble, sync_folder
from indexer.merging import delete, merge_small
from indexer.results import LoadTexts, SearchRequest, SearchResults, Suggestion
from indexer.schema import Entry, whoosh_schema
from indexer.search import find_ids, run_search
from indexer.segment import reading_index
from indexer.snapshot import (
    INDEX_NAME,
    CommitWatch,
    Snapshot,
    read_snapshot,
)
from indexer.whoosh_parts import FileIndex, FileStorage
from indexer.writer import SegmentBatch

_log = logging.getLogger(__name__)

WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.2  # another only looked whether a rebuild runs
_PROGRESS_EVERY = 250
_ENTRIES_A_COMMIT = 1000
_MOST_DAMAGED = 100
"""Segments found damaged one after another until no more is searched."""

_PREPARING = "检索索引正在准备，结果可能不全，请稍后再查。"
_NOTES = {
    Trouble.DAMAGED: "检索索引有损坏，正在重建，结果可能不全，请稍后再查。",
    Trouble.OUTDATED: "检索索引正在升级，其间照旧可查，新增的查找条件稍后可用。",
}

LoadEntries = Callable[[Sequence[str]], Mapping[str, Entry]]
T = TypeVar("T")


def _no_progress(_count: int) -> None:
    return None


class Index:
    """One index folder, opened in one process; safe to use from several threads."""

    def __init__(self, folder: Path, load_entries: LoadEntries, rights: str) -> None:
        self._generations = Generations(folder, rights)
        self._load_entries = load_entries
        self._snapshot: Snapshot | None = None
        self._watch = CommitWatch()
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls, folder: Path | str, load_entries: LoadEntries, rights: str = FIRST_RIGHTS
    ) -> "Index":
        """Open the index in `folder`; never fails for what is there: see `needs_rebuild`.

        `load_entries` gives the entries of ids from the database; ids unknown are left out.
        `rights` is the version of what reader tokens mean; an index of another is not searched.
        """
        return cls(Path(folder), load_entries, rights)

    @property
    def needs_rebuild(self) -> str:
        """Why the index must be rebuilt, in Chinese; empty when it is sound."""
        current = self._generations.find_current()
        trouble = self._generations.trouble(current)
        if trouble is not Trouble.NONE or current is None:
            return str(trouble)
        try:
            self._refresh(current)
        except IndexDamaged as error:
            self._generations.mark_damaged(current, error.segment)
            return error.message
        return ""

    @property
    def is_outdated(self) -> bool:
        """True when it must be rebuilt only because it is of an older schema, and serves so long.

        All are found then, but by what that schema does not know: such a filter finds nothing.
        """
        current = self._generations.find_current()
        return self._generations.trouble(current) is Trouble.OUTDATED

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many entries of how many a running rebuild has written; None when none runs."""
        return self._generations.find_progress()

    def warm(self) -> None:
        """Read what the first search would have to; processes forked then share it."""
        corrections.warm_up()
        snapshot, _ = self._readable()
        if snapshot is None:
            return
        try:
            snapshot.warm_up()
            suggest.warm_up(snapshot)
        except IndexDamaged as error:
            self._damaged(snapshot.folder, error)

    def search(self, request: SearchRequest, load_texts: LoadTexts | None = None) -> SearchResults:
        """Find what the reader may see; wrong syntax and a broken index give remarks, not errors.

        An entry is visible when its readers and the request's have a token in common. The texts
        of the page of hits are asked of `load_texts`, where it is given.
        """
        started = time.perf_counter()

        def ask(snapshot: Snapshot, notes: tuple[str, ...]) -> SearchResults:
            return run_search(snapshot, request, load_texts or self._load_entries, started, notes)

        return self._asked(ask) or SearchResults(
            0, _milliseconds(started), (), {}, self._readable()[1]
        )

    def matching_ids(self, request: SearchRequest) -> frozenset[str] | None:
        """The ids of all a reader may see that fits as asked; None while it cannot be told."""
        snapshot, _ = self._readable()
        if snapshot is None or self.needs_rebuild:
            return None
        try:
            return find_ids(snapshot, request)
        except IndexDamaged as error:
            self._damaged(snapshot.folder, error)
            return None

    def suggest(self, text: str, readers: frozenset[str], limit: int = 8) -> list[Suggestion]:
        """Customers and titles that begin with, contain or sound like `text`; visible ones only."""
        load_entries = self._load_entries
        return (
            self._asked(
                lambda snapshot, _: suggest.run_suggest(
                    snapshot, text, readers, limit, load_entries
                )
            )
            or []
        )

    def ids(self) -> Iterator[str]:
        """The id of every entry in the index, in no order."""
        return (entry_id for entry_id, _ in self.stamps())

    def stamps(self) -> Iterator[tuple[str, str]]:
        """Id and stamp (see entry_stamp) of every entry; for comparing with the database."""
        current = self._generations.find_current()
        if current is None:
            return
        for segment in self._refresh(current).segments:
            column = segment.view.column("stamp")
            stamps = (column.values[code] if code >= 0 else "" for code in column.codes.tolist())
            entries = zip(segment.view.ids, stamps, segment.live.tolist(), strict=True)
            yield from ((entry_id, stamp) for entry_id, stamp, is_live in entries if is_live)

    def apply(self, upserts: Iterable[Entry], deletes: Iterable[str] = ()) -> None:
        """Put entries in, or in place of their older versions, and take others out; idempotent.

        Visible to every process when it returns, and on disk. An id both put in and taken out
        is put in. Raises IndexBusy after 30 s of another's writing, IndexDamaged when the index
        must be rebuilt first.
        """
        entries = {entry.id: entry for entry in upserts}
        gone = [entry_id for entry_id in deletes if entry_id not in entries]
        if not entries and not gone:
            return
        with self._generations.lock("write", WAIT_SECONDS):
            if self._generations.is_rebuilding():
                self._generations.note_changes((*entries, *gone))
            generation = self._writable()
            before = frozenset(generation.iterdir())
            try:
                self._write_in_steps(generation, list(entries.values()), gone)
            except IndexDamaged as error:
                self._generations.mark_damaged(generation, error.segment)
                raise
            sync_folder(generation, but=before)

    def rebuild(
        self,
        entries: Iterable[Entry],
        on_progress: Callable[[int], None] = _no_progress,
        total: int = 0,
    ) -> int:
        """Build a new index beside and swap it in; the old one serves until then.

        `entries`, about `total`, must be read from the database after this call began (a
        generator does). Changes applied meanwhile are loaded again before the swap. Returns how
        many entries were written. Raises IndexBusy when another rebuild is running.
        """

        def tell(done: int) -> None:
            self._generations.note_progress(done, max(done, total))
            on_progress(done)

        with self._generations.lock("rebuild", _LOOK_SECONDS), self._telling_progress(total):
            self._generations.sweep()
            with self._generations.lock("write", WAIT_SECONDS):
                self._generations.take_changes()
            generation = self._generations.create()
            _create_index(generation)
            written = _write_all(generation, entries, tell)
            with self._generations.lock("write", WAIT_SECONDS):
                self._catch_up(generation)
                self._generations.write_meta(generation, complete=True)
                self._generations.make_current(generation)
            self._generations.sweep()
        return written

    @contextmanager
    def _telling_progress(self, total: int) -> Iterator[None]:
        self._generations.note_progress(0, total)
        try:
            yield
        finally:
            self._generations.forget_progress()

    def _write_in_steps(
        self, generation: Path, entries: Sequence[Entry], gone: Sequence[str]
    ) -> None:
        """Deletions with the first step; memory stays flat however much is applied at once."""
        for first in range(0, max(len(entries), 1), _ENTRIES_A_COMMIT):
            step = entries[first : first + _ENTRIES_A_COMMIT]
            _write_changes(self._refresh(generation), step, gone if first == 0 else ())

    def _catch_up(self, generation: Path) -> None:
        changed = self._generations.take_changes()
        for first in range(0, len(changed), _PROGRESS_EVERY):
            ids = changed[first : first + _PROGRESS_EVERY]
            found = self._load_entries(ids)
            missing = [one for one in ids if one not in found]
            _write_changes(read_snapshot(generation), list(found.values()), missing)

    def _writable(self) -> Path:
        current = self._generations.find_current()
        if current is None:
            current = self._generations.create()
            _create_index(current)
            self._generations.write_meta(current, complete=False)
            self._generations.make_current(current)
            return current
        trouble = self._generations.trouble(current)
        if not trouble.is_usable:
            raise IndexDamaged(str(trouble))
        return current

    def _asked(self, ask: Callable[[Snapshot, tuple[str, ...]], T]) -> T | None:
        """What the snapshot says; without segments found damaged on the way, None without any."""
        for _ in range(_MOST_DAMAGED):
            snapshot, notes = self._readable()
            if snapshot is None:
                break
            try:
                return ask(snapshot, notes)
            except IndexDamaged as error:
                self._damaged(snapshot.folder, error)
        return None

    def _readable(self) -> tuple[Snapshot | None, tuple[str, ...]]:
        """The snapshot that may be asked and what to say of it; none where none can be read."""
        notes: tuple[str, ...] = ()
        for _ in range(_MOST_DAMAGED):
            current = self._generations.find_current()
            trouble = self._generations.trouble(current)
            notes = (_NOTES.get(trouble, _PREPARING),) if trouble else ()
            if current is None or not trouble.is_readable:
                return None, notes
            without: frozenset[str] | None = frozenset()
            if trouble is Trouble.DAMAGED:
                without = self._generations.damaged_segments(current)
            if without is None:
                return None, notes
            try:
                return self._refresh(current, without), notes
            except IndexDamaged as error:
                self._damaged(current, error)
        return None, notes

    def _refresh(self, current: Path, without: frozenset[str] = frozenset()) -> Snapshot:
        with self._lock:
            known = self._snapshot
            if (
                known
                and (known.folder, known.without) == (current, without)
                and known.commit == self._watch.latest(current)
            ):
                return known
            self._snapshot = read_snapshot(current, known, without)
            return self._snapshot

    def _damaged(self, generation: Path, error: IndexDamaged) -> None:
        _log.warning("index damaged", exc_info=error)
        self._generations.mark_damaged(generation, error.segment)


def _milliseconds(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _create_index(generation: Path) -> None:
    FileIndex.create(FileStorage(str(generation)), whoosh_schema(), INDEX_NAME)


def _open_batch(generation: Path) -> SegmentBatch:
    with reading_index():
        index = FileIndex(FileStorage(str(generation)), whoosh_schema(), INDEX_NAME)
    return SegmentBatch(index, WAIT_SECONDS)


def _write_all(
    generation: Path, entries: Iterable[Entry], on_progress: Callable[[int], None]
) -> int:
    """Fill an empty generation, segment by segment; of entries with the same id the last stays."""
    seen: set[str] = set()
    again: dict[str, Entry] = {}
    batch = _open_batch(generation)
    try:
        for entry in entries:
            if entry.id in seen:
                again[entry.id] = entry
                continue
            seen.add(entry.id)
            batch.add_entry(entry)
            if len(seen) % _PROGRESS_EVERY == 0:
                on_progress(len(seen))
            if batch.is_full:
                batch.commit(merge=False)
                batch = _open_batch(generation)
        batch.commit(merge=False)
    finally:
        if not batch.is_closed:
            batch.cancel()
    if again:
        _write_changes(read_snapshot(generation), list(again.values()), ())
    on_progress(len(seen))
    return len(seen)


def _write_changes(snapshot: Snapshot, entries: Sequence[Entry], gone: Sequence[str]) -> None:
    """One commit: older versions out, new ones in, small segments together."""
    batch = _open_batch(snapshot.folder)
    try:
        delete(batch, snapshot, (*(entry.id for entry in entries), *gone))
        for entry in entries:
            batch.add_entry(entry)
        merged = merge_small(batch, snapshot)
        batch.commit(
            mergetype=lambda _writer, segments: [
                one
                for one in segments
                if one.segment_id() not in merged and one.deleted_count() < one.doc_count_all()
            ]
        )
    finally:
        if not batch.is_closed:
            batch.cancel()
