"""Starts the processes that read strangers' files, each confined and in a session of its own.

As root they become another user (``ARCHIVE_CHILD_USER``, else nobody): what they read is handed
to them in their own room. Whatever one started dies with it. What is taken away is in
``confined``; called by whoever reads strangers' files.
"""

import contextlib
import hashlib
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import gettempdir
from typing import IO

from indexer.confined import CHILDREN, TOLD, Bounds, Confinement

CONFINED = Path(__file__).with_name("confined.py")
USER = "ARCHIVE_CHILD_USER"
_PACKAGE_PARENT = Path(__file__).resolve().parents[1]
Stream = IO[bytes] | int


@dataclass(frozen=True)
class Room:
    """A temporary folder of one child: it writes nowhere else, and reads its ``reads`` besides."""

    folder: Path
    reads: tuple[Path, ...] = ()


def reader(name: str, *arguments: object) -> list[str]:
    """Return the command of a child of ours, by its module; raises KeyError for one unlisted."""
    _ = CHILDREN[name]
    return [sys.executable, "-m", name, *map(str, arguments)]


@contextmanager
def running(
    command: Sequence[str],
    bounds: Bounds,
    room: Room | None = None,
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.PIPE,
    quiet: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a child with a bare environment; it is gone when the block ends.

    What is in the room's folder becomes the child's. Programs that are not ours are confined by
    a Python that then becomes them. A `quiet` child's complaints are thrown away.
    """
    is_ours = _is_ours(command)
    user = python_user() if is_ours else child_user()
    if room is not None:
        hand_over(room.folder, user)
        reads = (*bounds.reads, *map(str, room.reads))
        bounds = replace(bounds, reads=reads, writes=(*bounds.writes, str(room.folder)))
    child = subprocess.Popen(
        list(command) if is_ours else as_child(command),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE if stdout == subprocess.PIPE and not quiet else subprocess.DEVNULL,
        env=_environment(replace(bounds, user=user), room),
        cwd="/",
        start_new_session=True,
    )
    try:
        yield child
    finally:
        end(child)


def as_child(command: Sequence[str]) -> list[str]:
    """Return the command that confines itself, by what the environment tells, and becomes this."""
    return [sys.executable, "-I", str(CONFINED), *command]


def hand_over_to_child(folder: Path, bounds: Bounds) -> dict[str, str]:
    """Give a folder to a lasting child and return what its environment must tell it."""
    user = child_user()
    hand_over(folder, user)
    return {TOLD: replace(bounds, user=user, writes=(str(folder),)).told()}


def end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child with all it started, and close its pipes; silent when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def hand_over(folder: Path, user: tuple[int, int] | None) -> None:
    """Give a folder and all that is in it to a child's user; links are not followed."""
    if user is None:
        return
    for around in folder.parents:
        if not around.is_relative_to(gettempdir()) or around == Path(gettempdir()):
            break
        around.chmod(stat.S_IMODE(around.stat().st_mode) | 0o001)  # walked through, not looked into
    for place, _, names in os.walk(folder):
        for path in (Path(place), *(Path(place, name) for name in names)):
            os.chown(path, *user, follow_symlinks=False)


def read_made(path: Path, most: int) -> bytes:
    """Return what a child has written; raises OSError for a link, no file, or over `most` bytes.

    A child that a stranger has taken over must not make us read for it.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        seen = os.fstat(file.fileno())
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > most:
            raise OSError("not a file a child should have made")
        return file.read(most)


def lent(path: Path, folder: Path) -> Path:
    """Return where a child of ours may read a file: itself, or a copy in the child's folder."""
    user = python_user()
    if user is None or path.is_relative_to(folder):
        return path
    copy = folder / f"lent-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    copy.unlink(missing_ok=True)
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(opened, "rb") as source, copy.open("xb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
        os.fchown(target.fileno(), *user)
    return copy


def _environment(bounds: Bounds, room: Room | None) -> dict[str, str]:
    home = {"HOME": str(room.folder), "TMPDIR": str(room.folder)} if room else {}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_PACKAGE_PARENT),
        "PYTHONUTF8": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        **home,
        TOLD: bounds.told(),
    }


def _is_ours(command: Sequence[str]) -> bool:
    return command[0] == sys.executable


# --- as whom --------------------------------------------------------------------------------


def child_user() -> tuple[int, int] | None:
    """Return the user (uid, gid) children become; None when this process is not root's.

    Raises KeyError when the one that is set does not exist.
    """
    if os.geteuid() != 0:
        return None
    found = pwd.getpwnam(os.environ.get(USER) or "nobody")
    return (found.pw_uid, found.pw_gid) if found.pw_uid else None


def python_user() -> tuple[int, int] | None:
    """Return the user our own children become: none where that one cannot read this program."""
    user = child_user()
    return user if user is not None and _can_read_us(user) else None


@lru_cache(maxsize=4)
def _can_read_us(user: tuple[int, int]) -> bool:
    return _tried(user) is not None


def in_force() -> Confinement | None:
    """Return what is taken away from our children here; None where not even one starts."""
    return _tried(python_user())


@lru_cache(maxsize=4)
def _tried(user: tuple[int, int] | None) -> Confinement | None:
    """Start a child that loads what readers load, after it was confined."""
    code = (
        "import json,dataclasses;from indexer.confined import confine;done=confine();"
        "import lxml.etree,pypdf,PIL.Image,openpyxl,indexer.reading;"
        "print(json.dumps(dataclasses.asdict(done)))"
    )
    bounds = replace(Bounds(1 << 30, 30), user=user)
    try:
        answer = subprocess.run(
            [sys.executable, "-c", code],
            env=_environment(bounds, None),
            cwd="/",
            capture_output=True,
            timeout=60,
            check=True,
        )
        return Confinement(**json.loads(answer.stdout))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
