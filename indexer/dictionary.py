"""Reads whole fields of a segment's dictionary at once, as arrays.

Each segment says itself which fields it has and by which numbers: those of an older schema are
read like new ones, and a field they do not know is empty there.
Entries of a kind have the same length (see sorted_rows), so that the documents of all terms with
so many postings are taken out together. Called by segment for columns and by writer for merging.
Not here: single terms (postings).
"""

import io
import struct
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.postings import Counts, IntArray, Rows, read_postings
from indexer.schema import FIELD_KEYS
from indexer.sorted_rows import DOCUMENTS_AT, INFO, INLINE_AT, Bytes
from indexer.whoosh_parts import TermInfo

_HEAD = 8
_LONGEST_PLAIN_TUPLE = 3
_PICKLED_INT, _PICKLED_COUNT = ord("J"), ord("K")


@dataclass(frozen=True)
class KeyRows:
    """All postings of some keys: the keys in order, and per posting the place of its key."""

    keys: list[bytes]
    terms: Rows
    docs: IntArray
    counts: Counts

    @property
    def names(self) -> list[str]:
        """The terms without their field."""
        return list(map(_term_of, self.keys))


class Dictionary:
    """The dictionary of one segment; Whoosh's reader stays open beside it."""

    def __init__(self, terms: Any) -> None:
        self._terms = terms
        self._fields: dict[str, int] = terms._fieldmap
        self._index = terms._tindex
        file = self._index.dbfile
        self._buffer: Any = getattr(file, "_buf", b"") or _whole(file)
        self._raw: Bytes = np.frombuffer(self._buffer, np.uint8)
        wide = struct.calcsize(self._index.extras["indextype"])
        start, number = self._index.indexbase, self._index.indexlen
        places = self._raw[start : start + wide * number]
        self._places = np.frombuffer(places.tobytes(), f">u{wide}").astype(np.int64)
        for one in (file, terms._postfile):
            if hasattr(one, "_buf"):
                one.file = io.BytesIO()  # Whoosh copies the file into memory, and never looks there

    @cached_property
    def has_own_keys(self) -> bool:
        """True where the fields have the numbers that are given to them now (see FIELD_KEYS)."""
        return self._fields == {name: _number_of(head) for name, head in FIELD_KEYS.items()}

    def has_field(self, name: str) -> bool:
        """False where the field came only with a later schema (or, before 5, holds nothing)."""
        return name in self._fields

    def rows(self, name: str) -> KeyRows:
        """All postings of a field; empty where it has none."""
        return self._rows(self._places[self._span(name)])

    def all_rows(self) -> KeyRows:
        """All postings of all fields."""
        return self._rows(self._places)

    def term(self, name: str, place: int) -> str:
        """The term of a field that stands in a place, from 0."""
        return _term_of(self._key(self._span(name).start + place))

    def terms_from(self, name: str, beginning: str, most: int) -> list[str]:
        """Up to `most` terms of a field that begin so, in order."""
        span = self._span_from(name, beginning, most)
        return [_term_of(self._key(place)) for place in range(span.start, span.stop)]

    def docs_from(self, name: str, beginning: str, most: int) -> IntArray:
        """The documents that have one of up to `most` such terms, ascending."""
        rows = self._rows(self._places[self._span_from(name, beginning, most)])
        return np.unique(rows.docs)

    @cached_property
    def _edges(self) -> list[int]:
        """Where the keys of each field begin, in the order of their numbers, and the end."""
        every = range(len(self._places))
        heads = map(_head, range(max(self._fields.values(), default=-1) + 1))
        return [*(bisect_left(every, head, key=self._key) for head in heads), len(every)]

    def _span(self, name: str) -> slice:
        number = self._fields.get(name)
        if number is None:
            return slice(0, 0)
        return slice(self._edges[number], self._edges[number + 1])

    def _span_from(self, name: str, beginning: str, most: int) -> slice:
        if name not in self._fields:
            return slice(0, 0)
        start = _head(self._fields[name]) + beginning.encode("utf-8", "surrogatepass")
        every = range(len(self._places))
        first = bisect_left(every, start, key=self._key)
        last = bisect_left(every, _after(start), lo=first, key=self._key)
        return slice(first, min(last, first + most))

    def _key(self, place: int) -> bytes:
        at = int(self._places[place])
        length = int.from_bytes(self._buffer[at : at + 4], "big")
        return bytes(self._buffer[at + _HEAD : at + _HEAD + length])

    def _rows(self, places: Rows) -> KeyRows:
        lengths = self._numbers(places, 4)
        entries = places + _HEAD + lengths
        documents = self._numbers(entries + DOCUMENTS_AT, 4)
        is_inline = self._raw[entries + INLINE_AT] != 0
        terms: list[Rows] = [np.empty(0, np.intp)]
        docs: list[IntArray] = [np.empty(0, np.int32)]
        counts: list[Counts] = [np.empty(0, np.uint8)]
        for size in np.unique(documents[is_inline]).tolist():
            which = np.flatnonzero(is_inline & (documents == size))
            own_docs, own_counts = self._inline(entries[which] + INFO.itemsize, size)
            terms.append(np.repeat(which, size))
            docs.append(own_docs)
            counts.append(own_counts)
        for term in np.flatnonzero(~is_inline).tolist():
            found = self._postings(int(entries[term]))
            terms.append(np.full(len(found.docs), term))
            docs.append(found.docs)
            counts.append(found.counts)
        spans = zip((places + _HEAD).tolist(), entries.tolist(), strict=True)
        raw = self._buffer
        keys = [bytes(raw[a:b]) for a, b in spans]
        return KeyRows(keys, np.concatenate(terms), np.concatenate(docs), np.concatenate(counts))

    def _numbers(self, places: Rows, width: int, order: str = ">") -> Rows:
        """The numbers that stand at these places."""
        every: Rows = np.ndarray(
            len(self._raw) - width + 1, f"{order}u{width}", buffer=self._raw, strides=(1,)
        )
        return every[places].astype(np.intp)

    def _inline(self, places: Rows, size: int) -> tuple[IntArray, Counts]:
        """Documents and counts of terms that have so many, from their pickles."""
        is_long = size > _LONGEST_PLAIN_TUPLE
        first = 2 + is_long
        second = first + 5 * size + 1 + is_long
        of_docs = (places[:, None] + (first + 5 * np.arange(size))).ravel()
        of_counts = (places[:, None] + (second + 2 * np.arange(size))).ravel()
        if (self._raw[of_docs] != _PICKLED_INT).any() or (
            self._raw[of_counts] != _PICKLED_COUNT
        ).any():
            raise ValueError("dictionary entry of another make")
        docs = self._numbers(of_docs + 1, 4, "<").astype(np.int32)
        return docs, self._raw[of_counts + 1]

    def _postings(self, entry: int) -> Any:
        raw = self._raw[entry : entry + INFO.itemsize + 12].tobytes()
        return read_postings(self._terms._postfile, TermInfo.from_bytes(raw))


def _head(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _after(beginning: bytes) -> bytes:
    """The first key after all that begin so; no text in UTF-8 ends in the last byte there is."""
    return (int.from_bytes(beginning, "big") + 1).to_bytes(len(beginning), "big")


def _number_of(head: bytes) -> int:
    return int.from_bytes(head, "big")


def _term_of(key: bytes) -> str:
    return str(key[2:], "utf-8", "surrogatepass")


def _whole(file: Any) -> bytes:
    file.seek(0)
    return bytes(file.read())


def ordered(rows: KeyRows) -> tuple[npt.NDArray[np.intp], IntArray]:
    """The terms and documents by term."""
    order = np.argsort(rows.terms, kind="stable")
    return rows.terms[order], rows.docs[order]
