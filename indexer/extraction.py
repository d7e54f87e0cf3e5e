"""Text of a file someone handed in: Word, Excel, PDF, OFD, pictures, mail, ZIP. By its content.

The reading is done in child processes with limits of memory, time and output, which are killed
when they go over them: extract_child reads, old_office opens what is old, recognition makes out
what is only a picture. Called by archive.documents, archive.search and archive.cli.
"""

import json
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.children import Room, lent, reader, running
from indexer.confined import Bounds
from indexer.errors import ExtractError
from indexer.old_office import save_as_new
from indexer.reading import OldOffice, Part, Reading, Scan, joined
from indexer.recognition import SECONDS_A_PAGE, Tell, recognise

_MEMORY = 1 << 30
_MOST_OUTPUT = 64 << 20
MOST_OCR_SECONDS = 3600.0
NO_WORDS = "没有文字层，可能是扫描件；只能按题名、编号等查到。"
SOME_PAGES = "有 {} 页没有文字层，可能是扫描页。"


@dataclass(frozen=True)
class Extracted:
    """The text of a file; `pages` is the number of pages, sheets or inner files, 0 for none."""

    text: str
    pages: int
    method: str
    warnings: tuple[str, ...]


def _quiet(_done: int, _total: int) -> None:
    return None


def extract(
    path: Path | str,
    *,
    timeout: float = 60,
    max_bytes: int = 1 << 30,
    memory: int = _MEMORY,
    ocr: bool = True,
    tell: Tell = _quiet,
) -> Extracted:
    """Read the text of a file, within `timeout` seconds and `memory` bytes.

    Pages that are pictures are recognised with `ocr`, within 60 s a page and an hour in all;
    `tell` is told how many of how many are read. `max_bytes` bounds the file and what it unpacks
    to. Raises ExtractError with a plain sentence for whatever cannot be read; never hangs.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise ExtractError(f"找不到文件“{path.name}”，请检查路径。")
    size = path.stat().st_size
    if size == 0:
        raise ExtractError(f"文件“{path.name}”是空的。")
    if size > max_bytes:
        raise ExtractError(f"文件“{path.name}”太大（{size:,} 字节），超过了上限。")
    ends = time.monotonic() + timeout
    with tempfile.TemporaryDirectory(prefix="extract-") as folder:
        work = _Work(Path(folder), ends, max_bytes, memory)
        found = work.read(path)
        return _finish(found, Path(folder), tell) if ocr else _unfinished(found)


def extract_pages(
    path: Path, *, timeout: float = 10, max_bytes: int = 1 << 28, memory: int = _MEMORY
) -> tuple[str, ...]:
    """Read the text of each page of a PDF, in a child as above; raises ExtractError."""
    if path.stat().st_size > max_bytes:
        raise ExtractError("文件太大，没有逐页查找。")
    with tempfile.TemporaryDirectory(prefix="extract-") as folder:
        place = Path(folder)
        answer = _told(_ask_child(path.resolve(), place, timeout, max_bytes, memory, "pages"))
    return tuple(answer["pages"])


class _Work:
    """One file being read, with the files found in it, until a time."""

    def __init__(self, folder: Path, ends: float, max_bytes: int, memory: int) -> None:
        self._folder = folder
        self._ends = ends
        self._limits = max_bytes, memory
        self._steps = 0

    def read(self, path: Path) -> Reading:
        """Read a file; what is old inside it is opened and read too."""
        inner = self._place()
        left = max(self._ends - time.monotonic(), 1)
        found = Reading.from_told(_told(_ask_child(path, inner, left, *self._limits)))
        if len(found.parts) == 1 and isinstance(found.parts[0], OldOffice):
            return self._open(found.parts[0])
        parts: list[Part] = []
        for part in found.parts:
            parts += self._inner(part, found) if isinstance(part, OldOffice) else [part]
        found.parts = parts
        return found

    def _open(self, old: OldOffice) -> Reading:
        new = save_as_new(Path(old.path), old.kind, self._place(), self._ends - time.monotonic())
        found = self.read(new)
        found.method = f"{old.kind}:office"
        return found

    def _inner(self, old: OldOffice, outer: Reading) -> list[Part]:
        try:
            return self._open(old).parts
        except ExtractError as refusal:
            outer.warnings.append(refusal.message)
            return []

    def _place(self) -> Path:
        self._steps += 1
        place = self._folder / f"step{self._steps}"
        place.mkdir()
        return place


def _finish(found: Reading, folder: Path, tell: Tell) -> Extracted:
    """Have what is still a picture recognised."""
    scans = [part for part in found.parts if isinstance(part, Scan)]
    if not scans:
        return _unfinished(found)
    seconds = min(SECONDS_A_PAGE * len(scans), MOST_OCR_SECONDS)
    words, warnings = recognise(scans, folder, seconds, tell)
    if all(one is None for one in words):
        return _unfinished(found, warnings)
    told = iter(words)
    parts = [next(told) or "" if isinstance(part, Scan) else str(part) for part in found.parts]
    method = "ocr" if len(scans) == len(parts) else f"{found.method}+ocr"
    return _made(parts, found.pages, method, [*found.warnings, *warnings])


def _unfinished(found: Reading, more: list[str] | None = None) -> Extracted:
    """Leave pictures unread, and say so."""
    parts = [part for part in found.parts if isinstance(part, str)]
    scans = len(found.parts) - len(parts)
    warnings = [*found.warnings, *(more or [])]
    if scans and not any(part.strip() for part in parts):
        warnings.append(NO_WORDS)
    elif scans:
        warnings.append(SOME_PAGES.format(scans))
    return _made(parts, found.pages, found.method, warnings)


def _made(parts: list[str], pages: int, method: str, warnings: list[str]) -> Extracted:
    text = joined(parts)
    if not text.strip() and not warnings:
        warnings.append(NO_WORDS if method.startswith(("pdf", "ocr")) else "文件中没有文字。")
    return Extracted(text, pages, method, tuple(warnings))


def _ask_child(
    path: Path, folder: Path, timeout: float, max_bytes: int, memory: int, *more: str
) -> bytes:
    source = lent(path, folder)
    command = reader("indexer.extract_child", source, max_bytes, folder, *more)
    bounds = Bounds(memory, int(timeout) + 1, output=max_bytes)
    with running(command, bounds, Room(folder, (source,))) as child:
        try:
            output, complaint = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise ExtractError(f"读取超过 {timeout:.0f} 秒，已停止；文件可能有问题。") from error
    if child.returncode != 0 or len(output) > _MOST_OUTPUT:
        raise ExtractError(_why_died(child.returncode, complaint))
    return output


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
