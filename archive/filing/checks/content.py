"""Looks into strangers' files in a child process with limits, many in one go.

A file on which the child dies or stays too long is at fault itself; the ones behind it are
looked at by a fresh child. Called by ``reading``.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from archive.filing.checks.facts import Content

INSPECTOR = 1  # raise it when content_child sees more, so that every file is looked into again
MEMORY = 3 << 29
SECONDS = 60
_PACKAGE_PARENT = Path(__file__).resolve().parents[3]
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
        names = [[str(path), media_type] for path, media_type in files]
        listed.write_text(json.dumps(names), encoding="utf-8")
        _run(listed, out, Path(folder), seconds, memory)
        out.seek(0)
        return [content for line in out if (content := _read(line)) is not None][: len(files)]


def _run(listed: Path, out: BinaryIO, folder: Path, seconds: int, memory: int) -> None:
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "archive.filing.checks.content_child"),
            *(str(listed), str(memory), str(seconds)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.DEVNULL,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(_PACKAGE_PARENT),
            "PYTHONUTF8": "1",
            "TMPDIR": str(folder),
        },
        cwd="/",
        start_new_session=True,
    )
    try:
        child.wait(timeout=seconds * 2)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _read(line: bytes) -> Content | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return content_from(told) if isinstance(told, dict) else None
