"""Decisions at the end of the keeping on plain values: terms, votes, who may not act twice.

No rows and no rights here. Rule values are in policy.toml. Source: archive.md 5; DA/T 42 7.7
(appraisal by a committee, approval by the legal representative, two supervisors who sign).
"""

import calendar
import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from archive.core.errors import Invalid
from archive.filing.models import ItemState
from archive.filing.rules import line_fault, text_fault

EXTEND, DESTROY, TRANSFER = "extend", "destroy", "transfer"
OUTCOMES = {EXTEND: "延长保管", DESTROY: "销毁", TRANSFER: "移交"}
SCOPES = {"item": "一件", "volume": "一卷", "customer": "一个客户", "class": "一个类目"}
COVERS = {
    "item": "这件档案",
    "volume": "所在的案卷",
    "customer": "这个客户的档案",
    "class": "这个类目的档案",
}
PERMANENT = "Y"
MOST_ITEMS = 500
MOST_NAMED = 10
MAX_REASON = 500
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Policy:
    """The rule values of policy.toml, each with its basis."""

    version: int
    committee_minimum: int
    committee_basis: str
    witness_minimum: int
    witness_basis: str
    cooling_months: int
    cooling_minimum: int
    cooling_maximum: int
    cooling_basis: str
    methods: tuple[str, ...]


@cache
def load_policy() -> Policy:
    """Return the policy in force."""
    path = Path(__file__).with_name("policy.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Policy(**{**table, "methods": tuple(table["methods"])})


def years_of(retention: str) -> int | None:
    """Return how many years a term lasts: ``D10`` is 10; None for ever (or no term yet)."""
    digits = retention.removeprefix("D")
    return int(digits) if retention != digits and digits.isdigit() else None


def due_on(base_year: int, retention: str) -> date | None:
    """Return the first day after the term: 1 January of the year after base + N; None: never.

    Source: standards.md (年度 end + N years, start 1 Jan of the following year).
    """
    years = years_of(retention)
    return None if years is None else date(base_year + years + 1, 1, 1)


def last_due_year(today: date, retention: str) -> int | None:
    """Return the newest base year whose term is over on this day; None when it never is."""
    years = years_of(retention)
    return None if years is None else today.year - years - 1


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or that month's last."""
    at = day.year * 12 + day.month - 1 + months
    year, month = divmod(at, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Vote:
    """One member's opinion on one item."""

    opinion: str
    new_term: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the committee decided for one item; ``why`` says how the votes stood."""

    outcome: str
    new_term: str
    why: str


def decide(votes: Sequence[Vote], terms: Sequence[str], present: str) -> Outcome:
    """Return the outcome of an item's votes: the majority's, else kept longer.

    More than half must agree on destroying or transferring. When kept, the longest term that
    anyone who would keep it named; without one, its present term once more. ``terms`` run from
    the longest to the shortest.
    """
    counts = Counter(vote.opinion for vote in votes)
    told = "、".join(f"{OUTCOMES[name]} {counts[name]} 人" for name in OUTCOMES if counts[name])
    for wanted in (DESTROY, TRANSFER):
        if counts[wanted] * 2 > len(votes):
            return Outcome(wanted, "", told)
    named = [vote.new_term for vote in votes if vote.opinion == EXTEND]
    term = min(named, key=terms.index) if named else present
    tie = "" if counts[EXTEND] * 2 > len(votes) else "，不过半，按延长保管办"
    return Outcome(EXTEND, term, told + tie)


def check_vote(opinion: str, new_term: str, reason: str, terms: Mapping[str, str]) -> Vote:
    """Return a member's opinion; raise Invalid: an extension names its term, the others none."""
    wrong = {}
    if opinion not in OUTCOMES:
        wrong["opinion"] = "意见应为" + "、".join(OUTCOMES.values())
    if opinion == EXTEND and new_term not in terms:
        wrong["new_term"] = "延长要写新的保管期限：" + "、".join(terms.values())
    if opinion != EXTEND and new_term:
        wrong["new_term"] = "只有延长保管才写新的期限"
    fault = text_fault(reason, MAX_REASON)
    if fault:
        wrong["reason"] = fault
    if wrong:
        raise Invalid("鉴定意见有误：" + "；".join(wrong.values()) + "。", wrong)
    return Vote(opinion, new_term)


def committee_fault(members: Sequence[int], leader_id: int) -> str:
    """Return why these people are no committee; empty when they are."""
    policy = load_policy()
    if len(set(members)) != len(members):
        return "鉴定小组里同一个人写了两次"
    if len(members) < policy.committee_minimum:
        return f"鉴定小组至少 {policy.committee_minimum} 人（{policy.committee_basis}）"
    return "" if leader_id in members else "组长必须是小组成员"


@dataclass(frozen=True)
class Parts:
    """Who has which part in a destruction; nobody may have two that exclude each other."""

    maker: int
    approver: int | None = None
    executor: int | None = None
    witnesses: tuple[int, ...] = ()


def approver_fault(parts: Parts, person: int, representative: int | None) -> str:
    """Return why this person cannot approve; empty when they can (DA/T 42 7.7.6)."""
    if representative is None:
        return "还没有指定法定代表人；请安全管理员在“到期处置”页指定"
    if person != representative:
        return "销毁清册要由法定代表人批准，您不是指定的法定代表人"
    if person == parts.maker:
        return "清册是您自己做的，不能由您批准；请另一位档案人员重新做清册"
    return "您已在这份清册上监销签字，不能再批准" if person in parts.witnesses else ""


def witness_fault(parts: Parts, person: int) -> str:
    """Return why this person cannot be 监销人; empty when they can."""
    for other, what in (
        (parts.maker, "清册是您做的"),
        (parts.approver, "清册是您批准的"),
        (parts.executor, "销毁由您执行"),
    ):
        if person == other:
            return f"{what}，不能又做监销人；监销要由另外的人签字"
    return "您已经签过监销，要由另一个人再签" if person in parts.witnesses else ""


def executor_fault(parts: Parts, person: int, today: date, cooling_until: date | None) -> str:
    """Return why this person cannot carry it out today; empty when they can."""
    if parts.approver is None or cooling_until is None:
        return "清册还没有经法定代表人批准"
    if person == parts.approver:
        return "清册是您批准的，不能由您执行"
    if person in parts.witnesses:
        return "您是监销人，不能由您执行"
    if today < cooling_until:
        return f"冷静期到 {cooling_until} 才满，还不能执行"
    needed = load_policy().witness_minimum
    signed = len(set(parts.witnesses) - {parts.maker, parts.approver, person})
    return "" if signed >= needed else f"监销人签字 {signed} 人，至少要 {needed} 人"


def is_gone(state: str) -> bool:
    """Say whether the item's bytes are no longer to be had."""
    return state == ItemState.DESTROYED


def check_line(text: str, limit: int, name: str, what: str) -> str:
    """Return one line of writing without outer blanks; raise Invalid when empty or unfit."""
    cleaned = text.strip()
    fault = f"请填写{what}" if not cleaned else line_fault(cleaned, limit)
    if fault:
        raise Invalid(f"{what}有误：{fault}。", {name: fault})
    return cleaned


def named(faults: Sequence[str]) -> str:
    """Return the first few faults as one sentence, with how many there are."""
    rest = f"；另有 {len(faults) - MOST_NAMED} 处" if len(faults) > MOST_NAMED else ""
    return "；".join(faults[:MOST_NAMED]) + rest


def digest_of(*parts: object) -> str:
    """Return SHA-256 over plain values as people sign them."""
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
