"""One TOML table being read: each word asked for by name and kind, and none left over.

Knows no form; the reader gives it a way to make its error from a path. Called by reading.py.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import cast

from doc_templates.definition import EMPTY
from doc_templates.errors import BadDefinition
from doc_templates.kinds.base import forbidden_mark
from doc_templates.toml_lines import Path

Fault = Callable[[Path, str, str], BadDefinition]
TEXT_LIMIT = 20_000
LIST_LIMIT = 500
COUNT_LIMIT = 100_000


def near(word: str, known: Iterable[str]) -> str:
    """Return a guess at what was meant, to stand behind an error; empty without one."""
    found = difflib.get_close_matches(word[:60], list(known), 1, 0.5)
    return f"（是不是“{found[0]}”？）" if found else ""


class TomlTable:
    """One TOML table being read: each word is asked for by name, and none may be left over."""

    def __init__(self, fault: Fault, place: str, path: Path, table: object) -> None:
        self._fault = fault
        self.place = place
        self.path = path
        if not isinstance(table, Mapping):
            raise fault(path, place, "这里应是一个表（[...]）")
        self.words: dict[str, object] = dict(table)
        self._asked: list[str] = []

    def fault(self, name: str, message: str) -> BadDefinition:
        """Return an error that names this table and the line of one of its words."""
        return self._fault((*self.path, name) if name else self.path, self.place, message)

    def fault_at(self, path: tuple[str | int, ...], message: str) -> BadDefinition:
        """Return an error that names a place below this table."""
        return self._fault((*self.path, *path), self.place, message)

    def _take(self, name: str, wanted: Callable[[object], bool], meaning: str) -> object:
        self._asked.append(name)
        value = self.words.pop(name, None)
        if value is not None and not wanted(value):
            raise self.fault(name, f"{name} 应是{meaning}")
        return value

    def has(self, name: str) -> bool:
        """Whether the word is written and was not asked for yet."""
        return name in self.words

    def text(self, name: str, *, required: bool = False, limit: int = TEXT_LIMIT) -> str:
        """Return a text; empty if it may be missing."""
        value = cast(str, self._take(name, _is_text, "文字（加引号）") or "")
        if required and not value.strip():
            raise self.fault(name, f"缺少 {name}")
        self._check_text(name, value, limit)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, none of them twice."""
        values = cast(list[str], self._take(name, _is_text_list, '一串文字 ["…", "…"]') or [])
        if len(values) > LIST_LIMIT:
            raise self.fault(name, f"{name} 最多 {LIST_LIMIT} 项，现在有 {len(values)} 项")
        for value in values:
            self._check_text(name, value, TEXT_LIMIT)
            if not value.strip():
                raise self.fault(name, f"{name} 里有一项是空的")
        twice = next((one for at, one in enumerate(values) if one in values[:at]), None)
        if twice is not None:
            raise self.fault(name, f"{name} 里“{twice}”写了不止一次")
        return tuple(values)

    def _check_text(self, name: str, value: str, limit: int) -> None:
        if len(value) > limit:
            raise self.fault(name, f"{name} 太长（最多 {limit} 个字）")
        wrong = forbidden_mark(value)
        if wrong:
            raise self.fault(name, f"{name} {wrong}")

    def plain_texts(self) -> Mapping[str, str]:
        """Return the whole table as texts by name."""
        for name, value in self.words.items():
            if not isinstance(value, str):
                raise self.fault(name, f"{name} 应是文字（加引号）")
            self._check_text(name, value, TEXT_LIMIT)
        return MappingProxyType(cast(dict[str, str], dict(self.words))) if self.words else EMPTY

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self._take(name, lambda v: isinstance(v, bool), "true 或 false")
        return default if value is None else cast(bool, value)

    def integer(self, name: str, default: int, limit: int = COUNT_LIMIT) -> int:
        """Return a count from 0 to the limit."""
        value = self._take(name, _is_count, "不小于 0 的整数")
        count = default if value is None else cast(int, value)
        if count > limit:
            raise self.fault(name, f"{name} 最大是 {limit}")
        return count

    def decimal(self, name: str, default: float, limit: float = 1000.0) -> float:
        """Return a number from 0 to the limit."""
        value = self._take(name, _is_number, f"0 到 {limit:g} 的数字")
        number = default if value is None else float(cast(float, value))
        if number > limit:
            raise self.fault(name, f"{name} 应是 0 到 {limit:g} 的数字")
        return number

    def choice(self, name: str, allowed: Iterable[str], default: str) -> str:
        """Return one of the allowed words."""
        value = self.text(name) or default
        if value not in (known := tuple(allowed)):
            choices = "、".join(known)
            raise self.fault(
                name, f"{name} 不能是“{value[:40]}”{near(value, known)}，可用：{choices}"
            )
        return value

    def presets(self, name: str, limit: int) -> tuple[Mapping[str, str], ...]:
        """Return preset rows."""
        rows = cast(list[object], self._take(name, _is_list, "一串行 [{ … }, { … }]") or [])
        if len(rows) > limit:
            raise self.fault(name, f"{name} 最多 {limit} 行")
        path = (*self.path, name)
        place = f"{self.place} {name}"
        return tuple(TomlTable(self._fault, place, path, row).plain_texts() for row in rows)

    def table(self, name: str) -> "TomlTable":
        """Return a table inside this one."""
        self._asked.append(name)
        return TomlTable(self._fault, name, (*self.path, name), self.words.pop(name, {}))

    def tables(self, name: str, limit: int = LIST_LIMIT) -> list["TomlTable"]:
        """Return an array of tables, each knowing its place."""
        rows = cast(list[object], self._take(name, _is_list, f"若干个 [[{name}]]") or [])
        if len(rows) > limit:
            raise self.fault(name, f"{name} 最多 {limit} 个，现在有 {len(rows)} 个")
        return [
            TomlTable(self._fault, f"第 {at} 个 {name}", (*self.path, name, at - 1), row)
            for at, row in enumerate(rows, 1)
        ]

    def expect_nothing_else(self) -> None:
        """Refuse words nobody asked for: a misspelt one must not pass silently."""
        for name in self.words:
            raise self.fault(name, f"不认识：{name[:60]}{near(name, self._asked)}")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and 0 <= value <= 1e9
