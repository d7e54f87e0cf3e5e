"""One segment of the index, read as arrays and kept in a bounded cache.

Deletions are not here: a segment's files never change, what is deleted is a mask of the
snapshot. Called by search, writer (merging) and suggest. Safe to use from several threads.
"""

import pickle
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.dictionary import Dictionary, KeyRows, ordered
from indexer.errors import IndexDamaged
from indexer.pair_table import EXTENSION, PairTable, adjoining
from indexer.posting_cache import CACHE, next_number
from indexer.postings import (
    LENGTH_OF_BYTE,
    NO_POSTINGS,
    Counts,
    FloatArray,
    IntArray,
    Postings,
    read_postings,
)
from indexer.schema import SCORED
from indexer.whoosh_parts import (
    LENGTHS_COLUMN,
    READ_ERRORS,
    EmptyIndexError,
    FileStorage,
    SegmentReader,
    TermNotFound,
)

Mask = npt.NDArray[np.bool_]

_DAMAGED = "检索索引已损坏，需要重建。"

_UNREADABLE: tuple[type[BaseException], ...] = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    struct.error,
    pickle.UnpicklingError,
    AssertionError,
    MemoryError,
    NameError,
    zlib.error,
    *READ_ERRORS,
)


@contextmanager
def reading_index(segment: str = "") -> Iterator[None]:
    """Whatever a cut or overwritten file makes Whoosh raise becomes IndexDamaged."""
    try:
        yield
    except (FileNotFoundError, EmptyIndexError):
        raise
    except _UNREADABLE as error:
        raise IndexDamaged(_DAMAGED, segment) from error


class ReadStorage(FileStorage):  # type: ignore[misc]
    """A folder to read from, which closes what Whoosh leaves open when it gives up."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), readonly=True)
        self._opened: list[Any] = []

    def open_file(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Open a file and remember it."""
        file = super().open_file(name, *args, **kwargs)
        self._opened.append(file)
        return file

    @contextmanager
    def closing_on_failure(self) -> Iterator[None]:
        """Close the files opened meanwhile if anything is raised."""
        self._opened.clear()
        try:
            yield
        except BaseException:
            for file in self._opened:
                if not file.is_closed:
                    file.close()
            raise
        finally:
            self._opened.clear()


@dataclass(frozen=True)
class Column:
    """A field with at most one value a document: `codes` point into `values`, -1 for none."""

    values: tuple[str, ...]
    codes: IntArray


class SegmentView:
    """Read access to one segment."""

    def __init__(self, storage: ReadStorage, schema: Any, segment: Any) -> None:
        self.name = str(segment.segment_id())
        with reading_index(self.name), storage.closing_on_failure():
            self._reader = SegmentReader(storage, schema, segment)
        self._terms = self._reader._terms
        self._lock = threading.RLock()
        self.number = next_number()
        self._columns: dict[str, Column] = {}
        self.size: int = segment.doc_count_all()
        with reading_index(self.name):
            self._read_lengths(SCORED[0])  # a cut file is noticed at once
            self.pairs = self._open_pairs(segment)
            self._dictionary = Dictionary(self._terms)

    @property
    def has_own_keys(self) -> bool:
        """True where fields are numbered as they are now: only such segments are merged."""
        return self._dictionary.has_own_keys

    def has_field(self, name: str) -> bool:
        """False for a field of which this segment, of an older schema, knows nothing."""
        return self._dictionary.has_field(name)

    def postings(self, name: str, term: str) -> Postings:
        """The documents that have `term` in the field `name`; kept, for a segment is asked often.

        Empty if there are none.
        """
        return CACHE.kept((self.number, name, term), lambda: self.read(name, term))

    def read(self, name: str, term: str) -> Postings:
        """The same, read anew."""
        with self._lock, reading_index(self.name):
            try:
                info = self._terms.term_info(name, term.encode("utf-8", "surrogatepass"))
            except TermNotFound:
                return NO_POSTINGS
            return read_postings(self._terms._postfile, info)

    def pair_positions(self, keys: Sequence[int]) -> IntArray:
        """Where pairs of units (see pair_key) stand in the table, -1 for none."""
        with reading_index(self.name):
            return self.pairs.positions(keys)

    def pair_documents(self, positions: IntArray) -> IntArray:
        """How many documents have each pair."""
        with reading_index(self.name):
            return self.pairs.documents(positions)

    def pair_postings(self, position: int) -> Postings:
        """The documents in which a pair stands."""
        with reading_index(self.name):
            return self.pairs.postings(position)

    def pair_counts(self, positions: IntArray, docs: IntArray) -> Counts:
        """How often each pair stands in each of a few documents; a row for each pair."""
        with reading_index(self.name):
            return self.pairs.counts_in(positions, docs)

    def adjoining(self, pairs: Sequence[tuple[int, int]]) -> IntArray:
        """The documents in which several pairs stand at these distances from the first."""
        with reading_index(self.name):
            return adjoining(self.pairs, pairs)

    def terms_from(self, name: str, beginning: str, most: int) -> list[str]:
        """Up to `most` terms of a field that begin so, in byte order."""
        with reading_index(self.name):
            return self._dictionary.terms_from(name, beginning, most)

    def docs_from(self, name: str, beginning: str, most: int) -> IntArray:
        """The documents that have one of up to `most` such terms, ascending."""
        with reading_index(self.name):
            return self._dictionary.docs_from(name, beginning, most)

    def column(self, name: str) -> Column:
        """The values of a single-valued field by document; kept."""
        if name not in self._columns:
            self._columns[name] = self.read_column(name)
        return self._columns[name]

    def read_column(self, name: str) -> Column:
        """The same, read anew."""
        rows = self.rows(name)
        return Column(tuple(rows.names), self._codes(rows))

    def lengths(self, name: str) -> FloatArray:
        """The length of a scored field by document, in terms; read anew."""
        with self._lock, reading_index(self.name):
            return self._read_lengths(name)

    def id_of(self, doc: int) -> str:
        """The id of a document."""
        code = int(self._id_codes[doc])
        try:  # not reading_index, which takes longer than the look
            return self._dictionary.term("id", code) if code >= 0 else ""
        except _UNREADABLE as error:
            raise IndexDamaged(_DAMAGED, self.name) from error

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of every document, deleted ones too."""
        column = self.read_column("id")
        return tuple(column.values[code] if code >= 0 else "" for code in column.codes.tolist())

    @cached_property
    def _id_codes(self) -> IntArray:
        return self._codes(self.rows("id"))

    def amounts(self) -> tuple[npt.NDArray[np.int64], IntArray]:
        """Every amount of money named, in cents, ascending, and the documents that name it."""
        rows = self.rows("amounts")
        terms, docs = ordered(rows)
        return np.array(list(map(int, rows.names)), np.int64)[terms], docs

    def rows(self, name: str) -> KeyRows:
        """All postings of a field, deleted documents' too."""
        with reading_index(self.name):
            return self._dictionary.rows(name)

    def all_rows(self) -> KeyRows:
        """All postings of all fields, deleted documents' too."""
        with reading_index(self.name):
            return self._dictionary.all_rows()

    def _open_pairs(self, segment: Any) -> PairTable:
        name, storage = segment.make_filename(EXTENSION), self._reader.storage()
        files = getattr(storage, "a", storage)  # the files within the segment's one file
        source = getattr(files, "_source", None)
        if source is None:
            length = storage.file_length(name)
            return PairTable(storage.open_file(name).get(0, length), self.size)
        offset, length = files.range(name)  # mapped: nothing is read before it is asked for
        return PairTable(memoryview(source)[offset : offset + length], self.size)

    def _codes(self, rows: KeyRows) -> IntArray:
        codes = np.full(self.size, -1, np.int32)
        codes[rows.docs] = rows.terms
        return codes

    def _read_lengths(self, name: str) -> FloatArray:
        lengths = np.zeros(self.size, np.float32)
        column = f"_{name}_len"
        documents = self._reader._perdoc
        if documents.has_column(column):
            reader = documents.column_reader(column, LENGTHS_COLUMN)
            count = min(reader._count, self.size)
            raw = np.frombuffer(bytes(reader._dbfile.get(reader._basepos, count)), np.uint8)
            lengths[:count] = LENGTH_OF_BYTE[raw]
        return lengths
