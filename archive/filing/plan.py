"""The filing plan (归档方案): categories, classes and how long each class is kept.

Data with a version; no rule value lives in code. Version 1 ships as plan.toml beside this file,
later ones are made in the browser and kept as rows (``classes``). Called by intake, steps and
imports for defaults, and by ``rules`` for the minimum terms.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

_PLAN_FILE = Path(__file__).with_name("plan.toml")
BY_UNIT, BY_CUSTOMER = "unit", "customer"
VOLUMES_BY = {BY_UNIT: "每年每机构一卷", BY_CUSTOMER: "每年每客户一卷"}


@dataclass(frozen=True)
class ItemClass:
    """A class (类目): its category, the term it is kept unless longer is chosen, the shortest.

    ``parent`` is the class above it in the tree, ``volumes`` says what makes a volume, and a
    class that ``is_closed`` takes in nothing new.
    """

    name: str
    category: str
    retention: str
    minimum: str
    basis: str
    parent: str = ""
    volumes: str = BY_UNIT
    is_closed: bool = False


@dataclass(frozen=True)
class Plan:
    """One version of the filing plan; ``terms`` run from the longest to the shortest.

    ``filing_due`` is the last day for filing in the year after, as month and day.
    """

    version: int
    categories: Mapping[str, str]
    terms: Mapping[str, str]
    classes: Mapping[str, ItemClass]
    default_class: str
    default_room: str
    filing_due: str = "06-30"

    def class_or_default(self, name: str) -> ItemClass:
        """Return the open class of this name, or the plan's default class."""
        row = self.classes.get(name)
        return self.classes[self.default_class] if row is None or row.is_closed else row

    @property
    def open_classes(self) -> tuple[ItemClass, ...]:
        """The classes that take in papers, in the order of the tree."""
        return tuple(row for row, _ in self.tree() if not row.is_closed)

    def tree(self) -> Iterator[tuple[ItemClass, int]]:
        """Yield every class with its depth, category by category, each under its parent."""
        below: dict[str, list[ItemClass]] = {}
        for row in self.classes.values():
            below.setdefault(row.parent, []).append(row)
        for category in self.categories:
            tops = [row for row in below.get("", ()) if row.category == category]
            yield from _walk(tops, below, 0)

    def is_by_customer(self, item_class: str) -> bool:
        """Say whether this class has a volume for each customer."""
        row = self.classes.get(item_class)
        return row is not None and row.volumes == BY_CUSTOMER

    def category_title(self, code: str) -> str:
        """Return the words for a category such as ``KH`` or ``KH·01``."""
        if code in self.categories:
            return self.categories[code]
        top, _, second = code.partition("·")
        title = self.categories.get(top, top)
        return f"{title}（{second}）" if second else title

    def outlasts(self, term: str, minimum: str) -> bool:
        """Say whether ``term`` is at least as long as ``minimum``."""
        ranks = list(self.terms)
        return ranks.index(term) <= ranks.index(minimum)


@cache
def load_plan() -> Plan:
    """Return the plan that ships (version 1)."""
    return parse_plan(_PLAN_FILE.read_text(encoding="utf-8"))


def parse_plan(text: str) -> Plan:
    """Build a plan from TOML; raise ValueError when it contradicts itself."""
    return _build(tomllib.loads(text))


@lru_cache(maxsize=16)
def read_plan(text: str) -> Plan:
    """Read a plan back that ``write_plan`` wrote."""
    return _build(json.loads(text))


def write_plan(plan: Plan) -> str:
    """Return a plan as text to be kept."""
    table = {
        "version": plan.version,
        "categories": dict(plan.categories),
        "terms": dict(plan.terms),
        "class": [asdict(row) for row in plan.classes.values()],
        "default_class": plan.default_class,
        "default_room": plan.default_room,
        "filing_due": plan.filing_due,
    }
    return json.dumps(table, ensure_ascii=False)


def faults_of(plan: Plan) -> Iterator[str]:
    """Yield everything a plan contradicts itself in, in plain words."""
    default = plan.classes.get(plan.default_class)
    if default is None or default.is_closed:
        yield f"归档方案没有缺省类目“{plan.default_class}”，或者它已停用"
    for row in plan.classes.values():
        yield from _faults_of_class(plan, row)


def _build(table: Mapping[str, Any]) -> Plan:
    plan = Plan(
        version=table["version"],
        categories=table["categories"],
        terms=table["terms"],
        classes={row["name"]: ItemClass(**row) for row in table["class"]},
        default_class=table["default_class"],
        default_room=table["default_room"],
        filing_due=table.get("filing_due", "06-30"),
    )
    fault = next(faults_of(plan), None)
    if fault:
        raise ValueError(fault)
    return plan


def _faults_of_class(plan: Plan, row: ItemClass) -> Iterator[str]:
    if row.category not in plan.categories:
        yield f"类目“{row.name}”的门类 {row.category} 不在归档方案里"
    if not {row.retention, row.minimum} <= set(plan.terms):
        yield f"类目“{row.name}”的保管期限不在归档方案里"
    elif not plan.outlasts(row.retention, row.minimum):
        yield (
            f"类目“{row.name}”的缺省期限{plan.terms[row.retention]}短于最低期限"
            f"{plan.terms[row.minimum]}（依据：{row.basis}），只能更长"
        )
    if row.volumes not in VOLUMES_BY:
        yield f"类目“{row.name}”的立卷方式不对"
    if row.parent:
        yield from _faults_of_parent(plan, row)


def _faults_of_parent(plan: Plan, row: ItemClass) -> Iterator[str]:
    above = plan.classes.get(row.parent)
    if above is None:
        yield f"类目“{row.name}”的上级类目“{row.parent}”不在归档方案里"
        return
    if above.category != row.category:
        yield f"类目“{row.name}”与上级类目“{row.parent}”不在同一门类"
    seen = {row.name}
    while above is not None and above.name not in seen:
        seen.add(above.name)
        above = plan.classes.get(above.parent)
    if above is not None:
        yield f"类目“{row.name}”的上级绕回了它自己"


def _walk(
    rows: list[ItemClass], below: Mapping[str, list[ItemClass]], depth: int
) -> Iterator[tuple[ItemClass, int]]:
    for row in rows:
        yield row, depth
        yield from _walk(below.get(row.name, []), below, depth + 1)
