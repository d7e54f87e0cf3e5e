"""Working out the computed entries of a form, and whether its rules hold.

Called by values.py. Plain values only; the order of the formulas was found by
formula_order.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from doc_templates.capital import LIMIT, capital_amount
from doc_templates.comparison import Comparison, is_broken, parse_comparison
from doc_templates.definition import Field, Rule
from doc_templates.fields import as_number, get_kind, iso_day, iso_month, plain_decimal, rounded
from doc_templates.formula import Node, Undefined, evaluate, names_in, parse_formula

DASH = "—"
TOO_LARGE = "算出来的数过大，请检查所填的数字"
PLACES = {"money": 2, "capital": 2, "integer": 0}
Named = dict[str, Decimal | Sequence[Decimal | None] | date | None]
Reader = Callable[[object], Decimal | date | None]


@dataclass(frozen=True, slots=True)
class Formula:
    """A computed entry with its formula read."""

    entry: Field
    node: Node

    @property
    def places(self) -> int:
        """How many decimal places the result keeps."""
        return PLACES.get(self.entry.result, self.entry.decimals)

    def text(self, amount: Decimal) -> str:
        """Return the canonical value of a result that was rounded."""
        if self.entry.result == "capital":
            return capital_amount(amount)
        return f"{amount:f}" if self.entry.result in ("money", "percent") else plain_decimal(amount)


@dataclass(frozen=True, slots=True)
class Scope:
    """The formulas and rules among entries that see each other: a form's, or one row's."""

    formulas: tuple[Formula, ...]
    rules: tuple[tuple[Rule, Comparison], ...]
    singles: tuple[tuple[str, Reader], ...]
    columns: tuple[tuple[str, str, str], ...]

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to compute and no rule to hold."""
        return not self.formulas and not self.rules

    def compute(self, values: dict[str, object]) -> tuple[Named, list[str]]:
        """Put every computed entry into the values; return the numbers, and what is too large."""
        numbers = self._read(values)
        too_large: list[str] = []
        for formula in self.formulas:
            key = formula.entry.key
            try:
                result = evaluate(formula.node, numbers)
            except Undefined:
                values[key], numbers[key] = DASH, None
                continue
            if result is None or abs(result) >= LIMIT:
                if result is not None:
                    too_large.append(key)
                values[key], numbers[key] = "", None
                continue
            result = rounded(result, formula.places)
            values[key], numbers[key] = formula.text(result), result
        return numbers, too_large

    def broken_rules(self, named: Named) -> list[Rule]:
        """Return the rules that the values break."""
        return [rule for rule, comparison in self.rules if is_broken(comparison, named)]

    def _read(self, values: Mapping[str, object]) -> Named:
        numbers: Named = {key: read(values.get(key)) for key, read in self.singles}
        for path, table, column in self.columns:
            rows = values.get(table)
            if isinstance(rows, list):
                numbers[path] = [as_number(row.get(column)) for row in rows]
        return numbers


def scope_of(entries: Sequence[Field], rules: Sequence[Rule]) -> Scope:
    """Return the formulas and rules of some entries, with only what they read."""
    computed = sorted((one for one in entries if one.is_computed), key=lambda one: one.rank)
    formulas = tuple(Formula(one, parse_formula(one.formula)) for one in computed)
    compared = tuple((rule, parse_comparison(rule.text)) for rule in rules)
    wanted = {name for formula in formulas for name in names_in(formula.node)}
    wanted |= {name for _, comparison in compared for name in comparison.names}
    singles = tuple(
        (one.key, _reader(one)) for one in entries if one.key in wanted and not one.is_computed
    )
    columns = tuple(
        (f"{table.key}.{column.key}", table.key, column.key)
        for table in entries
        for column in table.columns
        if f"{table.key}.{column.key}" in wanted
    )
    return Scope(formulas, compared, singles, columns)


def _reader(entry: Field) -> Reader:
    by_kind: dict[str, Reader] = {"date": iso_day, "month": iso_month}
    if entry.kind in by_kind:
        return by_kind[entry.kind]
    return as_number if get_kind(entry).numeric else _no_number


def _no_number(_value: object) -> None:
    return None
