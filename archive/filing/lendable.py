"""What lending asks about an item: where its copies are, whose it is, who may read it.

Far fewer columns and statements than an item whole (``items``), for the desk asks with every
barcode scanned: one for the paper and what ties people to it, one for its copies, one for grants.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, exists, select

from archive.core.errors import NotFound
from archive.customers.models import Customer
from archive.filing.checks.models import Quarantine
from archive.filing.codes import clean_barcode, find_reference
from archive.filing.items import LARGEST_ID, NOT_THERE, thing_with
from archive.filing.models import Item, ItemCopy, ItemFile, ItemState
from archive.filing.views import CopyView
from archive.people.grants.held import grants_on
from archive.people.rights import SECRECY, Thing
from archive.records.models import Record
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Lendable:
    """An item as lending sees it; ``thing`` is what rights ask about it."""

    id: int
    title: str
    code: str
    document_number: str
    department_id: int | None
    customer_id: int | None
    form_code: str
    category: str
    item_class: str
    secrecy: int
    state: str
    has_file: bool
    in_quarantine: bool
    copies: tuple[CopyView, ...]
    thing: Thing

    @property
    def secrecy_label(self) -> str:
        """The secrecy as shown to people."""
        return SECRECY[self.secrecy]

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return ItemState(self.state).label


def load_lendable(uow: UnitOfWork, item_id: int) -> Lendable:
    """Return an item, rights unchecked; raise NotFound."""
    found = _find(uow, _BY_ID, item_id) if 0 < item_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(NOT_THERE)
    return found


def find_lendable_by_barcode(uow: UnitOfWork, barcode: str) -> Lendable | None:
    """Return the item one of whose copies carries this barcode, or None."""
    return _find(uow, _BY_BARCODE, clean_barcode(barcode))


def find_lendable_by_code(uow: UnitOfWork, text: str) -> Lendable | None:
    """Return the item with this 档号 (final or provisional, in any spelling), or None."""
    code = find_reference(text)
    if code is None:
        return None
    return _find(uow, _BY_PROVISIONAL if code.is_provisional else _BY_REFERENCE, str(code))


def _find(uow: UnitOfWork, query: Select[Any], named: int | str) -> Lendable | None:
    row = uow.session.execute(query, {"named": named}).first()
    if row is None:
        return None
    copies = uow.session.execute(_COPIES, {"item": row.id})
    return Lendable(
        id=row.id,
        title=row.title,
        code=row.reference_code or row.provisional_code or "",
        document_number=row.document_number,
        department_id=row.department_id,
        customer_id=row.customer_id,
        form_code=row.form_code,
        category=row.category,
        item_class=row.item_class,
        secrecy=row.secrecy,
        state=row.state,
        has_file=row.has_file,
        in_quarantine=row.in_quarantine,
        copies=tuple(CopyView(*copy) for copy in copies),
        thing=thing_with(row, row[-3:], _grants(uow, row)),
    )


def _grants(uow: UnitOfWork, row: Any) -> frozenset[int]:
    return grants_on(
        uow,
        ("item", row.id),
        ("record", row.record_id),
        ("volume", row.volume_id),
        ("customer", row.customer_id),
    )


# Made once: putting a statement together takes longer than sending it.
_PAPER: Any = (
    select(
        Item.id,
        Item.title,
        Item.reference_code,
        Item.provisional_code,
        Item.document_number,
        Item.department_id,
        Item.customer_id,
        Item.form_code,
        Item.category,
        Item.item_class,
        Item.secrecy,
        Item.state,
        Item.author_id,
        Item.record_id,
        Item.volume_id,
        exists().where(ItemFile.item_id == Item.id).label("has_file"),
        exists().where(Quarantine.holds == Item.id).label("in_quarantine"),
        Customer.owner_id.label("customer_owner_id"),
        Customer.department_id.label("customer_department_id"),
        Record.participants,
    )
    .outerjoin(Customer, Customer.id == Item.customer_id)
    .outerjoin(Record, Record.id == Item.record_id)
)
_NAMED: Any = bindparam("named")
_BY_ID = _PAPER.where(Item.id == _NAMED)
_BY_BARCODE = _PAPER.join(ItemCopy, ItemCopy.item_id == Item.id).where(ItemCopy.barcode == _NAMED)
_BY_REFERENCE = _PAPER.where(Item.reference_code == _NAMED)
_BY_PROVISIONAL = _PAPER.where(Item.provisional_code == _NAMED)
_COPIES = (
    select(
        ItemCopy.id,
        ItemCopy.barcode,
        ItemCopy.pages,
        ItemCopy.location,
        ItemCopy.status,
        ItemCopy.place_id,
    )
    .where(ItemCopy.item_id == bindparam("item"))
    .order_by(ItemCopy.id)
)
