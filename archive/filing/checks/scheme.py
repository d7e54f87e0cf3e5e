"""The items of the four-property check as data, each with the name of the rule that decides it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from archive.filing.checks.rules import RULES

PROPERTIES = ("真实性", "完整性", "可用性", "安全性")
_FILE = Path(__file__).parent / "scheme.toml"


@dataclass(frozen=True)
class CheckItem:
    """One item of the scheme; a paper that fails a ``veto`` item stops its volume's sealing."""

    code: str
    property: str
    name: str
    how: str
    veto: bool


@dataclass(frozen=True)
class Scheme:
    """The scheme in force."""

    version: int
    items: tuple[CheckItem, ...]


@cache
def load_scheme() -> Scheme:
    """Return the scheme in force."""
    return parse_scheme(_FILE.read_text(encoding="utf-8"))


def parse_scheme(text: str) -> Scheme:
    """Build a scheme from TOML; raise KeyError, TypeError or ValueError when it is not whole."""
    table = tomllib.loads(text)
    items = tuple(CheckItem(**row) for row in table["item"])
    if len({item.code for item in items}) != len(items):
        raise ValueError("检测方案里有重复的代码")
    for item in items:
        if item.how not in RULES or item.property not in PROPERTIES:
            raise ValueError(f"检测项 {item.code} 写得不对")
    return Scheme(table["version"], items)
