"""Merkle trees over a growing list, as RFC 6962 section 2.1 builds them.

Pure functions on 32-byte hashes: one root stands for the whole list, a path of log n hashes proves
that an entry is in it. ``Frontier`` grows by one entry at a time without the entries before.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees together."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Frontier:
    """The full subtrees of a list of ``size`` entries, largest first: enough to go on and to root.

    ``peaks`` has one hash for every bit that is set in ``size``.
    """

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """Append a leaf's hash."""
        self.peaks.append(leaf)
        self.size += 1
        full = self.size
        while not full & 1:
            right, left = self.peaks.pop(), self.peaks.pop()
            self.peaks.append(node_hash(left, right))
            full >>= 1

    def spans(self) -> dict[tuple[int, int], bytes]:
        """Return each full subtree's hash by its range."""
        found, low = {}, 0
        for peak in self.peaks:
            high = low + (1 << (self.size - low).bit_length() - 1)
            found[low, high] = peak
            low = high
        return found

    def root(self) -> bytes:
        """Return the root over everything added so far."""
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes beside the way from a leaf to the root, nearest first."""
    return [root_of(leaves[low:high]) for low, high in beside_path(index, len(leaves))]


def beside_path(index: int, size: int) -> list[tuple[int, int]]:
    """Return the subtrees beside the way from a leaf to the root as ranges, nearest first."""
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} among {size}")
    beside: list[tuple[int, int]] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + split_of(high - low)
        if index < middle:
            beside.append((middle, high))
            high = middle
        else:
            beside.append((low, middle))
            low = middle
    return beside[::-1]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether a path proves that a leaf stands at an index of the tree with this root."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(beside, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def split_of(size: int) -> int:
    """Return the largest power of two below a size above one."""
    return 1 << (size - 1).bit_length() - 1
