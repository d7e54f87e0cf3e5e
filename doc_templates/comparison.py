"""Rules between entries (`[[check]]`): two formulas, or two dates, with = ≠ < ≤ > ≥ between.

    内销 + 外销 = 100        平均购买额每月 ≤ 最高购买额每月        停止日期 >= 开始日期

A rule says nothing while any entry it names is blank. Called by rule_check.py (is it good?) and
values.py (does it hold?).
"""

import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from doc_templates.errors import BadFormula
from doc_templates.formula import (
    MAX_LENGTH,
    Name,
    Node,
    Undefined,
    evaluate,
    names_in,
    parse_formula,
)

SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "≠": operator.ne,
    "<": operator.lt,
    "≤": operator.le,
    ">": operator.gt,
    "≥": operator.ge,
}
SPELLINGS = {
    "==": "=", "!=": "≠", "<>": "≠", "<=": "≤", "=<": "≤", "≦": "≤", ">=": "≥", "≧": "≥",
    "＝": "=", "＜": "<", "＞": ">",
}  # fmt: skip
Values = Mapping[str, Decimal | Sequence[Decimal | None] | date | None]

_SIGN = re.compile(r"==|!=|<>|<=|=<|>=|[=≠<≤>≥≦≧＝＜＞]")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rule that was read: two sides, the sign between, and the entries named."""

    left: Node
    sign: str
    right: Node
    names: tuple[str, ...]

    @property
    def single_names(self) -> tuple[str, str] | None:
        """The two entries compared, where each side is one; dates compare only so."""
        if isinstance(self.left, Name) and isinstance(self.right, Name):
            return self.left.path, self.right.path
        return None


@functools.lru_cache(maxsize=1024)
def parse_comparison(text: str) -> Comparison:
    """Read a rule; raise BadFormula with what is wrong."""
    if len(text) > MAX_LENGTH:
        raise BadFormula(f"规则太长（最多 {MAX_LENGTH} 个字）")
    signs = _SIGN.findall(text)
    if len(signs) != 1:
        raise BadFormula(f"规则“{text}”里要有而且只能有一个比较符：= ≠ < ≤ > ≥")
    left, right = (parse_formula(side) for side in text.split(signs[0]))
    names = tuple(dict.fromkeys(names_in(left) + names_in(right)))
    if not names:
        raise BadFormula(f"规则“{text}”里没有栏目")
    return Comparison(left, SPELLINGS.get(signs[0], signs[0]), right, names)


def is_broken(rule: Comparison, values: Values) -> bool:
    """Whether the values break the rule; never while one it names is blank."""
    found = [values.get(name) for name in rule.names]
    if any(_is_missing(value) for value in found):
        return False
    if any(isinstance(value, date) for value in found):
        return not SIGNS[rule.sign](*(values[name] for name in rule.single_names or ()))
    try:
        left, right = evaluate(rule.left, values), evaluate(rule.right, values)
    except Undefined:
        return False
    return left is not None and right is not None and not SIGNS[rule.sign](left, right)


def _is_missing(value: Decimal | Sequence[Decimal | None] | date | None) -> bool:
    if value is None or isinstance(value, Decimal | date):
        return value is None
    return all(one is None for one in value)
