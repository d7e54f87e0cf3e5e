"""The index at one moment: its segments and which of their documents are alive.

A snapshot never changes; a search keeps to the one it began with. Not here: generations, locks.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, cast

import numpy as np

from indexer.errors import IndexDamaged
from indexer.joined import JoinedView, coded
from indexer.postings import IntArray
from indexer.ranks import Ranks
from indexer.results import FACETS
from indexer.schema import SCORED, whoosh_schema
from indexer.segment import Mask, ReadStorage, SegmentView, reading_index
from indexer.whoosh_parts import TOC, EmptyIndexError, FileStorage

INDEX_NAME = "MAIN"
LARGEST_MERGE = 4096
"""Documents from which on a segment is merged no more."""
_SURE_AFTER_SECONDS = 2.5
_SCHEMA = whoosh_schema()


@dataclass(frozen=True)
class Segment:
    """One segment in a snapshot, as the writer knows it."""

    segment_id: str
    view: SegmentView
    live: Mask


@dataclass(frozen=True)
class Part:
    """Several segments in a snapshot, as searches know them."""

    view: JoinedView
    live: Mask

    def visible(self, readers: frozenset[str]) -> Mask:
        """The live documents that a holder of these tokens may see; none without tokens."""
        return self.view.seen_by(readers) & self.live


@dataclass(frozen=True)
class _Whole:
    """A field's values with their codes, from 1, and the codes of documents by part."""

    places: dict[str, int]
    codes: dict[int, IntArray]

    @cached_property
    def values(self) -> tuple[str, ...]:
        return tuple(self.places)


@dataclass(frozen=True)
class Snapshot:
    """All segments of a generation as of one commit, large ones as one part, small ones as one."""

    folder: Path
    commit: int
    segments: tuple[Segment, ...]
    parts: tuple[Part, ...]
    wholes: dict[str, _Whole] = field(default_factory=dict, compare=False, repr=False)
    orders: dict[str, Ranks] = field(default_factory=dict, compare=False, repr=False)
    without: frozenset[str] = frozenset()
    """Segments that are damaged and left out."""
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
        """The values of a field over all parts, and each part's codes: 0 for none, else from 1.

        What the snapshot before had keeps its codes, new values come behind; values no document
        has any more may remain.
        """
        if ("column", name) not in self._kept:
            known = self._earlier.get(name, _Whole({}, {}))
            views = [part.view for part in self.parts]
            new = [view for view in views if view.number not in known.codes]
            values = {value for view in new for value in view.column(name).values}
            places = known.places
            if not values <= places.keys():
                more = sorted(values.difference(places))
                places = {**places, **dict(zip(more, count(len(places) + 1), strict=False))}
            codes = {
                view.number: coded(view.column(name), places, 0)
                if view.number not in known.codes
                else known.codes[view.number]
                for view in views
            }
            self.wholes[name] = whole = _Whole(places, codes)
            self._kept["column", name] = whole.values, list(codes.values())
        return cast("tuple[tuple[str, ...], list[IntArray]]", self._kept["column", name])

    def codes_of(self, name: str, values: Iterable[str]) -> list[int]:
        """The codes (see whole_column) of those of these values that the field has."""
        self.whole_column(name)
        places = self.wholes[name].places
        return [places[value] for value in values if value in places]

    def ranks(self, name: str, key_of: Callable[[str], str]) -> list[IntArray]:
        """The place of each document's value in the order of ``key_of``; last without a value.

        A field has one order: it is kept for the next commit, which adds its new values.
        """
        if ("ranks", name) not in self._kept:
            values, codes = self.whole_column(name)
            self.orders[name] = self.orders.get(name, Ranks()).grown(values, key_of)
            ranks = self.orders[name].by_code()
            self._kept["ranks", name] = [ranks[own] for own in codes]
        return cast("list[IntArray]", self._kept["ranks", name])

    def warm_up(self) -> None:
        """Read what every search needs: lengths, the values that are counted, the dates."""
        for name in SCORED:
            self.average_length(name)
        for name in FACETS:
            self.whole_column(name)
        for part in self.parts:
            _ = part.view.months

    def count(self) -> int:
        """Live documents."""
        return sum(int(segment.live.sum()) for segment in self.segments)


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


def read_snapshot(
    folder: Path, previous: Snapshot | None = None, without: frozenset[str] = frozenset()
) -> Snapshot:
    """Open the newest commit, taking over what the previous snapshot has open already.

    Segments named in `without` are left out. Raises IndexDamaged when it cannot be read.
    """
    if previous is not None and previous.folder != folder:
        previous = None
    missing = ""
    for _ in range(20):
        try:
            return _read_once(folder, previous, without)
        except _Missing as error:
            missing = error.segment
        except (FileNotFoundError, EmptyIndexError):
            missing = ""
        time.sleep(0.02)  # a writer tidied up between our two looks
    raise IndexDamaged("检索索引缺少文件，需要重建。", missing)


class _Missing(Exception):
    """A file of a segment is not there."""

    def __init__(self, segment: str) -> None:
        super().__init__(segment)
        self.segment = segment


def _read_once(folder: Path, previous: Snapshot | None, without: frozenset[str]) -> Snapshot:
    known = {one.segment_id: one.view for one in previous.segments} if previous else {}
    storage = ReadStorage(folder)
    commit = latest_commit(folder)
    with reading_index(), storage.closing_on_failure():
        toc = TOC.read(storage, INDEX_NAME, gen=commit if commit >= 0 else None, schema=_SCHEMA)
    segments = []
    for segment in toc.segments:
        name = str(segment.segment_id())
        if name in without:
            continue
        view = known.get(name) or _open_segment(storage, segment, name)
        segments.append(Segment(name, view, live_mask(segment)))
    parts = _parts_of(segments, previous)
    orders = dict(previous.orders) if previous else {}
    earlier = _wholes_of(previous)
    return Snapshot(
        folder, commit, tuple(segments), parts, orders=orders, without=without, _earlier=earlier
    )


def _open_segment(storage: ReadStorage, segment: Any, name: str) -> SegmentView:
    try:
        return SegmentView(storage, _SCHEMA, segment)
    except FileNotFoundError as error:
        raise _Missing(name) from error


def _parts_of(segments: Sequence[Segment], previous: Snapshot | None) -> tuple[Part, ...]:
    """Large segments together, for they are hardly ever merged, and small ones together."""
    known = {part.view.views: part.view for part in previous.parts} if previous else {}
    parts = []
    for is_large in (True, False):
        own = [one for one in segments if (one.view.size >= LARGEST_MERGE) is is_large]
        if own:
            views = tuple(one.view for one in own)
            view = known.get(views) or JoinedView(views, is_lasting=is_large)
            parts.append(Part(view, np.concatenate([one.live for one in own])))
    return tuple(parts)


def live_mask(segment: Any) -> Mask:
    """Which documents of a segment are not deleted."""
    live = np.ones(segment.doc_count_all(), np.bool_)
    deleted = list(segment.deleted_docs())
    if deleted:
        live[np.array(deleted, np.int64)] = False
    return live


def _wholes_of(snapshot: Snapshot | None) -> dict[str, _Whole]:
    return {**snapshot._earlier, **snapshot.wholes} if snapshot else {}
