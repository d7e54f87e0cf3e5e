"""Builds what the index is told of records and items from their rows.

A record is told until it is filed; from then on it is found as its item only, and an item only
once it is on the shelf. A thing that is not to be found (any more) is simply left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import NotFound
from archive.customers.models import Customer
from archive.documents import service as documents
from archive.filing import service as filing
from archive.filing.models import HELD, Item
from archive.filing.views import ItemView
from archive.forms.service import get_form
from archive.people.service import names_of
from archive.records import service as records
from archive.records.models import Record, RecordState
from archive.records.views import RecordView
from archive.search.store import Described, readers_of, split_id
from archive.search.views import ITEM, RECORD, Card
from doc_templates import Form, FormError
from indexer import Entry
from storage.work import UnitOfWork


@dataclass(frozen=True)
class _Register:
    """What the customer register says of one customer beside the name."""

    number: str = ""
    initials: str = ""
    short_name: str = ""


def all_ids(uow: UnitOfWork) -> list[str]:
    """Return the id of everything that may be found, items first."""
    items = [f"{ITEM}:{item_id}" for item_id in filing.item_ids(uow)]
    return items + [f"{RECORD}:{record_id}" for record_id in records.record_ids(uow)]


def with_relatives(uow: UnitOfWork, entry_ids: Iterable[str]) -> list[str]:
    """Return the ids with the item of each record and the record of each item."""
    wanted = dict.fromkeys(entry_ids)
    split = [name for entry_id in wanted if (name := split_id(entry_id)) is not None]
    record_ids = [number for kind, number in split if kind == RECORD]
    item_ids = [number for kind, number in split if kind == ITEM]
    query = select(Item.id, Item.record_id).where(
        Item.record_id.is_not(None) & (Item.record_id.in_(record_ids) | Item.id.in_(item_ids))
    )
    for item_id, record_id in uow.session.execute(query):
        wanted |= {f"{ITEM}:{item_id}": None, f"{RECORD}:{record_id}": None}
    return list(wanted)


def describe_all(uow: UnitOfWork, entry_ids: Sequence[str]) -> dict[str, Described]:
    """Return what the index is to be told of these ids; what is not to be found is left out."""
    split = [name for entry_id in entry_ids if (name := split_id(entry_id)) is not None]
    record_ids = [number for kind, number in split if kind == RECORD]
    item_ids = [number for kind, number in split if kind == ITEM]
    readers = readers_of(uow, entry_ids)
    found = [*_items(uow, item_ids, readers), *_records(uow, record_ids, readers)]
    return {one.entry.id: one for one in found}


def _items(
    uow: UnitOfWork, item_ids: Sequence[int], readers: Mapping[str, frozenset[str]]
) -> Iterator[Described]:
    views = [view for view in filing.load_items(uow, item_ids) if view.state in HELD]
    customers = _customers(uow, [view.customer_id for view in views])
    signers = _signers(uow, [view.record_id for view in views])
    for view in views:
        known = customers.get(view.customer_id or 0, _Register())
        own = readers[f"{ITEM}:{view.id}"]
        yield _item(view, known, signers.get(view.record_id or 0, ()), own)


def _item(
    view: ItemView, known: _Register, signers: Sequence[str], readers: frozenset[str]
) -> Described:
    entry_id = f"{ITEM}:{view.id}"
    entry = Entry(
        id=entry_id,
        title=view.title,
        body=_lines(view.text, *_description(view), _other_name(known, view.customer_name)),
        customer=view.customer_name,
        form=view.form_code,
        form_title=view.form_title,
        numbers=_unique(
            view.code,
            view.document_number,
            view.provisional_code,
            view.external_id,
            *(copy.barcode for copy in view.copies),
            known.number,
            known.initials,
        ),
        year=view.year,
        department=view.department_name,
        date=view.document_date.isoformat() if view.document_date else "",
        status=view.status,
        secrecy=view.secrecy_label,
        maker=view.author_name or view.responsible,
        people=_unique(view.responsible, *signers),
        readers=readers,
        class_code=view.item_class,
    )
    card = Card(
        kind=ITEM,
        thing_id=view.id,
        public_id=view.external_id or entry_id,
        number=view.document_number or view.code,
        code=view.code,
        place="；".join(_unique(*(copy.location for copy in view.copies))),
    )
    return Described(entry, card)


def _description(view: ItemView) -> list[str]:
    """Return what the description says beyond fields of its own; 部门 has one."""
    further = [f"{name}：{value}" for name, value in view.elements.items() if name != "部门"]
    return [*further, view.note]


def _records(
    uow: UnitOfWork, record_ids: Sequence[int], readers: Mapping[str, frozenset[str]]
) -> Iterator[Described]:
    views = [view for one in record_ids if (view := _find_record(uow, one)) is not None]
    views = [view for view in views if view.state not in (RecordState.FILED, RecordState.DESTROYED)]
    customers = _customers(uow, [view.customer_id for view in views])
    names = names_of(uow, {one for view in views for one in view.participants})
    for view in views:
        known = customers.get(view.customer_id or 0, _Register())
        signers = [names.get(one, "") for one in sorted(view.participants)]
        yield _record(view, _find_form(uow, view), known, signers, readers[f"{RECORD}:{view.id}"])


def _find_record(uow: UnitOfWork, record_id: int) -> RecordView | None:
    try:
        return records.load_record(uow, record_id)
    except NotFound:
        return None


def _record(
    view: RecordView,
    form: Form | None,
    known: _Register,
    signers: Sequence[str],
    readers: frozenset[str],
) -> Described:
    entry_id = f"{RECORD}:{view.id}"
    entry = Entry(
        id=entry_id,
        title=view.title,
        body=_lines(
            documents.plain_text(view.content, form) if form else "",
            _other_name(known, view.customer_name),
        ),
        customer=view.customer_name,
        form=view.form_code,
        form_title=view.form_title,
        numbers=_unique(view.number, known.number, known.initials),
        year=view.year,
        department=view.department_name,
        date=_date_of(view, form),
        status=view.state_label,
        secrecy=view.secrecy_label,
        maker=view.author_name,
        people=_unique(*signers),
        readers=readers,
    )
    return Described(entry, Card(RECORD, view.id, entry_id, number=view.number))


def _other_name(known: _Register, name: str) -> str:
    """Return the customer's short name where the full name does not hold it anyway."""
    return "" if known.short_name in name else known.short_name


def _find_form(uow: UnitOfWork, view: RecordView) -> Form | None:
    try:
        return get_form(uow, view.form_code, view.form_version)
    except FormError:
        return None


def _date_of(view: RecordView, form: Form | None) -> str:
    """Return the paper's own date; without one, the day it was submitted or begun."""
    written = view.content.get(form.date_field) if form and form.date_field else None
    if isinstance(written, str) and written:
        return written[:10]
    return local_day(view.submitted_at or view.created_at).isoformat()


def _customers(uow: UnitOfWork, ids: Iterable[int | None]) -> dict[int, _Register]:
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    query = select(Customer.id, Customer.number, Customer.initials, Customer.short_name)
    rows = uow.session.execute(query.where(Customer.id.in_(wanted)))
    return {row.id: _Register(row.number, row.initials, row.short_name) for row in rows}


def _signers(uow: UnitOfWork, record_ids: Iterable[int | None]) -> dict[int, list[str]]:
    wanted = {one for one in record_ids if one}
    if not wanted:
        return {}
    query = select(Record.id, Record.participants)
    rows = uow.session.execute(query.where(Record.id.in_(wanted)))
    people = {record_id: list(participants) for record_id, participants in rows}
    names = names_of(uow, {one for several in people.values() for one in several})
    found: dict[int, list[str]] = defaultdict(list)
    for record_id, several in people.items():
        found[record_id] = [names[one] for one in several if one in names]
    return found


def _unique(*texts: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text)
