"""The items of the four-property check as data, each with the name of the rule that decides it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from archive.filing.checks.rules import RULES

PROPERTIES = ("真实性", "完整性", "可用性", "安全性")
STAGES = {"intake": "鉴别", "sealing": "封卷", "transfer": "移交", "sample": "每夜抽检"}
_FILE = Path(__file__).parent / "scheme.toml"


@dataclass(frozen=True)
class CheckItem:
    """One item of the scheme, done at the stages named in ``when``.

    A paper that fails a ``veto`` item stops what was to be done; one that fails a ``quarantine``
    item is put aside.
    """

    code: str
    property: str
    name: str
    how: str
    veto: bool
    when: tuple[str, ...]
    quarantine: bool = False


@dataclass(frozen=True)
class Scheme:
    """The scheme in force."""

    version: int
    items: tuple[CheckItem, ...]

    def at(self, stage: str) -> tuple[CheckItem, ...]:
        """Return the items done at a stage."""
        return tuple(item for item in self.items if stage in item.when)


@cache
def load_scheme() -> Scheme:
    """Return the scheme in force."""
    return parse_scheme(_FILE.read_text(encoding="utf-8"))


def parse_scheme(text: str) -> Scheme:
    """Build a scheme from TOML; raise KeyError, TypeError or ValueError when it is not whole."""
    table = tomllib.loads(text)
    items = tuple(CheckItem(**{**row, "when": tuple(row["when"])}) for row in table["item"])
    if len({item.code for item in items}) != len(items):
        raise ValueError("检测方案里有重复的代码")
    for item in items:
        known = item.how in RULES and item.property in PROPERTIES
        if not known or not item.when or not set(item.when) <= set(STAGES):
            raise ValueError(f"检测项 {item.code} 写得不对")
    return Scheme(table["version"], items)
