"""Writes segments of the index from arrays, several times faster than posting by posting.

One `SegmentBatch` gathers entries (or whole older segments, when merging) and becomes one
Whoosh segment. Not here: which segments to merge and when to commit (index).
"""

import struct
from array import array
from collections import defaultdict
from itertools import count, repeat
from typing import Any

import numpy as np

from indexer.errors import IndexBusy
from indexer.postings import FloatArray, IntArray, encode_places
from indexer.schema import SCORED, Entry, Terms, entry_terms
from indexer.segment import Mask, SegmentView
from indexer.sorted_rows import Gathered, SortedRows
from indexer.term_table import TermTable
from indexer.whoosh_parts import Codec, LockError, SegmentWriter

_MOST_ONCE = 8192
_ONCE = [encode_places([place]) for place in range(_MOST_ONCE)]
FULL_AT = 3_000_000
"""Postings gathered before a segment is written: keeps memory flat whatever the archive's size."""

_pack_field = struct.Struct("!H").pack


class _FieldBatch:
    """The postings of one field, column by column."""

    def __init__(self, has_places: bool) -> None:
        self.numbers: dict[str, int] = defaultdict(count().__next__)
        self.terms = array("I")
        self.docs = array("I")
        self.counts = array("f")
        self.places: list[bytes] | None = [] if has_places else None

    def add(self, doc: int, counts: dict[str, int]) -> None:
        self.terms.extend(map(self.numbers.__getitem__, counts))
        self.docs.extend(repeat(doc, len(counts)))
        self.counts.extend(counts.values())

    def add_pairs(self, doc: int, pairs: dict[str, list[int]]) -> None:
        self.terms.extend(map(self.numbers.__getitem__, pairs))
        self.docs.extend(repeat(doc, len(pairs)))
        self.counts.extend(map(len, pairs.values()))
        if self.places is not None:
            self.places += [
                _ONCE[places[0]]
                if len(places) == 1 and places[0] < _MOST_ONCE
                else encode_places(places)
                for places in pairs.values()
            ]

    def add_postings(
        self, term: str, docs: IntArray, counts: FloatArray, places: list[bytes] | None
    ) -> None:
        self.terms.extend(repeat(self.numbers[term], len(docs)))
        self.docs.extend(docs.tolist())
        self.counts.extend(counts.tolist())
        if self.places is not None and places is not None:
            self.places.extend(places)


class SegmentBatch(SegmentWriter):  # type: ignore[misc]
    """A Whoosh segment writer that keeps its postings as arrays until the segment is full."""

    def __init__(self, index: Any, wait_seconds: float) -> None:
        """Take the write lock, waiting up to `wait_seconds`; raises IndexBusy after that."""
        try:
            codec = Codec(blocklimit=4096, compression=0)
            super().__init__(index, timeout=wait_seconds, delay=0.02, codec=codec)
        except LockError as error:
            raise IndexBusy("索引正在被另一个程序写入，请稍后再试。") from error
        table = self.fieldwriter._tindex
        self.fieldwriter._tindex = TermTable(table.dbfile, table.extras)
        self._batches: dict[str, _FieldBatch] = {}
        self._lengths: dict[str, list[int]] = {name: [] for name in SCORED}
        self._postings = 0

    @property
    def is_full(self) -> bool:
        """True when the segment should be written before more is added."""
        return self._postings >= FULL_AT

    @property
    def is_empty(self) -> bool:
        """True while nothing was added."""
        return not self._added

    def add_entry(self, entry: Entry) -> None:
        """Add one entry; an older version of it must have been deleted by the caller."""
        terms = entry_terms(entry)
        self._start_document(entry.id, terms.lengths)
        self._add_terms(terms)

    def add_segment(self, view: SegmentView, live: Mask) -> None:
        """Take over the live documents of an older segment, without cutting their text again."""
        new_numbers = np.full(view.size, -1, np.int64)
        for doc in np.flatnonzero(live).tolist():
            new_numbers[doc] = self.docnum
            lengths = {name: int(view.lengths(name)[doc]) for name in SCORED}
            self._start_document(view.id_of(doc), lengths)
        for name, term, postings, places in view.every_posting():
            keep = new_numbers[postings.docs] >= 0
            if not keep.any():
                continue
            kept = [value for value, k in zip(places, keep, strict=False) if k] if places else None
            docs = new_numbers[postings.docs[keep]].astype(np.int32)
            self._batch(name).add_postings(term, docs, postings.counts[keep], kept)
            self._postings += len(docs)

    def _batch(self, name: str) -> _FieldBatch:
        batch = self._batches.get(name)
        if batch is None:
            batch = self._batches[name] = _FieldBatch(name == "pairs")
        return batch

    def _start_document(self, entry_id: str, lengths: dict[str, int]) -> None:
        documents = self.perdocwriter
        documents.start_doc(self.docnum)
        documents.add_field("id", self.schema["id"], entry_id, 0)
        for name in SCORED:
            documents.add_field(name, self.schema[name], None, lengths[name])
            self._lengths[name].append(lengths[name])
        documents.finish_doc()
        self._added = True
        self.docnum += 1

    def _add_terms(self, terms: Terms) -> None:
        doc = self.docnum - 1
        for name, counts in terms.counts.items():
            if counts:
                self._batch(name).add(doc, counts)
                self._postings += len(counts)
        self._batch("pairs").add_pairs(doc, terms.pairs)
        self._postings += len(terms.pairs)

    def _flush_segment(self) -> None:
        """Write what was gathered; called by Whoosh's commit in place of its own pool."""
        self.perdocwriter.close()
        for name in sorted(self._batches):
            lengths = self._lengths.get(name)
            self._write_field(name, np.array(lengths, np.float32) if lengths else None)
        self.fieldwriter.close()

    def _write_field(self, name: str, lengths: FloatArray | None) -> None:
        spec, writer = self.schema[name], self.fieldwriter
        batch = self._batches[name]
        gathered = Gathered(
            batch.numbers, batch.terms, batch.docs, batch.counts, batch.places,
            keeps_counts=spec.format.fixed_value_size() == 4,
        )  # fmt: skip
        rows = SortedRows(gathered, lengths)
        writer.start_field(name, spec)
        key = _pack_field(writer._fieldid)
        writer._tindex.add_all([key + term for term in rows.names], rows.entries(writer._postfile))
        writer.finish_field()
