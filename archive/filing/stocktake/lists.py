"""A list of scanned barcodes, pasted or as a file (.txt, .csv, .xlsx), read as scans. Pure.

One line, one barcode, in the scanner's order; a place's barcode says where what follows was seen.
A head with 条码, 位置, 时间, 编号 names the columns; without one the first is the barcode, the
second the place, the third the time. Text may be UTF-8 (with or without BOM), UTF-16 or GBK.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone

from archive.core.errors import Invalid, TooLarge
from archive.core.sheet_reader import CellFault, read_book
from archive.filing.places.rules import clean_place_barcode
from archive.filing.stocktake.rules import MOST_SCANS
from archive.filing.stocktake.scans import Scan

LARGEST = 5 << 20
LONGEST_LINE = 400
CHINA = timezone(timedelta(hours=8))
HEADS = {
    "条码": "barcode",
    "barcode": "barcode",
    "位置": "place",
    "place": "place",
    "时间": "time",
    "time": "time",
    "编号": "id",
    "id": "id",
}
PLAIN = ("barcode", "place", "time", "id")
_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")


def read_list(content: bytes) -> tuple[Scan, ...]:
    """Return the scans of a file; raise Invalid or TooLarge saying which line is wrong.

    The same line of the same list has the same client id, so a list sent twice counts once.
    """
    if len(content) > LARGEST:
        raise TooLarge(f"清单太大，最多 {LARGEST >> 20} MB、{MOST_SCANS:,} 行；请分成几个文件。")
    if content[:4] == b"PK\x03\x04":
        rows: Iterable[Sequence[str]] = _sheet_rows(content)
    else:
        rows = _text_rows(_decoded(content))
    return _scans(rows)


def read_pasted(text: str) -> tuple[Scan, ...]:
    """Return the scans of pasted text; raise Invalid or TooLarge."""
    if len(text) > LARGEST:
        raise TooLarge(f"粘贴的内容太多，最多 {MOST_SCANS:,} 行；请分几次。")
    return _scans(_text_rows(text))


def _scans(rows: Iterable[Sequence[str]]) -> tuple[Scan, ...]:
    found: list[Scan] = []
    columns: Sequence[str] | None = None
    here = ""
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if columns is None:
            head = [HEADS.get(cell.lower(), "") for cell in cells]
            columns = head if "barcode" in head else PLAIN
            if columns is head:
                continue
        told = {key: cell for key, cell in zip(columns, cells, strict=False) if key}
        if clean_place_barcode(told.get("barcode", "")):
            here = told["barcode"]
            continue
        found.append(_scan(number, told, here))
        if len(found) > MOST_SCANS:
            raise TooLarge(f"清单超过 {MOST_SCANS:,} 行，一条也没有收；请分成几个文件。")
    if not found:
        raise Invalid("清单里没有条码；一行写一个条码，可再写位置和时间。", {"file": "没有条码"})
    return tuple(found)


def _scan(number: int, told: dict[str, str], here: str) -> Scan:
    barcode = told.get("barcode", "")
    if not barcode or len(barcode) > 40:
        why = "没有条码" if not barcode else f"“{barcode[:20]}…”太长，不像条码"
        raise Invalid(f"清单第 {number} 行{why}；一条也没有收，请改好再交。", {"file": why})
    place, time = told.get("place", "") or here, told.get("time", "")
    seen_at = _time(time, number) if time else None
    key = told.get("id", "")
    if not key:
        whole = "|".join((barcode.upper(), place, time, "" if time else str(number)))
        key = "list:" + hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:48]
    return Scan(key[:64], barcode, place, seen_at)


def _time(text: str, number: int) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=CHINA).astimezone(UTC)
        except ValueError:
            continue
    try:
        read = datetime.fromisoformat(text)
    except ValueError as wrong:
        why = f"时间“{text[:30]}”看不懂，应如 2026-11-23 09:30"
        raise Invalid(f"清单第 {number} 行{why}；一条也没有收。", {"file": why}) from wrong
    return (read if read.tzinfo else read.replace(tzinfo=CHINA)).astimezone(UTC)


def _decoded(content: bytes) -> str:
    """Return the text of a file in any encoding people send; raise Invalid."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Invalid(
        "这个文件不是文字清单；请存成 .txt、.csv（UTF-8 或 GBK）或 .xlsx 再上传。",
        {"file": "看不懂的文件"},
    )


def _text_rows(text: str) -> Iterable[Sequence[str]]:
    lines = text.splitlines()
    if len(lines) > 2 * MOST_SCANS:
        raise TooLarge(
            f"清单有 {len(lines):,} 行，一次最多 {MOST_SCANS:,} 行，一条也没有收；请分成几个文件。"
        )
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_LINE:
            raise Invalid(f"清单第 {number} 行太长，不像条码；一条也没有收。", {"file": "行太长"})
        wide = line.replace("\t", ",").replace("，", ",").replace(";", ",")
        yield next(csv.reader(io.StringIO(wide)), [])


def _sheet_rows(content: bytes) -> Iterable[Sequence[str]]:
    book = read_book(content)
    sheet = next((one for one in book.sheets if one.rows and not one.is_hidden), None)
    last = 0
    for row in sheet.rows if sheet else ():
        yield from [[]] * (row.number - last - 1)
        last = row.number
        yield [_cell(cell) for cell in row.cells]


def _cell(cell: object) -> str:
    if cell is None or isinstance(cell, CellFault):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
