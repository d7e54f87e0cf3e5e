"""Text of a file someone handed in: Word, Excel, PDF, plain text. Judged by its content.

The reading itself is done in a child process with limits of memory, time and output, which is
killed when it goes over them (extract_child). Not here: OCR; a scan gives a warning.
Called by archive.documents, archive.cli and archive.jobs.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.errors import ExtractError

_MEMORY = 1 << 30
_MOST_OUTPUT = 64 << 20
_PACKAGE_PARENT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Extracted:
    """The text of a file; `pages` is the number of pages or sheets, 0 where there are none."""

    text: str
    pages: int
    method: str
    warnings: tuple[str, ...]


def extract(
    path: Path | str, *, timeout: float = 60, max_bytes: int = 1 << 30, memory: int = _MEMORY
) -> Extracted:
    """Read the text of a file, within `timeout` seconds and `memory` bytes.

    `max_bytes` bounds the file and, for zipped kinds, what it unpacks to. Raises ExtractError
    with a plain sentence for whatever cannot be read; never hangs.
    """
    path = Path(path)
    if not path.is_file():
        raise ExtractError(f"找不到文件“{path.name}”，请检查路径。")
    size = path.stat().st_size
    if size == 0:
        raise ExtractError(f"文件“{path.name}”是空的。")
    if size > max_bytes:
        raise ExtractError(f"文件“{path.name}”太大（{size:,} 字节），超过了上限。")
    return _answer(_ask_child(path, timeout, max_bytes, memory))


def extract_pages(
    path: Path, *, timeout: float = 10, max_bytes: int = 1 << 28, memory: int = _MEMORY
) -> tuple[str, ...]:
    """Read the text of each page of a PDF, in a child as above; raises ExtractError."""
    if path.stat().st_size > max_bytes:
        raise ExtractError("文件太大，没有逐页查找。")
    answer = _told(_ask_child(path, timeout, max_bytes, memory, "pages"))
    return tuple(answer["pages"])


def _ask_child(path: Path, timeout: float, max_bytes: int, memory: int, *more: str) -> bytes:
    command = [sys.executable, "-m", "indexer.extract_child", str(path.resolve())]
    command += [str(max_bytes), str(memory), str(int(timeout) + 1), *more]
    with _running(command) as child:
        try:
            output, complaint = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise ExtractError(f"读取超过 {timeout:g} 秒，已停止；文件可能有问题。") from error
    if child.returncode != 0 or len(output) > _MOST_OUTPUT:
        raise ExtractError(_why_died(child.returncode, complaint))
    return output


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own, so that whatever it started dies with it."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_PACKAGE_PARENT),
        "PYTHONUTF8": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


def _why_died(code: int, complaint: bytes) -> str:
    if code == -signal.SIGXCPU or code == -signal.SIGKILL:
        return "读取这个文件用的时间太长，已停止。"
    if b"MemoryError" in complaint:
        return "读取这个文件要用的内存太多，已停止。"
    return "读取这个文件时程序意外停止，文件可能已损坏。"


def _told(output: bytes) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError as error:
        raise ExtractError("读取这个文件时程序意外停止，文件可能已损坏。") from error
    if "error" in answer:
        raise ExtractError(str(answer["error"]))
    return answer


def _answer(output: bytes) -> Extracted:
    answer = _told(output)
    return Extracted(
        text=answer["text"],
        pages=int(answer["pages"]),
        method=answer["method"],
        warnings=tuple(answer["warnings"]),
    )
