"""The index at one moment: its segments and which of their documents are alive.

A snapshot never changes; a search keeps to the one it began with. Not here: generations, locks.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from indexer.errors import IndexDamaged
from indexer.schema import whoosh_schema
from indexer.segment import Mask, ReadStorage, SegmentView, reading_index
from indexer.whoosh_parts import TOC, EmptyIndexError, FileStorage

INDEX_NAME = "MAIN"
_RIGHTS_KEPT = 64
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
class Snapshot:
    """All parts of a generation as of one commit."""

    folder: Path
    commit: int
    parts: tuple[Part, ...]

    def count(self) -> int:
        """Live documents."""
        return sum(int(part.live.sum()) for part in self.parts)


def latest_commit(folder: Path) -> int:
    """The number of the newest commit of a generation, -1 if there is none."""
    return int(TOC._latest_generation(FileStorage(str(folder)), INDEX_NAME))


def read_snapshot(folder: Path, previous: Snapshot | None = None) -> Snapshot:
    """Open the newest commit, taking over what the previous snapshot has open already.

    Raises IndexDamaged when it cannot be read.
    """
    known: dict[str, SegmentView] = {}
    if previous is not None and previous.folder == folder:
        known = {part.segment_id: part.view for part in previous.parts}
    for _ in range(20):
        try:
            return _read_once(folder, known)
        except (FileNotFoundError, EmptyIndexError):
            time.sleep(0.02)  # a writer tidied up between our two looks
    raise IndexDamaged("检索索引缺少文件，需要重建。")


def _read_once(folder: Path, known: dict[str, SegmentView]) -> Snapshot:
    storage = ReadStorage(folder)
    commit = latest_commit(folder)
    with reading_index(), storage.closing_on_failure():
        toc = TOC.read(storage, INDEX_NAME, gen=commit if commit >= 0 else None, schema=_SCHEMA)
    parts = []
    for segment in toc.segments:
        name = str(segment.segment_id())
        view = known.get(name) or SegmentView(storage, _SCHEMA, segment)
        parts.append(Part(name, view, live_mask(segment)))
    return Snapshot(folder, commit, tuple(parts))


def live_mask(segment: Any) -> Mask:
    """Which documents of a segment are not deleted."""
    live = np.ones(segment.doc_count_all(), np.bool_)
    deleted = list(segment.deleted_docs())
    if deleted:
        live[np.array(deleted, np.int64)] = False
    return live
