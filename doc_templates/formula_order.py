"""Formulas of a form held against its fields: do the names exist, and in which order to work.

Every computed field gets its rank: what it reads has a lower one. A circle has none and is
refused. Pure; called by reading.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from doc_templates.definition import Field
from doc_templates.errors import BadDefinition, BadFormula
from doc_templates.fields import get_kind
from doc_templates.formula import Node, bare_names, names_in, parse_formula
from doc_templates.toml_table import near

Fault = Callable[[str, str], BadDefinition]


def rank_fields(entries: tuple[Field, ...], fault: Fault) -> tuple[Field, ...]:
    """Return the fields with every computed one ranked; `fault(field, message)` makes errors."""
    inner = tuple(_with_columns_ranked(entry, fault) for entry in entries)
    columns = {f"{entry.key}.{column.key}": column for entry in inner for column in entry.columns}
    return _rank_scope(inner, columns, fault)


def _with_columns_ranked(table: Field, fault: Fault) -> Field:
    if not table.columns:
        return table

    def column_fault(key: str, message: str) -> BadDefinition:
        return fault(f"{table.key}.{key}", message)

    return replace(table, columns=_rank_scope(table.columns, {}, column_fault))


def _rank_scope(
    entries: tuple[Field, ...], columns: Mapping[str, Field], fault: Fault
) -> tuple[Field, ...]:
    known = {entry.key: entry for entry in entries}
    reads: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if entry.is_computed:
            try:
                node = parse_formula(entry.formula)
                check_names(node, known, columns)
            except BadFormula as error:
                raise fault(entry.key, error.message) from error
            reads[entry.key] = names_in(node)
    ranks = _ranks(reads, fault)
    return tuple(replace(entry, rank=ranks.get(entry.key, 0)) for entry in entries)


def check_names(node: Node, known: Mapping[str, Field], columns: Mapping[str, Field]) -> None:
    """Raise BadFormula for a name that is no field, no number, or a column out of place."""
    for name in names_in(node):
        entry = known.get(name) or columns.get(name)
        if entry is None:
            raise BadFormula(f"算式里的“{name}”没有这一栏{near(name, [*known, *columns])}")
        if not is_numeric(entry):
            raise BadFormula(f"算式里的“{name}”不是数字栏，不能用来计算")
    for name in bare_names(node):
        if name not in known:
            raise BadFormula(f"“{name}”是一整列，要写在 合计( ) 这样的括号里")


def is_numeric(entry: Field) -> bool:
    """Whether the field holds a number that formulas can read."""
    return entry.is_computed or get_kind(entry).numeric


def _ranks(reads: Mapping[str, tuple[str, ...]], fault: Fault) -> dict[str, int]:
    ranks: dict[str, int] = {}
    while len(ranks) < len(reads):
        ready = [
            key
            for key, names in reads.items()
            if key not in ranks and all(name in ranks or name not in reads for name in names)
        ]
        if not ready:
            raise _circle_fault({k: v for k, v in reads.items() if k not in ranks}, fault)
        level = max(ranks.values(), default=-1) + 1
        ranks.update(dict.fromkeys(ready, level))
    return ranks


def _circle_fault(stuck: Mapping[str, tuple[str, ...]], fault: Fault) -> BadDefinition:
    """Walk from one stuck field to what it waits for until a field comes up again."""
    walked: list[str] = []
    key = next(iter(stuck))
    while key not in walked:
        walked.append(key)
        key = next(name for name in stuck[key] if name in stuck)
    circle = [*walked[walked.index(key) :], key]
    if len(circle) == 2:
        return fault(key, f"算式用到了“{key}”自己，算不出来")
    return fault(key, f"这些计算栏互相依赖，算不出来：{' → '.join(circle)}")
