"""The dictionary of a segment, written in one go: Whoosh's ordered hash table, bytes and all.

Stands in for Whoosh's own writer of that file, which hashes and writes term by term; a stock
reader opens what is written here. Not here: what the entries say (postings, writer).
"""

import pickle
import struct
from array import array
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from indexer.postings import Rows
from indexer.sorted_rows import Bytes, scatter, spread

_CRC = 1  # Whoosh's number for this way of hashing, cheaper than its MD5
_HASH_TYPE_AT = 4
_BUCKETS = 256
_LARGEST_SHORT = 2**32
_HEAD = 8
_pack_directory = struct.Struct("!qi").pack
_SLOT = np.dtype([("hash", ">u4"), ("at", ">u8")])


Whole = npt.NDArray[np.int64]


class TermTable:
    """Takes keys in ascending order with their entries; `close` writes hashes and directory."""

    def __init__(self, file: Any, extras: dict[str, Any]) -> None:
        """`file` is Whoosh's, with the head of the table written and nothing else."""
        self.dbfile = file
        self.extras = extras
        end = file.tell()
        file.seek(_HASH_TYPE_AT)
        file.write_byte(_CRC)
        file.seek(end)
        self._end: int = end
        self._places = array("Q")
        self._hashes = array("I")

    def add_all(self, keys: Sequence[bytes], entries: Bytes, lengths: Rows) -> None:
        """Write keys with their entries, ascending also against those added before.

        The entries stand end to end; `lengths` says how long each one is.
        """
        joined = np.frombuffer(b"".join(keys), np.uint8)
        key_lengths = np.fromiter(map(len, keys), np.intp, len(keys))
        ends = np.cumsum(key_lengths + lengths + _HEAD)
        starts = ends - (key_lengths + lengths + _HEAD)
        flat = np.empty(int(ends[-1]) if len(keys) else 0, np.uint8)
        heads = np.stack([key_lengths, lengths], axis=1).astype(">i4")
        scatter(flat, starts, heads.view(np.uint8).reshape(len(keys), _HEAD))
        spread(flat, starts + _HEAD, joined, key_lengths)
        spread(flat, starts + _HEAD + key_lengths, entries, lengths)
        self._hashes.extend(map(crc32, keys))
        self._places.frombytes((starts + self._end).astype(np.uint64).tobytes())
        self.dbfile.write(flat.tobytes())
        self._end += len(flat)

    def close(self) -> None:
        """Finish and close the file."""
        hashes = np.frombuffer(self._hashes, np.uint32)
        places = np.frombuffer(self._places, np.uint64)
        directory = self._write_hashes(hashes, places)
        self.dbfile.write(b"".join(_pack_directory(*one) for one in directory))
        is_short = self._end < _LARGEST_SHORT
        extras = {**self.extras, "indextype": "I" if is_short else "q", "indexlen": len(places)}
        tail = pickle.dumps(extras, 2) + places.astype(">u4" if is_short else ">i8").tobytes()
        self.dbfile.write(tail)
        self.dbfile.write_int(len(tail))
        self.dbfile.close()

    def _write_hashes(
        self, hashes: npt.NDArray[np.uint32], places: npt.NDArray[np.uint64]
    ) -> list[tuple[int, int]]:
        """Write 256 tables of slots; return where each begins and how many slots it has."""
        bucket = (hashes & (_BUCKETS - 1)).astype(np.int64)
        sizes = 2 * np.bincount(bucket, minlength=_BUCKETS)
        firsts = np.cumsum(sizes) - sizes
        slots = np.zeros(int(sizes.sum()), _SLOT)
        if len(hashes):
            homes = (hashes >> 8).astype(np.int64) % sizes[bucket]
            taken = firsts[bucket] + _slots_of(homes, sizes, bucket)
            slots["hash"][taken], slots["at"][taken] = hashes, places
        self.dbfile.write(slots.tobytes())
        starts = self._end + firsts * _SLOT.itemsize
        return list(zip(starts.tolist(), sizes.tolist(), strict=True))


def _slots_of(homes: Whole, sizes: Whole, table: Whole) -> Whole:
    """A slot for each key by linear probing from its home, as a reader will look for it.

    Each key belongs to one of several tables of `sizes` slots; tables do not touch each other.
    """
    apart = 2 * int(sizes.max())  # no table's keys can be pushed as far as the next table's
    at = homes + table * apart
    rank = np.arange(len(at))
    while True:
        order = np.argsort(at)
        taken = np.maximum.accumulate(at[order] - rank) + rank
        slots = np.empty(len(at), np.int64)
        slots[order] = taken
        slots -= table * apart
        over = slots >= sizes[table]
        if not over.any():
            return slots
        at[over] = table[over] * apart  # past the last slot one goes on from the first
