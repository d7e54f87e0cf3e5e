"""Posting lists read into arrays, from Whoosh's own layout.

The pickles are our own: nobody but the product writes to the index folder. Not here: writing
them (sorted_rows), which terms exist (schema), the files of a segment (writer, segment).
"""

import io
import pickle
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.whoosh_parts import BLOCK_MAGIC, byte_to_length

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
"""Places in arrays, as wide as numpy looks with."""
Counts = npt.NDArray[np.unsignedinteger[Any]]
"""How often terms stand in documents, in as few bytes as do."""

_INT_SIZE = 4
_LOOK_UP = 50
"""A document is looked up while this many others are written down."""
LENGTH_OF_BYTE = np.array([byte_to_length(code) for code in range(256)], np.float32)


@dataclass(frozen=True)
class Postings:
    """The documents of one term in one segment, ascending, with how often each has it."""

    docs: IntArray
    counts: Counts

    @cached_property
    def nbytes(self) -> int:
        """Memory taken, for the bounded cache."""
        return int(self.counts.nbytes + self.docs.nbytes) + 200

    def counts_in(self, docs: npt.NDArray[Any], size: int) -> Counts:
        """How often each of these documents of `size` has the term; 0 where it has not."""
        if len(docs) * _LOOK_UP < len(self.docs):
            wanted = docs.astype(np.int32, copy=False)  # else numpy widens all that is looked into
            at = self.docs.searchsorted(wanted)
            at[at == len(self.docs)] = 0
            found: Counts = self.counts[at] * (self.docs[at] == wanted)
        else:
            every = np.zeros(size, self.counts.dtype)
            every[self.docs.astype(np.intp)] = self.counts  # wide: numpy is slow with others
            found = every[docs]
        return found


NO_POSTINGS = Postings(np.empty(0, np.int32), np.empty(0, np.uint8))


def read_postings(file: Any, info: Any) -> Postings:
    """Decode one term's postings whole."""
    if info.is_inlined():
        ids, weights, _ = info.inlined_postings()
        return Postings(np.array(ids, np.int32), _narrow(np.array(weights)))
    offset, size = info.extent()
    if isinstance(size, tuple):  # Whoosh forgets to unpack it
        size = size[0]
    raw = bytes(file.get(offset, size))
    if raw[:4] != BLOCK_MAGIC:
        raise ValueError("posting list without its mark")
    docs_parts, count_parts = _read_blocks(raw)
    return Postings(np.concatenate(docs_parts), np.concatenate(count_parts))


def _read_blocks(raw: bytes) -> tuple[list[IntArray], list[Counts]]:
    docs_parts: list[IntArray] = []
    count_parts: list[Counts] = []
    stream = io.BytesIO(raw)
    at, is_last = len(BLOCK_MAGIC), False
    while not is_last:
        size = int.from_bytes(raw[at : at + _INT_SIZE], "big", signed=True)
        is_last, size = size < 0, abs(size)
        stream.seek(at + _INT_SIZE)
        number, _, _, packed, _, _ = pickle.load(stream)  # noqa: S301
        body = raw[stream.tell() : at + _INT_SIZE + size]
        body = zlib.decompress(body) if packed else body
        deltas, weights, _ = pickle.loads(body)  # noqa: S301
        docs_parts.append(np.cumsum(_numbers(deltas), dtype=np.int32))
        count_parts.append(_weights(weights, number))
        at += _INT_SIZE + size
    return docs_parts, count_parts


def _numbers(row: Any) -> npt.NDArray[Any]:
    """A row of numbers as it was pickled: bytes, or an array of some width."""
    return np.frombuffer(row, np.uint8) if isinstance(row, bytes) else np.asarray(row)


def _weights(weights: Any, number: int) -> Counts:
    if weights is None:
        return np.ones(number, np.uint8)
    if isinstance(weights, float):
        return _narrow(np.full(number, weights))
    return _narrow(_numbers(weights))


def _narrow(counts: npt.NDArray[Any]) -> Counts:
    return counts.astype(np.uint8 if counts.max(initial=0) < 1 << 8 else np.uint32)
