"""What the pages of this station post, read into plain entries.

The entry page is made from the form's definition, so there is no class with a line for each
entry: names are the Chinese keys, ``货品[2].单价`` for a cell. Called by ``routes``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive.core.errors import Invalid
from archive.records.rules import ROWS_LIMIT
from doc_templates import Field, Form

Row = dict[str, object]

_CELL = re.compile(r"(.+)\[(\d{1,4})\]\.(.+)", re.DOTALL)
_ACTION = re.compile(r"(add|remove):([^:]{1,80})(?::(\d{1,4}))?")


def read_entries(form: Form, posted: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Return the raw entries of a posted form; names that are no entry are left aside."""
    raw: dict[str, object] = {}
    for entry in form.fields:
        if entry.kind == "rows":
            raw[entry.key] = _rows(entry, posted)
        elif not entry.is_computed:
            raw[entry.key] = _value(entry, posted.get(entry.key, ()))
    return raw


def change_rows(form: Form, raw: dict[str, object], action: str) -> str:
    """Add or take away a row as a button asked; return the table's key, "" for other actions."""
    match = _ACTION.fullmatch(action)
    table = form.find_field(match[2]) if match else None
    if match is None or table is None or table.kind != "rows" or table.has_fixed_rows:
        return ""
    rows = raw.get(table.key)
    kept = list(rows) if isinstance(rows, list) else []
    if match[1] == "add":
        kept.append({})
    elif match[3] is not None and int(match[3]) < len(kept):
        del kept[int(match[3])]
    raw[table.key] = kept
    return table.key


@dataclass(frozen=True)
class Save:
    """An autosave: the version the page was made from, and all its entries."""

    version: int
    values: dict[str, object]


def read_save(body: object) -> Save:
    """Read an autosave's JSON; raise Invalid for anything else."""
    if isinstance(body, dict):
        version, values = body.get("version"), body.get("values")
        if type(version) is int and isinstance(values, dict):
            return Save(version, values)
    raise Invalid(
        "没有收到完整的内容，没有保存；请刷新页面再试。", {"values": "应有 version 和 values"}
    )


def read_version(posted: Mapping[str, str]) -> int:
    """Return the version a posted page was made from; raise Invalid."""
    text = posted.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise Invalid("页面不完整，没有保存；请返回后刷新再试。", {"version": "缺少版本号"})
    return int(text)


def _rows(table: Field, posted: Mapping[str, Sequence[str]]) -> list[Row]:
    columns = {column.key: column for column in table.columns if not column.is_computed}
    found: dict[int, Row] = {}
    for name, typed in posted.items():
        match = _CELL.fullmatch(name)
        if match is None or match[1] != table.key or match[3] not in columns:
            continue
        if int(match[2]) < ROWS_LIMIT + 1:
            found.setdefault(int(match[2]), {})[match[3]] = _value(columns[match[3]], typed)
    return [found.get(index, {}) for index in range(max(found, default=-1) + 1)]


def _value(entry: Field, typed: Sequence[str]) -> object:
    if entry.kind == "multi":
        return list(typed)
    if entry.kind == "check":
        return bool(typed)
    return typed[0] if typed else ""
