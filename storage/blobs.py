"""Content-addressed bytes: a blob is named by its SHA-256 and never overwritten.

Stations put bytes here before they write a row that names them, so a crash leaves at most an
orphan blob. Rows live in ``storage.files``; damage is looked for in ``storage.verify``.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from storage.errors import BlobDamaged, BlobMissing
from storage.places import no_room

CHUNK = 1 << 20


@dataclass(frozen=True)
class BlobRef:
    """Where bytes are found again: their SHA-256 (hex), size in bytes and media type."""

    sha256: str
    size: int
    media_type: str


class BlobStore(Protocol):
    """Somewhere bytes are kept; a local folder today, an object store by setting."""

    def put(self, content: bytes, media_type: str) -> BlobRef:
        """Keep the bytes durably and return their reference; the same bytes are kept once."""
        ...

    def put_file(self, path: Path, media_type: str) -> BlobRef:
        """Keep a file's bytes durably, however many, and return their reference."""
        ...

    def put_again(self, content: bytes, media_type: str) -> BlobRef:
        """Keep the bytes durably in the place of damaged ones of the same digest."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """Open the bytes for reading; raise BlobMissing."""
        ...

    def read(self, sha256: str) -> bytes:
        """Return the bytes, checked against their digest; raise BlobMissing or BlobDamaged."""
        ...

    def exists(self, sha256: str) -> bool:
        """Say whether bytes of this digest are kept."""
        ...

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob kept."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove the bytes; silent when they are gone already."""
        ...

    def modified(self, sha256: str) -> float:
        """Return when the blob was written, in seconds since the epoch."""
        ...


class LocalBlobStore:
    """Blobs in a local folder, two levels of fan-out, written temp → fsync → rename → fsync."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes, media_type: str) -> BlobRef:
        """Keep the bytes durably and return their reference; the same bytes are kept once."""
        ref = BlobRef(hashlib.sha256(content).hexdigest(), len(content), media_type)
        self._write(ref, iter((content,)))
        return ref

    def put_file(self, path: Path, media_type: str) -> BlobRef:
        """Keep a file's bytes durably, however many, and return their reference."""
        with path.open("rb") as stream:
            ref = BlobRef(sha256_of(stream), stream.tell(), media_type)
            stream.seek(0)
            self._write(ref, iter(lambda: stream.read(CHUNK), b""))
        return ref

    def put_again(self, content: bytes, media_type: str) -> BlobRef:
        """Keep the bytes durably in the place of damaged ones of the same digest."""
        ref = BlobRef(hashlib.sha256(content).hexdigest(), len(content), media_type)
        self._write(ref, iter((content,)), over=True)
        return ref

    def _write(self, ref: BlobRef, chunks: Iterator[bytes], *, over: bool = False) -> None:
        target = self._path(ref.sha256)
        if target.exists() and not over:
            self._make_name_durable(target)
            return
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            _make_durable_folder(target.parent)
            with part.open("wb") as stream:
                for chunk in chunks:
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
            _fsync_folder(target.parent)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise no_room(error, "文件") from error

    def _make_name_durable(self, target: Path) -> None:
        """Whoever put it before may have failed or died between the rename and its fsync."""
        try:
            for folder in (target.parent, target.parent.parent, self.folder):
                _fsync_folder(folder)
        except OSError as error:
            raise no_room(error, "文件") from error

    def open(self, sha256: str) -> BinaryIO:
        """Open the bytes for reading; raise BlobMissing."""
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(
                f"找不到文件内容（摘要 {sha256[:12]}…）。请把这个摘要告诉系统管理员："
                "运行 archive verify 查明还少哪些，再从备份里取回。"
            ) from error

    def read(self, sha256: str) -> bytes:
        """Return the bytes, checked against their digest; raise BlobMissing or BlobDamaged."""
        with self.open(sha256) as stream:
            content = stream.read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BlobDamaged(
                f"文件内容已损坏（摘要 {sha256[:12]}… 不符），请管理员运行 archive verify。"
            )
        return content

    def exists(self, sha256: str) -> bool:
        """Say whether bytes of this digest are kept."""
        return self._path(sha256).is_file()

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob kept, in order."""
        for path in sorted(self.folder.glob("??/??/*")):
            if not path.name.startswith("."):
                yield path.name

    def delete(self, sha256: str) -> None:
        """Remove the bytes; silent when they are gone already."""
        self._path(sha256).unlink(missing_ok=True)

    def modified(self, sha256: str) -> float:
        """Return when the blob was written, in seconds since the epoch."""
        return self._path(sha256).stat().st_mtime

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise BlobMissing(f"“{sha256[:80]}”不是文件摘要。")
        return self.folder / sha256[:2] / sha256[2:4] / sha256


def sha256_of(stream: BinaryIO) -> str:
    """Return the SHA-256 (hex) of a stream, read in pieces."""
    digest = hashlib.sha256()
    while piece := stream.read(CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def _make_durable_folder(folder: Path) -> None:
    """Create a folder and its parents so that their names survive a power cut."""
    if folder.is_dir():
        return
    _make_durable_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
