"""Reading a whole backup into a fresh folder: every name, size and digest is checked on the way.

Nothing is believed that was not hashed here; anything amiss raises, and the caller throws the
folder away. Brings the rows to the present schema and runs the whole check at the end.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.config import Settings, has_secret_outside
from archive.core.errors import ArchiveError
from archive.core.resources import Resources, open_resources
from archive.instance import knows_revision, migrate
from archive.search.indexing import ask_rebuild
from archive.signing.keys import authority_folder, forget_authority, open_authority
from archive.trust.backup import manifest
from archive.trust.backup.manifest import Contents, Head
from archive.trust.backup.source import Source, blob_pieces
from archive.trust.head import note_head
from doc_templates.pdf import Converter
from storage.errors import BackupDamaged, NoRoom
from storage.members import Member, OpenMember
from storage.places import no_room
from storage.snapshot import check_rows_file, read_copy
from storage.verify import (
    Finding,
    verify_blobs,
    verify_checkpoints,
    verify_head,
    verify_journal,
)
from storage.work import Clock

Progress = Callable[[int, int | None], None]
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Received:
    """A backup that lies whole in a folder: what it was, what is wrong with what it holds."""

    head: Head
    contents: Contents
    size: int
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]


class _NoConverter:
    """Stands where no PDF is made."""

    def to_pdf(self, docx: bytes) -> bytes:
        """Refuse; nothing is converted while a backup is read."""
        raise NotImplementedError


NO_CONVERTER: Converter = _NoConverter()


def receive(source: Source, folder: Path, tell: Progress, clock: Clock) -> Received:
    """Read the backup into an empty folder, check all of it, bring it to the present schema.

    Raises BackupDamaged, WrongPassphrase, NoRoom, Conflict for a backup of a later release.
    Damage that was in the instance before the backup was made is no refusal but a finding.
    """
    _check_room(folder, source.size)
    try:
        head, contents = _unpack(source, folder, tell)
    except OSError as error:
        raise no_room(error, "恢复的内容") from error
    _hold_against_rows(folder, head, contents)
    findings = [
        Finding("missing", digest, f"文件 {digest} 在备份之前就已丢失或损坏，备份里没有")
        for digest in contents.missing
    ]
    known = set(contents.missing)
    findings += [
        one for one in _bring_up(folder, head, contents, clock) if one.subject not in known
    ]
    os.sync()
    return Received(head, contents, contents.size, tuple(findings), tuple(_warnings(contents)))


def settings_of(folder: Path) -> Settings:
    """Return the settings of an instance that lies whole in a folder."""
    return Settings(data=folder, database_url=f"sqlite:///{folder / manifest.ROWS}")


def _unpack(source: Source, folder: Path, tell: Progress) -> tuple[Head, Contents]:
    total = source.size // MEGABYTE
    seen: dict[str, Member] = {}
    contents = None
    with source.members(lambda read: tell(read // MEGABYTE, total)) as members:
        head = _read_head(next(members, None))
        for member in members:
            name = manifest.checked_name(member.name)
            if contents is not None or name in seen or name == manifest.HEAD:
                raise BackupDamaged(f"备份里的“{name}”多出来了，不予恢复。")
            if name == manifest.LIST:
                contents = manifest.read_contents(member.content(manifest.MOST_LIST))
                continue
            seen[name] = _write(folder / name, name, member.pieces())
    if contents is None or contents.id != head.id:
        raise BackupDamaged("备份不完整：没有清单，或清单不是这份备份的。")
    listed = {one.name: one for one in contents.members if one.name != manifest.HEAD}
    for name in sorted(set(listed) ^ set(seen)):
        raise BackupDamaged(f"备份与清单对不上：{name[:100]}。")
    for name, one in listed.items():
        if seen[name] != one:
            raise BackupDamaged(f"备份里的“{name}”被改动过：摘要与清单不符。")
    if head.blobs == manifest.BESIDE:
        _fetch_blobs(source, folder, contents, tell)
    return head, contents


def _read_head(first: OpenMember | None) -> Head:
    if first is None or first.name != manifest.HEAD:
        raise BackupDamaged("这不是档案台的备份。")
    head = manifest.read_head(first.content(manifest.MOST_HEAD))
    if not knows_revision(head.revision):
        raise BackupDamaged(
            f"这份备份由更新的版本（{head.release}，数据库 {head.revision}）做成，本程序"
            f"（{manifest.release()}）不认识。请先升级档案台，再恢复。"
        )
    return head


def _fetch_blobs(source: Source, folder: Path, contents: Contents, tell: Progress) -> None:
    lost = set(contents.missing)
    wanted = [(digest, size) for digest, size in contents.blobs if digest not in lost]
    _check_room(folder, sum(size for _, size in wanted))
    for done, (digest, _) in enumerate(wanted, start=1):
        name = manifest.blob_name(digest)
        _write(folder / name, name, blob_pieces(source, digest))
        tell(done, len(wanted))


def _write(path: Path, name: str, pieces: Iterable[bytes]) -> Member:
    """Write a member below the folder; a blob must have the digest it is named by."""
    _make_private(path.parent)
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            stream.write(piece)
    found = Member(name, size, digest.hexdigest())
    blob = manifest.blob_of(name)
    if blob and blob != found.sha256:
        raise BackupDamaged(f"备份里的文件 {blob[:16]}… 被改动过：摘要不符。")
    return found


def _make_private(folder: Path) -> None:
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700)


def _hold_against_rows(folder: Path, head: Head, contents: Contents) -> None:
    """The list and the rows must say the same; the blobs the rows name must be there."""
    path = folder / manifest.ROWS
    if not path.is_file():
        raise BackupDamaged("备份里没有数据库。")
    damage = check_rows_file(path)
    if damage:
        raise BackupDamaged(f"备份里的数据库坏了，不予恢复：{damage}")
    rows = read_copy(path)
    same = (rows.revision, rows.seq, rows.head) == (
        head.revision,
        contents.seq,
        contents.journal_hash,
    )
    if not same or set(rows.blobs) != set(contents.blobs):
        raise BackupDamaged("备份的清单与其中的数据库对不上，不予恢复。")
    lost = set(contents.missing)
    for digest, _ in contents.blobs:
        if digest not in lost and not (folder / manifest.blob_name(digest)).is_file():
            raise BackupDamaged(f"备份不完整：少了文件 {digest[:16]}…。")


def _bring_up(folder: Path, head: Head, contents: Contents, clock: Clock) -> Iterator[Finding]:
    """Migrate, check, and leave the notes a restored instance needs; yield what is wrong."""
    resources = open_resources(settings_of(folder), NO_CONVERTER, clock)
    try:
        migrate(resources.database)
        with resources.reading() as uow:
            yield from verify_blobs(uow, resources.blobs)
            yield from verify_journal(uow)
            yield from verify_head(uow, contents.seq, contents.journal_hash)
            yield from verify_checkpoints(uow)
        yield from _check_keys(resources)
        with resources.work() as uow:
            detail = {"id": head.id, "entries": contents.seq, "head": contents.journal_hash}
            uow.journal(None, "backup.restore", "backup", head.id, detail)
            uow.commit()
        ask_rebuild(resources)
        note_head(resources)
    finally:
        resources.database.dispose()
        shutil.rmtree(folder / "run", ignore_errors=True)
        shutil.rmtree(folder / "index", ignore_errors=True)


def _check_keys(resources: Resources) -> Iterator[Finding]:
    """The company's keys must open with the secret that is there."""
    folder = authority_folder(resources.settings)
    if not folder.is_dir():
        return
    if not has_secret_outside() and not (resources.settings.keys / "secret").is_file():
        yield Finding("keys", "keys/secret", "主密钥不在备份里：请把 ARCHIVE_KEY 设成原来的值")
        return
    try:
        open_authority(resources)
    except ArchiveError as refusal:
        yield Finding("keys", "keys/authority", f"公司的签名密钥打不开：{refusal.message}")
    finally:
        forget_authority(folder)


def _warnings(contents: Contents) -> Iterator[str]:
    if contents.secret_in_environment:
        yield "做备份时主密钥来自环境变量 ARCHIVE_KEY：启动前请设成与原来相同的值。"
    told = "，".join(f"{key}={value}" for key, value in sorted(contents.settings.items()))
    yield f"环境变量不在备份里，请照旧设置。做备份时：{told}"


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise NoRoom(
            f"磁盘空间不够：恢复需要约 {-(-size // MEGABYTE)} MB，{folder.parent} 只剩"
            f" {free // MEGABYTE} MB。什么也没有写入。"
        )
