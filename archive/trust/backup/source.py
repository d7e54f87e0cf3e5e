"""Where a backup is read from: one file, or a snapshot of a backup folder; sealed or not."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archive.core.errors import Invalid, NotFound
from archive.trust.backup.folder import MARK, BackupFolder, open_folder
from storage.errors import BackupDamaged
from storage.members import OpenMember, read_members
from storage.sealed import MAGIC, OpeningReader, Passphrase, Readable, is_sealed


@dataclass(frozen=True)
class Source:
    """A backup to be read: its file, and the folder that holds its blobs if it is a snapshot."""

    path: Path
    passphrase: Passphrase | None
    folder: BackupFolder | None

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.path.stat().st_size

    @contextmanager
    def members(self, on_position: Callable[[int], None]) -> Iterator[Iterator[OpenMember]]:
        """Read the members in order; ``on_position`` is told how many bytes were read."""
        with self.path.open("rb") as stream:
            beginning = stream.read(len(MAGIC))
            stream.seek(0)
            watched = _Watched(stream, on_position)
            source: Readable = watched
            if is_sealed(beginning):
                source = OpeningReader(watched, self.passphrase)
            yield read_members(source)


class _Watched:
    """Passes bytes on and tells how many there were."""

    def __init__(self, stream: Readable, on_position: Callable[[int], None]) -> None:
        self._stream = stream
        self._tell = on_position
        self._read = 0

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes."""
        piece = self._stream.read(size)
        self._read += len(piece)
        self._tell(self._read)
        return piece


def find_source(path: Path, passphrase: Passphrase | None, snapshot: str = "") -> Source:
    """Find the backup at a path: a file, or the newest (or the named) snapshot of a folder.

    Raises NotFound, Invalid, and what opening a sealed folder raises.
    """
    if path.is_dir():
        folder = open_folder(path, passphrase, may_make=False)
        names = folder.snapshots()
        if not names:
            raise NotFound(f"备份文件夹 {path} 里还没有一份备份。")
        if snapshot and snapshot not in names:
            raise NotFound(f"没有备份“{snapshot[:60]}”；有：{'、'.join(names[-10:])}。")
        return Source(folder.snapshot_path(snapshot or names[-1]), passphrase, folder)
    if snapshot:
        raise Invalid("只有备份文件夹才能用 --snapshot 指定哪一份。", {"snapshot": "不适用"})
    if not path.is_file():
        raise NotFound(f"没有备份文件 {path}。")
    is_snapshot = path.parent.name == "snapshots" and (path.parent.parent / MARK).is_file()
    if is_snapshot:
        return Source(path, passphrase, open_folder(path.parent.parent, passphrase, may_make=False))
    if not os.access(path, os.R_OK):
        raise Invalid(f"没有读取 {path} 的权限。")
    return Source(path, passphrase, None)


def blob_pieces(source: Source, digest: str) -> Iterator[bytes]:
    """Yield a blob's bytes from the folder beside a snapshot; raise BackupDamaged."""
    if source.folder is None:
        raise BackupDamaged("这份备份的文件内容在备份文件夹里，请指定整个备份文件夹。")
    yield from source.folder.open_blob(digest)
