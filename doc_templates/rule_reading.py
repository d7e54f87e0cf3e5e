"""Reading the rules between entries (`[[check]]`), and holding them against the fields.

Called by reading.py and field_reading.py; whether a rule holds is comparison.py's business.
"""

from collections.abc import Mapping

from doc_templates.comparison import Comparison, parse_comparison
from doc_templates.definition import Field, Rule
from doc_templates.errors import BadFormula
from doc_templates.formula_order import check_names
from doc_templates.toml_table import TomlTable, near

MAX_RULES = 100
LEVELS = ("error", "warning")
DAYS = ("date", "month")


def read_rules(table: TomlTable, name: str, entries: tuple[Field, ...]) -> tuple[Rule, ...]:
    """Return the rules written in a table, about these fields; raise BadDefinition."""
    known = {entry.key: entry for entry in entries}
    return tuple(_read_rule(one, known) for one in table.tables(name, MAX_RULES))


def _read_rule(table: TomlTable, known: Mapping[str, Field]) -> Rule:
    text = table.text("rule", required=True)
    message = table.text("message") or f"应符合：{text}"
    try:
        comparison = parse_comparison(text)
        _check_sides(comparison, known)
    except BadFormula as error:
        raise table.fault("rule", error.message) from error
    at = table.text("at") or comparison.names[-1].partition(".")[0]
    if at not in known:
        raise table.fault("at", f"没有“{at[:40]}”这一栏{near(at, known)}")
    rule = Rule(text, message, at, table.choice("level", LEVELS, "error"))
    table.expect_nothing_else()
    return rule


def _check_sides(comparison: Comparison, known: Mapping[str, Field]) -> None:
    kinds = {known[name].kind for name in comparison.names if name in known}
    if not kinds & set(DAYS):
        columns = {f"{e.key}.{c.key}": c for e in known.values() for c in e.columns}
        check_names(comparison.left, known, columns)
        check_names(comparison.right, known, columns)
        return
    if comparison.single_names is None or len(kinds) > 1:
        raise BadFormula("日期只能和日期比，年月只能和年月比，而且两边各写一个栏目")
    for name in comparison.names:
        if name not in known:
            raise BadFormula(f"规则里的“{name}”没有这一栏{near(name, known)}")
