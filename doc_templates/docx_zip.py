"""Writing a Word package fast: members that never change are compressed once and copied.

Knows zip, and nothing of Word. Called by word.py.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping

BEST, QUICK = 9, 2  # quick: a third of the time for a kilobyte more
COMPRESSED = frozenset({"png", "jpeg", "jpg", "gif"})


class PackageWriter:
    """The members of a package that are the same in every document, packed once."""

    def __init__(self, kept: Iterable[tuple[str, bytes]]) -> None:
        self._head = bytearray()
        self._listing = bytearray()
        self._count = 0
        for name, content in kept:
            _write_member(self._head, self._listing, 0, name, content, BEST)
            self._count += 1

    def write(self, filled: Mapping[str, bytes]) -> bytes:
        """Return a zip file of the kept members followed by these; names must be new."""
        members, listing = bytearray(), bytearray(self._listing)
        for name, content in filled.items():
            _write_member(members, listing, len(self._head), name, content, QUICK)
        count, start = self._count + len(filled), len(self._head) + len(members)
        end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(listing), start, 0)
        return b"".join((self._head, members, listing, end))


def _write_member(
    members: bytearray, listing: bytearray, before: int, name: str, content: bytes, level: int
) -> None:
    """Append a member, and its line to the central directory."""
    method, packed = _pack(name, content, level)
    start, spelled = before + len(members), name.encode("utf-8")
    sizes = (0x800, method, 0, 0x21, zlib.crc32(content), len(packed), len(content))
    members += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, *sizes, len(spelled), 0)
    members += spelled
    members += packed
    rest = (len(spelled), 0, 0, 0, 0, 0, start)
    listing += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, *sizes, *rest)
    listing += spelled


def _pack(name: str, content: bytes, level: int) -> tuple[int, bytes]:
    """Return method and packed bytes; pictures are compressed already."""
    if name.rpartition(".")[2].lower() in COMPRESSED:
        return 0, content
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -15)
    return 8, squeeze.compress(content) + squeeze.flush()
