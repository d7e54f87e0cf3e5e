"""What comes in by import, read and checked line by line; pure, writes nothing.

A line of a .jsonl is ``{"id", "title", "text", "customer", "form", "year", "department", "date",
"status", "number"}``, only the title needed; ``secrecy`` is understood too, and other short
entries are kept as further description. A bad line is a fault with place and reason, never an
exception. ``filing.imports`` turns the rows into items.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from archive.core.errors import Invalid
from archive.filing.rules import YEARS, line_fault
from archive.people.rights import INTERNAL, SECRECY
from doc_templates import Field
from doc_templates.fields import BadValue, get_kind
from storage.blobs import BlobRef

BATCH = 500
MAX_LINE = 16 << 20
MAX_TEXT = 2_000_000
MAX_ELEMENTS = 20
LIMITS = {
    "id": 120,
    "title": 300,
    "customer": 120,
    "form": 40,
    "department": 60,
    "status": 40,
    "number": 80,
}
LABELS = {
    "id": "编号",
    "title": "题名",
    "text": "正文",
    "customer": "客户",
    "form": "表单",
    "year": "年度",
    "department": "部门",
    "date": "日期",
    "status": "状态",
    "number": "文号",
    "secrecy": "密级",
}
_DATE = Field(key="日期", label="日期", kind="date")


@dataclass(frozen=True)
class Fault:
    """A line or file that was not taken: where it stands and why, in Chinese."""

    where: str
    why: str


@dataclass(frozen=True)
class ImportedFile:
    """A file whose bytes are already kept: its name and digest."""

    name: str
    ref: BlobRef


@dataclass(frozen=True)
class ImportRow:
    """One paper to be filed, checked; ``key`` marks it when it brought no id of its own.

    ``beside`` are further files with their roles.
    """

    where: str
    title: str
    external_id: str | None = None
    key: str | None = None
    text: str = ""
    customer: str = ""
    form: str = ""
    year: int | None = None
    department: str = ""
    document_date: date | None = None
    status: str = ""
    number: str = ""
    secrecy: int = INTERNAL
    elements: Mapping[str, str] = field(default_factory=dict)
    file: ImportedFile | None = None
    beside: tuple[tuple[str, ImportedFile], ...] = ()


@dataclass(frozen=True)
class Batch:
    """Some rows to be filed in one transaction, the faults among them, and how much was read."""

    rows: tuple[ImportRow, ...]
    faults: tuple[Fault, ...]
    read: int


def read_row(raw: object, where: str = "") -> ImportRow:
    """Check one line's object; raise Invalid naming every wrong entry."""
    if not isinstance(raw, Mapping):
        raise Invalid('应为一个 JSON 对象，例如 {"title": "…"}。')
    wrong: dict[str, str] = {}
    words = {key: _line(raw.get(key), key, wrong) for key in LIMITS}
    if not words["title"] and "title" not in wrong:
        wrong["title"] = "没有填写"
    row = ImportRow(
        where=where,
        title=words["title"],
        external_id=words["id"] or None,
        text=_text(raw.get("text"), wrong),
        customer=words["customer"],
        form=words["form"],
        year=_year(raw.get("year"), wrong),
        department=words["department"],
        document_date=_day(raw.get("date"), wrong),
        status=words["status"],
        number=words["number"],
        secrecy=_secrecy(raw.get("secrecy"), wrong),
        elements=_elements(raw, wrong),
    )
    if wrong:
        told = "；".join(f"{LABELS.get(key, key)}：{why}" for key, why in wrong.items())
        raise Invalid(f"{told}。", wrong)
    return row if row.external_id else replace(row, key=_digest_of(raw))


def read_jsonl(path: Path, batch: int = BATCH) -> Iterator[Batch]:
    """Yield the lines of a .jsonl in batches; each batch is one transaction of the caller."""
    with path.open("rb") as stream:
        lines = _numbered_lines(stream)
        while chunk := list(islice(lines, batch)):
            yield _as_batch(chunk)


def batch_of(rows: Sequence[object]) -> Batch:
    """Check rows that came in by a call, each named by its place."""
    read: list[ImportRow] = []
    faults: list[Fault] = []
    for number, raw in enumerate(rows, start=1):
        try:
            read.append(read_row(raw, f"第 {number} 条"))
        except Invalid as wrong:
            faults.append(Fault(f"第 {number} 条", wrong.message))
    return Batch(tuple(read), tuple(faults), 0)


def _as_batch(chunk: Sequence[tuple[str, bytes | None, int]]) -> Batch:
    rows: list[ImportRow] = []
    faults: list[Fault] = []
    for where, line, _ in chunk:
        try:
            rows.append(_read_line(line, where))
        except Invalid as wrong:
            faults.append(Fault(where, wrong.message))
    return Batch(tuple(rows), tuple(faults), sum(size for _, _, size in chunk))


def _numbered_lines(stream: BinaryIO) -> Iterator[tuple[str, bytes | None, int]]:
    """Yield place, line (None when too long to be read) and size of every line with content."""
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        size, whole = len(line), line.endswith(b"\n") or len(line) < MAX_LINE
        while not whole:
            rest = stream.readline(MAX_LINE)
            size, whole = size + len(rest), rest.endswith(b"\n") or len(rest) < MAX_LINE
            line = b""
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if size > MAX_LINE:
            yield f"第 {number} 行", None, size
        elif line.strip():
            yield f"第 {number} 行", line, size


def _read_line(line: bytes | None, where: str) -> ImportRow:
    if line is None:
        raise Invalid(f"这一行太长（超过 {MAX_LINE >> 20} MB），请拆开或改用文件导入。")
    try:
        raw = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Invalid("不是 UTF-8 编码，请另存为 UTF-8 后再导入。") from error
    except (ValueError, RecursionError) as error:
        raise Invalid("不是正确的 JSON，请检查引号、逗号和括号。") from error
    return read_row(raw, where)


def _line(raw: object, key: str, wrong: dict[str, str]) -> str:
    """Read one line of text; whole numbers are taken for ids and numbers as they stand."""
    if raw is None:
        return ""
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        wrong[key] = "应为文字"
        return ""
    try:
        text = str(raw)
    except ValueError:
        wrong[key] = "数字过大"
        return ""
    text = " ".join(text.split())
    fault = line_fault(text, LIMITS.get(key, 500))
    if fault:
        wrong[key] = fault
    return text


def _text(raw: object, wrong: dict[str, str]) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        wrong["text"] = "应为文字"
        return ""
    if len(raw) > MAX_TEXT:
        wrong["text"] = f"最多 {MAX_TEXT} 个字，现在有 {len(raw)} 个字"
    elif "\x00" in raw or any("\ud800" <= char <= "\udfff" for char in raw):
        wrong["text"] = "含有不能保存的字符（U+0000 或不成对的代理码），请清理后再导入"
    return raw


def _year(raw: object, wrong: dict[str, str]) -> int | None:
    if raw in (None, ""):
        return None
    text = str(raw).strip().removesuffix("年") if isinstance(raw, str | int) else ""
    if isinstance(raw, bool) or not (text.isascii() and text.isdigit() and len(text) == 4):
        wrong["year"] = "应为四位年份，例如 2026"
        return None
    if int(text) not in YEARS:
        wrong["year"] = f"应在 {YEARS[0]} 到 {YEARS[-1]} 之间"
        return None
    return int(text)


def _day(raw: object, wrong: dict[str, str]) -> date | None:
    if raw in (None, ""):
        return None
    try:
        return date.fromisoformat(str(get_kind(_DATE).parse(_DATE, raw)))
    except BadValue as error:
        wrong["date"] = str(error)
        return None


def _secrecy(raw: object, wrong: dict[str, str]) -> int:
    if raw in (None, ""):
        return INTERNAL
    if not isinstance(raw, str) or raw not in SECRECY:
        wrong["secrecy"] = "应为" + "、".join(SECRECY)
        return INTERNAL
    return SECRECY.index(raw)


def _elements(raw: Mapping[Any, object], wrong: dict[str, str]) -> dict[str, str]:
    """Keep further short entries as description, so that nothing brought along vanishes."""
    others = {str(key): value for key, value in raw.items() if key not in LABELS}
    if len(others) > MAX_ELEMENTS:
        wrong["其他"] = f"其他项目最多 {MAX_ELEMENTS} 个，现在有 {len(others)} 个"
        return {}
    found: dict[str, str] = {}
    for key, value in others.items():
        fault = line_fault(key, 60)
        if fault:
            wrong["其他"] = f"项目名称有误：{fault}"
            continue
        try:
            text = _line(_plain(value), key, wrong)
        except ValueError:
            wrong[key] = "数字过大"
            continue
        if text:
            found[key] = text
    return found


def _plain(value: object) -> object:
    """Return an entry of any JSON kind as text or a whole number; raise ValueError if too big."""
    if isinstance(value, bool | float):
        return json.dumps(value)
    if isinstance(value, str | int | None):
        return value
    return json.dumps(value, ensure_ascii=False)


def _digest_of(raw: Mapping[Any, object]) -> str:
    told = json.dumps(raw, sort_keys=True, default=str)
    return hashlib.sha256(told.encode("ascii", "backslashreplace")).hexdigest()
