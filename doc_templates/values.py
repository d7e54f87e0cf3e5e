"""Values of a form: checking what was entered, computing, and showing all of it for print.

Plain values only: what goes in is what a browser, the API or a sheet brought; what comes
out is plain JSON. Nothing here knows Word. Called by the records station, the form page,
the commands, and word.py (through `printed_values`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from doc_templates.capital import LIMIT, capital_amount, capital_grid
from doc_templates.definition import Field, Form
from doc_templates.fields import (
    BadValue,
    as_number,
    forbidden_mark,
    get_kind,
    is_blank,
    plain_decimal,
)
from doc_templates.formula import Undefined, evaluate, read_once

DASH = "—"
MAX_ROWS = 1000
Row = dict[str, object]
Numbers = dict[str, Decimal | Sequence[Decimal | None] | None]


@dataclass(slots=True)
class Checked:
    """The outcome of a check: canonical values, errors and warnings by path (`货品[2].单价`)."""

    values: dict[str, object] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)

    @property
    def is_valid(self) -> bool:
        """Whether nothing has to be corrected."""
        return not self.errors


def check_values(form: Form, raw: object, *, draft: bool = False) -> Checked:
    """Check all that was entered and compute the rest.

    A draft keeps everything typed, even what is wrong, and misses nothing that is required;
    its errors still name what could not be read. Computed entries are always worked out
    here, whatever was sent for them.
    """
    check = _Check(draft)
    if not isinstance(raw, Mapping):
        check.errors["内容"] = "应是一组“栏目：值”"
        raw = {}
    known = {entry.key for entry in form.fields}
    for key in raw:
        if key not in known:
            check.errors[str(key)[:80]] = f"《{form.title}》没有这一栏"
    for entry in form.fields:
        if entry.kind == "rows":
            check.values[entry.key] = check.rows(entry, raw.get(entry.key))
        elif not entry.is_computed:
            check.values[entry.key] = check.entry(entry, raw.get(entry.key), entry.key)
    _compute(form.fields, check, check.values, "")
    ordered = {entry.key: check.values[entry.key] for entry in form.fields}
    return Checked(ordered, check.errors, check.warnings)


def starting_values(
    form: Form, *, today: str = "", user: str = "", company: str = ""
) -> dict[str, object]:
    """Return what a new, empty record starts with: defaults, preset rows."""
    words = {"@today": today, "@month": today[:7], "@user": user, "@company": company}
    raw = {
        entry.key: words.get(entry.default, entry.default)
        for entry in form.fields
        if entry.default and not entry.is_computed
    }
    return check_values(form, raw, draft=True).values


def describe_path(form: Form, path: str) -> str:
    """Return a path as a reader says it: `货品[2].单价` → 货品 第3行 单价."""
    key, _, rest = path.partition("[")
    entry = form.find_field(key)
    if entry is None or not rest:
        return entry.label if entry else path
    row, _, column_key = rest.partition("]")
    column = next((one for one in entry.columns if one.key == column_key.lstrip(".")), None)
    place = f"{entry.label} 第{int(row) + 1}行" if row.isdigit() else entry.label
    return f"{place} {column.label}" if column else place


class _Check:
    """Collects values, errors and warnings while the entries are walked."""

    def __init__(self, draft: bool) -> None:
        self.draft = draft
        self.values: dict[str, object] = {}
        self.errors: dict[str, str] = {}
        self.warnings: dict[str, str] = {}

    def entry(self, entry: Field, raw: object, path: str) -> object:
        """Return the canonical value of one entry; what was typed, if it is a draft's fault."""
        empty: object = [] if entry.kind == "multi" else "" if entry.kind != "check" else False
        if is_blank(raw):
            if entry.required and not entry.signer and not self.draft:
                self.errors[path] = f"请填写{entry.label}"
            return empty
        kind = get_kind(entry)
        try:
            value = kind.parse(entry, raw)
        except BadValue as error:
            self.errors[path] = str(error)
            return _as_typed(raw) if self.draft else empty
        doubt = kind.doubt(entry, value)
        if doubt:
            self.warnings[path] = doubt
        return value

    def rows(self, table: Field, raw: object) -> list[Row]:
        """Return the rows of a table; empty rows are dropped, preset ones always there."""
        given = [] if is_blank(raw) else raw
        if not isinstance(given, list | tuple) or not all(isinstance(r, Mapping) for r in given):
            self.errors[table.key] = "这一栏是表格，应逐行填写"
            given = []
        limit = table.max_rows or MAX_ROWS
        if len(given) > limit:
            self.errors[table.key] = f"最多 {limit} 行，现在有 {len(given)} 行"
            given = given[:limit] if not self.draft else given[:MAX_ROWS]
        rows: list[Row] = []
        for line in _kept_rows(table, given, self.draft):
            rows.append(self.row(table, line, len(rows)))
        if not rows and table.required and not self.draft:
            self.errors[table.key] = f"{table.label}至少填一行"
        return rows

    def row(self, table: Field, raw: Mapping[str, object], index: int) -> Row:
        """Return one row with all its columns, computed ones included."""
        place = f"{table.key}[{index}]"
        known = {column.key for column in table.columns}
        for key in raw:
            if key not in known:
                self.errors[f"{place}.{str(key)[:80]}"] = f"{table.label}没有这一栏"
        values: Row = {}
        for column in table.columns:
            if not column.is_computed:
                typed = raw.get(column.key)
                values[column.key] = self.entry(column, typed, f"{place}.{column.key}")
        _compute(table.columns, self, values, f"{place}.")
        return {column.key: values[column.key] for column in table.columns}


def _as_typed(raw: object) -> object:
    return raw if isinstance(raw, str | bool | int | float | list) else str(raw)


def _kept_rows(
    table: Field, given: Sequence[Mapping[str, object]], draft: bool
) -> Iterator[Mapping[str, object]]:
    """Yield preset rows first (their fixed columns restored), then rows with anything in them."""
    for index, preset in enumerate(table.preset_rows):
        typed = given[index] if index < len(given) else {}
        yield {**typed, **preset}
    for line in given[len(table.preset_rows) :]:
        if draft or any(
            not is_blank(line.get(column.key)) and line.get(column.key) is not False
            for column in table.columns
            if not column.is_computed
        ):
            yield line


def _compute(
    entries: tuple[Field, ...], check: _Check, values: dict[str, object], prefix: str
) -> None:
    """Work out the computed entries of one scope; catalogue.py put them in a possible order."""
    numbers = _numbers(entries, values)
    pending = [entry for entry in entries if entry.is_computed]
    for entry in sorted(pending, key=lambda one: one.rank):
        try:
            result = evaluate(read_once(entry.formula), numbers)
        except Undefined:
            values[entry.key], numbers[entry.key] = DASH, None
            continue
        if result is not None and abs(result) >= LIMIT:
            check.errors[prefix + entry.key] = "算出来的数过大，请检查所填的数字"
            result = None
        values[entry.key] = "" if result is None else _result_text(entry, result)
        numbers[entry.key] = None if result is None else _rounded(entry, result)


def _numbers(entries: tuple[Field, ...], values: Mapping[str, object]) -> Numbers:
    numbers: Numbers = {}
    for entry in entries:
        value = values.get(entry.key)
        if entry.kind == "rows" and isinstance(value, list):
            for column in entry.columns:
                numbers[f"{entry.key}.{column.key}"] = [as_number(row[column.key]) for row in value]
        elif not entry.is_computed and get_kind(entry).numeric:
            numbers[entry.key] = as_number(value)
    return numbers


def _rounded(entry: Field, amount: Decimal) -> Decimal:
    places = {"money": 2, "capital": 2, "integer": 0}.get(entry.result, entry.decimals)
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _result_text(entry: Field, amount: Decimal) -> str:
    rounded = _rounded(entry, amount)
    if entry.result == "capital":
        return capital_amount(rounded)
    if entry.result in ("money", "percent"):
        return f"{rounded:f}"
    return plain_decimal(rounded)


# --- showing values on paper -------------------------------------------------------------


def printed_values(form: Form, values: Mapping[str, object]) -> dict[str, object]:
    """Return every tag of the form with its printed text; tables as lists of such rows."""
    printed: dict[str, object] = {}
    for entry in form.fields:
        value = values.get(entry.key)
        if entry.kind == "rows":
            printed[entry.key] = _printed_rows(entry, value)
            continue
        text = printed_text(entry, value)
        printed[entry.key] = text or get_kind(entry).blank
        if entry.result == "capital":
            printed[f"{entry.key}格"] = _printed_grid(entry, form, values)
    return printed


def shown_text(form: Form, key: str, value: object) -> str:
    """Return one value of a form as it is printed, for lists and pages."""
    entry = form.find_field(key)
    return printed_text(entry, value) if entry else str(value)


def printed_text(entry: Field, value: object) -> str:
    """Return one value as it is printed: 2026年11月23日, 1,234.50, ☑; blank stays blank."""
    if is_blank(value):
        return ""
    return _harmless(get_kind(entry).show(entry, value))


def _harmless(text: str) -> str:
    """Make what no paper may carry visible; only a draft can still hold such a thing."""
    while forbidden_mark(text):
        text = "".join("\ufffd" if forbidden_mark(letter) else letter for letter in text)
    return text


def _printed_rows(table: Field, value: object) -> list[dict[str, str]]:
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
    empty = {column.key: "" for column in table.columns}
    lines = [
        {column.key: printed_text(column, row.get(column.key)) for column in table.columns}
        for row in rows
    ]
    if not lines:
        lines = [{**empty, **preset} for preset in table.preset_rows]
    lines.extend(dict(empty) for _ in range(table.min_rows - len(lines)))
    return lines


def _printed_grid(entry: Field, form: Form, values: Mapping[str, object]) -> Mapping[str, str]:
    """Return the places of the capital amount; blanks where nothing is computed yet."""
    blank = capital_grid(Decimal(0))
    if is_blank(values.get(entry.key)):
        return dict.fromkeys(blank, "\u3000")
    scope = _numbers(form.fields, values)
    for other in form.fields:
        if other.is_computed:
            scope[other.key] = as_number(values.get(other.key))
    amount = evaluate(read_once(entry.formula), scope)
    return {} if amount is None else capital_grid(_rounded(entry, amount))
