"""Finds the thing rights are asked about: record, item, volume or customer, by kind and id."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import or_, select

from archive.core.errors import NotFound
from archive.customers.models import Customer
from archive.filing import service as filing
from archive.filing.models import Item, ItemState, Volume, VolumeState
from archive.people.grants.rules import KINDS
from archive.people.models import Department
from archive.people.rights import Actor, Thing, can
from archive.records import service as records
from archive.records.models import Record, RecordState
from archive.trust.access.views import Subject
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
LONGEST_NUMBER = 60
NOT_THERE = "没有这份文件，或者谁能看到它不归您管。"


def get_subject(uow: UnitOfWork, actor: Actor, kind: str, thing_id: int) -> Subject:
    """Return the thing for somebody who may see and change its circle; raise NotFound."""
    find = _FINDERS.get(kind)
    found = find(uow, thing_id) if find is not None and 0 < thing_id <= LARGEST_ID else None
    if found is None or not _may_ask(actor, found):
        raise NotFound(NOT_THERE)
    is_read = kind != "volume" and can(actor, f"{kind}.read", found.thing)
    return found if is_read else replace(found, title="")


def _may_ask(actor: Actor, found: Subject) -> bool:
    if found.kind != "volume":
        return can(actor, "access.read", found.thing)
    heads = found.thing.department_id in actor.headed or "archive_head" in actor.roles
    return heads or "security_admin" in actor.roles


def find_by_number(uow: UnitOfWork, actor: Actor, number: str) -> tuple[str, int] | None:
    """Return kind and id of what bears this number and whose circle the actor keeps, or None.

    An item before the paper it was made from.
    """
    if not 0 < len(number) <= LONGEST_NUMBER:
        return None
    codes = (Item.reference_code, Item.provisional_code, Item.document_number)
    queries = {
        "item": select(Item.id).where(or_(*(column == number for column in codes))),
        "record": select(Record.id).where(Record.number == number),
        "customer": select(Customer.id).where(Customer.number == number),
    }
    for kind, query in queries.items():
        for thing_id in uow.session.scalars(query.limit(5)):
            try:
                get_subject(uow, actor, kind, thing_id)
            except NotFound:
                continue
            return kind, thing_id
    return None


def numbers_of(uow: UnitOfWork, things: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the number of each thing, by kind and id, without its title."""
    wanted: dict[str, set[int]] = {}
    for kind, number in things:
        wanted.setdefault(kind, set()).add(number)
    columns: dict[str, tuple[Any, ...]] = {
        "record": (Record.id, Record.number),
        "item": (Item.id, Item.reference_code, Item.provisional_code, Item.document_number),
        "customer": (Customer.id, Customer.number),
        "volume": (Volume.id, Volume.fonds, Volume.category, Volume.year, Volume.unit),
    }
    found = {}
    for kind, ids in wanted.items():
        rows = uow.session.execute(select(*columns[kind]).where(columns[kind][0].in_(ids)))
        for number, *rest in rows:
            words = [str(part) for part in rest if part]
            found[kind, number] = "-".join(words if kind == "volume" else words[:1])
    return found


def _record(uow: UnitOfWork, record_id: int) -> Subject | None:
    row = uow.session.get(Record, record_id)
    if row is None:
        return None
    return _subject(
        uow,
        records.thing_of(uow, record_id),
        record_id,
        row.number or "",
        row.title,
        RecordState(row.state).label,
        ("customer", row.customer_id),
    )


def _item(uow: UnitOfWork, item_id: int) -> Subject | None:
    row = uow.session.get(Item, item_id)
    if row is None:
        return None
    return _subject(
        uow,
        filing.thing_of_item(uow, item_id),
        item_id,
        row.reference_code or row.provisional_code or row.document_number,
        row.title,
        ItemState(row.state).label,
        ("record", row.record_id),
        ("volume", row.volume_id),
        ("customer", row.customer_id),
    )


def _customer(uow: UnitOfWork, customer_id: int) -> Subject | None:
    row = uow.session.get(Customer, customer_id)
    if row is None:
        return None
    thing = Thing(kind="customer", department_id=row.department_id, owner_id=row.owner_id)
    return _subject(uow, thing, customer_id, row.number, row.name, row.status)


def _volume(uow: UnitOfWork, volume_id: int) -> Subject | None:
    row = uow.session.get(Volume, volume_id)
    if row is None:
        return None
    unit = uow.session.scalar(select(Department.id).where(Department.code == row.unit))
    number = numbers_of(uow, {("volume", volume_id)})[("volume", volume_id)]
    state = VolumeState(row.state).label
    return _subject(uow, Thing(kind="volume", department_id=unit), volume_id, number, "", state)


def _subject(
    uow: UnitOfWork,
    thing: Thing,
    thing_id: int,
    number: str,
    title: str,
    state_label: str,
    *within: tuple[str, int | None],
) -> Subject:
    unit = uow.session.get(Department, thing.department_id) if thing.department_id else None
    return Subject(
        kind=thing.kind,
        id=thing_id,
        kind_label=KINDS[thing.kind],
        number=number,
        title=title,
        department_name=unit.name if unit else "",
        state_label=state_label,
        thing=thing,
        belongs_to=((thing.kind, thing_id), *within),
    )


_FINDERS: Mapping[str, Callable[[UnitOfWork, int], Subject | None]] = {
    "record": _record,
    "item": _item,
    "customer": _customer,
    "volume": _volume,
}
