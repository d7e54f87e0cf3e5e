"""The watched folder (收件文件夹, ARCHIVE_INBOX): what a scanner puts there is received.

A file is taken once its size and time stayed the same between two looks: bytes first, then the
row, then it moves to ``done/``, or to ``refused/`` with a text beside it that says why. Killed in
between, the next look finds the file still there and does not enter it twice. A folder in it
named by a department's code or name is that department's, any other folder names the batch.
"""

import contextlib
import errno
import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from archive.core.clock import local_day
from archive.core.resources import Resources
from archive.filing.incoming.edge import Received, Upload, enter, keep
from archive.filing.incoming.models import BatchState, IntakeBatch, IntakeFile
from archive.filing.incoming.rules import LARGEST_FILE, MOST_FILES, Common, clean_name
from archive.people import service as people
from archive.people.rights import INTERNAL
from storage.errors import StorageError
from storage.work import UnitOfWork

log = logging.getLogger(__name__)

DONE, REFUSED = "done", "refused"
MOST_AT_ONCE = 50
MOST_BYTES_AT_ONCE = 256 << 20
LOCK = "inbox.lock"
Mark = tuple[int, int, int]  # inode, size and time of a file as it was seen


@dataclass(frozen=True)
class _Seen:
    """A thing lying in the inbox: below which folder ("" for none), its name, its mark."""

    folder: str
    name: str
    path: Path
    mark: Mark


class Unfit(Exception):
    """The thing is not received; the words say why."""


class Inbox:
    """Looks at the folder again and again; remembers what it saw the last time."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._before: dict[Path, Mark] = {}

    def look(self) -> int:
        """Receive what has not changed since the last look; return how many things moved."""
        root = self._resources.settings.inbox
        if root is None or not root.is_dir():
            return 0
        with _alone(self._resources.settings.run / LOCK) as is_alone:
            if not is_alone:
                return 0
            lying = list(_lying(root))
            still = [one for one in lying if self._before.get(one.path) == one.mark]
            self._before = {one.path: one.mark for one in lying}
            return sum(self._take(root, folder, things) for folder, things in _grouped(still))

    def _take(self, root: Path, folder: str, things: list[_Seen]) -> int:
        """Receive some things of one folder, then move them away."""
        uploads: list[Upload] = []
        fit: list[_Seen] = []
        for one in things:
            try:
                uploads.append(Upload(one.name, _read(one)))
                fit.append(one)
            except Unfit as why:
                _move(root, one, REFUSED, str(why))
        try:
            received = self._enter(folder, uploads) if fit else []
        except (StorageError, OSError):
            log.exception("收件文件夹：没能收下 %d 个文件，下次再试", len(fit))
            return len(things) - len(fit)
        for one, told in zip(fit, received, strict=True):
            _move(root, one, REFUSED if told.refused else DONE, told.refused)
        return len(things)

    def _enter(self, folder: str, uploads: list[Upload]) -> list[Received]:
        kept = keep(self._resources, uploads)
        with self._resources.work() as uow:
            batch = _batch_of(uow, folder, len(kept))
            received = enter(uow, batch, kept, None)
            uow.commit()
        return received


def _batch_of(uow: UnitOfWork, folder: str, coming: int) -> IntakeBatch:
    """Return the open batch of a folder with room left, made now if there is none."""
    units = {word: unit for unit in people.departments(uow) for word in (unit.code, unit.name)}
    unit = units.get(folder)
    words = clean_name(folder)[0] if folder else "收件文件夹"
    title = f"{unit.name if unit else words} {local_day(uow.now())}"[:100]
    rows = uow.session.scalars(
        select(IntakeBatch)
        .where(IntakeBatch.source == "folder", IntakeBatch.state == BatchState.OPEN)
        .where(IntakeBatch.title == title)
        .order_by(IntakeBatch.id.desc())
    )
    for row in rows:
        if _count(uow, row.id) + coming <= MOST_FILES:
            return row
    row = IntakeBatch(
        title=title,
        source="folder",
        state=BatchState.OPEN,
        department_id=unit.id if unit else None,
        secrecy=INTERNAL,
        common=Common().as_json(),
        made_by=None,
        made_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    uow.journal(None, "intake.make", "intake_batch", row.id, {"source": "folder"})
    return row


def _count(uow: UnitOfWork, batch_id: int) -> int:
    query = select(func.count()).select_from(IntakeFile).where(IntakeFile.batch_id == batch_id)
    return uow.session.scalar(query) or 0


def _lying(root: Path) -> Iterator[_Seen]:
    """Yield what lies in the inbox and in its folders, in order; what was dealt with is not."""
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.name in (DONE, REFUSED):
            continue
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            for inner in sorted(os.scandir(entry.path), key=lambda inner: inner.name):
                yield from _seen(entry.name, inner)
        else:
            yield from _seen("", entry)


def _seen(folder: str, entry: "os.DirEntry[str]") -> Iterator[_Seen]:
    with contextlib.suppress(FileNotFoundError):
        told = entry.stat(follow_symlinks=False)
        mark = (told.st_ino, told.st_size, told.st_mtime_ns)
        yield _Seen(folder, entry.name, Path(entry.path), mark)


def _grouped(things: list[_Seen]) -> Iterator[tuple[str, list[_Seen]]]:
    """Yield things folder by folder, a bearable number and size at a time."""
    group: list[_Seen] = []
    size = 0
    for one in things:
        is_full = len(group) >= MOST_AT_ONCE or size + one.mark[1] > MOST_BYTES_AT_ONCE
        if group and (group[0].folder != one.folder or is_full):
            yield group[0].folder, group
            group, size = [], 0
        group.append(one)
        size += one.mark[1]
    if group:
        yield group[0].folder, group


def _read(one: _Seen) -> bytes:
    """Return a file's bytes; raise Unfit for what is no plain file, hidden, huge or locked."""
    if any("\ud800" <= char <= "\udfff" for char in one.name):
        raise Unfit("文件名不是 UTF-8，请改名后再放进来。")
    if one.name.startswith((".", "~$")):
        raise Unfit("这是隐藏文件或临时文件，没有收。")
    try:
        handle = os.open(one.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Unfit("这是一个链接，不是文件；请把文件本身放进来。") from error
        raise Unfit(f"读不出文件（{error.strerror}），请检查权限后再放进来。") from error
    with _closing(handle):
        told = os.fstat(handle)
        if stat.S_ISDIR(told.st_mode):
            raise Unfit("文件夹里的文件夹不收；请把文件直接放进来。")
        if not stat.S_ISREG(told.st_mode):
            raise Unfit("这不是普通文件，没有收。")
        if told.st_size > LARGEST_FILE:
            raise Unfit(f"文件太大（超过 {LARGEST_FILE >> 20} MB），请拆分后再放进来。")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(LARGEST_FILE + 1)


@contextlib.contextmanager
def _closing(handle: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(handle)


def _move(root: Path, one: _Seen, where: str, why: str) -> None:
    """Move a thing to where it is out of the way, never over another; say why beside it."""
    target = root / where / one.folder
    try:
        target.mkdir(parents=True, exist_ok=True)
        place = _free(target, one.name)
        one.path.rename(place)
        if why:
            place.with_name(f"{place.name[:200]}.txt").write_text(f"{why}\n", encoding="utf-8")
    except OSError:
        log.exception("收件文件夹：没能移走一个文件")


def _free(folder: Path, name: str) -> Path:
    place, number = folder / name, 1
    while place.exists() or place.is_symlink():
        number += 1
        stem, dot, suffix = name.rpartition(".")
        place = folder / (f"{stem} ({number}).{suffix}" if dot and stem else f"{name} ({number})")
    return place


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Say whether this is the only worker of the host that looks just now."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
