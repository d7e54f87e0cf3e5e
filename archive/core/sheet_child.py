"""The child process that reads one stranger's sheet: `python -m archive.core.sheet_child PATH …`.

Confines itself first, then prints JSON, a line each: a sheet's head, its rows, the end; or
an error in Chinese. Loads nothing else of the product. Started only by ``sheet_reader``.
"""

import csv
import io
import json
import math
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, NoReturn

from lxml import etree
from openpyxl import load_workbook
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from indexer.confined import confine
from indexer.errors import BROKEN_ZIP

MOST_INFLATED = 300 << 20
MOST_PARTS = 2000
MOST_SHEETS = 50
EXACT = 10**15  # Excel keeps 15 digits of a number
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\[\]]*\]')
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_STEP = 1 << 16


class Refused(Exception):
    """The file cannot be taken; ``is_large`` when it is only too much."""

    def __init__(self, message: str, *, is_large: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_large = is_large


def main(arguments: Sequence[str]) -> int:
    """PATH ROWS COLUMNS; returns 0 also for a refusal."""
    confine()
    path, (rows, columns) = Path(arguments[0]), map(int, arguments[1:3])
    try:
        for told in read(path, rows, columns):
            _tell(told)
        _tell({"end": True})
    except Refused as refusal:
        _tell({"error": refusal.message, "large": refusal.is_large, "end": True})
    except MemoryError:
        _tell({"error": "读取这个表格要用的内存太多，已停止；请分成几个文件上传。", "end": True})
    except Exception as error:  # noqa: BLE001 - parsers of strangers' files raise anything
        why = f"表格已损坏或格式有误，无法读取（{type(error).__name__}）；请用 Excel 另存后再上传。"
        _tell({"error": why, "end": True})
    return 0


def read(path: Path, most_rows: int, most_columns: int) -> Iterator[dict[str, Any]]:
    """Yield what a file holds, by what it is."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(_OLD_OFFICE):
        _refuse_old_office(path)
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        limits = _inspect(path)
        yield from _read_xlsx(path, limits, most_rows, most_columns)
    else:
        yield from _read_csv(path, most_rows, most_columns)


def _tell(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")


def _refuse_old_office(path: Path) -> NoReturn:
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise Refused("表格加了密码，无法读取；请去掉密码后再上传。")
    raise Refused("这是旧版 Excel 文件（.xls），请用 Excel 另存为 .xlsx 后再上传。")


# --- the package: looked through before anything is made of it --------------------------------


class _Marks:
    """What openpyxl's quick way does not tell of a sheet: hidden rows, formulas without value."""

    def __init__(self) -> None:
        self.hidden: set[int] = set()
        self.unvalued: set[str] = set()


def _inspect(path: Path) -> dict[str, _Marks]:
    """Unpack every part once, counting; refuse bombs and DTDs; return each sheet's marks."""
    try:
        package = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise Refused("表格不完整或已损坏，无法打开；请重新上传。") from error
    marks: dict[str, _Marks] = {}
    with package:
        names = package.namelist()
        if "xl/workbook.xml" not in names:
            raise Refused("这不是 Excel 表格（.xlsx）；请上传填好的表格。")
        if len(names) > MOST_PARTS or len(set(names)) != len(names):
            raise Refused("表格的内部结构不正常，已拒绝读取。")
        budget = _Budget()
        for name in names:
            _inspect_part(package, name, budget)
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                marks[name] = _marks_of(package, name)
    return marks


class _Budget:
    """How much may still be unpacked, whatever the package says of its sizes."""

    def __init__(self) -> None:
        self._left = MOST_INFLATED

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise Refused("表格解开后太大，可能是压缩炸弹，已拒绝读取。", is_large=True)


def _inspect_part(package: zipfile.ZipFile, name: str, budget: _Budget) -> None:
    is_xml = name.endswith((".xml", ".rels", ".vml"))
    try:
        with package.open(name) as part:
            tail = b""
            while piece := part.read(_STEP):
                budget.spend(len(piece))
                if is_xml and b"<!DOCTYPE" in tail + piece:
                    raise Refused("表格含有不允许的 XML 定义（DTD），已拒绝读取。")
                if is_xml and not tail and piece[:2] in (b"\xff\xfe", b"\xfe\xff"):
                    raise Refused("表格的内部编码不正常，已拒绝读取。")
                tail = piece[-16:]
    except BROKEN_ZIP as error:
        raise Refused("表格已损坏或加了密码，无法读取。") from error


def _marks_of(package: zipfile.ZipFile, name: str) -> _Marks:
    marks = _Marks()
    with package.open(name) as part:
        for _, element in _elements(part):
            tag = etree.QName(element).localname
            if tag == "row" and element.get("hidden") in ("1", "true"):
                marks.hidden.add(int(element.get("r") or 0))
            if tag == "c" and _has_formula_without_value(element):
                marks.unvalued.add(element.get("r") or "")
            if tag == "row":
                _forget(element)
    return marks


def _elements(part: IO[bytes]) -> Iterator[tuple[str, Any]]:
    return iter(
        etree.iterparse(
            part,
            events=("end",),
            tag=("{*}row", "{*}c"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
        )
    )


def _has_formula_without_value(cell: Any) -> bool:
    parts = {etree.QName(child).localname: child.text for child in cell}
    return "f" in parts and not parts.get("v") and "is" not in parts and cell.get("t") != "str"


def _forget(element: Any) -> None:
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


# --- the cells ----------------------------------------------------------------------------------


def _read_xlsx(
    path: Path, marks: dict[str, _Marks], most_rows: int, most_columns: int
) -> Iterator[dict[str, Any]]:
    file = path.open("rb")  # stays open as long as the process lives: sheets are read from it
    book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    pages: list[Any] = [page for page in book.worksheets if isinstance(page, ReadOnlyWorksheet)]
    if len(pages) > MOST_SHEETS:
        raise Refused(f"工作表太多，最多 {MOST_SHEETS} 张。", is_large=True)
    for page in pages:
        yield {"sheet": page.title, "hidden": page.sheet_state != "visible"}
        mark = marks.get(str(page._worksheet_path).lstrip("/"), _Marks())
        page.reset_dimensions()
        yield from _rows(page, mark, most_rows, most_columns)
        yield {"rows": True}


def _rows(page: Any, marks: _Marks, most_rows: int, most_columns: int) -> Iterator[dict[str, Any]]:
    count = 0
    for number, row in enumerate(page.iter_rows(), 1):
        cells = [_cell(cell, marks) for cell in row]
        while cells and _is_empty(cells[-1]):
            cells.pop()
        if not cells:
            continue
        count += 1
        _require_room(page.title, count, len(cells), most_rows, most_columns)
        yield {"row": number, "cells": cells, "hidden": number in marks.hidden}


def _require_room(title: str, rows: int, columns: int, most_rows: int, most_columns: int) -> None:
    where = f"工作表“{title}”" if title else "表格"
    if rows > most_rows + 1:
        raise Refused(f"{where}太长，最多 {most_rows:,} 行；请分成几个文件上传。", is_large=True)
    if columns > most_columns:
        raise Refused(f"{where}太宽，最多 {most_columns} 列；请用下载的空表填写。", is_large=True)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _cell(cell: Any, marks: _Marks) -> Any:
    """Return a cell's value as JSON can carry it; what cannot be trusted is a fault."""
    value = cell.value
    if value is None:
        if marks.unvalued and getattr(cell, "coordinate", "") in marks.unvalued:
            return {"fault": "公式还没有算出结果，请用 Excel 打开并保存一次，再上传"}
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        is_error = cell.data_type == "e"
        return {"fault": f"公式出错（{value[:20]}）"} if is_error else _unescaped(value)
    if isinstance(value, int | float):
        return _number(value, cell.number_format or "")
    return _moment(value)


def _number(value: int | float, number_format: str) -> Any:
    if not math.isfinite(value):
        return {"fault": "这不是能用的数"}
    if abs(value) >= EXACT:
        return {"fault": "数字超过 15 位，Excel 已丢掉末尾几位；请把单元格设为文本后重新填写"}
    if "%" in _QUOTED.sub("", number_format):
        return f"{float(f'{value * 100:.15g}'):.15g}%"
    rounded = float(f"{value:.15g}")  # 0.1 + 0.2 shows as 0.3 in Excel, and is meant so
    return int(rounded) if rounded.is_integer() else rounded


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        whole = value.time() == time(0)
        return value.date().isoformat() if whole else value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M:%S")
    if isinstance(value, timedelta):
        return str(value)
    return {"fault": "认不出这一格的内容"}


def _unescaped(text: str) -> str:
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- text files ---------------------------------------------------------------------------------


def _read_csv(path: Path, most_rows: int, most_columns: int) -> Iterator[dict[str, Any]]:
    text = _decoded(path.read_bytes())
    csv.field_size_limit(1 << 20)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    yield {"sheet": "", "csv": True}
    count, start = 0, 1
    try:
        for row in lines:
            cells: list[str | None] = [cell if cell.strip() else None for cell in row]
            while cells and cells[-1] is None:
                cells.pop()
            if cells:
                count += 1
                _require_room("", count, len(cells), most_rows, most_columns)
                yield {"row": start, "cells": cells}
            start = lines.line_num + 1
    except csv.Error as error:
        raise Refused(f"CSV 第 {start} 行的引号或分隔符不成对，请检查后再上传。") from error
    yield {"rows": True}


def _decoded(content: bytes) -> str:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding)
    if b"\0" in content:
        raise Refused("认不出这个文件；请上传 .xlsx，或用逗号分隔的 .csv。")
    for encoding in ("utf-8", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("认不出这个文件的编码；请另存为 UTF-8 的 .csv，或用 .xlsx。")


def _delimiter(text: str) -> str:
    head = text.splitlines()[0] if text.strip() else ""
    return max(",\t;", key=head.count)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
