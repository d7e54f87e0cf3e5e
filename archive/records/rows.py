"""The rows of this station: found, seen as views and things, and settled after a change.

Private to the station; other stations call ``records.service``.
"""

from collections.abc import Iterable

from sqlalchemy import Select, func, select

from archive.core.errors import NotFound
from archive.core.pages import Page, clean_paging, total_of
from archive.customers.models import Customer
from archive.forms.service import get_form
from archive.people import readers
from archive.people.grants.held import grants_on
from archive.people.rights import Thing
from archive.people.service import departments, names_of
from archive.records.models import Record, RecordState, RecordVersion
from archive.records.rules import LARGEST_ID, content_digest
from archive.records.views import RecordView
from doc_templates import Form, FormError
from storage.work import UnitOfWork


def get_row(uow: UnitOfWork, record_id: int) -> Record:
    """Return the row; raise NotFound."""
    row = uow.session.get(Record, record_id) if 0 < record_id <= LARGEST_ID else None
    if row is None:
        raise NotFound("没有这份文件，或者您无权查看。")
    return row


def form_of(uow: UnitOfWork, row: Record) -> Form:
    """Return the form in the version the record was made with."""
    return get_form(uow, row.form_code, row.form_version)


def thing_of_row(uow: UnitOfWork, row: Record) -> Thing:
    """Return what rights are asked about for this record."""
    keeper = uow.session.execute(
        select(Customer.owner_id, Customer.department_id).where(Customer.id == row.customer_id)
    ).first()
    return Thing(
        kind="record",
        department_id=row.department_id,
        owner_id=row.author_id,
        participants=frozenset(row.participants),
        customer_owner_id=keeper.owner_id if keeper else None,
        customer_department_id=keeper.department_id if keeper else None,
        secrecy=row.secrecy,
        state=row.state,
        grants=grants_on(uow, ("record", row.id), ("customer", row.customer_id)),
    )


def settle(uow: UnitOfWork, row: Record) -> None:
    """After any change: write the row, who may read it, and the job that indexes it."""
    row.updated_at = uow.now()
    uow.session.flush()
    readers.write_readers(uow, "record", row.id, thing_of_row(uow, row))
    uow.outbox("index", f"record:{row.id}")


def keep_version(
    uow: UnitOfWork, row: Record, made_by: int, reason: str, kind: str = "sign"
) -> str:
    """Keep what the record holds now as a numbered version; return its digest."""
    last = uow.session.scalar(
        select(func.max(RecordVersion.n)).where(RecordVersion.record_id == row.id)
    )
    digest = content_digest(row.form_code, row.form_version, row.content)
    uow.session.add(
        RecordVersion(
            record_id=row.id,
            n=(last or 0) + 1,
            content=dict(row.content),
            digest=digest,
            reason=reason,
            made_by=made_by,
            made_at=uow.now(),
            kind=kind,
        )
    )
    uow.session.flush()
    return digest


def view_of(uow: UnitOfWork, row: Record) -> RecordView:
    """Return one record as other stations see it."""
    return views_of(uow, [row])[0]


def views_of(uow: UnitOfWork, rows: Iterable[Record]) -> tuple[RecordView, ...]:
    """Return records as other stations see them, names looked up once for all."""
    found = list(rows)
    names = names_of(uow, {row.author_id for row in found})
    units = {unit.id: unit.name for unit in departments(uow)} if found else {}
    return tuple(
        _view(uow, row, names.get(row.author_id, ""), units.get(row.department_id, ""))
        for row in found
    )


def page_of(uow: UnitOfWork, query: Select[Record], page: int, per_page: int) -> Page[RecordView]:
    """Return one page of a query for records, as other stations see them."""
    page, per_page = clean_paging(page, per_page)
    rows = list(uow.session.scalars(query.limit(per_page).offset((page - 1) * per_page)))

    def count() -> int | None:
        ids = query.with_only_columns(Record.id).order_by(None).subquery()
        return uow.session.scalar(select(func.count()).select_from(ids))

    total = total_of(page, per_page, len(rows), count)
    return Page(views_of(uow, rows), total, page, per_page)


def _view(uow: UnitOfWork, row: Record, author: str, department: str) -> RecordView:
    title, customer_field = _form_facts(uow, row)
    customer = row.content.get(customer_field, "")
    return RecordView(
        id=row.id,
        form_code=row.form_code,
        form_version=row.form_version,
        form_title=title,
        number=row.number or "",
        title=row.title,
        customer_id=row.customer_id,
        customer_name=customer if isinstance(customer, str) else "",
        author_id=row.author_id,
        author_name=author,
        department_id=row.department_id,
        department_name=department,
        secrecy=row.secrecy,
        state=row.state,
        state_label=RecordState(row.state).label,
        year=row.year,
        content=row.content,
        round=row.round,
        created_at=row.created_at,
        updated_at=row.updated_at,
        submitted_at=row.submitted_at,
        signed_at=row.signed_at,
        version=row.row_version,
        state_note=row.state_note,
        participants=frozenset(row.participants),
        digest=content_digest(row.form_code, row.form_version, row.content),
    )


def _form_facts(uow: UnitOfWork, row: Record) -> tuple[str, str]:
    """Return title and customer entry of the record's form; a lost form shows its code."""
    try:
        form = form_of(uow, row)
    except FormError:
        return row.form_code, ""
    return form.title, form.customer_field
