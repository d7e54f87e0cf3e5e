"""Making a backup while the server runs: into one file, or into a folder of many.

First a consistent copy of the rows, then every blob that copy names: blobs never change, so
whatever order they are read in is consistent. The index, LibreOffice's profiles and what is in
``run`` are left out; they come back by themselves. Called by the command and the nightly round.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from archive.config import has_secret_outside
from archive.core.errors import Conflict, Invalid
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.trust.backup import manifest
from archive.trust.backup.folder import BackupFolder, open_folder
from archive.trust.backup.manifest import Contents, Head
from storage.blobs import sha256_of
from storage.errors import BlobDamaged, BlobMissing, RowsDamaged
from storage.members import LONGEST_NAME, PIECE, Member, MemberWriter
from storage.places import hold_place, part_of, part_path, sync_folder
from storage.sealed import Passphrase, SealingWriter, Writable, is_sealed
from storage.snapshot import RowsCopy, check_rows_file, copy_rows

Progress = Callable[[int, int | None], None]
READ_AT_ONCE = 64 << 20
MOST_KEPT = 1000


@dataclass(frozen=True)
class Made:
    """A finished backup: where, which, how large, and what could not be put into it."""

    path: Path
    id: str
    made_at: datetime
    size: int
    added: int
    blobs: int
    seq: int
    missing: tuple[str, ...]
    warnings: tuple[str, ...]
    removed: int = 0


@dataclass
class _Work:
    """One backup under way."""

    resources: Resources
    rows: RowsCopy
    head: Head
    made_at: datetime
    on_progress: Progress
    members: list[Member] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def is_folder_target(target: Path, typed: str = "") -> bool:
    """Say whether a target means a backup folder: it is one, or was typed with a slash."""
    return target.is_dir() or typed.endswith("/")


def backup_to_file(
    resources: Resources, target: Path, passphrase: Passphrase | None, on_progress: Progress
) -> Made:
    """Write everything into one file, whole or not at all.

    Raises Conflict for a target that is something else or lies inside the data folder, NoRoom,
    PlaceTaken while another backup runs, RowsDamaged.
    """
    target = _outside(resources, target)
    _refuse_strange_file(target)
    with _begun(resources, manifest.INSIDE, on_progress) as work:
        size = _write_file(work, target, passphrase)
    return _made(work, target, size, size)


def backup_to_folder(
    resources: Resources,
    target: Path,
    passphrase: Passphrase | None,
    on_progress: Progress,
    *,
    keep: int | None = None,
    may_make: bool = True,
) -> Made:
    """Add a snapshot to a backup folder, with the blobs it has not yet; keep the newest ``keep``.

    Raises what ``backup_to_file`` and ``open_folder`` raise.
    """
    if keep is not None and not 1 <= keep <= MOST_KEPT:
        raise Invalid(f"保留份数应在 1 到 {MOST_KEPT} 之间。", {"keep": "份数不对"})
    folder = open_folder(_outside(resources, target), passphrase, may_make=may_make)
    with folder.alone(), _begun(resources, manifest.BESIDE, on_progress) as work:
        added = _add_blobs(work, folder)
        lost = set(work.missing)
        needed = (digest for digest, _ in work.rows.blobs if digest not in lost)
        folder.note_needed(work.head.id, needed)
        path = folder.snapshot_path(work.head.id)
        size = _write_file(work, path, folder.passphrase, folder.salt)
        removed = folder.clear_up(keep)
    return _made(work, path, size, size + added, removed)


@contextmanager
def _begun(resources: Resources, blobs: str, on_progress: Progress) -> Iterator[_Work]:
    """Hold the instance's only backup, with a copy of the rows that goes away at the end."""
    run = resources.settings.run
    rows = run / "backup-rows.db"
    with hold_place(run / "backup.lock", "另一个备份正在进行，请等它结束。"):
        _drop(rows)  # left by one that was killed
        try:
            copy = copy_rows(resources.database, rows)
            damage = check_rows_file(rows)
            if damage:  # a backup of it would in time push out the good ones
                raise RowsDamaged(f"{damage}没有做备份，原有的备份都还在。")
            made_at = resources.clock().astimezone(UTC)
            name = f"{made_at:%Y%m%dT%H%M%SZ}-{token_hex(4)}"
            head = Head(name, made_at.isoformat(), manifest.release(), copy.revision, blobs)
            yield _Work(resources, copy, head, made_at, on_progress)
        finally:
            _drop(rows)


def _write_file(
    work: _Work, target: Path, passphrase: Passphrase | None, salt: bytes | None = None
) -> int:
    with part_of(target, f"{target} 正在被另一个备份写入。") as stream:
        sealing = SealingWriter(stream, passphrase, salt) if passphrase else None
        _write_members(work, sealing or stream)
        if sealing:
            sealing.close()
        stream.flush()
        os.fsync(stream.fileno())
        size = stream.tell()
        part_path(target).replace(target)
        sync_folder(target.parent)
    return size


def _write_members(work: _Work, stream: Writable) -> None:
    writer = MemberWriter(stream, work.made_at)
    _add(work, writer, manifest.HEAD, manifest.to_json(work.head))
    with work.rows.path.open("rb") as rows:
        size = os.fstat(rows.fileno()).st_size
        work.members.append(writer.add(manifest.ROWS, size, iter(lambda: rows.read(PIECE), b"")))
    for name, path in _own_files(work):
        _add(work, writer, name, path.read_bytes())
    if work.head.blobs == manifest.INSIDE:
        _add_blob_members(work, writer)
    _add(work, writer, manifest.LIST, manifest.to_json(_contents(work)))
    writer.close()


def _add(work: _Work, writer: MemberWriter, name: str, content: bytes) -> None:
    member = writer.add(name, len(content), iter((content,)))
    if name != manifest.LIST:
        work.members.append(member)


def _own_files(work: _Work) -> Iterator[tuple[str, Path]]:
    """Yield the files of keys and fonts, as members are named."""
    data = work.resources.settings.data
    for folder in manifest.FOLDERS:
        for path in sorted((data / folder).rglob("*")):
            name = path.relative_to(data).as_posix()
            if not path.is_file() or path.is_symlink() or path.name.startswith("."):
                continue
            if len(name.encode()) > LONGEST_NAME or name.count("/") >= manifest.DEEPEST:
                work.warnings.append(f"{name} 名字太长或放得太深，没有备份。")
                continue
            yield name, path


def _add_blob_members(work: _Work, writer: MemberWriter) -> None:
    for done, (digest, _) in enumerate(work.rows.blobs, start=1):
        found = _blob(work, digest)
        if found is not None:
            size, pieces = found
            known = digest if size <= READ_AT_ONCE else ""
            work.members.append(writer.add(manifest.blob_name(digest), size, pieces, known))
        work.on_progress(done, len(work.rows.blobs))


def _add_blobs(work: _Work, folder: BackupFolder) -> int:
    """Put the blobs into the folder that it has not yet; return how many bytes they took."""
    added = 0
    for done, (digest, size) in enumerate(work.rows.blobs, start=1):
        if not folder.has_blob(digest, size):
            found = _blob(work, digest)
            if found is not None:
                added += folder.keep_blob(digest, found[1])
        work.on_progress(done, len(work.rows.blobs))
    return added


def _blob(work: _Work, digest: str) -> tuple[int, Iterator[bytes]] | None:
    """Return size and bytes of a blob whose digest was checked; note one that is not whole."""
    blobs = work.resources.blobs
    try:
        with blobs.open(digest) as stream:
            size = stream.seek(0, os.SEEK_END)
            if size > READ_AT_ONCE:
                stream.seek(0)
                if sha256_of(stream) != digest:
                    raise BlobDamaged(digest)
                return size, _pieces(work.resources, digest)
        content = blobs.read(digest)
    except (BlobMissing, BlobDamaged):
        work.missing.append(digest)
        return None
    return len(content), iter((content,))


def _pieces(resources: Resources, digest: str) -> Iterator[bytes]:
    with resources.blobs.open(digest) as stream:
        while piece := stream.read(PIECE):
            yield piece


def _contents(work: _Work) -> Contents:
    settings = work.resources.settings
    with work.resources.reading() as uow:
        company = load_profile(uow).company
    told = {
        "ARCHIVE_URL": settings.public_url,
        "ARCHIVE_SIGNATURE_LEVEL": settings.signature_level,
        "ARCHIVE_OFFICES": str(settings.offices),
    }
    return Contents(
        id=work.head.id,
        company=company,
        seq=work.rows.seq,
        journal_hash=work.rows.head,
        members=tuple(work.members),
        blobs=work.rows.blobs,
        missing=tuple(work.missing),
        secret_in_environment=has_secret_outside(),
        settings=told,
    )


def _made(work: _Work, path: Path, size: int, added: int, removed: int = 0) -> Made:
    warnings = list(work.warnings)
    if has_secret_outside():
        warnings.append(
            "主密钥来自环境变量 ARCHIVE_KEY，不在备份里；没有它签名密钥打不开，请另外保存。"
        )
    return Made(
        path=path,
        id=work.head.id,
        made_at=work.made_at,
        size=size,
        added=added,
        blobs=len(work.rows.blobs) - len(work.missing),
        seq=work.rows.seq,
        missing=tuple(work.missing),
        warnings=tuple(warnings),
        removed=removed,
    )


def _outside(resources: Resources, target: Path) -> Path:
    target, data = target.resolve(), resources.settings.data.resolve()
    if target == data or data in target.parents:
        raise Conflict(f"备份不能放在数据文件夹 {data} 里面：它坏了，备份也没了。请放到别处。")
    return target


def _refuse_strange_file(target: Path) -> None:
    """Replace a backup of ours, never anything else."""
    if not target.parent.is_dir():
        raise Conflict(f"没有文件夹 {target.parent}，请先建立它。")
    if not target.exists():
        return
    if not target.is_file():
        raise Conflict(f"{target} 不是普通文件，不能把备份写到那里。")
    with target.open("rb") as stream:
        beginning = stream.read(512)
    is_ours = is_sealed(beginning) or beginning.startswith(manifest.HEAD.encode() + b"\0")
    if beginning and not is_ours:
        raise Conflict(f"{target} 已经存在，而且不是档案台的备份，没有覆盖它。请换一个名字。")


def _drop(rows: Path) -> None:
    for path in (rows, *(rows.with_name(rows.name + end) for end in ("-journal", "-wal", "-shm"))):
        path.unlink(missing_ok=True)
