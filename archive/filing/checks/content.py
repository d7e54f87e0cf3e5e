"""Looks into strangers' files in a child process with limits, many in one go.

A file on which the child dies or stays too long is at fault itself; the ones behind it are
looked at by a fresh child. Called by ``reading``.
"""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from archive.filing.checks.facts import Content
from indexer.children import Room, lent, reader, running
from indexer.confined import Bounds

INSPECTOR = 1  # raise it when content_child sees more, so that every file is looked into again
MEMORY = 3 << 29
SECONDS = 60
MOST_OUTPUT = 64 << 20
_DIED = Content(fault="读取时程序意外停止或超时，文件可能已损坏")


def inspect(
    files: Sequence[tuple[Path, str]], seconds: int = SECONDS, memory: int = MEMORY
) -> list[Content]:
    """Return what is in each file (path and media type), in order; never raises for content."""
    found: list[Content] = []
    while len(found) < len(files):
        told = _ask_child(files[len(found) :], seconds, memory)
        found += told
        if len(found) < len(files):
            found.append(_DIED)
    return found


def content_from(told: dict[str, Any]) -> Content:
    """Return what the child, or the row that kept it, tells of a file."""
    data = told.get("data", {})
    return Content(
        fault=str(told.get("fault", "")),
        pages=int(told.get("pages", 0)),
        encrypted=str(told.get("encrypted", "")),
        active=tuple(str(each) for each in told.get("active", ())),
        data={str(key): str(value) for key, value in data.items()},
    )


def _ask_child(files: Sequence[tuple[Path, str]], seconds: int, memory: int) -> list[Content]:
    """Return what the child tells of as many files as it gets through."""
    with tempfile.TemporaryDirectory(prefix="content-") as folder, tempfile.TemporaryFile() as out:
        listed = Path(folder, "list.json")
        paths = [lent(path, Path(folder)) for path, _ in files]
        kinds = [media_type for _, media_type in files]
        names = [[str(path), kind] for path, kind in zip(paths, kinds, strict=True)]
        listed.write_text(json.dumps(names), encoding="utf-8")
        _run(listed, paths, out, seconds, memory)
        out.seek(0)
        return [content for line in out if (content := _read(line)) is not None][: len(files)]


def _run(listed: Path, files: Sequence[Path], out: BinaryIO, seconds: int, memory: int) -> None:
    command = reader("archive.filing.checks.content_child", listed)
    room = Room(listed.parent, tuple(files))
    bounds = Bounds(memory, seconds, output=MOST_OUTPUT)
    with (
        contextlib.suppress(subprocess.TimeoutExpired),
        running(command, bounds, room, stdout=out) as child,
    ):
        child.wait(timeout=seconds * 2)


def _read(line: bytes) -> Content | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return content_from(told) if isinstance(told, dict) else None
