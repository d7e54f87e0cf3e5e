"""Reading the `[[field]]` tables of form.toml into `Field` objects, each checked on its own.

What fields have to do with each other (formulas, rules, last year) is checked by
formula_order.py and rule_reading.py. Called by reading.py.
"""

import re
import unicodedata
from dataclasses import dataclass, field, replace
from decimal import Decimal

from doc_templates.definition import Field
from doc_templates.errors import BadDefinition
from doc_templates.fields import RESULT_KINDS, TYPED_KINDS, BadValue, get_kind
from doc_templates.formula_order import rank_fields
from doc_templates.rule_reading import read_rules
from doc_templates.toml_table import TomlTable, near

MAX_FIELDS, MAX_COLUMNS, MAX_ROWS = 300, 60, 1000
MAX_DECIMALS = 8
LONGEST_KEY, LONGEST_LABEL = 40, 200
DEFAULT_WORDS = ("@today", "@month", "@user", "@company")
TICKED = ("choice", "multi", "check")
RESERVED = frozenset({"编号", "档号", "版本", "核验码", "签名", "签名人", "签日", "行", "格"})
_BOUND = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,8})?")


@dataclass(slots=True)
class FieldPlaces:
    """The table each field was read from, by `栏` or `表.栏`, to name its line later."""

    tables: dict[str, TomlTable] = field(default_factory=dict)

    def fault(self, key: str, message: str, word: str = "") -> BadDefinition:
        """Return an error at a field that was read before."""
        return self.tables[key].fault(word or "key", message)


def read_fields(top: TomlTable, places: FieldPlaces) -> tuple[Field, ...]:
    """Return the fields of a form, formulas ranked; raise BadDefinition."""
    tables = top.tables("field", MAX_FIELDS)
    if not tables:
        raise top.fault("field", "至少要有一个栏目")
    fields = _read_all(tables, places, "")
    ranked = rank_fields(fields, lambda key, message: places.fault(key, message, "formula"))
    return tuple(_with_row_rules(entry, places) for entry in ranked)


def check_key(table: TomlTable, name: str, key: str) -> None:
    """Refuse a name that cannot be a tag in Word and a key in JSON."""
    if not key.isidentifier() or unicodedata.normalize("NFKC", key) != key:
        raise table.fault(
            name, f"“{key[:40]}”：栏目名只能用汉字、字母、数字和下划线，不能以数字开头"
        )
    if len(key) > LONGEST_KEY:
        raise table.fault(name, f"名字最多 {LONGEST_KEY} 个字")
    if key in RESERVED or key.startswith("_") or hasattr(dict, key):
        raise table.fault(name, f"“{key}”是系统用的名字，请换一个")


def _read_all(tables: list[TomlTable], places: FieldPlaces, prefix: str) -> tuple[Field, ...]:
    fields: list[Field] = []
    for table in tables:
        entry = _read_field(table, places, prefix)
        if f"{prefix}{entry.key}" in places.tables:
            raise table.fault("key", f"栏目“{entry.key}”写了不止一次")
        places.tables[f"{prefix}{entry.key}"] = table
        fields.append(entry)
    return tuple(fields)


def _read_field(table: TomlTable, places: FieldPlaces, prefix: str) -> Field:
    key = table.text("key", required=True)
    table.place = f"{table.place}“{key[:40]}”"
    check_key(table, "key", key)
    kind = table.choice("kind", sorted(TYPED_KINDS), "text")
    result = table.choice("result", sorted(RESULT_KINDS), "decimal")
    entry = Field(
        key=key,
        label=table.text("label", limit=LONGEST_LABEL) or key,
        kind=kind,
        required=table.flag("required"),
        default=table.text("default"),
        help=table.text("help"),
        choices=table.texts("choices"),
        columns=_read_all(table.tables("column", MAX_COLUMNS), places, f"{prefix}{key}."),
        formula=table.text("formula"),
        result=result if kind == "computed" else "",
        min_rows=table.integer("min_rows", 0, MAX_ROWS),
        max_rows=table.integer("max_rows", 0, MAX_ROWS),
        preset_rows=table.presets("preset_rows", MAX_ROWS),
        group=table.text("group", limit=LONGEST_LABEL),
        wide=table.flag("wide") or kind in ("longtext", "rows"),
        signer=table.text("signer", limit=LONGEST_LABEL),
        max_length=table.integer("max_length", 0),
        max_lines=table.integer("max_lines", 0),
        decimals=table.integer("decimals", 4 if kind == "number" else 2, MAX_DECIMALS),
        minimum=table.text("minimum"),
        maximum=table.text("maximum"),
        readonly=table.flag("readonly") or kind == "computed",
        printed=table.flag("printed", default=True),
        unit=table.text("unit", limit=20),
        tick=table.flag("tick"),
        last_year=table.text("last_year", limit=LONGEST_KEY),
    )
    if prefix or kind != "rows":
        table.expect_nothing_else()
    _check_field(entry, table, is_column=bool(prefix))
    return entry


def _with_row_rules(entry: Field, places: FieldPlaces) -> Field:
    if entry.kind != "rows":
        return entry
    table = places.tables[entry.key]
    rules = read_rules(table, "check", entry.columns)
    table.expect_nothing_else()
    return replace(entry, checks=rules)


def _check_field(entry: Field, table: TomlTable, *, is_column: bool) -> None:
    if entry.kind in ("choice", "multi") and not entry.choices:
        raise table.fault("kind", "要写明可选的项 choices")
    if (entry.kind == "rows") != bool(entry.columns):
        raise table.fault("kind", "表格栏（rows）要有 column，别的栏不能有")
    if entry.is_computed != bool(entry.formula):
        raise table.fault("kind", "计算栏（computed）要写 formula，别的栏不能写")
    if entry.tick and entry.kind not in TICKED:
        raise table.fault("tick", "tick 只能用在选项栏（choice、multi、check）")
    if is_column and entry.kind == "rows":
        raise table.fault("kind", "表格里不能再有表格")
    if entry.last_year and not is_column:
        raise table.fault("last_year", "last_year 只能写在表格的栏（column）里")
    _check_bounds(entry, table)
    _check_default(entry, table)
    _check_rows(entry, table)


def _check_bounds(entry: Field, table: TomlTable) -> None:
    for name, bound in (("minimum", entry.minimum), ("maximum", entry.maximum)):
        if bound and not _BOUND.fullmatch(bound):
            raise table.fault(name, f"“{bound[:40]}”不是数字")
    if entry.minimum and entry.maximum and Decimal(entry.minimum) > Decimal(entry.maximum):
        raise table.fault("maximum", "maximum 不能小于 minimum")


def _check_default(entry: Field, table: TomlTable) -> None:
    default = entry.default
    if not default or default in DEFAULT_WORDS:
        return
    if default.startswith("@"):
        known = "、".join(DEFAULT_WORDS)
        hint = near(default, DEFAULT_WORDS)
        raise table.fault("default", f"不认识“{default[:40]}”{hint}，可用：{known}")
    if entry.is_computed or entry.kind == "rows":
        raise table.fault("default", "计算栏和表格栏不能有 default")
    _parse_written(entry, default, table, "default")


def _check_rows(entry: Field, table: TomlTable) -> None:
    most = entry.max_rows or MAX_ROWS
    if entry.min_rows > most or len(entry.preset_rows) > most:
        raise table.fault("max_rows", f"max_rows 是 {most}，少于 min_rows 或 preset_rows 的行数")
    columns = {column.key: column for column in entry.columns}
    for preset in entry.preset_rows:
        for key, value in preset.items():
            if key not in columns:
                raise table.fault("preset_rows", f"preset_rows 用了没有的栏“{key[:40]}”")
            _parse_written(columns[key], value, table, "preset_rows")
    _check_last_year(entry, table)


def _check_last_year(entry: Field, table: TomlTable) -> None:
    columns = {column.key: column for column in entry.columns}
    for column in entry.columns:
        source = columns.get(column.last_year)
        if column.last_year and source is None:
            hint = near(column.last_year, columns)
            raise table.fault(
                "key", f"“{column.key}”的 last_year：没有“{column.last_year}”这一栏{hint}"
            )
        if source is None:
            continue
        if column.is_computed or not _is_number(column) or not _is_number(source):
            raise table.fault("key", f"“{column.key}”的 last_year 两边都应是数字栏")
        if not entry.preset_rows:
            raise table.fault("key", f"“{column.key}”用了 last_year，表格要有 preset_rows")


def _is_number(entry: Field) -> bool:
    return get_kind(entry).numeric


def _parse_written(entry: Field, value: str, table: TomlTable, word: str) -> None:
    try:
        get_kind(entry).parse(entry, value)
    except BadValue as error:
        raise table.fault(word, f"{word} 的“{value[:40]}”不合“{entry.key}”：{error}") from error
