"""Holding a place alone: a lock file that ends with its process, however that ends.

The lock is the kernel's (``flock``), not the file: what a killed process leaves behind blocks
nobody. Used by the server for its folder, by backups and by restoring.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from storage.errors import NoRoom, PlaceTaken

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def no_room(error: OSError, what: str) -> NoRoom:
    """Return the refusal for bytes that could not be written: what, why, what to do next."""
    if error.errno in _FULL:
        why, then = "磁盘已满", "请腾出空间后再做一次"
    elif error.errno == errno.EROFS:
        why, then = "磁盘是只读的", "请检查磁盘是否出错，重新挂载后再做一次"
    elif error.errno in (errno.EACCES, errno.EPERM):
        why, then = "没有写入的权限", "请检查文件夹的所有者和权限"
    else:
        why, then = error.strerror or "磁盘出错", "请检查磁盘后再做一次"
    return NoRoom(f"{what}没能写到磁盘上：{why}。{then}；没有留下写了一半的东西。")


@contextmanager
def hold_place(path: Path, taken: str, note: str = "", *, shared: bool = False) -> Iterator[None]:
    """Hold the lock file while the block runs; raise PlaceTaken with ``taken`` at once.

    ``{note}`` in ``taken`` becomes what the holder wrote into the file. ``shared`` holders get
    along with one another.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise no_room(error, f"锁文件 {path} ") from error
    try:
        _take(descriptor, taken, shared=shared)
        if note and not shared:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, note.encode(), 0)
        yield
    finally:
        os.close(descriptor)  # the file stays: removing it would let two hold two files


@contextmanager
def hold_server_place(run: Path, address: str, *, shared: bool = False) -> Iterator[None]:
    """Hold a data folder as its only server; raise PlaceTaken, naming the one that runs.

    ``shared``: several processes of one server (gunicorn) hold it together.
    """
    taken = (
        "这个数据文件夹已有一个档案台在运行{note}，同一份数据不能由两个服务同时使用。"
        "请先停掉它，或用 ARCHIVE_DATA 指定另一个文件夹。"
    )
    note = f"（进程 {os.getpid()}，{address}）"
    with hold_place(run / "server.lock", taken, note, shared=shared):
        yield


@contextmanager
def hold_folder(path: Path, taken: str) -> Iterator[None]:
    """Hold a folder itself while the block runs, with no file to leave behind."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _take(descriptor, taken, shared=False)
        yield
    finally:
        os.close(descriptor)


def part_path(target: Path) -> Path:
    """Return where a file is written before it is whole."""
    return target.with_name(f".{target.name}.part")


@contextmanager
def part_of(target: Path, taken: str) -> Iterator[BinaryIO]:
    """Yield an empty hidden file beside the target, for this process alone; gone at the end.

    What a killed process left there is written over. Rename it to the target when it is whole.
    """
    part = part_path(target)
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "r+b") as stream:
            _take(descriptor, taken, shared=False)
            if not part.exists() or part.stat().st_ino != os.fstat(descriptor).st_ino:
                raise PlaceTaken(taken)  # its holder has just renamed it
            try:
                stream.truncate(0)
                os.fchmod(descriptor, 0o600)
                yield stream
            finally:
                if part.exists() and part.stat().st_ino == os.fstat(descriptor).st_ino:
                    part.unlink()
    except OSError as error:
        raise no_room(error, f"{target.name} ") from error


def _take(descriptor: int, taken: str, *, shared: bool) -> None:
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError as held:
        said = ""
        if "{note}" in taken:
            said = os.pread(descriptor, 200, 0).decode(errors="replace")
        raise PlaceTaken(taken.replace("{note}", said)) from held


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
