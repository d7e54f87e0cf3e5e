"""Formulas of computed fields: a tiny language over Decimal, read once, evaluated often.

    单价 × 数量        合计(货品.总价)        比率(实际业绩, 预定目标)        内销 - 外销

Operators + - × ÷ (also * /), brackets, numbers, field names, `表.栏` inside 合计, 最大, 最小
and 个数. A blank counts as nothing in a sum and makes a product or a ratio blank; a
division by zero is `Undefined` (printed as —). Nothing else can be expressed, so nothing
else can be run. Called by catalogue.py (to read and check) and values.py (to evaluate).
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation

from doc_templates.errors import BadFormula

MAX_LENGTH = 400
MAX_DEPTH = 20
ARITHMETIC = Context(prec=50, rounding=ROUND_HALF_UP)
TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([^\W\d]\w*(?:\.[^\W\d]\w*)?)|([-+×÷*/(),，（）]))")
OPERATORS = {"+": 1, "-": 1, "×": 2, "÷": 2}
OPENING = "("
SPELLINGS = {"*": "×", "/": "÷", "，": ",", "（": "(", "）": ")"}

# Dates stand in the same scope for the rules between entries; a formula reads them as blank.
Scope = Mapping[str, Decimal | Sequence[Decimal | None] | date | None]


class Undefined(ArithmeticError):
    """The result does not exist: something was divided by zero."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number written in the formula."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Name:
    """A field, or `表.栏` for a column of a table."""

    path: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands and + - × ÷."""

    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """One of the named functions."""

    function: str
    arguments: tuple["Node", ...]


Node = Number | Name | Operation | Call


def parse_formula(text: str) -> Node:
    """Read a formula; raise BadFormula with what is wrong and where."""
    if len(text) > MAX_LENGTH:
        raise BadFormula(f"算式太长（最多 {MAX_LENGTH} 个字）")
    reader = _Reader(text)
    node = reader.expression(0, 0)
    reader.expect_end()
    return node


@functools.lru_cache(maxsize=4096)
def read_once(text: str) -> Node:
    """Read a formula that was found good before; keep it."""
    return parse_formula(text)


def names_in(node: Node) -> tuple[str, ...]:
    """Return every field name and `表.栏` the formula reads, in the order written."""
    return tuple(dict.fromkeys(_names(node)))


def bare_names(node: Node) -> tuple[str, ...]:
    """Return the names that stand for one number: all but those handed to 合计 and its like."""
    return tuple(dict.fromkeys(_names(node, bare=True)))


def _names(node: Node, *, bare: bool = False) -> Iterator[str]:
    if isinstance(node, Name):
        yield node.path
    elif isinstance(node, Operation):
        yield from _names(node.left, bare=bare)
        yield from _names(node.right, bare=bare)
    elif isinstance(node, Call):
        gathers = FUNCTIONS[node.function].gathers
        for argument in node.arguments:
            if not (bare and gathers and isinstance(argument, Name)):
                yield from _names(argument, bare=bare)


def evaluate(node: Node, scope: Scope) -> Decimal | None:
    """Return the value, None where it stays blank; raise Undefined on division by zero."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        found = scope.get(node.path)
        return found if isinstance(found, Decimal) else None
    if isinstance(node, Call):
        return FUNCTIONS[node.function].apply(node.arguments, scope)
    return _operate(node.sign, evaluate(node.left, scope), evaluate(node.right, scope))


def _operate(sign: str, left: Decimal | None, right: Decimal | None) -> Decimal | None:
    if sign in "+-" and (left is not None or right is not None):
        left, right = left or Decimal(0), right or Decimal(0)
    if left is None or right is None:
        return None
    try:
        if sign == "+":
            return ARITHMETIC.add(left, right)
        if sign == "-":
            return ARITHMETIC.subtract(left, right)
        if sign == "×":
            return ARITHMETIC.multiply(left, right)
        return ARITHMETIC.divide(left, right)
    except (DivisionByZero, InvalidOperation) as error:
        raise Undefined from error


@dataclass(frozen=True, slots=True)
class _Function:
    """A named function: how many arguments, what it does, whether it takes whole columns."""

    counts: range
    apply: Callable[[tuple[Node, ...], Scope], Decimal | None]
    gathers: bool = True


def _amounts(arguments: tuple[Node, ...], scope: Scope) -> list[Decimal]:
    amounts: list[Decimal | None] = []
    for argument in arguments:
        found = scope.get(argument.path) if isinstance(argument, Name) else None
        if isinstance(found, Sequence):
            amounts.extend(found)
        else:
            amounts.append(evaluate(argument, scope))
    return [amount for amount in amounts if amount is not None]


def _sum(arguments: tuple[Node, ...], scope: Scope) -> Decimal | None:
    amounts = _amounts(arguments, scope)
    return sum(amounts, Decimal(0)) if amounts else None


def _largest(arguments: tuple[Node, ...], scope: Scope) -> Decimal | None:
    return max(_amounts(arguments, scope), default=None)


def _smallest(arguments: tuple[Node, ...], scope: Scope) -> Decimal | None:
    return min(_amounts(arguments, scope), default=None)


def _count(arguments: tuple[Node, ...], scope: Scope) -> Decimal | None:
    return Decimal(len(_amounts(arguments, scope)))


def _ratio(arguments: tuple[Node, ...], scope: Scope) -> Decimal | None:
    part, whole = (evaluate(argument, scope) for argument in arguments)
    return _operate("×", _operate("÷", part, whole), Decimal(100))


FUNCTIONS: dict[str, _Function] = {
    "合计": _Function(range(1, 21), _sum),
    "最大": _Function(range(1, 21), _largest),
    "最小": _Function(range(1, 21), _smallest),
    "个数": _Function(range(1, 21), _count),
    "比率": _Function(range(2, 3), _ratio, gathers=False),
}


class _Reader:
    """Reads tokens from left to right; the binding strength of an operator decides grouping."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise BadFormula(f"算式“{self.text}”少了“{token}”")

    def expect_end(self) -> None:
        if self.peek():
            raise BadFormula(f"算式“{self.text}”在“{self.peek()}”处读不懂")

    def expression(self, strength: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise BadFormula("算式的括号套得太深")
        left = self.operand(depth)
        while OPERATORS.get(self.peek(), 0) > strength:
            sign = self.take()
            left = Operation(sign, left, self.expression(OPERATORS[sign], depth + 1))
        return left

    def operand(self, depth: int) -> Node:
        token = self.take()
        if token == OPENING:
            inner = self.expression(0, depth + 1)
            self.expect(")")
            return inner
        if token[:1].isdigit():
            return Number(Decimal(token))
        if not token or not token[0].isidentifier():
            raise BadFormula(f"算式“{self.text}”在“{token or '末尾'}”处缺一个栏目或数字")
        return self.call(token, depth) if self.peek() == "(" else Name(token)

    def call(self, name: str, depth: int) -> Node:
        if name not in FUNCTIONS:
            raise BadFormula(
                f"算式“{self.text}”里没有“{name}”这种算法，可用：{'、'.join(FUNCTIONS)}"
            )
        self.expect("(")
        arguments = [self.expression(0, depth + 1)]
        while self.peek() == ",":
            self.take()
            arguments.append(self.expression(0, depth + 1))
        self.expect(")")
        if len(arguments) not in FUNCTIONS[name].counts:
            raise BadFormula(f"算式“{self.text}”里“{name}”的项数不对")
        return Call(name, tuple(arguments))


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise BadFormula(f"算式“{text}”里有不认识的符号“{text[at:].strip()[:1]}”")
        token = match.group().strip()
        tokens.append(SPELLINGS.get(token, token))
        at = match.end()
    return tokens
