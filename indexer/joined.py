"""Several segments read as one, so that a search looks each term up once and not in each segment.

What is put together is kept in the bounded cache; the segments themselves stay as they are. Not
here: which segments belong together, and what of them is alive (snapshot).
"""

import heapq
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache, partial, reduce
from itertools import accumulate, pairwise
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from indexer.posting_cache import CACHE, Sized, next_number
from indexer.postings import NO_POSTINGS, Counts, FloatArray, IntArray, Postings, Rows
from indexer.segment import Column, Mask, SegmentView

T = TypeVar("T", bound=Sized)


class JoinedView:
    """Read access to segments whose documents are counted on from one to the next.

    Safe to use from several threads.
    """

    def __init__(self, views: Sequence[SegmentView], *, is_lasting: bool) -> None:
        """Large segments stay together for long; small ones keep what they gave also themselves."""
        self.views = tuple(views)
        self.number = next_number()
        self._is_lasting = is_lasting
        ends = list(accumulate(view.size for view in self.views))
        self.size: int = ends[-1]
        self._starts = [0, *ends[:-1]]
        self._columns: dict[str, Column] = {}
        self._lengths: dict[str, FloatArray] = {}
        self._values: dict[str, tuple[str, ...]] = {}
        self._known: dict[str, bool] = {}

    def postings(self, name: str, term: str) -> Postings:
        """The documents that have `term` in the field `name`; empty if none."""

        def read() -> Postings:
            if self._is_lasting:
                return self._joined([view.read(name, term) for view in self.views])
            return self._joined([view.postings(name, term) for view in self.views])

        return self.kept((name, term), read)

    def mask(self, name: str, term: str) -> Mask:
        """The same as a mask over all documents."""
        return self._mask(self.postings(name, term).docs)

    def pair_postings(self, key: int) -> Postings:
        """The documents in which a pair of units (see pair_key) stands."""

        def read() -> Postings:
            positions = self._pair_positions((key,))[:, 0].tolist()
            found = zip(self.views, positions, strict=True)
            return self._joined([view.pair_postings(position) for view, position in found])

        return self.kept(("pairs", key), read)

    def pair_documents(self, keys: Sequence[int]) -> list[int]:
        """How many documents have each pair."""
        wanted = tuple(keys)

        def read() -> IntArray:
            own = zip(self.views, self._pair_positions(wanted), strict=True)
            found = [view.pair_documents(positions) for view, positions in own]
            return cast("IntArray", np.stack(found).sum(axis=0, dtype=np.int32))

        return cast("list[int]", self.kept(("pair documents", wanted), read).tolist())

    def pair_counts(self, keys: Sequence[int], docs: Rows) -> list[Counts]:
        """How often each pair stands in each of a few documents, ascending; a row for each pair."""
        positions = self._pair_positions(tuple(keys))
        edges = np.searchsorted(docs, [*self._starts, self.size]).tolist()
        found = [
            view.pair_counts(own, (docs[first:last] - start).astype(np.int32))
            for view, own, start, (first, last) in zip(
                self.views, positions, self._starts, pairwise(edges), strict=True
            )
            if first < last
        ]
        return list(np.concatenate(found, axis=1))

    def _pair_positions(self, keys: tuple[int, ...]) -> IntArray:
        """Where each pair stands in the table of each segment; a row for each segment."""

        def read() -> IntArray:
            return np.stack([view.pair_positions(keys) for view in self.views])

        return self.kept(("pair positions", keys), read)

    def pair_mask(self, key: int) -> Mask:
        """The same as a mask over all documents."""
        return self._mask(self.pair_postings(key).docs)

    def adjoining_mask(self, pairs: Sequence[tuple[int, int]]) -> Mask:
        """The documents in which several pairs stand at these distances from the first."""
        wanted = tuple(pairs)
        found = self.kept(
            ("adjoining", wanted),
            lambda: self._shifted(view.adjoining(wanted) for view in self.views),
        )
        return self._mask(found)

    def following(self, code: int, most: int) -> list[int]:
        """The codes of units that stand behind a unit somewhere, up to `most` a segment."""
        return [one for view in self.views for one in view.pairs.seconds(code, most)]

    def terms_from(self, name: str, beginning: str, most: int) -> list[str]:
        """Up to `most` terms of a field that begin so, in byte order."""
        found = [view.terms_from(name, beginning, most) for view in self.views]
        merged = heapq.merge(*found, key=lambda term: term.encode("utf-8", "surrogatepass"))
        return list(dict.fromkeys(merged))[:most]

    def mask_from(self, name: str, beginning: str, most: int) -> Mask:
        """The documents that have a term that begins so; up to `most` terms of each segment.

        Read at one go, for numbers of one kind may be as many as the documents.
        """
        key = ("from", name, beginning, most)

        def of(view: SegmentView) -> IntArray:
            return view.docs_from(name, beginning, most)

        def read() -> IntArray:
            if self._is_lasting:
                return self._shifted(map(of, self.views))
            return self._shifted(
                CACHE.kept((view.number, *key), partial(of, view)) for view in self.views
            )

        return self._mask(self.kept(key, read))

    def values(self, name: str) -> tuple[str, ...]:
        """All terms of a field, deleted documents' too."""
        if name not in self._values:
            every = (value for view in self.views for value in view.rows(name).names)
            self._values[name] = tuple(dict.fromkeys(every))
        return self._values[name]

    def has_field(self, name: str) -> bool:
        """False where some of the documents are of an older schema that has no such field."""
        if name not in self._known:
            self._known[name] = all(view.has_field(name) for view in self.views)
        return self._known[name]

    def knows(self, names: Collection[str]) -> Mask:
        """The documents whose schema has all of these fields."""
        known = [all(map(view.has_field, names)) for view in self.views]
        return np.repeat(known, [view.size for view in self.views])

    def column(self, name: str) -> Column:
        """The values of a single-valued field by document."""
        if name not in self._columns:
            read = SegmentView.read_column if self._is_lasting else SegmentView.column
            own = [read(view, name) for view in self.views]
            values = dict.fromkeys(value for column in own for value in column.values)
            places = {value: at for at, value in enumerate(values)}
            codes = [coded(column, places, -1) for column in own]
            self._columns[name] = Column(tuple(values), np.concatenate(codes))
        return self._columns[name]

    def lengths(self, name: str) -> FloatArray:
        """The length of a scored field by document, in terms."""
        if name not in self._lengths:
            self._lengths[name] = np.concatenate([view.lengths(name) for view in self.views])
        return self._lengths[name]

    def seen_by(self, readers: frozenset[str]) -> Mask:
        """The documents one of whose tokens is among these, deleted ones too."""

        def read() -> Mask:
            masks = (self.mask("reader", token) for token in readers)
            return reduce(np.logical_or, masks, self._mask(NO_POSTINGS.docs))

        return self.kept(("seen", readers), read)

    def id_of(self, doc: int) -> str:
        """The id of a document."""
        at = bisect_right(self._starts, doc) - 1
        return self.views[at].id_of(doc - self._starts[at])

    @cached_property
    def dates(self) -> npt.NDArray[np.int64]:
        """The date of every document as yyyymmdd (a month alone ends in 00), 0 for none."""
        column = self.column("date")
        return np.array([*map(_day, column.values), 0], np.int64)[column.codes]

    @cached_property
    def months(self) -> IntArray:
        """The month of every document's date as year * 13 + month, 0 for none.

        Month 0 of a year is that of dates of which only the year is known.
        """
        years, months = np.divmod(self.dates // 100, 100)
        return (years * 13 + np.where(months > 12, 0, months)).astype(np.int32)

    @cached_property
    def amounts(self) -> tuple[npt.NDArray[np.int64], IntArray]:
        """Every amount of money named, in cents, ascending, and the documents that name it."""
        own = [view.amounts() for view in self.views]
        values = np.concatenate([values for values, _ in own])
        docs = self._shifted(docs for _, docs in own)
        order = np.argsort(values, kind="stable")
        return values[order], docs[order]

    def kept(self, key: tuple[Any, ...], read: Callable[[], T]) -> T:
        """What `read` gives, from the cache where it was read before; not to be changed."""
        return CACHE.kept((self.number, *key), read)

    def _joined(self, found: Sequence[Postings]) -> Postings:
        if len(found) == 1:
            return found[0]
        having = [
            (one, start) for one, start in zip(found, self._starts, strict=True) if len(one.docs)
        ]
        if not having:
            return NO_POSTINGS
        docs = np.concatenate([one.docs + start for one, start in having], dtype=np.int32)
        return Postings(docs, np.concatenate([one.counts for one, _ in having]))

    def _shifted(self, found: Iterable[IntArray]) -> IntArray:
        return np.concatenate(
            [docs + start for docs, start in zip(found, self._starts, strict=True)], dtype=np.int32
        )

    def _mask(self, docs: IntArray) -> Mask:
        found = np.zeros(self.size, np.bool_)
        found[docs.astype(np.intp)] = True  # wide: numpy is slow with other places
        return found


def coded(column: Column, places: Mapping[str, int], nothing: int) -> IntArray:
    """The codes of a column as places in a larger list of values."""
    found = [*(places[value] for value in column.values), nothing]
    return np.array(found, np.int32)[column.codes]


@lru_cache(maxsize=50_000)
def _day(value: str) -> int:
    digits = "".join(re.findall("[0-9]", value))[:8]
    return int(digits.ljust(8, "0")) if digits else 0
