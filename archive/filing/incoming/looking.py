"""Has strangers' files looked at and split in a child process that may be killed at any time.

One child looks at many files, one after another, each within a deadline; one that hangs or dies
costs only the file in hand. Called before any transaction is open.
"""

import contextlib
import json
import selectors
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archive.core.errors import Invalid
from indexer.children import Room, end, lent, read_made, reader, running
from indexer.confined import Bounds

MEMORY = 2 << 30
CPU_SECONDS = 1800  # of one child; the deadline of a file is what counts
MOST_OUTPUT = 1 << 30
FILE_SECONDS = 30
PAGE_SECONDS = 30
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
    with _room() as folder:
        mine = [lent(path, folder) for path in paths]
        while len(found) < len(mine):
            with _child(folder, mine, "look") as child:
                for path in mine[len(found) :]:
                    answer = _ask(child, path, seconds)
                    found.append(answer)
                    if answer.refused and child.poll() is not None:
                        break  # the child is gone; the next file gets a new one
    return found


def split(path: Path, folder: Path, seconds: float = PAGE_SECONDS) -> Iterator[tuple[int, int]]:
    """Cut a scan at its separators into the folder, yielding page and pages as it goes on.

    The parts are told by ``read_parts`` when it is through. Raises Invalid with the reason.
    """
    with _room() as room:
        mine = lent(path, room)
        with _child(room, [mine], "split", mine, room) as child:
            while told := _line(child, seconds):
                if "refused" in told:
                    raise Invalid(str(told["refused"]))
                if "page" not in told:
                    break
                yield int(told["page"]), int(told["of"])
        if told is None:
            raise Invalid(_DIED)
        for one in told["parts"]:
            made = read_made(room / Path(one["file"]).name, MOST_OUTPUT)
            (folder / Path(one["file"]).name).write_bytes(made)
        (folder / "parts.json").write_text(json.dumps(told), encoding="utf-8")


def page_picture(content: bytes, page: int, width: int) -> bytes:
    """Return one page (from 1) of a PDF or picture as PNG; raise Invalid with the reason."""
    with _room() as place:
        source, target = place / "source", place / "page.png"
        source.write_bytes(content)
        with _child(place, [], "draw", source, target, page, width) as child:
            told = _line(child, PAGE_SECONDS)
        if told is None or "refused" in told:
            raise Invalid(str(told["refused"]) if told else _DIED)
        return read_made(target, MOST_OUTPUT)


def read_parts(folder: Path) -> Parts:
    """Return what ``split`` left in the folder."""
    told = json.loads((folder / "parts.json").read_text(encoding="utf-8"))
    parts = [Part(folder / one["file"], one["pages"], one["values"]) for one in told["parts"]]
    return Parts(tuple(parts), told["separators"], told["unclear"])


@contextlib.contextmanager
def _room() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="incoming-") as folder:
        yield Path(folder)


def _ask(child: subprocess.Popen[bytes], path: Path, seconds: float) -> Look:
    stdin = child.stdin
    assert stdin is not None  # noqa: S101 - opened with a pipe
    try:
        stdin.write(json.dumps(str(path)).encode() + b"\n")
        stdin.flush()
        told = _line(child, seconds)
    except (OSError, Invalid) as error:
        end(child)
        return Look(refused=error.message if isinstance(error, Invalid) else _DIED)
    if told is None:
        end(child)
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
def _child(
    folder: Path, reads: Sequence[Path], *command: object
) -> Iterator[subprocess.Popen[bytes]]:
    bounds = Bounds(MEMORY, CPU_SECONDS, output=MOST_OUTPUT)
    told = reader("archive.filing.incoming.child", *command)
    room = Room(folder, tuple(reads))
    with running(told, bounds, room, stdin=subprocess.PIPE, quiet=True) as child:
        yield child
