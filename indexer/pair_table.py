"""Where any two neighbouring units stand: a file of plain arrays in each segment.

A pair is a number of 64 bits (`pair_key`), its places are numbers that run through the whole
segment, document after document, so that phrases are found by cutting sorted arrays and nothing
is decoded. Beside its places a pair has its documents and how often each has it. The file lies
within Whoosh's segment file and comes and goes with it; a stock Whoosh reader passes it over. Not
here: cutting text (analysis, bulk), caching (joined).

    magic · numbers of pairs, places, bases, postings · keys (8 bytes each) · starts of places,
    starts of documents, places, bases (4) · documents (2, or 4 where they are many) · counts (1)

Until schema 5 there were no postings: the documents are found by the places.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt

from indexer.postings import NO_POSTINGS, Counts, IntArray, Postings

Codes = npt.NDArray[np.uint32]
Keys = npt.NDArray[np.uint64]

EXTENSION = ".pairs"
_MAGIC, _OLDER_MAGIC = b"ADTPAIR2", b"ADTPAIR1"
_HEAD, _OLDER_HEAD = struct.Struct("<8sQQQQ"), struct.Struct("<8sQQQ")
_STEP = 64
_BLOCK = np.arange(_STEP + 1)
_NARROW = 1 << 16
_MOST_COUNTED = 255
_FEW = 50_000
_FEW_DOCUMENTS = 20
"""So many are looked up one by one: numpy would take longer."""
_FORMATS: dict[int, Literal["H", "I"]] = {2: "H", 4: "I"}
_RUN_BIT = 0x80000000
_NO_PLACES: Codes = np.empty(0, np.uint32)


def unit_code(shape: str, is_run: bool) -> int:
    """The number of a unit: a character's own, or for a run 31 bits drawn from its shape."""
    if not is_run:
        return ord(shape)
    return _RUN_BIT | crc32(shape.encode("utf-8", "surrogatepass"))


def is_sign(code: int) -> bool:
    """True for the code of a single character, False for that of a run."""
    return code < _RUN_BIT


def pair_key(first: int, second: int) -> int:
    """The number of a pair of unit codes; pairs sort by their first unit."""
    return first << 32 | second


@dataclass(frozen=True)
class PairRows:
    """Pairs as they stood in the text: codes of both units, place of the first; by place."""

    first: Codes
    second: Codes
    places: Codes


def write_pairs(file: Any, rows: list[PairRows], bases: Codes) -> None:
    """Sort pairs and write the table; `bases` is the first place of each document."""
    keys, starts, places = _sorted_pairs([row for row in rows if len(row.places)])
    doc_starts, docs, counts = _documents(starts, places, bases)
    file.write(_HEAD.pack(_MAGIC, len(starts), len(places), len(bases), len(docs)))
    file.write(keys.astype("<u8").tobytes())
    file.write(np.append(starts, len(places)).astype("<u4").tobytes())
    file.write(np.append(doc_starts, len(docs)).astype("<u4").tobytes())
    file.write(places.astype("<u4").tobytes())
    file.write(bases.astype("<u4").tobytes())
    file.write(docs.astype(_width(len(bases))).tobytes())
    file.write(counts.tobytes())
    file.close()


def _width(documents: int) -> str:
    return "<u2" if documents <= _NARROW else "<u4"


def _documents(
    starts: npt.NDArray[np.intp], places: Codes, bases: Codes
) -> tuple[npt.NDArray[np.intp], IntArray, npt.NDArray[np.uint8]]:
    """Where the documents of each pair begin, all documents, and how often each has the pair."""
    sizes = np.diff(bases.astype(np.int64), append=int(places.max(initial=0)) + 1)
    owner = np.repeat(np.arange(len(bases), dtype=np.int32), np.maximum(sizes, 0))
    docs = owner[places - bases[0]] if len(places) else np.empty(0, np.int32)
    is_first = np.ones(len(docs), np.bool_)
    is_first[1:] = docs[1:] != docs[:-1]
    is_first[starts] = True
    firsts = np.flatnonzero(is_first)
    counts = np.diff(firsts, append=len(docs))
    return (
        np.searchsorted(firsts, starts),
        docs[firsts],
        np.minimum(counts, _MOST_COUNTED).astype(np.uint8),
    )


def _sorted_pairs(rows: list[PairRows]) -> tuple[Keys, npt.NDArray[np.intp], Codes]:
    """The pairs in order, where the places of each begin, and all places.

    Pair and place are sorted as one number where they fit into one: rank · rank · place.
    """
    if not rows:
        return np.empty(0, np.uint64), np.empty(0, np.intp), _NO_PLACES
    distinct, ranks_of = _ranks(rows)
    size = np.uint64(len(distinct))
    place_bits = max(int(row.places.max()) for row in rows).bit_length()
    if (len(distinct) ** 2).bit_length() + place_bits > 64:
        return _sorted_apart(rows)
    shift = np.uint64(place_bits)
    packed = np.concatenate(
        [(ranks_of(row.first) * size + ranks_of(row.second)) << shift | row.places for row in rows]
    )
    packed.sort()
    places = (packed & np.uint64((1 << place_bits) - 1)).astype(np.uint32)
    packed >>= shift
    starts = _starts(packed)
    high, low = np.divmod(packed[starts], size)
    return distinct[high] << np.uint64(32) | distinct[low], starts, places


def _sorted_apart(rows: list[PairRows]) -> tuple[Keys, npt.NDArray[np.intp], Codes]:
    """The same for so many units and places that they do not fit."""
    keys = np.concatenate(
        [row.first.astype(np.uint64) << np.uint64(32) | row.second for row in rows]
    )
    places = np.concatenate([row.places for row in rows])
    order = np.lexsort((places, keys))
    keys = keys[order]
    starts = _starts(keys)
    return keys[starts], starts, places[order]


def _starts(ordered: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Where each new value begins."""
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return np.flatnonzero(is_first)


def _ranks(rows: list[PairRows]) -> tuple[Keys, Callable[[Codes], Keys]]:
    """The distinct codes, ascending, and what tells the rank of each code among them."""
    codes = [own for row in rows for own in (row.first, row.second)]
    if sum(map(len, codes)) < _FEW:
        few = np.unique(np.concatenate(codes))
        return few.astype(np.uint64), lambda own: np.searchsorted(few, own).astype(np.uint64)
    runs = np.unique(np.concatenate([own[own >= _RUN_BIT] for own in codes]))
    present = np.zeros(0x110000, np.bool_)
    for own in codes:
        present[own[own < _RUN_BIT]] = True
    plain = np.flatnonzero(present)
    table = np.zeros(0x110000, np.uint64)
    table[plain] = np.arange(len(plain), dtype=np.uint64)

    def ranks_of(own: Codes) -> Keys:
        is_run = own >= _RUN_BIT
        found = table[np.where(is_run, 0, own)]
        found[is_run] = np.searchsorted(runs, own[is_run]) + len(plain)
        return found

    return np.concatenate([plain.astype(np.uint64), runs.astype(np.uint64)]), ranks_of


class PairTable:
    """Reads a table in place; only every 64th key and the documents' bases are kept in memory."""

    def __init__(self, buffer: Any, documents: int) -> None:
        """Raises ValueError for what is no table of a segment of so many documents."""
        raw = memoryview(buffer)
        is_older = raw[: len(_MAGIC)] == _OLDER_MAGIC
        head = _OLDER_HEAD if is_older else _HEAD
        magic, pairs, places, bases, *postings = head.unpack_from(raw)
        parts = [("<u8", pairs), ("<u4", pairs + 1), ("<u4", places), ("<u4", bases)]
        if not is_older:
            parts.insert(2, ("<u4", pairs + 1))
            parts += [(_width(bases), postings[0]), ("u1", postings[0])]
        sizes = [np.dtype(kind).itemsize * number for kind, number in parts]
        is_whole = head.size + sum(sizes) == len(raw)
        if magic not in {_MAGIC, _OLDER_MAGIC} or bases != documents or not is_whole:
            raise ValueError("pair table cut or overwritten")
        starts = list(accumulate([head.size, *sizes[:-1]]))
        own = [np.frombuffer(raw, *part, at) for part, at in zip(parts, starts, strict=True)]
        self._keys, self._starts = own[:2]
        self._places, self.bases = own[-2:] if is_older else own[3:5]
        self._docs = None if is_older else (own[2], *own[5:])
        if not is_older:
            self._plain_docs = raw[starts[5] : starts[6]].cast(_FORMATS[own[5].itemsize])
        self.bases = self.bases.astype(np.uint32)
        self._steps: Keys = self._keys[::_STEP].astype(np.uint64)

    def positions(self, keys: Sequence[int]) -> IntArray:
        """Where each pair stands in the table, -1 for one that does not."""
        if not len(self._keys):
            return np.full(len(keys), -1, np.int32)
        wanted = np.array(keys, np.uint64)
        last = len(self._keys) - 1
        first = np.maximum(np.searchsorted(self._steps, wanted) - 1, 0) * _STEP
        blocks = self._keys[np.minimum(first[:, None] + _BLOCK, last)]
        found = np.minimum(first + (blocks < wanted[:, None]).sum(axis=1), last)
        return np.where(self._keys[found] == wanted, found, -1).astype(np.int32)

    def places(self, position: int) -> Codes:
        """The places of a pair, ascending; empty if there is none."""
        if position < 0:
            return _NO_PLACES
        first, last = self._starts[position : position + 2].tolist()
        return self._places[first:last].astype(np.uint32, copy=False)

    def docs_of(self, places: Codes) -> IntArray:
        """The document in which each place lies."""
        return (np.searchsorted(self.bases, places, side="right") - 1).astype(np.int32)

    def postings(self, position: int) -> Postings:
        """The documents that have a pair, and how often (255 for all that is more)."""
        if position < 0:
            return NO_POSTINGS
        if self._docs is None:
            return _counted(self.docs_of(self.places(position)))
        starts, docs, counts = self._docs
        first, last = starts[position : position + 2].tolist()
        return Postings(docs[first:last].astype(np.int32), counts[first:last])

    def counts_in(self, positions: IntArray, docs: IntArray) -> Counts:
        """How often each pair stands in each of a few documents; a row for each pair."""
        found = np.zeros((len(positions), len(docs)), np.uint8)
        having = [(row, at) for row, at in enumerate(positions.tolist()) if at >= 0]
        if self._docs is None or len(docs) > _FEW_DOCUMENTS:
            for row, position in having:
                found[row] = self.postings(position).counts_in(docs, len(self.bases))
            return found
        starts, _, counts = self._docs
        for row, position in having:
            first, last = starts[position : position + 2].tolist()
            for place, doc in enumerate(docs.tolist()):
                at = bisect_left(self._plain_docs, doc, first, last)
                if at < last and self._plain_docs[at] == doc:
                    found[row, place] = counts[at]
        return found

    def documents(self, positions: IntArray) -> IntArray:
        """How many documents have each pair."""
        if self._docs is None:
            own = [len(self.postings(position).docs) for position in positions.tolist()]
            return np.array(own, np.int32)
        starts = self._docs[0]
        numbers = starts[positions + 1].astype(np.int32) - starts[positions].astype(np.int32)
        return np.where(positions < 0, 0, numbers)

    def seconds(self, first: int, most: int) -> list[int]:
        """The codes of up to `most` units that stand behind a unit somewhere, ascending."""
        edges = np.array([pair_key(first, 0), pair_key(first + 1, 0)], np.uint64)
        start, end = np.searchsorted(self._keys, edges).tolist()
        found = self._keys[start : min(end, start + most)] & np.uint64(0xFFFFFFFF)
        return [int(code) for code in found.tolist()]

    def rows(self) -> PairRows:
        """All pairs by place: what merging takes over."""
        starts = self._starts.astype(np.int64)
        keys = np.repeat(self._keys, starts[1:] - starts[:-1])
        places = self._places.astype(np.uint32)
        first = (keys >> np.uint64(32)).astype(np.uint32)
        return PairRows(first, keys.astype(np.uint32), places)


def _counted(docs: IntArray) -> Postings:
    starts = _starts(docs)
    counts = np.minimum(np.diff(starts, append=len(docs)), _MOST_COUNTED)
    return Postings(docs[starts], counts.astype(np.uint8))


def adjoining(table: PairTable, pairs: Sequence[tuple[int, int]]) -> IntArray:
    """The documents in which pairs stand at these distances from the first; ascending."""
    positions = table.positions([key for key, _ in pairs]).tolist()
    found = zip(map(table.places, positions), (at for _, at in pairs), strict=True)
    lists = sorted(found, key=lambda one: len(one[0]))
    rarest, base = lists[0]
    starts = rarest.astype(np.int64) - base
    starts = starts[starts >= 0]
    for places, at in lists[1:]:
        if not len(places) or not len(starts):
            return np.empty(0, np.int32)
        wanted = (starts + at).astype(np.uint32)
        own = np.searchsorted(places, wanted)
        own[own == len(places)] = 0
        starts = starts[places[own] == wanted]
    docs = table.docs_of((starts + base).astype(np.uint32))
    return docs[_starts(docs)]
