"""Writes segments of the index from arrays, several times faster than posting by posting.

One `SegmentBatch` gathers entries (or whole older segments, when merging) and becomes one
Whoosh segment. Not here: which segments to merge and when to commit (index).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from indexer.errors import IndexBusy
from indexer.pair_table import EXTENSION, write_pairs
from indexer.postings import FloatArray
from indexer.schema import FIELD_KEYS, SCORED, Entry, entries_terms
from indexer.segment import Mask, SegmentView
from indexer.sorted_rows import SortedRows, bytes_of_lengths
from indexer.term_table import TermTable
from indexer.text_batch import Add, FieldBatch, KeyBatch, TextBatch
from indexer.whoosh_parts import LENGTHS_COLUMN, Codec, LockError, SegmentWriter

FULL_AT = 10_000_000
"""Postings gathered before a segment is written: keeps memory flat whatever the archive's size."""

_MOST_WAITING = 256
_MOST_WAITING_SIGNS = 500_000
_SHORT_SCORED = SCORED[1:]


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
        self._fields: dict[str, FieldBatch] = defaultdict(FieldBatch)
        self._texts = TextBatch()
        self._keys = KeyBatch()
        self._lengths: dict[str, list[int]] = {name: [] for name in _SHORT_SCORED}
        self._waiting: list[Entry] = []
        self._waiting_signs = 0
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
        self._start_document(entry.id)
        self._waiting.append(entry)
        self._waiting_signs += len(entry.body)
        if len(self._waiting) >= _MOST_WAITING or self._waiting_signs >= _MOST_WAITING_SIGNS:
            self._take_waiting()

    def _take_waiting(self) -> None:
        """Cut the entries that wait into terms, together."""
        if not self._waiting:
            return
        first = self.docnum - len(self._waiting)
        terms = entries_terms(self._waiting)
        for name, rows in terms.fields.items():
            sizes = self._fields[name].add(first, rows)
            if name in self._lengths:
                self._lengths[name] += sizes
        self._texts.add(terms.texts)
        self._postings += 2 * sum(map(len, terms.texts))
        self._waiting, self._waiting_signs = [], 0

    def add_segment(self, view: SegmentView, live: Mask) -> None:
        """Take over the live documents of an older segment, without cutting their text again."""
        self._take_waiting()
        docs = np.flatnonzero(live)
        new_numbers = np.full(view.size, -1, np.int64)
        new_numbers[docs] = np.arange(self.docnum, self.docnum + len(docs))
        lengths = {name: view.lengths(name)[docs].astype(np.int64).tolist() for name in SCORED}
        self._texts.take_over(view.pairs, live, lengths["words"])
        for name in _SHORT_SCORED:
            self._lengths[name] += lengths[name]
        for doc in docs.tolist():
            self._start_document(view.id_of(doc))
        rows = view.all_rows()
        of_posting = np.repeat(np.arange(len(rows.docs)), rows.counts.astype(np.int64))
        own = new_numbers[rows.docs[of_posting]]
        terms, own = rows.terms[of_posting][own >= 0], own[own >= 0]
        self._keys.add(rows.keys, terms, own)
        self._postings += len(own)

    def _start_document(self, entry_id: str) -> None:
        documents = self.perdocwriter
        documents.start_doc(self.docnum)
        documents.add_field("id", self.schema["id"], entry_id, 0)
        documents.finish_doc()
        self._added = True
        self.docnum += 1

    def _flush_segment(self) -> None:
        """Write what was gathered; called by Whoosh's commit in place of its own pool."""
        self._take_waiting()
        self._texts.fill(self._adding("words"), self._adding("units"))
        for name, batch in self._fields.items():
            batch.fill(self._adding(name))
        self._lengths["words"] = self._texts.lengths
        lengths = {name: np.array(own, np.float32) for name, own in self._lengths.items()}
        self._write_lengths(lengths)
        self.perdocwriter.close()
        self._write_terms({FIELD_KEYS[name]: own for name, own in lengths.items()})
        file = self.get_segment().create_file(self.storage, EXTENSION)
        write_pairs(file, self._texts.pairs, self._texts.bases())

    def _adding(self, name: str) -> Add:
        """What puts terms of a field among the keys."""
        head = FIELD_KEYS[name]

        def add(terms: Iterable[str], places: Any, docs: Any) -> None:
            keys = [head + term.encode("utf-8", "surrogatepass") for term in terms]
            self._keys.add(keys, places, docs)

        return add

    def _write_lengths(self, lengths: dict[str, FloatArray]) -> None:
        """What Whoosh keeps of each document's lengths, a field at a time."""
        documents = self.perdocwriter
        for name, own in lengths.items():
            documents._fieldlengths[name] = int(own.sum())
            documents._create_column(f"_{name}_len", LENGTHS_COLUMN)
            column = documents._get_column(f"_{name}_len")
            column._dbfile.write(bytes_of_lengths(own).tobytes())
            column._count = len(own)

    def _write_terms(self, lengths: dict[bytes, FloatArray]) -> None:
        writer = self.fieldwriter
        rows = SortedRows(*self._keys.taken(), lengths)
        writer._fieldmap.update({name: number for number, name in enumerate(FIELD_KEYS)})
        writer._tindex.add_all(rows.keys, *rows.entries(writer._postfile))
        writer.close()
