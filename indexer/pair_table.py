"""Where any two neighbouring units stand: a file of plain arrays in each segment.

A pair is a number of 64 bits (`pair_key`), its places are numbers that run through the whole
segment, document after document, so that phrases are found by cutting sorted arrays and nothing
is decoded. The file lies within Whoosh's segment file and comes and goes with it; a stock Whoosh
reader passes it over. Not here: cutting text (analysis, bulk), caching (segment).

    magic · numbers of pairs, places, documents · keys (8 bytes each) · starts, places, bases (4)
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from indexer.postings import NO_POSTINGS, IntArray, Postings

Codes = npt.NDArray[np.uint32]
Keys = npt.NDArray[np.uint64]

EXTENSION = ".pairs"
_MAGIC = b"ADTPAIR1"
_HEAD = struct.Struct("<8sQQQ")
_STEP = 64
_FEW = 50_000
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
    file.write(_HEAD.pack(_MAGIC, len(starts), len(places), len(bases)))
    file.write(keys.astype("<u8").tobytes())
    file.write(np.append(starts, len(places)).astype("<u4").tobytes())
    file.write(places.astype("<u4").tobytes())
    file.write(bases.astype("<u4").tobytes())
    file.close()


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
        magic, pairs, places, bases = _HEAD.unpack_from(raw)
        sizes = (8 * pairs, 4 * (pairs + 1), 4 * places, 4 * bases)
        if magic != _MAGIC or bases != documents or _HEAD.size + sum(sizes) != len(raw):
            raise ValueError("pair table cut or overwritten")
        at = _HEAD.size
        self._keys = np.frombuffer(raw, "<u8", pairs, at)
        at += sizes[0]
        self._starts = np.frombuffer(raw, "<u4", pairs + 1, at)
        at += sizes[1]
        self._places = np.frombuffer(raw, "<u4", places, at)
        at += sizes[2]
        self.bases: Codes = np.frombuffer(raw, "<u4", bases, at).astype(np.uint32)
        self._steps: Keys = self._keys[::_STEP].astype(np.uint64)

    def places(self, key: int) -> Codes:
        """The places of a pair, ascending; empty if there is none."""
        at = self._position(key)
        if at >= len(self._keys) or int(self._keys[at]) != key:
            return _NO_PLACES
        return self._places[int(self._starts[at]) : int(self._starts[at + 1])].astype(np.uint32)

    def docs_of(self, places: Codes) -> IntArray:
        """The document in which each place lies."""
        return (np.searchsorted(self.bases, places, side="right") - 1).astype(np.int32)

    def postings(self, key: int) -> Postings:
        """The documents that have a pair, and how often."""
        places = self.places(key)
        return _counted(self.docs_of(places)) if len(places) else NO_POSTINGS

    def seconds(self, first: int, most: int) -> list[int]:
        """The codes of up to `most` units that stand behind a unit somewhere, ascending."""
        start, end = self._position(pair_key(first, 0)), self._position(pair_key(first + 1, 0))
        found = self._keys[start : min(end, start + most)] & np.uint64(0xFFFFFFFF)
        return [int(code) for code in found.tolist()]

    def rows(self) -> PairRows:
        """All pairs by place: what merging takes over."""
        starts = self._starts.astype(np.int64)
        keys = np.repeat(self._keys, starts[1:] - starts[:-1])
        places = self._places.astype(np.uint32)
        first = (keys >> np.uint64(32)).astype(np.uint32)
        return PairRows(first, keys.astype(np.uint32), places)

    def _position(self, key: int) -> int:
        """Where a key stands or would stand."""
        wanted = np.uint64(key)
        step = max(0, int(np.searchsorted(self._steps, wanted)) - 1) * _STEP
        block = self._keys[step : step + _STEP + 1].astype(np.uint64)
        return step + int(np.searchsorted(block, wanted))


def _counted(docs: IntArray) -> Postings:
    starts = _starts(docs)
    counts = np.diff(np.append(starts, len(docs)))
    return Postings(docs[starts], counts.astype(np.float32))


def adjoining(table: PairTable, pairs: Sequence[tuple[int, int]]) -> IntArray:
    """The documents in which pairs stand at these distances from the first; ascending."""
    lists = sorted(((table.places(key), at) for key, at in pairs), key=lambda one: len(one[0]))
    rarest, base = lists[0]
    starts = rarest.astype(np.int64) - base
    starts = starts[starts >= 0]
    for places, at in lists[1:]:
        if not len(places) or not len(starts):
            return np.empty(0, np.int32)
        wanted = (starts + at).astype(np.uint32)
        found = np.searchsorted(places, wanted)
        found[found == len(places)] = 0
        starts = starts[places[found] == wanted]
    docs = table.docs_of((starts + base).astype(np.uint32))
    return docs[_starts(docs)]
