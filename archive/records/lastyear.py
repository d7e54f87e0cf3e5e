"""Last year's figures of a monthly report: found in last year's signed paper, filled in here.

A column that names ``last_year = "本月实际业绩"`` takes that column of the same row from the
report of the same month a year before. What a person typed is never written over: a figure is
replaced only while it still is the one that was brought. Called by ``drafts`` and the pages.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Text, cast, select

from archive.people.readers import may_read
from archive.people.rights import Actor
from archive.people.service import names_of
from archive.records.models import Record, RecordState
from archive.records.views import RecordView
from doc_templates import Field, Form, check_values
from doc_templates.fields import is_blank
from storage.work import UnitOfWork

MOST_READ = 20
Cell = tuple[str, int, str]


@dataclass(frozen=True)
class LastYear:
    """The figures of one month a year ago, by table, row and column, and where they stand."""

    figures: Mapping[Cell, str]
    source: str = ""


def has_last_year(form: Form) -> bool:
    """Whether any column of the form takes last year's figures."""
    return any(last_year_of(column) for _, column in _columns(form))


def find_last_year(
    uow: UnitOfWork, actor: Actor, form: Form, values: Mapping[str, object], department_id: int
) -> LastYear | None:
    """Return last year's figures for the month of these values, or None.

    Only from a signed or filed report of the same department that the actor may read: their
    own first, else the department's if there is but one.
    """
    month = _month_of(form, values)
    if not month or not has_last_year(form):
        return None
    wanted = f"{int(month[:4]) - 1}{month[4:]}"
    found = uow.session.scalars(
        select(Record)
        .where(
            Record.form_code == form.code,
            Record.department_id == department_id,
            Record.state.in_((RecordState.SIGNED, RecordState.FILED)),
            cast(Record.content, Text).contains(f'"{wanted}', autoescape=True),
            may_read(actor, "record", Record.id),
        )
        .order_by(Record.signed_at.desc(), Record.id.desc())
        .limit(MOST_READ)
    )
    rows = [row for row in found if _month_of(form, row.content) == wanted]
    own = [row for row in rows if row.author_id == actor.id]
    source = own[0] if own else rows[0] if len(rows) == 1 else None
    if source is None:
        return None
    figures = dict(_figures(form, values, source.content))
    author = names_of(uow, {source.author_id}).get(source.author_id, "")
    return LastYear(figures, f"{source.number}（{author}）")


def fill_last_year(
    uow: UnitOfWork,
    actor: Actor,
    form: Form,
    values: dict[str, object],
    department_id: int,
    before: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return the values with last year's figures where the month is new.

    ``before`` holds the values as they were kept; without it the record is new. A cell is
    filled when it is blank or still holds the figure brought for the month before.
    """
    if not has_last_year(form):
        return values
    if before is not None and _month_of(form, values) == _month_of(form, before):
        return values
    fresh = find_last_year(uow, actor, form, values, department_id)
    stale = find_last_year(uow, actor, form, before, department_id) if before else None
    return _filled(form, values, _figures_of(fresh), _figures_of(stale))


def with_blanks_filled(
    uow: UnitOfWork, actor: Actor, form: Form, values: dict[str, object], department_id: int
) -> dict[str, object]:
    """Return the values as they stood after a save whose answer was lost."""
    found = find_last_year(uow, actor, form, values, department_id)
    return _filled(form, values, _figures_of(found), {})


def brought_figures(
    form: Form, sent: Mapping[str, object], kept: Mapping[str, object]
) -> dict[str, object]:
    """Return, by path, the cells where a save put something else than was sent."""
    if not has_last_year(form):
        return {}
    typed = check_values(form, sent, draft=True).values
    brought: dict[str, object] = {}
    for table, column in _columns(form):
        if not last_year_of(column):
            continue
        for index, (mine, now) in enumerate(
            zip(_rows(typed, table), _rows(kept, table), strict=False)
        ):
            if mine.get(column.key) != now.get(column.key):
                brought[f"{table.key}[{index}].{column.key}"] = now.get(column.key, "")
    return brought


def last_year_notes(
    uow: UnitOfWork, actor: Actor, form: Form, record: RecordView
) -> dict[str, str]:
    """Return, by table, where last year's figures come from, or that there are none."""
    tables = {table.key for table, column in _columns(form) if last_year_of(column)}
    if not tables:
        return {}
    found = find_last_year(uow, actor, form, record.content, record.department_id)
    told = (
        f"去年同期取自 {found.source}，可以改"
        if found
        else "没有找到去年同月的报告，去年同期请自行填写"
    )
    return dict.fromkeys(tables, told)


def last_year_of(column: Field) -> str:
    """Return the column of last year's row that this column repeats; empty for most."""
    return str(getattr(column, "last_year", ""))


def _columns(form: Form) -> Iterator[tuple[Field, Field]]:
    for table in form.fields:
        for column in table.columns:
            yield table, column


def _figures_of(found: LastYear | None) -> Mapping[Cell, str]:
    return found.figures if found else {}


def _figures(
    form: Form, values: Mapping[str, object], source: Mapping[str, object]
) -> Iterator[tuple[Cell, str]]:
    for table, column in _columns(form):
        if not last_year_of(column):
            continue
        theirs = {_name_of(table, row): row for row in _rows(source, table)}
        for index, row in enumerate(_rows(values, table)):
            figure = theirs.get(_name_of(table, row), {}).get(last_year_of(column))
            if isinstance(figure, str) and not is_blank(figure):
                yield (table.key, index, column.key), figure


def _filled(
    form: Form, values: dict[str, object], fresh: Mapping[Cell, str], stale: Mapping[Cell, str]
) -> dict[str, object]:
    cells = fresh.keys() | stale.keys()
    if not cells:
        return values
    changed = dict(values)
    for table in form.fields:
        if table.kind == "rows":
            changed[table.key] = [dict(row) for row in _rows(values, table)]
    for key, index, column in cells:
        row = changed[key][index]  # type: ignore[index]
        now = row.get(column, "")
        if is_blank(now) or now == stale.get((key, index, column)):
            row[column] = fresh.get((key, index, column), "")
    if changed == values:
        return values
    return check_values(form, changed, draft=True).values


def _rows(values: Mapping[str, object], table: Field) -> list[Mapping[str, object]]:
    rows = values.get(table.key)
    return rows if isinstance(rows, list) else []


def _name_of(table: Field, row: Mapping[str, object]) -> tuple[object, ...]:
    """Return what a row is called: its preset columns, else its first."""
    keys = list(table.preset_rows[0]) if table.preset_rows else [table.columns[0].key]
    return tuple(row.get(key) for key in keys)


def _month_key(form: Form) -> str:
    months = (entry.key for entry in form.fields if entry.kind == "month")
    return next(months, form.date_field)


def _month_of(form: Form, values: Mapping[str, object]) -> str:
    """Return the month a report is about as 2026-11; empty while it is not clear."""
    text = values.get(_month_key(form))
    checked = check_values(form, {_month_key(form): text}, draft=True)
    month = checked.values.get(_month_key(form))
    if checked.errors or not isinstance(month, str) or len(month) < 7:
        return ""
    return month[:7]
