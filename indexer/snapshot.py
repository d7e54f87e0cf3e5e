"""The index at one moment: its segments and which of their documents are alive.

A snapshot never changes; a search keeps to the one it began with. Not here: generations, locks.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from indexer.errors import IndexDamaged
from indexer.postings import IntArray
from indexer.schema import whoosh_schema
from indexer.segment import Column, Mask, ReadStorage, SegmentView, reading_index
from indexer.whoosh_parts import TOC, EmptyIndexError, FileStorage

INDEX_NAME = "MAIN"
_RIGHTS_KEPT = 64
_SURE_AFTER_SECONDS = 2.5
_SCHEMA = whoosh_schema()


@dataclass
class Part:
    """One segment in a snapshot."""

    segment_id: str
    view: SegmentView
    live: Mask
    _visible: OrderedDict[frozenset[str], Mask] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def visible(self, readers: frozenset[str]) -> Mask:
        """The live documents that a holder of these tokens may see; none without tokens."""
        with self._lock:
            known = self._visible.get(readers)
            if known is not None:
                self._visible.move_to_end(readers)
                return known
        seen = np.zeros(self.view.size, np.bool_)
        for token in readers:
            seen[self.view.postings("reader", token).docs] = True
        seen &= self.live
        with self._lock:
            self._visible[readers] = seen
            if len(self._visible) > _RIGHTS_KEPT:
                self._visible.popitem(last=False)
        return seen


@dataclass(frozen=True)
class _Whole:
    """A field's values over several segments, with their places in order, and codes by segment."""

    places: dict[str, int]
    codes: dict[str, IntArray]

    @cached_property
    def values(self) -> tuple[str, ...]:
        return tuple(self.places)

    def coded(self, column: Column) -> IntArray:
        """The codes of a segment; behind the last for what has no value."""
        places = [*(self.places[value] for value in column.values), len(self.places)]
        return np.array(places, np.int32)[column.codes]


@dataclass(frozen=True)
class Snapshot:
    """All parts of a generation as of one commit."""

    folder: Path
    commit: int
    parts: tuple[Part, ...]
    wholes: dict[str, _Whole] = field(default_factory=dict, compare=False, repr=False)
    _earlier: dict[str, _Whole] = field(default_factory=dict, compare=False, repr=False)
    _kept: dict[tuple[str, str], Any] = field(default_factory=dict, compare=False, repr=False)

    def average_length(self, name: str) -> float:
        """The average length of a scored field over the documents that have it.

        In steps of about one per cent, so that what is counted with it stays good when a few
        documents come or go.
        """
        if ("average", name) not in self._kept:
            lengths = [part.view.lengths(name) for part in self.parts]
            filled = sum(int(np.count_nonzero(own)) for own in lengths)
            total = sum(float(own.sum(dtype=np.float64)) for own in lengths)
            average = total / filled if filled else 1.0
            self._kept["average", name] = float(2 ** (round(np.log2(average) * 64) / 64))
        return cast("float", self._kept["average", name])

    def whole_column(self, name: str) -> tuple[tuple[str, ...], list[IntArray]]:
        """The values of a field over all parts, sorted, and each part's codes into them.

        What has no value has the code behind the last. A commit that brings no new value takes
        over what the snapshot before it had; values no document has any more may then remain.
        """
        if ("column", name) not in self._kept:
            columns = {part.segment_id: part.view.column(name) for part in self.parts}
            known = self._earlier.get(name)
            if known is None or not all(
                known.places.keys() >= set(column.values)
                for segment, column in columns.items()
                if segment not in known.codes
            ):
                values = sorted({value for column in columns.values() for value in column.values})
                known = _Whole({value: at for at, value in enumerate(values)}, {})
            codes = {
                segment: known.codes[segment] if segment in known.codes else known.coded(column)
                for segment, column in columns.items()
            }
            self.wholes[name] = _Whole(known.places, codes)
            self._kept["column", name] = known.values, list(codes.values())
        return cast("tuple[tuple[str, ...], list[IntArray]]", self._kept["column", name])

    def ranks(self, name: str, key_of: Callable[[str], str]) -> list[IntArray]:
        """The place of each document's value in the order of ``key_of``; last without a value."""
        if ("ranks", name) not in self._kept:
            values, codes = self.whole_column(name)
            places = {key: at for at, key in enumerate(sorted({*map(key_of, values)}))}
            of_code = [places[key_of(value)] for value in values]
            ranks = np.array([*of_code, len(places)], np.int32)
            self._kept["ranks", name] = [ranks[own] for own in codes]
        return cast("list[IntArray]", self._kept["ranks", name])

    def count(self) -> int:
        """Live documents."""
        return sum(int(part.live.sum()) for part in self.parts)


class CommitWatch:
    """Tells the newest commit, and looks into the folder only when it may have changed.

    A folder's time of change is coarse: it is trusted once it was seen unchanged for a while.
    """

    def __init__(self) -> None:
        self._seen: tuple[Path, int] | None = None
        self._since = 0.0
        self._commit = -1
        self._is_sure = False

    def latest(self, folder: Path) -> int:
        """The number of the newest commit of a generation, -1 if there is none."""
        seen = folder, os.stat(folder).st_mtime_ns  # noqa: PTH116
        now = time.monotonic()
        if seen == self._seen and self._is_sure:
            return self._commit
        if seen != self._seen:
            self._seen, self._since = seen, now
        self._is_sure = now - self._since > _SURE_AFTER_SECONDS
        self._commit = latest_commit(folder)
        return self._commit


def latest_commit(folder: Path) -> int:
    """The number of the newest commit of a generation, -1 if there is none."""
    return int(TOC._latest_generation(FileStorage(str(folder)), INDEX_NAME))


def read_snapshot(folder: Path, previous: Snapshot | None = None) -> Snapshot:
    """Open the newest commit, taking over what the previous snapshot has open already.

    Raises IndexDamaged when it cannot be read.
    """
    if previous is not None and previous.folder != folder:
        previous = None
    for _ in range(20):
        try:
            return _read_once(folder, previous)
        except (FileNotFoundError, EmptyIndexError):
            time.sleep(0.02)  # a writer tidied up between our two looks
    raise IndexDamaged("检索索引缺少文件，需要重建。")


def _read_once(folder: Path, previous: Snapshot | None) -> Snapshot:
    known = {part.segment_id: part.view for part in previous.parts} if previous else {}
    storage = ReadStorage(folder)
    commit = latest_commit(folder)
    with reading_index(), storage.closing_on_failure():
        toc = TOC.read(storage, INDEX_NAME, gen=commit if commit >= 0 else None, schema=_SCHEMA)
    parts = []
    for segment in toc.segments:
        name = str(segment.segment_id())
        view = known.get(name) or SegmentView(storage, _SCHEMA, segment)
        parts.append(Part(name, view, live_mask(segment)))
    return Snapshot(folder, commit, tuple(parts), _earlier=_wholes_of(previous))


def live_mask(segment: Any) -> Mask:
    """Which documents of a segment are not deleted."""
    live = np.ones(segment.doc_count_all(), np.bool_)
    deleted = list(segment.deleted_docs())
    if deleted:
        live[np.array(deleted, np.int64)] = False
    return live


def _wholes_of(snapshot: Snapshot | None) -> dict[str, _Whole]:
    return {**snapshot._earlier, **snapshot.wholes} if snapshot else {}
