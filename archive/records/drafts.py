"""Filling in: drafts are made and saved as typed.

A draft keeps every wrong entry as it was typed, so that nothing typed is lost; the errors are
worked out from it again whenever it is shown. What a new draft starts with is in ``starts``.
Called through ``records.service``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import Invalid
from archive.customers.service import find_by_name
from archive.forms.service import get_form
from archive.people.rights import Actor, require, secrecy_rank
from archive.records.history import REASON_LIMIT, changed_because, is_changed, keep_saved
from archive.records.lastyear import fill_last_year, with_blanks_filled
from archive.records.models import Record, RecordState
from archive.records.pictures import copy_pictures, named_pictures, pictures_of, require_own
from archive.records.rows import form_of, get_row, keep_version, settle, thing_of_row, view_of
from archive.records.rules import (
    as_author,
    as_on_page,
    clean_title,
    content_digest,
    foreign_entries,
    personal_key,
    require_editable,
    require_shape,
    require_version,
    shape_faults,
    wrong_kinds,
    year_of,
)
from archive.records.views import RecordView
from doc_templates import Checked, Form, FormNotFound, check_values
from doc_templates.values import printed_text
from storage.work import UnitOfWork


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


def create_draft(
    uow: UnitOfWork,
    actor: Actor,
    form_code: str,
    raw: Mapping[str, object],
    draft_key: str | None = None,
    *,
    strict: bool = False,
    pictures: frozenset[str] = frozenset(),
) -> RecordView:
    """Make a draft; the same ``draft_key`` of the same person makes one draft only.

    ``strict`` refuses every wrong or missing entry instead of keeping it as typed;
    ``pictures`` are those of an earlier record that may stand in this one too.
    """
    require(actor, "record.create")
    form = get_form(uow, form_code)
    if not form.by_hand:
        raise FormNotFound(f"{form.code}《{form.title}》由系统根据档案打印，不用填写。")
    key = personal_key(actor.id, draft_key) if draft_key else None
    made = uow.session.scalar(select(Record).where(Record.draft_key == key)) if key else None
    if made is not None:
        return view_of(uow, made)
    checked = _check(form, raw, {}, strict)
    require_own(form, checked.values, pictures)
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
    _fill(uow, row, form, fill_last_year(uow, actor, form, checked.values, actor.department_id))
    uow.session.add(row)
    settle(uow, row)
    copy_pictures(uow, actor, row, named_pictures(form, row.content).values())
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
    keep: bool = False,
    reason: str = "",
) -> RecordView:
    """Save what was typed; raise Conflict when the draft was changed since ``version``.

    ``keep``: what is saved is also kept as a version, with the ``reason``. Saving what is already
    there changes nothing and is never a conflict, so a repeated autosave whose answer was lost
    does no harm.
    """
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    require_editable(row.state)
    require(actor, "record.edit", thing_of_row(uow, row))
    form = form_of(uow, row)
    values = _check(form, raw, row.content, strict).values
    if _is_kept(uow, actor, row, form, values, version):
        if keep:
            keep_saved(uow, actor, row, reason)
        return view_of(uow, row)
    require_version(row.row_version, version)
    require_own(form, values, _own_pictures(uow, row, form, values))
    _fill(uow, row, form, fill_last_year(uow, actor, form, values, row.department_id, row.content))
    settle(uow, row)
    digest = content_digest(form.code, form.version, row.content)
    uow.journal(actor.id, "record.edit", "record", row.id, {"sha256": digest})
    if keep:
        keep_saved(uow, actor, row, reason)
    return view_of(uow, row)


def get_entries(uow: UnitOfWork, actor: Actor, record_id: int) -> Entries:
    """Return a draft with its errors for the entry page; raise NotFound, Forbidden, Conflict."""
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    require_editable(row.state)
    require(actor, "record.edit", thing_of_row(uow, row))
    form = form_of(uow, row)
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
    own = as_author(stored.form, typed, stored.record.content)
    values = check_values(stored.form, own, draft=True).values
    return entries_of(stored.form, replace(stored.record, content=values))


def complete_values(form: Form, content: Mapping[str, object]) -> dict[str, object]:
    """Return the values of a record that is ready to be signed; raise Invalid naming each gap."""
    checked = check_values(form, content)
    if checked.errors:
        errors = as_on_page(form, content, checked.errors)
        raise Invalid(f"《{form.title}》还有 {len(errors)} 处要填好或改正，才能提交。", errors)
    return checked.values


def keep_submitted(uow: UnitOfWork, row: Record, made_by: int) -> str:
    """Keep the version that goes to be signed, with why it was changed; return its digest."""
    why = f"，{changed_because(row)}" if row.round > 1 and is_changed(uow, row) else ""
    return keep_version(uow, row, made_by, f"第 {row.round} 次提交{why}"[:REASON_LIMIT], "submit")


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


def _is_kept(
    uow: UnitOfWork,
    actor: Actor,
    row: Record,
    form: Form,
    values: dict[str, object],
    version: int,
) -> bool:
    """Whether these values are kept already: nothing changed, or a save is sent again."""
    if values == row.content:
        return True
    if row.row_version == version:
        return False
    return with_blanks_filled(uow, actor, form, values, row.department_id) == row.content


def _own_pictures(
    uow: UnitOfWork, row: Record, form: Form, values: Mapping[str, object]
) -> frozenset[str]:
    return pictures_of(uow, row.id) if named_pictures(form, values) else frozenset()


def _check(
    form: Form, raw: Mapping[str, object], kept: Mapping[str, object], strict: bool
) -> Checked:
    own = as_author(form, raw, kept)
    if not strict:
        require_shape(form, raw)
        return check_values(form, own, draft=True)
    wrong = shape_faults(form, raw)
    checked = check_values(form, own)
    wrong |= {**checked.errors, **wrong_kinds(form, raw), **foreign_entries(form, raw, kept)}
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
