"""What stands where: rooms with their counts, the tree of one room, and lists of copies.

Counts and lists are of what the actor may read. Every page takes a fixed number of statements,
whatever stands there.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from archive.core.errors import Invalid, NotFound
from archive.core.pages import Page, clean_paging
from archive.filing.codes import clean_barcode
from archive.filing.models import CopyStatus, Item, ItemCopy, Volume
from archive.filing.places.models import CopyMove, PlaceKind, StoragePlace
from archive.filing.places.rules import natural
from archive.filing.places.tree import LARGEST_ID, get_place_row, place_view, within
from archive.filing.places.views import CopyMoveView, PlaceView, StandingCopy, StandingPlace
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

Counts = Mapping[int | None, tuple[int, int]]


@dataclass(frozen=True)
class CopyFilter:
    """What a list of copies is narrowed to; empty parts narrow nothing.

    ``place_id`` takes in everything below the place; ``unplaced`` is what has no place in the
    tree.
    """

    place_id: int | None = None
    volume_id: int | None = None
    item_id: int | None = None
    status: str = ""
    unplaced: bool = False


def rooms(uow: UnitOfWork, actor: Actor) -> tuple[tuple[StandingPlace, ...], int]:
    """Return every room with its counts, and how many copies have no place in the tree."""
    require(actor, "place.list")
    rows = [place_view(row) for row in uow.session.scalars(select(StoragePlace))]
    counts = _counts(uow, actor, ItemCopy.id.is_not(None))
    return _grown(rows, counts, None, deep=False), counts.get(None, (0, 0))[0]


def standing(uow: UnitOfWork, actor: Actor, place_id: int) -> StandingPlace:
    """Return a place with everything in it and the counts, in the order people walk."""
    require(actor, "place.list")
    top = get_place_row(uow, place_id)
    rows = [
        place_view(row)
        for row in uow.session.scalars(select(StoragePlace).where(within(top.lineage)))
    ]
    inside = select(StoragePlace.id).where(within(top.lineage))
    counts = _counts(uow, actor, ItemCopy.place_id.in_(inside))
    return next(
        one for one in _grown(rows, counts, top.parent_id, deep=True) if one.place.id == top.id
    )


def list_copies(
    uow: UnitOfWork,
    actor: Actor,
    narrow: CopyFilter,
    *,
    page: int = 1,
    per_page: int = 50,
) -> Page[StandingCopy]:
    """Return one page of the copies the actor may read, in the order of their places."""
    require(actor, "place.list")
    page, per_page = clean_paging(page, per_page)
    wanted = [may_read(actor, "item", ItemCopy.item_id), *_conditions(uow, narrow)]
    total = uow.session.scalar(
        select(func.count())
        .select_from(ItemCopy)
        .join(Item, Item.id == ItemCopy.item_id)
        .where(*wanted)
    )
    query = _copies().where(*wanted).order_by(ItemCopy.location, _code(), ItemCopy.id)
    rows = uow.session.execute(query.offset((page - 1) * per_page).limit(per_page))
    return Page(tuple(StandingCopy(*row) for row in rows), total or 0, page, per_page)


def get_copy(uow: UnitOfWork, actor: Actor, barcode: str) -> StandingCopy:
    """Return the copy with this barcode; raise NotFound when it is not there or not to be read."""
    require(actor, "place.list")
    query = _copies().where(
        ItemCopy.barcode == clean_barcode(barcode), may_read(actor, "item", ItemCopy.item_id)
    )
    row = uow.session.execute(query).first()
    if row is None:
        raise NotFound("没有这个条码的档案，或者您无权查看。")
    return StandingCopy(*row)


def moves_of_copy(uow: UnitOfWork, actor: Actor, barcode: str) -> tuple[CopyMoveView, ...]:
    """Return the moves of a copy and of the box it stands in, the newest first."""
    copy = get_copy(uow, actor, barcode)
    moved = CopyMove.copy_id == copy.id
    if copy.place_id is not None:
        moved |= CopyMove.box_id == copy.place_id
    rows = list(uow.session.scalars(select(CopyMove).where(moved).order_by(CopyMove.id.desc())))
    names = people.names_of(uow, {row.by_id for row in rows})
    return tuple(
        CopyMoveView(
            "整盒" if row.box_id else "本件",
            row.from_text,
            row.to_text,
            names.get(row.by_id, ""),
            row.at,
            row.reason,
        )
        for row in rows
    )


def _copies() -> Any:
    return (
        select(
            ItemCopy.id,
            ItemCopy.item_id,
            ItemCopy.barcode,
            Item.title,
            _code(),
            ItemCopy.place_id,
            ItemCopy.location,
            ItemCopy.status,
            Item.volume_id,
            func.coalesce(Volume.title, ""),
        )
        .join(Item, Item.id == ItemCopy.item_id)
        .outerjoin(Volume, Volume.id == Item.volume_id)
    )


def _code() -> ColumnElement[str]:
    return func.coalesce(Item.reference_code, Item.provisional_code, "")


def _conditions(uow: UnitOfWork, narrow: CopyFilter) -> list[ColumnElement[bool]]:
    for number in (narrow.place_id, narrow.volume_id, narrow.item_id):
        if not 0 <= (number or 0) <= LARGEST_ID:
            raise Invalid("筛选条件不对。", {"place_id": "没有这一项"})
    if narrow.status and narrow.status not in set(CopyStatus):
        raise Invalid("筛选条件不对：没有这种状态。", {"status": "应为 in、out 或 missing"})
    found: list[ColumnElement[bool]] = []
    if narrow.place_id is not None:
        lineage = get_place_row(uow, narrow.place_id).lineage
        found.append(ItemCopy.place_id.in_(select(StoragePlace.id).where(within(lineage))))
    if narrow.volume_id is not None:
        found.append(Item.volume_id == narrow.volume_id)
    if narrow.item_id is not None:
        found.append(Item.id == narrow.item_id)
    if narrow.status:
        found.append(ItemCopy.status == narrow.status)
    if narrow.unplaced:
        found.append(ItemCopy.place_id.is_(None))
    return found


def _counts(uow: UnitOfWork, actor: Actor, which: ColumnElement[bool]) -> Counts:
    """Return by place how many copies there are and how many of them are not in."""
    away = func.sum(case((ItemCopy.status == CopyStatus.IN, 0), else_=1))
    query = (
        select(ItemCopy.place_id, func.count(), away)
        .where(which, may_read(actor, "item", ItemCopy.item_id))
        .group_by(ItemCopy.place_id)
    )
    return {place: (number, out or 0) for place, number, out in uow.session.execute(query)}


def _grown(
    rows: list[PlaceView], counts: Counts, above: int | None, *, deep: bool
) -> tuple[StandingPlace, ...]:
    """Put places and counts together from the leaves up."""
    under: dict[int | None, list[PlaceView]] = defaultdict(list)
    for row in rows:
        under[row.parent_id].append(row)

    def grow(place: PlaceView) -> StandingPlace:
        children = [grow(one) for one in _walked(under[place.id])]
        own, out = counts.get(place.id, (0, 0))
        return StandingPlace(
            place,
            own,
            own + sum(one.held for one in children),
            out + sum(one.out for one in children),
            tuple(children) if deep else (),
        )

    return tuple(grow(place) for place in _walked(under[above]))


def _walked(places: list[PlaceView]) -> list[PlaceView]:
    return sorted(places, key=lambda one: (one.kind == PlaceKind.BOX, natural(one.name)))
