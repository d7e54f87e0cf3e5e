"""Rows of items turned into views, with all that hangs on them, a fixed number of statements.

Private to the station: ``items`` asks, here is told. No rights and no filters here.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from archive.customers.models import Customer
from archive.filing.classes.kept import plan_in_force
from archive.filing.models import (
    CopyStatus,
    FilingStep,
    Item,
    ItemCopy,
    ItemFile,
    ItemState,
    Volume,
)
from archive.filing.rules import STEPS
from archive.filing.views import CopyView, FileView, ItemView, StepView
from archive.forms.service import form_titles
from archive.people.models import Department, User
from archive.people.rights import SECRECY
from storage.files import StoredFile
from storage.work import UnitOfWork

ENDING = (ItemState.REVIEWING, ItemState.TRANSFERRED, ItemState.DESTROYED)


def views_of(uow: UnitOfWork, rows: Sequence[Item], *, with_text: bool = False) -> list[ItemView]:
    """Return items as views, in their order; ``with_text`` adds the texts behind them."""
    if not rows:
        return []
    around = _surroundings(uow, rows)
    return [_as_view(row, around, with_text) for row in rows]


@dataclass(frozen=True)
class _Surroundings:
    """What a batch of items hangs on, fetched once for all of them."""

    names: dict[int, Row[*tuple[Any, ...]]]
    forms: dict[str, str]
    terms: Mapping[str, str]
    copies: dict[int, list[CopyView]]
    files: dict[int, list[FileView]]
    steps: dict[int, list[StepView]]


def _surroundings(uow: UnitOfWork, rows: Sequence[Item]) -> _Surroundings:
    ids = [row.id for row in rows]
    return _Surroundings(
        names=_names(uow, ids),
        forms=form_titles(uow),
        terms=plan_in_force(uow).terms,
        copies=_copies(uow, ids),
        files=_files(uow, ids),
        steps=_steps(uow, ids),
    )


def _names(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, Row[*tuple[Any, ...]]]:
    """Return what customer, department, volume and author of each item are called."""
    query = (
        select(
            Item.id,
            Customer.name.label("customer"),
            Department.name.label("department"),
            Volume.title.label("volume"),
            User.name.label("author"),
        )
        .outerjoin(Customer, Customer.id == Item.customer_id)
        .outerjoin(Department, Department.id == Item.department_id)
        .outerjoin(Volume, Volume.id == Item.volume_id)
        .outerjoin(User, User.id == Item.author_id)
        .where(Item.id.in_(ids))
    )
    return {row.id: row for row in uow.session.execute(query)}


def _copies(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, list[CopyView]]:
    found: dict[int, list[CopyView]] = defaultdict(list)
    query = select(ItemCopy).where(ItemCopy.item_id.in_(ids)).order_by(ItemCopy.id)
    for row in uow.session.scalars(query):
        found[row.item_id].append(
            CopyView(row.id, row.barcode, row.pages, row.location, row.status, row.place_id)
        )
    return found


def _files(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, list[FileView]]:
    found: dict[int, list[FileView]] = defaultdict(list)
    query = (
        select(ItemFile, StoredFile.size, StoredFile.media_type)
        .join(StoredFile, StoredFile.sha256 == ItemFile.sha256)
        .where(ItemFile.item_id.in_(ids))
        .order_by(ItemFile.id)
    )
    for row, size, media_type in uow.session.execute(query):
        view = FileView(row.id, row.role, row.name, row.sha256, size, media_type)
        found[row.item_id].append(view)
    return found


def _steps(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, list[StepView]]:
    query = select(FilingStep, User.name).outerjoin(User, User.id == FilingStep.by_id)
    rows = uow.session.execute(query.where(FilingStep.item_id.in_(ids))).all()
    found: dict[int, list[StepView]] = defaultdict(list)
    for row, name in sorted(rows, key=lambda pair: STEPS.index(pair[0].step)):
        found[row.item_id].append(StepView(row.step, name or "", row.at, row.note))
    return found


def _as_view(row: Item, around: _Surroundings, with_text: bool) -> ItemView:
    copies, names = tuple(around.copies.get(row.id, ())), around.names[row.id]
    elements = {key: str(value) for key, value in row.elements.items()}
    return ItemView(
        id=row.id,
        external_id=row.external_id,
        record_id=row.record_id,
        title=row.title,
        customer_id=row.customer_id,
        customer_name=names.customer or "",
        form_code=row.form_code,
        form_title=around.forms.get(row.form_code, row.form_code),
        document_number=row.document_number,
        responsible=row.responsible,
        author_id=row.author_id,
        author_name=names.author or "",
        department_id=row.department_id,
        department_name=names.department or elements.get("部门", ""),
        document_date=row.document_date,
        year=row.year,
        category=row.category,
        item_class=row.item_class,
        retention=row.retention,
        retention_label=around.terms.get(row.retention, row.retention),
        unit=row.unit,
        secrecy=row.secrecy,
        secrecy_label=SECRECY[row.secrecy],
        pages=row.pages,
        plan_version=row.plan_version,
        volume_id=row.volume_id,
        volume_title=names.volume or "",
        serial=row.serial,
        provisional_code=row.provisional_code,
        reference_code=row.reference_code,
        state=row.state,
        status=_where(row, copies) if row.state in ENDING else row.status or _where(row, copies),
        note=row.note,
        elements=elements,
        created_at=row.created_at,
        version=row.row_version,
        text=row.text if with_text else "",
        copies=copies,
        files=tuple(around.files.get(row.id, ())),
        steps=tuple(around.steps.get(row.id, ())),
    )


def _where(row: Item, copies: Sequence[CopyView]) -> str:
    """Say where the paper is: a copy out or missing shows before those that are in."""
    if row.state in ENDING:
        return ItemState(row.state).label
    for status in (CopyStatus.OUT, CopyStatus.MISSING):
        if any(copy.status == status for copy in copies):
            return status.label
    return ItemState(row.state).label
