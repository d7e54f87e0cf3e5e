"""Conditions of a sign-off step (`when`): which papers go to this signer.

    合同总额 > 100000        部门 = 销售部 或 部门 = 外贸部        产品类别 含 压缩机 且 数量 >= 500

Clauses are joined by 且 and 或 (且 binds closer). A side is a formula over the entries, or a
text to be equal to; 含 asks whether a text, or one of several choices, holds a word. A clause
about a blank entry does not hold. Called by the reader of form.toml (is it good?) and by the
signing station (does it hold?).
"""

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from doc_templates.comparison import SIGNS, SPELLINGS
from doc_templates.errors import BadFormula
from doc_templates.formula import Undefined, evaluate, names_in, parse_formula

MAX_LENGTH = 400
FACTS = ("部门", "提交人")  # what is known of a paper beside its entries

_SIGN = re.compile(r"==|!=|<>|<=|=<|>=|[=≠<≤>≥≦≧＝＜＞]|(?<=\s)含(?=\s)")
_QUOTES = "\"'“”‘’「」"


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison: an entry or a formula, the sign, and what stands against it."""

    left: str
    sign: str
    right: str


Condition = tuple[tuple[Clause, ...], ...]  # any of: all of


@functools.lru_cache(maxsize=512)
def parse_condition(text: str) -> Condition:
    """Read a condition; raise BadFormula with what is wrong."""
    if len(text) > MAX_LENGTH:
        raise BadFormula(f"条件太长（最多 {MAX_LENGTH} 个字）")
    return tuple(
        tuple(_clause(part, text) for part in re.split(r"(?<!\s)\s+且\s+", either))
        for either in re.split(r"(?<!\s)\s+或\s+", text.strip())
    )


def names_of(condition: Condition) -> tuple[str, ...]:
    """Return the entries (or facts) that the left sides name, in order, once each."""
    names: list[str] = []
    for clause in (one for either in condition for one in either):
        names += names_in(parse_formula(clause.left))
    return tuple(dict.fromkeys(names))


def holds(condition: Condition, values: Mapping[str, object], facts: Mapping[str, str]) -> bool:
    """Say whether the values and facts of a paper meet the condition."""
    told: dict[str, object] = {**values, **facts}
    return any(all(_is_met(clause, told) for clause in either) for either in condition)


def unknown_names(condition: Condition, known: Collection[str]) -> tuple[str, ...]:
    """Return the names that are neither entries of the form nor facts of every paper."""
    return tuple(name for name in names_of(condition) if name not in known and name not in FACTS)


def _clause(text: str, whole: str) -> Clause:
    signs = _SIGN.findall(text)
    if len(signs) != 1:
        raise BadFormula(f"条件“{whole}”的每一段要有一个比较符：= ≠ < ≤ > ≥ 含，段间用“且”“或”连接")
    left, right = (side.strip() for side in _SIGN.split(text, maxsplit=1))
    if not left or not right:
        raise BadFormula(f"条件“{whole}”的比较符两边都要有内容")
    sign = SPELLINGS.get(signs[0], signs[0])
    if not names_in(parse_formula(left)):
        raise BadFormula(f"条件“{whole}”的左边要写栏目名")
    if sign not in ("=", "≠", "含"):
        parse_formula(right)
    return Clause(left, sign, right)


def _is_met(clause: Clause, told: Mapping[str, object]) -> bool:
    word = clause.right.strip(_QUOTES)
    value = told.get(clause.left)
    if clause.sign == "含":
        return word in value if isinstance(value, str | list | tuple) else False
    numbers = _number(clause.left, told), _number(clause.right, told)
    if numbers[0] is not None and numbers[1] is not None:
        return bool(SIGNS[clause.sign](*numbers))
    if clause.sign not in ("=", "≠") or value in (None, "", []):
        return False
    same = word in value if isinstance(value, list | tuple) else str(value).strip() == word
    return same == (clause.sign == "=")


def _number(side: str, told: Mapping[str, object]) -> Decimal | None:
    try:
        node = parse_formula(side)
        scope = {name: _amount(name, told) for name in names_in(node)}
        return evaluate(node, scope)
    except (BadFormula, Undefined):
        return None


def _amount(name: str, told: Mapping[str, object]) -> Decimal | Sequence[Decimal | None] | None:
    table, _, column = name.partition(".")
    if not column:
        return _decimal(told.get(name))
    rows = told.get(table)
    cells = [row.get(column) for row in rows] if isinstance(rows, list) else []
    return [_decimal(cell) for cell in cells]


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
