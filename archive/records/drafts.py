"""Filling in: drafts are made, saved as typed, and copied from earlier records.

A draft keeps every wrong entry as it was typed, so that nothing typed is lost; the errors are
worked out from it again whenever it is shown. Called through ``records.service``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid
from archive.core.profile import Profile, load_profile
from archive.customers.service import find_by_name
from archive.people.rights import Actor, require, secrecy_rank
from archive.records.models import Record, RecordState
from archive.records.rows import form_of, get_row, keep_version, settle, thing_of_row, view_of
from archive.records.rules import (
    EDITABLE,
    as_on_page,
    clean_title,
    content_digest,
    personal_key,
    require_shape,
    require_version,
    wrong_kinds,
    year_of,
)
from archive.records.views import RecordView
from doc_templates import Checked, Form, check_values, load_form
from doc_templates.values import printed_text, starting_values
from storage.work import UnitOfWork

FIRST_ROWS = 3


@dataclass(frozen=True)
class Entries:
    """A record as the entry page shows it, with what is wrong, doubtful and still missing.

    ``computed`` holds what the server works out, as it prints, by path (``货品[0].总价``).
    """

    record: RecordView
    form: Form
    errors: Mapping[str, str]
    warnings: Mapping[str, str]
    missing: Mapping[str, str]
    computed: Mapping[str, str]


def new_values(uow: UnitOfWork, actor: Actor, form: Form) -> dict[str, object]:
    """Return what a new record of this form starts with: defaults, and some empty rows."""
    company = load_profile(uow).company
    start = starting_values(
        form,
        today=local_day(uow.now()).isoformat(),
        user=actor.name,
        company=company if company != Profile.company else "",
    )
    blank: list[dict[str, object]] = [{} for _ in range(FIRST_ROWS)]
    empty = [entry.key for entry in form.fields if entry.kind == "rows" and not start[entry.key]]
    return start | dict.fromkeys(empty, blank)


def create_draft(
    uow: UnitOfWork,
    actor: Actor,
    form_code: str,
    raw: Mapping[str, object],
    draft_key: str | None = None,
    *,
    strict: bool = False,
) -> RecordView:
    """Make a draft; the same ``draft_key`` of the same person makes one draft only.

    ``strict`` refuses every wrong or missing entry instead of keeping it as typed.
    """
    require(actor, "record.create")
    form = load_form(form_code)
    key = personal_key(actor.id, draft_key) if draft_key else None
    made = uow.session.scalar(select(Record).where(Record.draft_key == key)) if key else None
    if made is not None:
        return view_of(uow, made)
    checked = _check(form, raw, strict)
    row = Record(
        form_code=form.code,
        form_version=form.version,
        number=None,
        author_id=actor.id,
        department_id=actor.department_id,
        secrecy=secrecy_rank(form.filing.secrecy),
        state=RecordState.DRAFT,
        draft_key=key,
        round=0,
        created_at=uow.now(),
        updated_at=uow.now(),
        participants=[],
        state_note="",
    )
    _fill(uow, row, form, checked.values)
    uow.session.add(row)
    settle(uow, row)
    digest = content_digest(form.code, form.version, row.content)
    uow.journal(actor.id, "record.create", "record", row.id, {"form": form.code, "sha256": digest})
    return view_of(uow, row)


def save_draft(
    uow: UnitOfWork,
    actor: Actor,
    record_id: int,
    raw: Mapping[str, object],
    version: int,
    *,
    strict: bool = False,
) -> RecordView:
    """Save what was typed; raise Conflict when the draft was changed since ``version``.

    Saving what is already there changes nothing and is never a conflict, so a repeated
    autosave whose answer was lost does no harm.
    """
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    _require_editable(row)
    require(actor, "record.edit", thing_of_row(uow, row))
    form = form_of(row)
    checked = _check(form, raw, strict)
    if checked.values == row.content:
        return view_of(uow, row)
    require_version(row.row_version, version)
    _fill(uow, row, form, checked.values)
    settle(uow, row)
    digest = content_digest(form.code, form.version, row.content)
    uow.journal(actor.id, "record.edit", "record", row.id, {"sha256": digest})
    return view_of(uow, row)


def copy_record(
    uow: UnitOfWork, actor: Actor, record_id: int, draft_key: str | None = None
) -> RecordView:
    """Make a draft with the entries of an earlier record; its date becomes today's."""
    source = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, source))
    form = load_form(source.form_code)
    fresh = new_values(uow, actor, form)
    renewed = {form.date_field, *(entry.key for entry in form.fields if entry.default == "@user")}
    raw = {
        entry.key: source.content[entry.key]
        for entry in form.fields
        if entry.key in source.content and not entry.signer and entry.key not in renewed
    }
    return create_draft(uow, actor, form.code, {**fresh, **raw}, draft_key)


def get_entries(uow: UnitOfWork, actor: Actor, record_id: int) -> Entries:
    """Return a draft with its errors for the entry page; raise NotFound, Forbidden, Conflict."""
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    _require_editable(row)
    require(actor, "record.edit", thing_of_row(uow, row))
    form = form_of(row)
    return entries_of(form, view_of(uow, row))


def entries_of(form: Form, record: RecordView) -> Entries:
    """Work out what is wrong, doubtful, missing and computed in a record."""
    checked = check_values(form, record.content, draft=True)
    gaps = as_on_page(form, record.content, check_values(form, record.content).errors)
    missing = {path: why for path, why in gaps.items() if path not in checked.errors}
    shown = dict(_computed(form, checked.values))
    return Entries(record, form, checked.errors, checked.warnings, missing, shown)


def unsaved_entries(stored: Entries, typed: Mapping[str, object]) -> Entries:
    """Return what was typed but could not be saved, as the entry page shows it."""
    values = check_values(stored.form, typed, draft=True).values
    return entries_of(stored.form, replace(stored.record, content=values))


def complete_values(form: Form, content: Mapping[str, object]) -> dict[str, object]:
    """Return the values of a record that is ready to be signed; raise Invalid naming each gap."""
    checked = check_values(form, content)
    if checked.errors:
        errors = as_on_page(form, content, checked.errors)
        raise Invalid(f"《{form.title}》还有 {len(errors)} 处要填好或改正，才能提交。", errors)
    return checked.values


def keep_submitted(uow: UnitOfWork, row: Record, made_by: int) -> str:
    """Keep the version that goes to be signed; return its digest."""
    return keep_version(uow, row, made_by, f"第 {row.round} 次提交")


def _computed(form: Form, content: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield path and printed text of everything the server works out."""
    for entry in form.fields:
        value = content.get(entry.key)
        if entry.is_computed:
            yield entry.key, printed_text(entry, value)
        for index, row in enumerate(value if isinstance(value, list) else ()):
            for column in entry.columns:
                if column.is_computed:
                    place = f"{entry.key}[{index}].{column.key}"
                    yield place, printed_text(column, row.get(column.key))


def _require_editable(row: Record) -> None:
    if row.state not in EDITABLE:
        raise Conflict(
            f"这份文件现在是“{RecordState(row.state).label}”，不能再改；"
            "如需修改，请先撤回或由签核人退回。"
        )


def _check(form: Form, raw: Mapping[str, object], strict: bool) -> Checked:
    require_shape(form, raw)
    if not strict:
        return check_values(form, raw, draft=True)
    checked = check_values(form, raw)
    wrong = {**checked.errors, **wrong_kinds(form, raw)}
    if wrong:
        raise Invalid(f"《{form.title}》有 {len(wrong)} 处需要改正，没有保存。", wrong)
    return checked


def _fill(uow: UnitOfWork, row: Record, form: Form, content: dict[str, object]) -> None:
    """Put values into a row, and what follows from them: title, customer, year."""
    row.content = content
    row.title = clean_title(form.title_of(content))
    row.year = year_of(form, content, local_day(uow.now()))
    name = content.get(form.customer_field, "")
    customer = find_by_name(uow, name) if isinstance(name, str) and name else None
    row.customer_id = customer.id if customer else None
