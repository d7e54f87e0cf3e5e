"""Writing a Word package fast: members that never change are compressed once and copied.

Knows zip, and nothing of Word. Called by word.py.
"""

import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A zip member that never changes, compressed once."""

    name: bytes
    method: int
    crc: int
    size: int
    packed: bytes


def pack_member(name: str, content: bytes) -> Member:
    """Compress one member."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = squeeze.compress(content) + squeeze.flush()
    return Member(name.encode("utf-8"), 8, zlib.crc32(content), len(content), packed)


def write_package(members: Iterable[Member]) -> bytes:
    """Return a zip file of the members, in their order."""
    stream = io.BytesIO()
    directory = [_write_member(stream, member) for member in members]
    start, listing, count = stream.tell(), b"".join(directory), len(directory)
    end = (b"PK\5\6", 0, 0, count, count, len(listing), start, 0)
    stream.write(listing + struct.pack("<4sHHHHIIH", *end))
    return stream.getvalue()


def _write_member(stream: io.BytesIO, member: Member) -> bytes:
    """Write a member, return its line of the central directory."""
    start = stream.tell()
    sizes = (0x800, member.method, 0, 0x21, member.crc, len(member.packed), member.size)
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, *sizes, len(member.name), 0)
    stream.write(head + member.name + member.packed)
    rest = (len(member.name), 0, 0, 0, 0, 0, start)
    return struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, *sizes, *rest) + member.name
