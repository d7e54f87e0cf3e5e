"""Has strangers' files looked at and split in a child process that may be killed at any time.

One child looks at many files, one after another, each within a deadline; one that hangs or dies
costs only the file in hand. Called before any transaction is open.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from archive.core.errors import Invalid

MEMORY = 2 << 30
CPU_SECONDS = 1800  # of one child; the deadline of a file is what counts
MOST_OUTPUT = 1 << 30
FILE_SECONDS = 30
PAGE_SECONDS = 30
_PACKAGE_PARENT = Path(__file__).resolve().parents[3]
_DIED = "读取这个文件时程序意外停止，文件可能已损坏；请重新扫描或另存后再收。"


@dataclass(frozen=True)
class Look:
    """What a file is, or why it is not taken (``refused`` is then a sentence)."""

    media_type: str = ""
    pages: int = 0
    head: str = field(default="", repr=False)
    refused: str = ""


@dataclass(frozen=True)
class Part:
    """A part cut out of a scan: its file, page count, and what its separator said."""

    path: Path
    pages: int
    values: dict[str, str]


@dataclass(frozen=True)
class Parts:
    """The parts of a scan; none when it has no separator. ``unclear`` sheets contradict."""

    parts: tuple[Part, ...]
    separators: int
    unclear: int


def look_at_all(paths: Sequence[Path], seconds: float = FILE_SECONDS) -> list[Look]:
    """Say of each file what it is, in their order; never raises for what is in a file."""
    found: list[Look] = []
    while len(found) < len(paths):
        with _child(["look"]) as child:
            for path in paths[len(found) :]:
                answer = _ask(child, path, seconds)
                found.append(answer)
                if answer.refused and child.poll() is not None:
                    break  # the child is gone; the next file gets a new one
    return found


def split(path: Path, folder: Path, seconds: float = PAGE_SECONDS) -> Iterator[tuple[int, int]]:
    """Cut a scan at its separators into the folder, yielding page and pages as it goes on.

    The parts are told by ``read_parts`` when it is through. Raises Invalid with the reason.
    """
    with _child(["split"], [str(path), str(folder)]) as child:
        while told := _line(child, seconds):
            if "refused" in told:
                raise Invalid(str(told["refused"]))
            if "page" in told:
                yield int(told["page"]), int(told["of"])
                continue
            (folder / "parts.json").write_text(json.dumps(told), encoding="utf-8")
            return
    raise Invalid(_DIED)


def page_picture(content: bytes, page: int, width: int) -> bytes:
    """Return one page (from 1) of a PDF or picture as PNG; raise Invalid with the reason."""
    with tempfile.TemporaryDirectory(prefix="draw-") as place:
        source, target = Path(place, "source"), Path(place, "page.png")
        source.write_bytes(content)
        more = [str(source), str(target), str(page), str(width)]
        with _child(["draw"], more) as child:
            told = _line(child, PAGE_SECONDS)
        if told is None or "refused" in told:
            raise Invalid(str(told["refused"]) if told else _DIED)
        return target.read_bytes()


def read_parts(folder: Path) -> Parts:
    """Return what ``split`` left in the folder."""
    told = json.loads((folder / "parts.json").read_text(encoding="utf-8"))
    parts = [Part(folder / one["file"], one["pages"], one["values"]) for one in told["parts"]]
    return Parts(tuple(parts), told["separators"], told["unclear"])


def _ask(child: subprocess.Popen[bytes], path: Path, seconds: float) -> Look:
    stdin = child.stdin
    assert stdin is not None  # noqa: S101 - opened with a pipe
    try:
        stdin.write(json.dumps(str(path)).encode() + b"\n")
        stdin.flush()
        told = _line(child, seconds)
    except (OSError, Invalid) as error:
        _kill(child)
        return Look(refused=error.message if isinstance(error, Invalid) else _DIED)
    if told is None:
        _kill(child)
        return Look(refused=_DIED)
    return Look(**told)


def _line(child: subprocess.Popen[bytes], seconds: float) -> dict[str, Any] | None:
    """Return the child's next line; None when it has ended; raise Invalid when it is too slow."""
    stdout = child.stdout
    assert stdout is not None  # noqa: S101 - opened with a pipe
    with selectors.DefaultSelector() as waiting:
        waiting.register(stdout, selectors.EVENT_READ)
        if not waiting.select(seconds):
            raise Invalid(f"读取这个文件超过 {seconds:g} 秒，已停止；文件可能不正常，没有收。")
    line = stdout.readline()
    try:
        return dict(json.loads(line)) if line else None
    except ValueError:
        return None


@contextlib.contextmanager
def _child(command: Sequence[str], more: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    limits = [str(limit) for limit in (MEMORY, CPU_SECONDS, MOST_OUTPUT)]
    child = subprocess.Popen(
        [sys.executable, "-m", "archive.filing.incoming.child", *command, *limits, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(_PACKAGE_PARENT),
            "PYTHONUTF8": "1",
            "OPENBLAS_NUM_THREADS": "1",
        },
        cwd="/",
        start_new_session=True,
    )
    try:
        yield child
    finally:
        _kill(child)
        _close(child.stdin)
        _close(child.stdout)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.close()
