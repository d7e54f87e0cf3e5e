"""Posting lists as arrays: one block format, written and read here, in Whoosh's own layout.

A stock Whoosh reader opens what is written here. The pickles are our own: nobody but the
product writes to the index folder. Not here: which terms exist (schema), the
files of a segment (writer, segment).
"""

import io
import pickle
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.whoosh_parts import BLOCK_MAGIC, TermInfo, byte_to_length, length_to_byte

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]

BLOCK = 4096
MOST_INLINE = 3
_INT_SIZE = 4
LENGTH_OF_BYTE = np.array([byte_to_length(code) for code in range(256)], np.float32)


@dataclass(frozen=True)
class Postings:
    """The documents of one term in one segment, ascending, with how often each has it."""

    docs: IntArray
    counts: FloatArray

    @property
    def size_in_bytes(self) -> int:
        """Memory taken, for the bounded cache."""
        return int(self.docs.nbytes + self.counts.nbytes) + 120


NO_POSTINGS = Postings(np.empty(0, np.int32), np.empty(0, np.float32))


def encode_places(places: Sequence[int]) -> bytes:
    """Places of a term in a document, as Whoosh's Positions format keeps them."""
    deltas = [place - before for before, place in zip((0, *places), places, strict=False)]
    return len(places).to_bytes(4, "big") + pickle.dumps(deltas, 2)


def decode_places(value: bytes) -> IntArray:
    """The inverse of encode_places."""
    return np.cumsum(pickle.loads(value[_INT_SIZE:]), dtype=np.int32)  # noqa: S301


def inline_entry(
    docs: Sequence[int], counts: Sequence[float], values: Sequence[bytes], lengths: Sequence[int]
) -> bytes:
    """The dictionary entry of a term so rare that its postings lie in the dictionary itself."""
    head = TermInfo._struct.pack(
        1,
        sum(counts),
        len(docs),
        length_to_byte(min(lengths)),
        length_to_byte(max(lengths)),
        max(counts),
        docs[0],
        docs[-1],
    )
    return bytes(head) + pickle.dumps((tuple(docs), tuple(counts), tuple(values)), 2)


def write_postings(
    file: Any, docs: IntArray, counts: FloatArray, values: Any, lengths: FloatArray | None
) -> bytes:
    """Write one term's postings to Whoosh's posting file; return its dictionary entry.

    `values` is None (nothing beside the document), bytes of four a posting, or a list of bytes.
    """
    info = TermInfo()
    info._weight, info._df = float(counts.sum()), len(docs)
    info._minid, info._maxid = int(docs[0]), int(docs[-1])
    info._maxweight = float(counts.max())
    info._minlength, info._maxlength = _length_range(lengths, docs)
    start = file.tell()
    file.write(BLOCK_MAGIC)
    for first in range(0, len(docs), BLOCK):
        last = min(first + BLOCK, len(docs))
        part = _value_slice(values, first, last)
        _write_block(file, docs[first:last], counts[first:last], part, lengths, last == len(docs))
    info.set_extent(start, file.tell() - start)
    return bytes(info.to_bytes())


def _length_range(lengths: FloatArray | None, docs: IntArray) -> tuple[int, int]:
    if lengths is None:
        return 0, 0
    own = lengths[docs]
    return int(own.min()), int(own.max())


def _value_slice(values: Any, first: int, last: int) -> Any:
    if values is None:
        return None
    if isinstance(values, bytes):
        return values[first * 4 : last * 4]
    return tuple(values[first:last])


def _write_block(
    file: Any,
    docs: IntArray,
    counts: FloatArray,
    values: Any,
    lengths: FloatArray | None,
    last: bool,
) -> None:
    deltas = array("I", np.diff(docs, prepend=np.int32(0)).astype(np.uint32).tobytes())
    most = float(counts.max())
    same = most == float(counts.min())
    weights = (None if most == 1.0 else most) if same else array("f", counts.tobytes())
    body = pickle.dumps((deltas, weights, values), 4)
    shortest, longest = _length_range(lengths, docs)
    head = pickle.dumps(
        (len(docs), int(docs[-1]), most, 0, length_to_byte(shortest), length_to_byte(longest)), 2
    )
    size = len(head) + len(body)
    file.write_int(-size if last else size)
    file.write(head)
    file.write(body)


def read_postings(file: Any, info: Any) -> tuple[Postings, list[bytes] | None]:
    """Decode one term's postings whole; the second part is the values where there are any."""
    if info.is_inlined():
        ids, weights, values = info.inlined_postings()
        docs = np.array(ids, np.int32)
        return Postings(docs, np.array(weights, np.float32)), list(values)
    offset, size = info.extent()
    if isinstance(size, tuple):  # Whoosh forgets to unpack it
        size = size[0]
    raw = bytes(file.get(offset, size))
    if raw[:4] != BLOCK_MAGIC:
        raise ValueError("posting list without its mark")
    docs_parts, count_parts, all_values = _read_blocks(raw)
    return Postings(np.concatenate(docs_parts), np.concatenate(count_parts)), all_values


def _read_blocks(raw: bytes) -> tuple[list[IntArray], list[FloatArray], list[bytes]]:
    docs_parts: list[IntArray] = []
    count_parts: list[FloatArray] = []
    all_values: list[bytes] = []
    stream = io.BytesIO(raw)
    at, is_last = len(BLOCK_MAGIC), False
    while not is_last:
        size = int.from_bytes(raw[at : at + _INT_SIZE], "big", signed=True)
        is_last, size = size < 0, abs(size)
        stream.seek(at + _INT_SIZE)
        number, _, _, packed, _, _ = pickle.load(stream)  # noqa: S301
        body = raw[stream.tell() : at + _INT_SIZE + size]
        body = zlib.decompress(body) if packed else body
        deltas, weights, values = pickle.loads(body)  # noqa: S301
        docs_parts.append(np.cumsum(np.array(deltas, np.int64)).astype(np.int32))
        count_parts.append(_weights(weights, number))
        if isinstance(values, tuple):
            all_values.extend(values)
        at += _INT_SIZE + size
    return docs_parts, count_parts, all_values


def _weights(weights: Any, number: int) -> FloatArray:
    if weights is None:
        return np.ones(number, np.float32)
    if isinstance(weights, float):
        return np.full(number, weights, np.float32)
    return np.array(weights, np.float32)
