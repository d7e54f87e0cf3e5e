"""One field's postings sorted by term and turned into Whoosh's own bytes, many terms at a time.

A term of a few documents lies in the dictionary entry itself, a longer one in blocks of the
posting file. What each entry needs to know of its term is counted for all terms at once. A stock
Whoosh reader opens what is written here. Not here: gathering postings (writer), reading them.
"""

import pickle
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.postings import LENGTH_OF_BYTE, FloatArray
from indexer.whoosh_parts import BLOCK_MAGIC

BLOCK = 4096
MOST_INLINE = 16
"""Documents up to which a term's postings lie in the dictionary."""

_pack_info = struct.Struct("!BfIBBfII").pack
_pack_extent = struct.Struct("!qi").pack
_pack_weight = struct.Struct(">d").pack
_ONCE = b"G" + _pack_weight(1.0)
_LONGEST_SHORT = 255


@dataclass(frozen=True)
class Gathered:
    """A field's postings in the order they came: term numbers, documents, counts, places."""

    numbers: dict[str, int]
    terms: "array[int]"
    docs: "array[int]"
    counts: "array[float]"
    places: list[bytes] | None
    keeps_counts: bool


class SortedRows:
    """The postings by term in byte order, and by document within a term."""

    def __init__(self, batch: Gathered, lengths: FloatArray | None) -> None:
        """`lengths` are those of the field by document, None where it is not scored."""
        names = [term.encode("utf-8", "surrogatepass") for term in batch.numbers]
        order = sorted(range(len(names)), key=names.__getitem__)
        rank = np.empty(len(names), np.uint32)
        rank[order] = np.arange(len(names), dtype=np.uint32)
        terms = rank[np.frombuffer(batch.terms, np.uint32)]
        docs = np.frombuffer(batch.docs, np.uint32)
        rows = np.argsort((terms.astype(np.uint64) << 32) | docs)
        self.names = [names[number] for number in order]
        self._starts = np.searchsorted(terms[rows], np.arange(len(names) + 1, dtype=np.uint32))
        self._docs = docs[rows].astype(np.int32)
        self._counts = np.frombuffer(batch.counts, np.float32)[rows]
        self._keeps_counts = batch.keeps_counts
        self._places = None
        if batch.places is not None:
            self._places = [batch.places[row] for row in rows.tolist()]
        self._length_bytes: npt.NDArray[np.uint8] | None = None
        if lengths is not None:
            bytes_of = np.minimum(np.searchsorted(LENGTH_OF_BYTE, lengths), 255)
            self._length_bytes = bytes_of.astype(np.uint8)[self._docs]

    def entries(self, file: Any) -> list[bytes]:
        """Return the dictionary entry of each term; blocks are written to the posting file."""
        if not self.names:
            return []
        infos = self._infos()
        starts = self._starts.tolist()
        docs, counts, values = self._docs.tolist(), self._counts.tolist(), self._values()
        at = file.tell()
        blocks: list[bytes] = []
        found: list[bytes] = []
        for info, first, last in zip(infos, starts, starts[1:], strict=False):
            if last - first == 1:
                body = _single(docs[first], counts[first], values[first] if values else b"")
            elif last - first <= MOST_INLINE:
                own = values[first:last] if values else [b""] * (last - first)
                body = pickle.dumps(
                    (tuple(docs[first:last]), tuple(counts[first:last]), tuple(own)), 3
                )
            else:
                block = self._blocks(info, first, last)
                blocks.append(block)
                body = _pack_extent(at, len(block))
                at += len(block)
            found.append(_pack_info(last - first <= MOST_INLINE, *info) + body)
        file.write(b"".join(blocks))
        return found

    def _infos(self) -> list[tuple[Any, ...]]:
        """Per term: weight, documents, shortest and longest length, most weight, first, last."""
        first, after = self._starts[:-1], self._starts[1:]
        none = np.zeros(len(first), np.uint8)
        lengths = self._length_bytes
        columns = (
            np.add.reduceat(self._counts, first),
            after - first,
            none if lengths is None else np.minimum.reduceat(lengths, first),
            none if lengths is None else np.maximum.reduceat(lengths, first),
            np.maximum.reduceat(self._counts, first),
            self._docs[first],
            self._docs[after - 1],
        )
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _values(self) -> Sequence[bytes] | None:
        """What stands beside each posting in the field's format."""
        if self._places is not None:
            return self._places
        if not self._keeps_counts:
            return None
        raw = self._counts.astype(">u4").tobytes()
        return [raw[at : at + 4] for at in range(0, len(raw), 4)]

    def _blocks(self, info: tuple[Any, ...], first: int, last: int) -> bytes:
        parts = [BLOCK_MAGIC]
        for start in range(first, last, BLOCK):
            end = min(start + BLOCK, last)
            parts.append(self._block(info, start, end, is_last=end == last))
        return b"".join(parts)

    def _block(self, info: tuple[Any, ...], first: int, last: int, *, is_last: bool) -> bytes:
        """One block; what it says of lengths and weights is what is true of the whole term."""
        docs, counts = self._docs[first:last], self._counts[first:last]
        deltas = array("I", np.diff(docs, prepend=np.int32(0)).astype(np.uint32).tobytes())
        most = float(counts.max())
        weights: Any = array("f", counts.tobytes())
        if most == float(counts.min()):
            weights = None if most == 1.0 else most
        values: Any = None
        if self._places is not None:
            values = tuple(self._places[first:last])
        elif self._keeps_counts:
            values = counts.astype(">u4").tobytes()
        body = pickle.dumps((deltas, weights, values), 4)
        head = pickle.dumps((last - first, int(docs[-1]), most, 0, info[2], info[3]), 2)
        size = len(head) + len(body)
        return struct.pack("!i", -size if is_last else size) + head + body


def _single(doc: int, count: float, value: bytes) -> bytes:
    """The pickle of ((doc,), (count,), (value,)), put together by hand: most terms are such."""
    if len(value) > _LONGEST_SHORT:
        return pickle.dumps(((doc,), (count,), (value,)), 3)
    weight = _ONCE if count == 1.0 else b"G" + _pack_weight(count)
    return b"\x80\x03J%b\x85%b\x85C%c%b\x85\x87." % (
        doc.to_bytes(4, "little"),
        weight,
        len(value),
        value,
    )
