"""What a new draft starts with: defaults, a known customer's facts, an earlier record.

Called through ``records.service``; drafts themselves are made and saved in ``drafts``.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, case, select

from archive.core.clock import local_day
from archive.core.errors import Conflict, NotFound
from archive.core.pages import Page, clean_paging
from archive.core.profile import Profile, load_profile
from archive.customers.service import CustomerView, find_by_name, get_customer
from archive.forms.service import get_form
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from archive.records.drafts import create_draft, get_entries
from archive.records.lastyear import last_year_of
from archive.records.models import Record, RecordState
from archive.records.pictures import pictures_of
from archive.records.rows import form_of, get_row, page_of, thing_of_row
from archive.records.rules import LARGEST_ID
from archive.records.sheet import known_facts
from archive.records.views import RecordView
from doc_templates import Field, Form
from doc_templates.fields import is_blank
from doc_templates.values import starting_values
from storage.work import UnitOfWork

FIRST_ROWS = 3
TEXT_LIMIT = 100
NAME_LIMIT = 120


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


def start_draft(
    uow: UnitOfWork,
    actor: Actor,
    form_code: str,
    *,
    customer: str = "",
    source_id: int = 0,
    draft_key: str | None = None,
) -> RecordView:
    """Make a draft about a customer (its id or name), or after an earlier record.

    An earlier record of another form gives what both forms have. A customer whom the actor
    cannot find leaves the entry to be filled in.
    """
    form = get_form(uow, form_code)
    values = new_values(uow, actor, form)
    pictures: frozenset[str] = frozenset()
    if source_id:
        source = _readable(uow, actor, source_id)
        values |= _taken(form, form_of(uow, source), source.content)
        pictures = pictures_of(uow, source_id)
        customer = customer or str(source.customer_id or "")
    if customer.strip():
        values |= _about(uow, actor, form, values, customer)
    return create_draft(uow, actor, form.code, values, draft_key, pictures=pictures)


def copy_record(
    uow: UnitOfWork, actor: Actor, record_id: int, draft_key: str | None = None
) -> RecordView:
    """Make a draft with the entries of an earlier record; its date becomes today's."""
    form_code = _readable(uow, actor, record_id).form_code
    return start_draft(uow, actor, form_code, source_id=record_id, draft_key=draft_key)


def list_earlier(
    uow: UnitOfWork, actor: Actor, record_id: int, text: str = "", page: int = 1, per_page: int = 8
) -> Page[RecordView]:
    """Return the earlier records of a draft's form: those of its customer first, newest first.

    ``text`` is one or more parts of the title or number.
    """
    entries = get_entries(uow, actor, record_id)
    page, per_page = clean_paging(page, per_page)
    wanted = [
        may_read(actor, "record", Record.id),
        Record.form_code == entries.form.code,
        Record.id != record_id,
        Record.state != RecordState.DESTROYED,
    ]
    for word in text[:TEXT_LIMIT].split():
        found = Record.title.contains(word, autoescape=True)
        wanted.append(found | Record.number.contains(word, autoescape=True))
    order: list[ColumnElement[Any]] = [Record.updated_at.desc(), Record.id.desc()]
    about = entries.record
    if about.customer_name:
        same = Record.title.contains(about.customer_name, autoescape=True)
        same = same | (Record.customer_id == about.customer_id) if about.customer_id else same
        order.insert(0, case((same, 0), else_=1).asc())
    return page_of(uow, select(Record).where(*wanted).order_by(*order), page, per_page)


def earlier_values(
    uow: UnitOfWork, actor: Actor, record_id: int, source_id: int
) -> dict[str, object]:
    """Return what a draft may take over: no date, no signer's entry, no picture."""
    entries = get_entries(uow, actor, record_id)
    source = _readable(uow, actor, source_id)
    taken = _taken(entries.form, form_of(uow, source), source.content)
    images = {entry.key for entry in entries.form.fields if entry.kind == "image"}
    return {key: value for key, value in taken.items() if key not in images}


def start_name(uow: UnitOfWork, actor: Actor, customer: str) -> str:
    """Return the name of the customer (id or name) a new form is to be about; "" for none."""
    if not customer.strip():
        return ""
    try:
        known = _find_customer(uow, actor, customer.strip())
    except NotFound:
        return ""
    return (
        known.name if known else "" if customer.strip().isdigit() else customer.strip()[:NAME_LIMIT]
    )


def _readable(uow: UnitOfWork, actor: Actor, record_id: int) -> Record:
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    if row.state == RecordState.DESTROYED:
        raise Conflict("这份文件已按规定销毁，内容不在了，不能照着填。")
    return row


def _taken(form: Form, other: Form, content: Mapping[str, object]) -> dict[str, object]:
    """Return the entries of an earlier record that fit this form."""
    kinds = {entry.key: entry for entry in other.fields}
    return {
        entry.key: _rows_taken(entry, content[entry.key])
        if entry.kind == "rows"
        else content[entry.key]
        for entry in form.fields
        if entry.key in content and _is_taken(form, other, entry, kinds.get(entry.key))
    }


def _is_taken(form: Form, other: Form, entry: Field, theirs: Field | None) -> bool:
    if theirs is None or entry.signer or entry.is_computed or entry.kind != theirs.kind:
        return False
    if entry.key == form.date_field or entry.default in ("@user", "@month", "@today"):
        return False
    return entry.kind != "image" or form.code == other.code


def _rows_taken(table: Field, rows: object) -> list[dict[str, object]]:
    """Return the rows with the columns this table has; last year's figures are found anew."""
    keys = {
        column.key
        for column in table.columns
        if not column.is_computed and column.kind != "image" and not last_year_of(column)
    }
    lines = rows if isinstance(rows, list) else []
    return [{key: row[key] for key in row if key in keys} for row in lines]


def _about(
    uow: UnitOfWork, actor: Actor, form: Form, values: Mapping[str, object], customer: str
) -> dict[str, object]:
    """Return the customer's name and what is known of it, for the entries still blank."""
    key = form.customer_field
    if not key:
        return {}
    known = _find_customer(uow, actor, customer.strip())
    if known is None:
        return {} if customer.strip().isdigit() else {key: customer.strip()[:NAME_LIMIT]}
    facts: dict[str, object] = {
        entry: str(getattr(known, fact, "") or "") for entry, fact in known_facts(form).items()
    }
    blank = {entry: text for entry, text in facts.items() if is_blank(values.get(entry)) and text}
    return blank | {key: known.name}


def _find_customer(uow: UnitOfWork, actor: Actor, asked: str) -> CustomerView | None:
    require(actor, "customer.list")
    if asked.isascii() and asked.isdigit() and 0 < int(asked[:20]) <= LARGEST_ID:
        return get_customer(uow, actor, int(asked[:20]))
    return find_by_name(uow, asked[:NAME_LIMIT])
