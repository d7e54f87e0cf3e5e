"""One line of the lending matrix, which case it fits, and which of several lines wins.

Pure. The decision built on it is in ``lending.rules``; rows are read and written in
``lending.matrix``. A condition is a text of labels with ``/`` between them; empty fits all.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from archive.people.rights import SECRECY
from doc_templates.fields import forbidden_mark


class Mode(StrEnum):
    """How something is borrowed (借阅方式); ``label`` is shown."""

    ORIGINAL = "original"
    ONSITE = "onsite"
    ELECTRONIC = "electronic"
    COPY = "copy"

    @property
    def label(self) -> str:
        """Return the mode as shown to people."""
        return {
            "original": "原件外借",
            "onsite": "现场阅览",
            "electronic": "电子阅览",
            "copy": "复印摘录",
        }[self.value]

    @property
    def takes_the_paper(self) -> bool:
        """Whether a physical copy goes over the desk."""
        return self in (Mode.ORIGINAL, Mode.ONSITE)


BORROWER_CLASSES = {
    "own": "本部门",
    "other": "其他部门",
    "audit": "审计、法务",
    "outside": "外来人员",
}
CANDIDATES = {
    "own_head": "借阅人部门负责人",
    "owner_head": "档案所属部门负责人",
    "archivist": "档案员",
    "archive_head": "档案负责人",
    "leader": "分管领导",
}
CONDITIONS = ("secrecy", "borrower_class", "category", "mode", "place")
LONGEST_TERM = 366
MOST_PRINTS = 20
_LONGEST = {"code": 40, "basis": 300, "conditions": 200, "category": 200, "place": 80}
_CATEGORY_LEVELS = {"category": 1, "class": 2, "form": 3}


@dataclass(frozen=True)
class Rule:
    """One version of a line of the matrix (借阅规则): its conditions and what it allows.

    ``category`` labels carry their level: ``category:KH``, ``class:合同`` or ``form:E05``;
    ``place`` names the rooms (库房) the paper is kept in.
    ``days`` counts working days or calendar days; 0 is back on the same day. ``limit`` is the
    most items of the rule's secrecy a person holds in this mode; None is no limit.
    ``approvals`` names the approver candidates in order, ``conditions`` what the desk must see to.
    ``prints`` and ``download`` say what an electronic view gives besides the pages on the screen.
    """

    code: str
    version: int
    valid_from: date
    allowed: bool
    basis: str
    valid_until: date | None = None
    borrower_class: str = ""
    category: str = ""
    secrecy: str = ""
    mode: str = ""
    place: str = ""
    days: int = 0
    working_days: bool = True
    renewals: int = 0
    renewal_days: int = 0
    limit: int | None = None
    approvals: tuple[str, ...] = ()
    conditions: str = ""
    prints: int = 0
    download: bool = False

    @property
    def name(self) -> str:
        """The rule and its version, as decisions and loans cite it."""
        return f"{self.code}@{self.version}"


@dataclass(frozen=True)
class Case:
    """What the matrix is asked about: who borrows what, how secret, in which mode."""

    borrower_class: str
    mode: str
    secrecy: int
    category: str = ""
    item_class: str = ""
    form_code: str = ""
    place: str = ""


def best_rule(rules: Sequence[Rule], case: Case, on: date) -> Rule | None:
    """Return the most specific rule in force that fits; None means nothing allows it.

    Order: secrecy > borrower class > category > mode > place (archive.md 6). Equally specific rules
    cannot be saved; should there be two after all, the one that refuses wins.
    """
    fitting = [rule for rule in in_force(rules, on) if fits(rule, case)]
    return max(
        fitting,
        key=lambda rule: (specificity(rule), not rule.allowed, rule.code),
        default=None,
    )


def in_force(rules: Iterable[Rule], on: date) -> list[Rule]:
    """Return of every rule the newest version begun by that day, unless it has ended."""
    newest: dict[str, Rule] = {}
    for rule in rules:
        held = newest.get(rule.code)
        if rule.valid_from <= on and (held is None or rule.version > held.version):
            newest[rule.code] = rule
    return [rule for rule in newest.values() if rule.valid_until is None or on <= rule.valid_until]


def fits(rule: Rule, case: Case) -> bool:
    """Say whether every condition of the rule holds for the case."""
    kinds = {
        f"category:{case.category}",
        f"category:{case.category.partition('·')[0]}",
        f"class:{case.item_class}",
        f"form:{case.form_code}",
    }
    return (
        _holds(rule.secrecy, {SECRECY[case.secrecy]})
        and _holds(rule.borrower_class, {case.borrower_class})
        and _holds(rule.category, kinds)
        and _holds(rule.mode, {case.mode})
        and _holds(rule.place, {case.place})
    )


def specificity(rule: Rule) -> tuple[int, int, int, int, int]:
    """Return how narrow the rule is, to be compared: fewer labels are narrower, none widest."""
    return (
        _narrowness(rule.secrecy),
        _narrowness(rule.borrower_class),
        _narrowness(rule.category) + 1000 * _category_level(rule.category),
        _narrowness(rule.mode),
        _narrowness(rule.place),
    )


def clashes(rule: Rule, others: Iterable[Rule]) -> list[Rule]:
    """Return the rules that could fit the same case on the same day and are equally specific."""
    everyone = [other for other in others if other.name != rule.name]
    mine = _window(rule, [*everyone, rule])
    return [
        other
        for other in everyone
        if other.code != rule.code
        and specificity(other) == specificity(rule)
        and _windows_meet(mine, _window(other, [*everyone, rule]))
        and all(_labels_meet(getattr(rule, name), getattr(other, name)) for name in CONDITIONS)
    ]


def faults(rule: Rule) -> dict[str, str]:
    """Return what is wrong with a rule, by entry; empty when it may be saved."""
    found: dict[str, str] = {}
    known = {
        "secrecy": set(SECRECY),
        "borrower_class": set(BORROWER_CLASSES),
        "mode": {str(mode) for mode in Mode},
    }
    for name, words in known.items():
        if strange := labels(getattr(rule, name)) - words:
            found[name] = f"不认识“{'、'.join(sorted(strange))}”"
    levels = {label.partition(":")[0] for label in labels(rule.category)}
    if levels - _CATEGORY_LEVELS.keys() or len(levels) > 1:
        found["category"] = "应写成 category:门类、class:类目 或 form:表单号，且同属一级"
    if set(rule.approvals) - CANDIDATES.keys() or len(set(rule.approvals)) < len(rule.approvals):
        found["approvals"] = "审批人不认识或重复"
    for name in ("days", "renewals", "renewal_days"):
        if not 0 <= getattr(rule, name) <= LONGEST_TERM:
            found[name] = f"应在 0 到 {LONGEST_TERM} 之间"
    if not 0 <= rule.prints <= MOST_PRINTS:
        found["prints"] = f"应在 0 到 {MOST_PRINTS} 之间"
    if rule.limit is not None and rule.limit < 1:
        found["limit"] = "应在 1 以上；不限就留空"
    if not rule.basis.strip():
        found["basis"] = "请写明依据"
    if rule.valid_until is not None and rule.valid_until < rule.valid_from:
        found["valid_until"] = "不能早于生效日"
    return {**found, **_unfit_texts(rule)}


def labels(condition: str) -> frozenset[str]:
    """Return the labels of a condition; empty means any."""
    return frozenset(part.strip() for part in condition.split("/") if part.strip())


def _unfit_texts(rule: Rule) -> dict[str, str]:
    """Return the texts that cannot be kept, and a code that would not do in an address."""
    found: dict[str, str] = {}
    if rule.code == "new" or not re.fullmatch(r"[\w-]+", rule.code):
        found["code"] = "只用字母、汉字、数字和 -，且不能叫 new"
    for name, most in _LONGEST.items():
        text = getattr(rule, name)
        if len(text) > most:
            found[name] = f"最多 {most} 个字"
        elif mark := forbidden_mark(text):
            found[name] = mark
    return found


def _holds(condition: str, found: set[str]) -> bool:
    wanted = labels(condition)
    return not wanted or bool(wanted & found)


def _narrowness(condition: str) -> int:
    wanted = labels(condition)
    return 100 - min(len(wanted), 99) if wanted else 0


def _category_level(condition: str) -> int:
    return max(
        (_CATEGORY_LEVELS.get(one.partition(":")[0], 0) for one in labels(condition)), default=0
    )


def _labels_meet(one: str, other: str) -> bool:
    first, second = labels(one), labels(other)
    return not first or not second or bool(first & second)


def _window(rule: Rule, rules: Iterable[Rule]) -> tuple[date, date]:
    """Return first day in force and first day no more, later versions of the code included."""
    ends = [
        later.valid_from
        for later in rules
        if later.code == rule.code and later.version > rule.version
    ]
    if rule.valid_until is not None and rule.valid_until < date.max:
        ends.append(date.fromordinal(rule.valid_until.toordinal() + 1))
    return rule.valid_from, min(ends, default=date.max)


def _windows_meet(one: tuple[date, date], other: tuple[date, date]) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])
