"""Reads a stranger's .xlsx or .csv as rows of plain values, judged by content, not by suffix.

The parsing is done in a child process with limits of memory, time and output, which is killed
when it goes over them (``sheet_child``). Called by whatever takes a filled sheet in.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from archive.core.errors import Invalid, TooLarge
from indexer.children import Room, reader, running
from indexer.confined import Bounds

MAX_BYTES = 20 << 20
MAX_ROWS = 20_000
MAX_COLUMNS = 200
MEMORY = 1 << 30
SECONDS = 120
MOST_OUTPUT = 256 << 20
_DIED = "读取这个表格时程序意外停止，文件可能已损坏；请用 Excel 打开后另存为新的 .xlsx 再上传。"


@dataclass(frozen=True)
class CellFault:
    """A cell that cannot be read, and why: a formula gone wrong, a number that lost digits."""

    why: str


Value = str | int | float | bool | CellFault | None


@dataclass(frozen=True)
class SheetRow:
    """A row with something in it: its number as Excel counts, its cells without empty ends."""

    number: int
    cells: tuple[Value, ...]
    is_hidden: bool = False


@dataclass(frozen=True)
class ReadSheet:
    """A sheet as it was read; rows with nothing in them are left out."""

    title: str
    rows: tuple[SheetRow, ...]
    is_hidden: bool = False


@dataclass(frozen=True)
class ReadBook:
    """A file of sheets; a .csv has one sheet, without a title."""

    sheets: tuple[ReadSheet, ...]
    is_csv: bool = False


def read_book(content: bytes, seconds: int = SECONDS, memory: int = MEMORY) -> ReadBook:
    """Read a sheet file; raise Invalid or TooLarge with a plain sentence, never hang."""
    if not content:
        raise Invalid("这个文件是空的，请选择填好的表格。", {"file": "空文件"})
    if len(content) > MAX_BYTES:
        raise TooLarge(f"表格太大，最多 {MAX_BYTES >> 20} MB；请分成几个文件上传。")
    with tempfile.TemporaryDirectory(prefix="sheet-") as folder:
        source = Path(folder, "source")
        source.write_bytes(content)
        with tempfile.TemporaryFile() as answer:
            _run_child(source, answer, seconds, memory)
            answer.seek(0)
            return _book(answer)


def _run_child(source: Path, out: IO[bytes], seconds: int, memory: int) -> None:
    command = reader("archive.core.sheet_child", source, MAX_ROWS, MAX_COLUMNS)
    bounds = Bounds(memory, seconds, output=MOST_OUTPUT)
    try:
        with running(command, bounds, Room(source.parent), stdout=out) as child:
            code = child.wait(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise Invalid(
            f"读取这个表格超过 {seconds} 秒，已停止；请删去多余的行和格式再上传。"
        ) from error
    if code != 0:
        raise Invalid(_DIED)


def _book(lines: IO[bytes]) -> ReadBook:
    """Put the child's lines together: a sheet's head, its rows, at last ``{"end": true}``."""
    sheets: list[ReadSheet] = []
    rows: list[SheetRow] = []
    has_ended = is_csv = False
    for told in _told(lines):
        if "error" in told:
            raise (TooLarge if told.get("large") else Invalid)(str(told["error"]))
        if "sheet" in told:
            rows = []
            is_csv = is_csv or bool(told.get("csv"))
            sheets.append(ReadSheet(str(told["sheet"]), (), bool(told.get("hidden"))))
        elif "row" in told:
            cells = tuple(_value(cell) for cell in told["cells"])
            rows.append(SheetRow(int(told["row"]), cells, bool(told.get("hidden"))))
        elif "rows" in told:
            sheets[-1] = ReadSheet(sheets[-1].title, tuple(rows), sheets[-1].is_hidden)
        has_ended = "end" in told
    if not has_ended:
        raise Invalid(_DIED)
    return ReadBook(tuple(sheets), is_csv)


def _told(lines: IO[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError as error:
            raise Invalid(_DIED) from error


def _value(told: Any) -> Value:
    return CellFault(str(told["fault"])) if isinstance(told, dict) else told
