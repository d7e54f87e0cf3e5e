"""The lending matrix in the database: the shipped defaults, reading, and saving a new version.

Which rule fits is decided in ``lending.matching``; nothing here decides about a loan.
"""

import tomllib
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid
from archive.lending.matching import Rule, clashes, faults
from archive.lending.models import LoanRule
from archive.lending.rules import Policy
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

_COLUMNS = tuple(Rule.__dataclass_fields__)


def seed_rules(uow: UnitOfWork) -> int:
    """Write the shipped rules whose code the database does not know; return how many.

    Idempotent. A code that is there is left alone, whatever its version, so that what an
    archivist changed stays changed.
    """
    known = set(uow.session.scalars(select(LoanRule.code)))
    new = [rule for rule in shipped_rules() if rule.code not in known]
    for rule in new:
        _check(rule, [*all_rules(uow), *new])
        uow.session.add(LoanRule(**_as_columns(rule)))
    if new:
        uow.session.flush()
        uow.journal(None, "loan_rule.seed", "loan_rule", "*", {"rules": [r.name for r in new]})
    return len(new)


def all_rules(uow: UnitOfWork) -> tuple[Rule, ...]:
    """Return every version of every rule."""
    rows = uow.session.scalars(select(LoanRule).order_by(LoanRule.code, LoanRule.version))
    return tuple(_as_rule(row) for row in rows)


def save_rule(uow: UnitOfWork, actor: Actor, rule: Rule) -> Rule:
    """Save a rule as the next version of its code; ``rule.version`` is the one it was made from.

    Raises Invalid for wrong entries or a first day before today (what was decided is not decided
    again), Conflict when the version is stale or another rule is equally specific, Forbidden for
    anyone but the head of the archive.
    """
    require(actor, "loan.rules")
    rules = all_rules(uow)
    newest = max((one.version for one in rules if one.code == rule.code), default=0)
    if rule.version != newest:
        raise Conflict(f"规则 {rule.code} 已是第 {newest} 版，请刷新后再改。")
    saved = Rule(**{**_fields(rule), "version": newest + 1})
    _check(saved, rules)
    if saved.valid_from < local_day(uow.now()):
        raise Invalid(
            "规则有误：生效日不能早于今天，已经作出的裁定不倒改。", {"valid_from": "不能早于今天"}
        )
    uow.session.add(LoanRule(**_as_columns(saved)))
    uow.session.flush()
    uow.journal(actor.id, "loan_rule.save", "loan_rule", saved.code, snapshot(saved))
    return saved


def snapshot(rule: Rule) -> dict[str, Any]:
    """Return the rule as a request and its loan keep it (plain JSON)."""
    return {
        **asdict(rule),
        "approvals": list(rule.approvals),
        "valid_from": rule.valid_from.isoformat(),
        "valid_until": rule.valid_until.isoformat() if rule.valid_until else None,
    }


def from_snapshot(kept: dict[str, Any]) -> Rule:
    """Return the rule that a snapshot holds."""
    until = kept["valid_until"]
    return Rule(
        **{
            **kept,
            "approvals": tuple(kept["approvals"]),
            "valid_from": date.fromisoformat(kept["valid_from"]),
            "valid_until": date.fromisoformat(until) if until else None,
        }
    )


@lru_cache(maxsize=1)
def shipped_rules() -> tuple[Rule, ...]:
    """Return the default rules of rules.toml."""
    shipped = _shipped()
    return tuple(
        Rule(
            **{
                **shipped["defaults"],
                **row,
                "approvals": tuple(row.get("approvals", ())),
            }
        )
        for row in shipped["rule"]
    )


@lru_cache(maxsize=1)
def policy() -> Policy:
    """Return the values that belong to no single rule."""
    return Policy(**_shipped()["policy"])


def _shipped() -> dict[str, Any]:
    return tomllib.loads(files("archive.lending").joinpath("rules.toml").read_text("utf-8"))


def _check(rule: Rule, others: tuple[Rule, ...] | list[Rule]) -> None:
    wrong = faults(rule)
    if wrong:
        raise Invalid("规则有误：" + "；".join(wrong.values()) + "。", wrong)
    rivals = clashes(rule, others)
    if rivals:
        names = "、".join(rival.name for rival in rivals)
        raise Conflict(
            f"规则 {rule.code} 与 {names} 条件相交又同样具体，无法判定用哪一条；请改条件。"
        )


def _fields(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in _COLUMNS}


def _as_columns(rule: Rule) -> dict[str, Any]:
    return {**_fields(rule), "approvals": list(rule.approvals)}


def _as_rule(row: LoanRule) -> Rule:
    fields = {name: getattr(row, name) for name in _COLUMNS}
    return Rule(**{**fields, "approvals": tuple(row.approvals)})
