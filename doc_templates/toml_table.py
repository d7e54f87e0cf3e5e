"""One TOML table being read: each word asked for by name and kind, and none left over.

Knows no form; the reader gives it a way to make its error. Called by catalogue.py.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import cast

from doc_templates.definition import EMPTY
from doc_templates.errors import BadDefinition

Fault = Callable[[str, str], BadDefinition]


class TomlTable:
    """One TOML table being read: each word is asked for by name, and none may be left over."""

    def __init__(self, fault: Fault, place: str, table: object) -> None:
        self.fault = fault
        self.place = place
        if not isinstance(table, Mapping):
            raise fault(place, "这里应是一个表（[...]）")
        self.words: dict[str, object] = dict(table)

    def _take(self, name: str, wanted: Callable[[object], bool], meaning: str) -> object:
        value = self.words.pop(name, None)
        if value is not None and not wanted(value):
            raise self.fault(self.place, f"{name} 应是{meaning}")
        return value

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a text; empty if it may be missing."""
        value = self._take(name, lambda v: isinstance(v, str), "文字（加引号）")
        if required and not value:
            raise self.fault(self.place, f"缺少 {name}")
        return cast(str, value or "")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._take(name, _is_text_list, '一串文字 ["…", "…"]')
        return tuple(cast(list[str], value or []))

    def plain_texts(self) -> Mapping[str, str]:
        """Return the whole table as texts by name."""
        if not all(isinstance(value, str) for value in self.words.values()):
            raise self.fault(self.place, "每一项都应是文字")
        return MappingProxyType(cast(dict[str, str], dict(self.words))) if self.words else EMPTY

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self._take(name, lambda v: isinstance(v, bool), "true 或 false")
        return default if value is None else cast(bool, value)

    def integer(self, name: str, default: int) -> int:
        """Return a count."""
        value = self._take(name, _is_count, "不小于 0 的整数")
        return default if value is None else cast(int, value)

    def decimal(self, name: str, default: float) -> float:
        """Return a number."""
        value = self._take(name, lambda v: isinstance(v, int | float), "数字")
        return default if value is None else float(cast(float, value))

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Return one of the allowed words."""
        value = self.text(name) or default
        if value not in allowed:
            choices = "、".join(allowed)
            raise self.fault(self.place, f"{name} 不能是“{value}”，可用：{choices}")
        return value

    def presets(self, name: str) -> tuple[Mapping[str, str], ...]:
        """Return preset rows."""
        value = self._take(name, lambda v: isinstance(v, list), "一串行")
        rows = cast(Iterable[object], value or [])
        return tuple(TomlTable(self.fault, f"{self.place} {name}", r).plain_texts() for r in rows)

    def table(self, name: str) -> "TomlTable":
        """Return a table inside this one."""
        return TomlTable(self.fault, name, self.words.pop(name, {}))

    def tables(self, name: str) -> list["TomlTable"]:
        """Return an array of tables, each knowing its place."""
        value = self._take(name, lambda v: isinstance(v, list), f"若干个 [[{name}]]")
        rows = cast(list[object], value or [])
        return [TomlTable(self.fault, f"第 {at} 个 {name}", row) for at, row in enumerate(rows, 1)]

    def expect_nothing_else(self) -> None:
        """Refuse words nobody asked for: a misspelt one must not pass silently."""
        if self.words:
            unknown = "、".join(self.words)
            raise self.fault(self.place, f"不认识：{unknown}")


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 100_000
