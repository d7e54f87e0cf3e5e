"""Values of a form: checking what was entered and computing the rest.

Plain values only: what goes in is what a browser, the API or a sheet brought; what comes
out is plain JSON. Nothing here knows Word; showing the values is printing.py. Called by the
records station, the form page, the commands, and word.py.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from doc_templates.computing import TOO_LARGE, Scope, scope_of
from doc_templates.definition import Field, Form
from doc_templates.fields import BadValue, get_kind, is_blank, is_demanded, no_doubt
from doc_templates.printing import printed_text, printed_values, shown_text

__all__ = [
    "MAX_ROWS",
    "Checked",
    "check_values",
    "describe_path",
    "printed_text",
    "printed_values",
    "shown_text",
    "starting_values",
]

MAX_ROWS = 1000
MAX_STRANGERS = 50
Row = dict[str, object]


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
    plan = _plan(form)
    check.strangers(raw, plan.known, "", f"《{form.title}》没有这一栏")
    values: dict[str, object] = {}
    for step in plan.steps:
        values[step.key] = check.entry(step, raw.get(step.key), "")
    for table in plan.tables:
        values[table.entry.key] = check.rows(table, raw.get(table.entry.key))
    check.scope(plan.scope, values, "")
    ordered = {key: values[key] for key in plan.order}
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
    is_row = row.isascii() and row.isdigit() and len(row) < 10
    place = f"{entry.label} 第{int(row) + 1}行" if is_row else entry.label
    return f"{place} {column.label}" if column else place


@dataclass(frozen=True, slots=True)
class _Step:
    """One typed entry with what its check needs."""

    entry: Field
    key: str
    parse: Callable[[Field, object], object]
    doubt: Callable[[Field, object], str] | None
    demanded: bool

    def empty(self) -> object:
        """Return the canonical value of nothing."""
        return {"multi": [], "check": False}.get(self.entry.kind, "")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What checking some entries needs, worked out once: of a form, or of a table's columns."""

    order: tuple[str, ...]
    known: frozenset[str]
    steps: tuple[_Step, ...]
    tables: tuple["_TablePlan", ...]
    scope: Scope


@dataclass(frozen=True, slots=True)
class _TablePlan:
    entry: Field
    row: _Plan


@functools.lru_cache(maxsize=512)
def _plan(form: Form) -> _Plan:
    tables = tuple(
        _TablePlan(entry, _plan_of(entry.columns, (), scope_of(entry.columns, entry.checks)))
        for entry in form.fields
        if entry.kind == "rows"
    )
    return _plan_of(form.fields, tables, scope_of(form.fields, form.checks))


def _plan_of(entries: tuple[Field, ...], tables: tuple[_TablePlan, ...], scope: Scope) -> _Plan:
    kinds = [(entry, get_kind(entry)) for entry in entries]
    steps = tuple(
        _Step(
            entry,
            entry.key,
            kind.parse,
            None if kind.doubt is no_doubt else kind.doubt,
            is_demanded(entry),
        )
        for entry, kind in kinds
        if entry.kind != "rows" and not entry.is_computed
    )
    order = tuple(entry.key for entry in entries)
    return _Plan(order, frozenset(order), steps, tables, scope)


class _Check:
    """Collects values, errors and warnings while the entries are walked."""

    def __init__(self, draft: bool) -> None:
        self.draft = draft
        self.errors: dict[str, str] = {}
        self.warnings: dict[str, str] = {}

    def strangers(
        self, raw: Mapping[str, object], known: frozenset[str], place: str, message: str
    ) -> None:
        """Name what was sent for entries that are not there."""
        if raw.keys() <= known:
            return
        strange = [key for key in raw if key not in known]
        for key in strange[:MAX_STRANGERS]:
            self.errors[f"{place}{str(key)[:80]}"] = message

    def entry(self, step: _Step, raw: object, place: str) -> object:
        """Return the canonical value of one entry; what was typed, if it is a draft's fault."""
        if (type(raw) is not str or not raw[:1].isalnum()) and is_blank(raw):
            if step.demanded and not self.draft:
                self.errors[place + step.key] = f"请填写{step.entry.label}"
            return step.empty()
        try:
            value = step.parse(step.entry, raw)
        except BadValue as error:
            self.errors[place + step.key] = str(error)
            return _as_typed(raw) if self.draft else step.empty()
        if step.doubt and (doubt := step.doubt(step.entry, value)):
            self.warnings[place + step.key] = doubt
        return value

    def rows(self, plan: _TablePlan, raw: object) -> list[Row]:
        """Return the rows of a table; empty rows are dropped, preset ones always there."""
        table = plan.entry
        given = [] if is_blank(raw) else raw
        if not isinstance(given, list | tuple) or not all(isinstance(r, Mapping) for r in given):
            self.errors[table.key] = "这一栏是表格，应逐行填写"
            given = []
        limit = table.max_rows or MAX_ROWS
        if len(given) > limit:
            self.errors[table.key] = f"最多 {limit} 行，现在有 {len(given)} 行"
            given = given[:limit] if not self.draft else given[:MAX_ROWS]
        rows: list[Row] = []
        for line in _kept_rows(plan, given, self.draft):
            rows.append(self.row(plan, line, f"{table.key}[{len(rows)}]."))
        if not rows and is_demanded(table) and not self.draft:
            self.errors[table.key] = f"{table.label}至少填一行"
        return rows

    def row(self, plan: _TablePlan, raw: Mapping[str, object], place: str) -> Row:
        """Return one row with all its columns, computed ones included."""
        self.strangers(raw, plan.row.known, place, f"{plan.entry.label}没有这一栏")
        values: Row = {}
        for step in plan.row.steps:
            values[step.key] = self.entry(step, raw.get(step.key), place)
        if plan.row.scope.is_idle:
            return values
        self.scope(plan.row.scope, values, place)
        return {key: values[key] for key in plan.row.order}

    def scope(self, scope: Scope, values: dict[str, object], place: str) -> None:
        """Compute what is computed, then hold the values against the rules."""
        named, too_large = scope.compute(values)
        for key in too_large:
            self.errors[place + key] = TOO_LARGE
        for rule in scope.broken_rules(named):
            is_error = rule.level == "error" and not self.draft
            told = self.errors if is_error else self.warnings
            told.setdefault(place + rule.at, rule.message)


def _as_typed(raw: object) -> object:
    return raw if isinstance(raw, str | bool | int | float | list) else str(raw)


def _kept_rows(
    plan: _TablePlan, given: Sequence[Mapping[str, object]], draft: bool
) -> Iterator[Mapping[str, object]]:
    """Yield preset rows first (their fixed columns restored), then rows with anything in them."""
    presets = plan.entry.preset_rows
    for index, preset in enumerate(presets):
        typed = given[index] if index < len(given) else {}
        yield {**typed, **preset}
    for line in given[len(presets) :]:
        if draft or any(_is_filled(line.get(step.key)) for step in plan.row.steps):
            yield line


def _is_filled(value: object) -> bool:
    return value is not False and not is_blank(value)
