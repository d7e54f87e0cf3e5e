"""Named pieces of bytes one after the other in a stream: a plain tar, written and read strictly.

Any ``tar`` opens what is written here. What is read may come from anybody: only plain files are
taken, nothing is believed but the bytes that are there, and no name becomes a path here.
"""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from storage.errors import BackupDamaged
from storage.sealed import Readable, Writable

BLOCK = 512
PIECE = 1 << 20
LONGEST_NAME = 100  # bytes


@dataclass(frozen=True)
class Member:
    """A piece that was written or read whole: its name, size in bytes and SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


class MemberWriter:
    """Writes members to a stream; ``close`` writes the end mark (the stream stays open)."""

    def __init__(self, stream: Writable, made_at: datetime) -> None:
        self._stream = stream
        self._time = int(made_at.timestamp())
        self.written = 0

    def add(self, name: str, size: int, pieces: Iterable[bytes], known: str = "") -> Member:
        """Write one member; the pieces must have exactly ``size`` bytes (BackupDamaged if not).

        ``known``: the digest, where the bytes were hashed a moment ago; it is not done twice.
        """
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = size, 0o600, self._time
        self._write(header.tobuf(tarfile.GNU_FORMAT))
        digest, length = hashlib.sha256(), 0
        for piece in pieces:
            if not known:
                digest.update(piece)
            length += len(piece)
            self._write(piece)
        if length != size:
            raise BackupDamaged(f"{name} 在备份时变了长短，这次备份作废，请再做一次。")
        self._write(b"\0" * (-size % BLOCK))
        return Member(name, size, known or digest.hexdigest())

    def close(self) -> None:
        """Write the end mark."""
        self._write(b"\0" * (2 * BLOCK))

    def _write(self, content: bytes) -> None:
        self._stream.write(content)
        self.written += len(content)


class OpenMember:
    """A member being read: its bytes come in pieces, once, and must be taken before the next."""

    def __init__(self, stream: Readable, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self._stream = stream
        self._left = size

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes; raise BackupDamaged where the stream ends too early."""
        while self._left:
            piece = self._stream.read(min(PIECE, self._left))
            if not piece:
                raise BackupDamaged(f"备份不完整：到“{self.name[:100]}”就断了。")
            self._left -= len(piece)
            yield piece
        _exactly(self._stream, -self.size % BLOCK)

    def content(self, most: int) -> bytes:
        """Return all bytes; raise BackupDamaged for more than ``most``."""
        if self.size > most:
            raise BackupDamaged(f"备份里的“{self.name[:100]}”大得不合理。")
        return b"".join(self.pieces())


def read_members(stream: Readable) -> Iterator[OpenMember]:
    """Yield the members in order; raise BackupDamaged for links, folders and broken headers."""
    while True:
        header = _exactly(stream, BLOCK)
        if header == b"\0" * BLOCK:
            break
        try:
            found = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as wrong:
            raise BackupDamaged("这不是档案台的备份，或者已经损坏。") from wrong
        if found.type != tarfile.REGTYPE or found.size < 0 or found.linkname:
            raise BackupDamaged(f"备份里的“{found.name[:100]}”不是普通文件，不予恢复。")
        member = OpenMember(stream, found.name, found.size)
        yield member
        if member._left:
            raise BackupDamaged(f"“{found.name[:100]}”没有读完。")
    _exactly(stream, BLOCK)
    if stream.read(PIECE).strip(b"\0") or stream.read(1):  # some pad the end with zeros
        raise BackupDamaged("备份的结尾后面还有别的内容，不予恢复。")


def _exactly(stream: Readable, size: int) -> bytes:
    pieces, missing = [], size
    while missing:
        piece = stream.read(missing)
        if not piece:
            raise BackupDamaged("备份不完整：没有到结尾就断了。")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
