"""A backup folder: blobs kept once by digest, and snapshots of everything else.

The folder::

    archive-backup.json   marks it as ours; whether it is sealed, the salt of its passphrase
    check.sealed          tells a wrong passphrase, where it is sealed
    blobs/ab/NAME         each blob once (sealed: under a name that does not tell its digest)
    snapshots/ID.tar      head, rows, keys, fonts, list; a snapshot is there once this file is
    snapshots/ID.blobs    the names of the blobs it needs, for clearing up

A snapshot's blobs are written before it, and removed only when no snapshot that is there names
them; so whatever is broken off, every snapshot that is there is whole.
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from archive.core.errors import Conflict
from archive.trust.backup.manifest import is_snapshot_name
from storage.errors import BackupDamaged, WrongPassphrase
from storage.members import PIECE
from storage.places import hold_place, no_room, sync_folder
from storage.sealed import (
    SALT,
    OpeningReader,
    Passphrase,
    Readable,
    SealingWriter,
    Writable,
    sealed_size,
)

MARK = "archive-backup.json"
CHECK = "check.sealed"
_OURS = {"lost+found", "lock", "blobs", "snapshots", CHECK, f".{MARK}.part", f".{CHECK}.part"}


@dataclass(frozen=True)
class BackupFolder:
    """An opened backup folder; without a passphrase nothing in it is sealed."""

    path: Path
    passphrase: Passphrase | None
    salt: bytes

    def alone(self) -> AbstractContextManager[None]:
        """Hold the folder alone; raise PlaceTaken."""
        return hold_place(self.path / "lock", f"备份文件夹 {self.path} 正在被另一个备份使用。")

    def snapshots(self) -> list[str]:
        """Return the snapshots that are there, oldest first."""
        return sorted(
            path.stem
            for path in (self.path / "snapshots").glob("*.tar")
            if is_snapshot_name(path.stem)
        )

    def snapshot_path(self, name: str) -> Path:
        """Return where a snapshot is kept."""
        return self.path / "snapshots" / f"{name}.tar"

    def blob_path(self, digest: str) -> Path:
        """Return where a blob is kept."""
        sealed = self.passphrase.name_for(self.salt, digest) if self.passphrase else digest
        return self.path / "blobs" / sealed[:2] / sealed

    def has_blob(self, digest: str, size: int) -> bool:
        """Say whether a blob is kept, in its full length."""
        expected = sealed_size(size) if self.passphrase else size
        try:
            return self.blob_path(digest).stat().st_size == expected
        except FileNotFoundError:
            return False

    def keep_blob(self, digest: str, pieces: Iterator[bytes]) -> int:
        """Write a blob; return how many bytes it took."""
        target = self.blob_path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        return write_durably(target, pieces, self.passphrase, self.salt)

    def open_blob(self, digest: str) -> Iterator[bytes]:
        """Yield a blob's bytes; raise BackupDamaged where it is not there."""
        try:
            with self.blob_path(digest).open("rb") as stream:
                source: Readable = stream
                if self.passphrase is not None:
                    source = OpeningReader(stream, self.passphrase)
                while piece := source.read(PIECE):
                    yield piece
        except FileNotFoundError as missing:
            raise BackupDamaged(f"备份文件夹里少了文件 {digest[:16]}…。") from missing

    def note_needed(self, name: str, digests: Iterator[str]) -> None:
        """Write down which blobs a snapshot needs; done before the snapshot is there."""
        lines = (f"{self.blob_path(digest).name}\n".encode() for digest in digests)
        write_durably(self.snapshot_path(name).with_suffix(".blobs"), lines, None, b"")

    def clear_up(self, keep: int | None) -> int:
        """Remove all but the newest ``keep`` snapshots, then blobs nobody needs; return how many.

        Nothing is removed from ``blobs`` while any snapshot does not say what it needs.
        """
        names = self.snapshots()
        for name in names[:-keep] if keep else []:
            self.snapshot_path(name).unlink()
        sync_folder(self.path / "snapshots")
        kept = set(self.snapshots())
        for path in (self.path / "snapshots").iterdir():
            is_left = path.suffix == ".part" or (path.suffix == ".blobs" and path.stem not in kept)
            if is_left:
                path.unlink()
        needed: set[str] = set()
        for name in kept:
            noted = self.snapshot_path(name).with_suffix(".blobs")
            if not noted.is_file():
                return 0
            needed.update(noted.read_text(encoding="ascii").split())
        return self._drop_unneeded(needed)

    def _drop_unneeded(self, needed: set[str]) -> int:
        dropped = 0
        for path in (self.path / "blobs").glob("??/*"):
            if path.name not in needed:
                path.unlink()
                dropped += 1
        return dropped


def open_folder(path: Path, passphrase: Passphrase | None, *, may_make: bool) -> BackupFolder:
    """Open a backup folder, or make one of an empty folder where ``may_make``.

    Raises Conflict for a folder that is something else, WrongPassphrase, BackupDamaged.
    """
    mark = path / MARK
    if not mark.is_file():
        if not may_make:
            raise Conflict(
                f"{path} 里没有备份的标记，可能磁盘没有挂上。"
                f"第一次请手工执行：archive backup {path}/"
            )
        _make(path, passphrase)
    try:
        said = json.loads(mark.read_bytes())
        is_sealed, salt = said["sealed"] is True, bytes.fromhex(said["salt"])
        is_ours = said["format"] == 1 and len(salt) == SALT and isinstance(said["log_cost"], int)
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise BackupDamaged(f"{mark} 已损坏，请换一个空文件夹重新备份。") from wrong
    if not is_ours:
        raise BackupDamaged(f"{mark} 不是本版本写的，请先升级档案台。")
    if is_sealed and passphrase is None:
        raise WrongPassphrase("这个备份文件夹是加密的，请用 --passphrase-file 给出口令文件。")
    if passphrase is not None and not is_sealed:
        raise Conflict("这个备份文件夹没有加密，不能再往里放加密的备份；请换一个空文件夹。")
    if passphrase is not None:
        passphrase = Passphrase(passphrase.secret, said["log_cost"])
        _check_passphrase(path, passphrase)
    return BackupFolder(path, passphrase, salt)


def write_durably(
    target: Path, pieces: Iterator[bytes], passphrase: Passphrase | None, salt: bytes
) -> int:
    """Write a file whole or not at all, sealed where asked; return its size. Raises NoRoom."""
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            sink: Writable = stream
            sealing = SealingWriter(stream, passphrase, salt) if passphrase else None
            for piece in pieces:
                (sealing or sink).write(piece)
            if sealing:
                sealing.close()
            stream.flush()
            os.fsync(stream.fileno())
            size = stream.tell()
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise no_room(error, f"{target.name} ") from error
    finally:
        part.unlink(missing_ok=True)
    return size


def _make(path: Path, passphrase: Passphrase | None) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        if {one.name for one in path.iterdir()} - _OURS:
            raise Conflict(f"{path} 里已有别的东西，不能当作备份文件夹。请给一个空文件夹。")
        for name in ("blobs", "snapshots"):
            (path / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise no_room(error, f"备份文件夹 {path} ") from error
    salt = secrets.token_bytes(SALT)
    if passphrase is not None:
        write_durably(path / CHECK, iter([b"archive"]), passphrase, salt)
    cost = passphrase.log_cost if passphrase else 0
    said = {"format": 1, "sealed": passphrase is not None, "salt": salt.hex(), "log_cost": cost}
    write_durably(path / MARK, iter([json.dumps(said).encode()]), None, b"")


def _check_passphrase(path: Path, passphrase: Passphrase) -> None:
    try:
        with (path / CHECK).open("rb") as stream:
            OpeningReader(stream, passphrase).read(1)
    except FileNotFoundError as missing:
        raise BackupDamaged(f"{path} 里少了 {CHECK}。") from missing
