"""A segment's postings sorted by term and turned into Whoosh's own bytes, all terms at once.

A term of a few documents lies in the dictionary entry itself, a longer one in blocks of the
posting file. Entries of a kind have the same length and are made as rows of one matrix. A stock
Whoosh reader opens what is written here. Not here: gathering postings (writer), reading them.
"""

import pickle
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.postings import LENGTH_OF_BYTE, FloatArray, Rows
from indexer.whoosh_parts import BLOCK_MAGIC

BLOCK = 4096
MOST_INLINE = 24
"""Documents up to which a term's postings lie in the dictionary."""

Bytes = npt.NDArray[np.uint8]

INFO = np.dtype(
    [
        ("is_inline", "u1"), ("weight", ">f4"), ("documents", ">u4"), ("shortest", "u1"),
        ("longest", "u1"), ("most", ">f4"), ("first", ">u4"), ("last", ">u4"),
    ]
)  # fmt: skip
INLINE_AT, DOCUMENTS_AT = 0, 5
"""Where in it the first and the third stand."""
_MOST_SHORT = 255
_pack_extent = struct.Struct("!qi").pack
_unpack_extent = struct.Struct("!qi").unpack


class SortedRows:
    """The postings by key in byte order, and by document within a key.

    A key is the number of a field (two bytes) with a term behind it.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        rows: list[tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]],
        lengths: Mapping[bytes, FloatArray],
    ) -> None:
        """`rows` are places in `keys` beside documents; the list is empty afterwards.

        A posting twice counts twice in the fields that `lengths` names, for they are scored.
        """
        order = sorted(range(len(keys)), key=keys.__getitem__)
        rank = np.zeros(len(keys), np.uint64)
        rank[order] = np.arange(len(order), dtype=np.uint64) << np.uint64(32)
        packed = _packed(rank, rows)
        packed.sort()
        is_first = np.ones(len(packed), np.bool_)
        is_first[1:] = packed[1:] != packed[:-1]
        firsts = np.flatnonzero(is_first).astype(np.int32)
        several = np.diff(firsts, append=np.int32(len(is_first)))
        packed = packed[is_first]
        del is_first, firsts
        self.keys = list(map(keys.__getitem__, order))
        limits = np.arange(len(order) + 1, dtype=np.uint64) << np.uint64(32)
        self._starts = np.searchsorted(packed, limits)
        self._docs = packed.astype(np.uint32)
        self._counts = np.ones(len(packed), np.int32)
        self._length_bytes: Bytes = np.zeros(len(packed), np.uint8)
        for field, own in lengths.items():
            first, last = (
                int(self._starts[bisect_left(self.keys, edge)]) for edge in (field, _next(field))
            )
            self._counts[first:last] = several[first:last]
            self._length_bytes[first:last] = bytes_of_lengths(own)[self._docs[first:last]]

    def entries(self, file: Any) -> tuple[Bytes, Rows]:
        """The dictionary entries end to end, and each one's length; blocks go to the file."""
        infos = self._infos()
        sizes = np.diff(self._starts)
        most = infos["most"].astype(np.float32)
        bodies: list[tuple[Rows, Bytes]] = []
        is_short = (sizes <= MOST_INLINE) & (most <= _MOST_SHORT)
        for size in np.flatnonzero(np.bincount(sizes[is_short])).tolist():
            which = np.flatnonzero(is_short & (sizes == size))
            bodies.append((which, self._inline(which, size)))
        rest = np.flatnonzero(~is_short)
        infos["is_inline"][rest] = 0
        if len(rest):
            bodies.append((rest, self._extents(file, infos, rest)))
        lengths = np.full(len(infos), INFO.itemsize, np.intp)
        for which, rows in bodies:
            lengths[which] += rows.shape[1]
        ends = np.cumsum(lengths)
        flat = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
        head = np.frombuffer(infos.tobytes(), np.uint8).reshape(len(infos), INFO.itemsize)
        scatter(flat, ends - lengths, head)
        for which, rows in bodies:
            scatter(flat, (ends - lengths)[which] + INFO.itemsize, rows)
        return flat, lengths

    def _infos(self) -> npt.NDArray[Any]:
        """What Whoosh knows of each term: lengths, weights, first and last document."""
        first, after = self._starts[:-1], self._starts[1:]
        infos = np.zeros(len(first), INFO)
        if not len(first):
            return infos
        infos["is_inline"] = 1
        infos["weight"] = np.add.reduceat(self._counts, first)
        infos["documents"] = after - first
        infos["most"] = np.maximum.reduceat(self._counts, first)
        infos["first"] = self._docs[first]
        infos["last"] = self._docs[after - 1]
        infos["shortest"] = np.minimum.reduceat(self._length_bytes, first)
        infos["longest"] = np.maximum.reduceat(self._length_bytes, first)
        return infos

    def _inline(self, which: Rows, size: int) -> Bytes:
        """The pickles of ((docs), (counts), (b"", …)) of terms with so many documents."""
        opening, closing = _TUPLE.get(size, (b"(", b"t"))
        head = b"\x80\x03" + opening
        template = (
            head + size * b"J\0\0\0\0" + closing
            + opening + size * b"K\0" + closing
            + opening + size * b"C\0" + closing + b"\x87."
        )  # fmt: skip
        rows = np.tile(np.frombuffer(template, np.uint8), (len(which), 1))
        weights_at = len(head) + 5 * size + len(closing) + len(opening)
        for number in range(size):
            at = len(head) + 5 * number + 1
            own = self._starts[which] + number
            rows[:, at : at + 4] = self._docs[own].astype("<u4").view(np.uint8).reshape(-1, 4)
            rows[:, weights_at + 2 * number + 1] = self._counts[own]
        return rows

    def _extents(self, file: Any, infos: npt.NDArray[Any], which: Rows) -> Bytes:
        """Write the blocks of some terms; return where each begins and how long it is."""
        at = file.tell()
        written: list[bytes] = []
        found: list[bytes] = []
        for block in self._blocks(infos, which):
            if block.is_first:
                found.append(_pack_extent(at, 0))
                written.append(BLOCK_MAGIC)
                at += len(BLOCK_MAGIC)
            written.append(block.raw)
            at += len(block.raw)
            start = _unpack_extent(found[-1])[0]
            found[-1] = _pack_extent(start, at - start)
        file.write(b"".join(written))
        return np.frombuffer(b"".join(found), np.uint8).reshape(len(which), -1)

    def _blocks(self, infos: npt.NDArray[Any], which: Rows) -> Iterator["_Block"]:
        """The blocks of some terms in order; numbers are made narrow for all of them at once."""
        starts = _block_starts(self._starts[which], self._starts[which + 1])
        deltas = np.diff(self._docs, prepend=self._docs[:1])
        deltas[starts.firsts] = self._docs[starts.firsts]
        deltas8, counts8 = (
            deltas.astype(np.uint8).tobytes(),
            self._counts.astype(np.uint8).tobytes(),
        )
        most_delta = _most_between(deltas, starts.firsts, starts.lasts)
        most_count = _most_between(self._counts, starts.firsts, starts.lasts)
        terms = which[starts.terms]
        columns = (
            starts.firsts, starts.lasts, starts.is_first, starts.is_last, most_delta, most_count,
            self._docs[starts.lasts - 1], infos["shortest"][terms], infos["longest"][terms],
        )  # fmt: skip
        for first, last, is_first, is_last, delta, count, doc, shortest, longest in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            own = deltas8[first:last] if delta < 256 else _array(deltas[first:last], delta)
            weights: Any = None
            if count > 1:
                weights = (
                    counts8[first:last] if count < 256 else _array(self._counts[first:last], count)
                )
            body = pickle.dumps((own, weights, None), 4)
            head = pickle.dumps((last - first, doc, float(count), 0, shortest, longest), 2)
            size = len(head) + len(body)
            raw = struct.pack("!i", -size if is_last else size) + head + body
            yield _Block(raw, is_first)


def _packed(
    rank: npt.NDArray[np.uint64],
    rows: list[tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]],
) -> npt.NDArray[np.uint64]:
    """Rank and document of every posting as one number."""
    packed = np.empty(sum(len(own) for own, _ in rows), np.uint64)
    at = len(packed)
    while rows:  # each is let go of when it was taken over, for they are many
        own, docs = rows.pop()
        at -= len(own)
        part = packed[at : at + len(own)]
        np.take(rank, own, out=part)
        part |= docs
    return packed


def _next(field: bytes) -> bytes:
    return (int.from_bytes(field, "big") + 1).to_bytes(2, "big")


@dataclass(frozen=True)
class _Block:
    raw: bytes
    is_first: bool


@dataclass(frozen=True)
class _Blocks:
    """Where blocks begin and end, of which term each is, and whether its first or last."""

    firsts: Rows
    lasts: Rows
    terms: Rows
    is_first: npt.NDArray[np.bool_]
    is_last: npt.NDArray[np.bool_]


def _block_starts(firsts: Rows, lasts: Rows) -> _Blocks:
    """Cut terms of many documents into blocks."""
    sizes = -(-(lasts - firsts) // BLOCK)
    terms = np.repeat(np.arange(len(firsts)), sizes)
    number = np.arange(len(terms)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    own_firsts = firsts[terms] + number * BLOCK
    own_lasts = np.minimum(own_firsts + BLOCK, lasts[terms])
    return _Blocks(own_firsts, own_lasts, terms, number == 0, own_lasts == lasts[terms])


def _most_between(numbers: npt.NDArray[Any], firsts: Rows, lasts: Rows) -> npt.NDArray[Any]:
    """The largest number of each stretch; stretches are not empty and do not overlap."""
    edges = np.stack([firsts, lasts], axis=1).ravel()
    return np.maximum.reduceat(np.append(numbers, 0), edges)[::2]


_TUPLE = {1: (b"", b"\x85"), 2: (b"", b"\x86"), 3: (b"", b"\x87")}


def _array(numbers: npt.NDArray[Any], most: int) -> "array[int]":
    """The narrowest row of numbers that a Whoosh reader can walk along."""
    code, kind = ("H", "u2") if most < 1 << 16 else ("I", "u4")
    return array(code, numbers.astype(kind).tobytes())


def bytes_of_lengths(lengths: FloatArray) -> Bytes:
    """Whoosh's one byte for the length of a field."""
    return np.minimum(np.searchsorted(LENGTH_OF_BYTE, lengths), 255).astype(np.uint8)


def windows(buffer: Any, width: int) -> npt.NDArray[Any]:
    """Every stretch of so many bytes as one element: taken or set, it is copied as a whole."""
    return np.ndarray(max(0, len(buffer) - width + 1), f"V{width}", buffer=buffer, strides=(1,))


def scatter(flat: Bytes, places: Rows, rows: Bytes) -> None:
    """Copy each row of a matrix to its place."""
    width = rows.shape[1]
    windows(flat, width)[places] = np.ascontiguousarray(rows).view(f"V{width}").ravel()


def spread(flat: Bytes, places: Rows, joined: Bytes, lengths: Rows) -> None:
    """Copy pieces that stand end to end each to its place."""
    starts = np.cumsum(lengths) - lengths
    for length in np.flatnonzero(np.bincount(lengths)).tolist():
        if length:
            which = np.flatnonzero(lengths == length)
            windows(flat, length)[places[which]] = windows(joined, length)[starts[which]]
