"""The filing plan (归档方案): categories, classes and how long each class is kept.

Read from plan.toml beside this file, which is data with a version; no rule value lives in code.
Called by intake, steps and imports for defaults, and by ``rules`` for the minimum terms.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PLAN_FILE = Path(__file__).with_name("plan.toml")


@dataclass(frozen=True)
class ItemClass:
    """A class (类目): its category, the term it is kept unless longer is chosen, the shortest."""

    name: str
    category: str
    retention: str
    minimum: str
    basis: str


@dataclass(frozen=True)
class Plan:
    """One version of the filing plan; ``terms`` run from the longest to the shortest."""

    version: int
    categories: Mapping[str, str]
    terms: Mapping[str, str]
    classes: Mapping[str, ItemClass]
    default_class: str
    default_room: str

    def class_or_default(self, name: str) -> ItemClass:
        """Return the class of this name, or the plan's default class."""
        return self.classes.get(name) or self.classes[self.default_class]

    def category_title(self, code: str) -> str:
        """Return the words for a category such as ``KH`` or ``KH·01``."""
        top, _, second = code.partition("·")
        title = self.categories.get(top, top)
        return f"{title}（{second}）" if second else title

    def outlasts(self, term: str, minimum: str) -> bool:
        """Say whether ``term`` is at least as long as ``minimum``."""
        ranks = list(self.terms)
        return ranks.index(term) <= ranks.index(minimum)


@cache
def load_plan() -> Plan:
    """Return the plan in force."""
    return parse_plan(_PLAN_FILE.read_text(encoding="utf-8"))


def parse_plan(text: str) -> Plan:
    """Build a plan from TOML; raise ValueError when it contradicts itself."""
    table = tomllib.loads(text)
    classes = {row["name"]: ItemClass(**row) for row in table["class"]}
    plan = Plan(
        version=table["version"],
        categories=table["categories"],
        terms=table["terms"],
        classes=classes,
        default_class=table["default_class"],
        default_room=table["default_room"],
    )
    _check(plan)
    return plan


def _check(plan: Plan) -> None:
    if plan.default_class not in plan.classes:
        raise ValueError(f"归档方案没有缺省类目“{plan.default_class}”")
    for row in plan.classes.values():
        if row.category not in plan.categories:
            raise ValueError(f"类目“{row.name}”的门类 {row.category} 不在归档方案里")
        if not {row.retention, row.minimum} <= set(plan.terms):
            raise ValueError(f"类目“{row.name}”的保管期限不在归档方案里")
        if not plan.outlasts(row.retention, row.minimum):
            raise ValueError(f"类目“{row.name}”的缺省期限短于最低期限")
