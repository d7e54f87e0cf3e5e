"""The tree of places: finding one by barcode, id or line, and making what is missing of one.

Nothing here asks for rights; services, 上架 and the stocktake do that first.
"""

from collections.abc import Iterable, Sequence
from secrets import token_hex

from sqlalchemy import ColumnElement, select

from archive.core.errors import Conflict, NotFound
from archive.filing.places.models import PlaceKind, StoragePlace
from archive.filing.places.rules import (
    clean_place_barcode,
    make_place_barcode,
    path_of,
    steps_of,
    steps_of_text,
)
from archive.filing.places.views import PlaceView
from archive.filing.rules import Place
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
NOT_THERE = "没有这个存放位置。"


def get_place_row(uow: UnitOfWork, place_id: int) -> StoragePlace:
    """Return the row of a place; raise NotFound."""
    row = uow.session.get(StoragePlace, place_id) if 0 < place_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(NOT_THERE)
    return row


def find_place(uow: UnitOfWork, text: str) -> PlaceView | None:
    """Return the place a scanned barcode or a typed line names, or None."""
    barcode = clean_place_barcode(text)
    named = StoragePlace.barcode == barcode if barcode else StoragePlace.path == text.strip()[:200]
    row = uow.session.scalar(select(StoragePlace).where(named))
    return None if row is None else place_view(row)


def find_places(uow: UnitOfWork, texts: Iterable[str]) -> dict[str, PlaceView]:
    """Return the places that barcodes or lines name, by the text as it was given."""
    wanted = {text: clean_place_barcode(text) or text.strip()[:200] for text in set(texts)}
    keys = sorted(set(wanted.values()))
    found: dict[str, PlaceView] = {}
    for start in range(0, len(keys), 400):
        some = keys[start : start + 400]
        query = select(StoragePlace).where(
            StoragePlace.barcode.in_(some) | StoragePlace.path.in_(some)
        )
        for row in uow.session.scalars(query):
            found[row.barcode] = found[row.path] = place_view(row)
    return {text: found[key] for text, key in wanted.items() if key in found}


def open_place(uow: UnitOfWork, text: str) -> PlaceView:
    """Return the open place a barcode or line names; raise NotFound, Conflict."""
    found = find_place(uow, text)
    if found is None:
        raise NotFound(f"没有条码或名称为“{text.strip()[:40]}”的存放位置，请扫位置上的条码。")
    if found.is_closed:
        raise Conflict(f"位置“{found.path}”已停用，不能再放档案。")
    return found


def ensure_place(uow: UnitOfWork, place: Place) -> int | None:
    """Return the id of where a paper is put, made where it is missing.

    None where a level between is left out: then the place stays the text that was typed.
    Raises Conflict for a place that is closed.
    """
    return _ensure(uow, steps_of(place))


def ensure_text(uow: UnitOfWork, text: str) -> int | None:
    """Return the id of the place a free text names, made where it is missing; None if none."""
    return _ensure(uow, steps_of_text(text))


def add_place(
    uow: UnitOfWork,
    parent: StoragePlace | None,
    kind: PlaceKind,
    name: str,
    capacity: int | None = None,
) -> StoragePlace:
    """Add a place under a fresh barcode; the caller has checked name, level and line."""
    row = StoragePlace(
        parent_id=parent.id if parent else None,
        kind=kind,
        name=name,
        path=path_of(parent.path if parent else "", kind, name),
        barcode=token_hex(10),  # until it has an id
        capacity=capacity,
        created_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    row.barcode = make_place_barcode(row.id)
    row.lineage = f"{parent.lineage if parent else '/'}{row.id}/"
    return row


def within(lineage: str) -> ColumnElement[bool]:
    """Return the condition "the place is this one or lies in it"."""
    return StoragePlace.lineage.startswith(lineage)


def subtree(uow: UnitOfWork, row: StoragePlace) -> Sequence[StoragePlace]:
    """Return a place and everything below it, the upper ones first."""
    query = select(StoragePlace).where(within(row.lineage))
    return sorted(uow.session.scalars(query), key=lambda one: one.lineage.count("/"))


def place_view(row: StoragePlace) -> PlaceView:
    """Return a place as shown."""
    return PlaceView(
        id=row.id,
        parent_id=row.parent_id,
        kind=row.kind,
        name=row.name,
        path=row.path,
        lineage=row.lineage,
        barcode=row.barcode,
        capacity=row.capacity,
        is_closed=row.closed_at is not None,
        version=row.row_version,
    )


def _ensure(uow: UnitOfWork, steps: Sequence[tuple[PlaceKind, str]]) -> int | None:
    paths, above = [], ""
    for kind, name in steps:
        above = path_of(above, kind, name)
        paths.append(above)
    known = {
        row.path: row
        for row in uow.session.scalars(select(StoragePlace).where(StoragePlace.path.in_(paths)))
    }
    parent: StoragePlace | None = None
    for (kind, name), path in zip(steps, paths, strict=True):
        row = known.get(path)
        if row is not None and row.closed_at is not None:
            raise Conflict(f"位置“{row.path}”已停用，不能再放档案；请换一个位置。")
        parent = row or add_place(uow, parent, kind, name)
    uow.session.flush()
    return parent.id if parent else None
