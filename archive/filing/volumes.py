"""Yearly volumes (年度案卷): found or opened when an item is catalogued; their catalogues."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from archive.core.errors import Conflict, NotFound
from archive.core.pages import Page, clean_paging
from archive.core.profile import load_profile
from archive.filing.models import Item, Volume, VolumeState
from archive.filing.plan import load_plan
from archive.filing.rules import Belonging, volume_title
from archive.filing.views import CatalogueLine, VolumeView
from archive.people.models import Department
from archive.people.readers import may_read
from archive.people.rights import SECRECY, Actor, require
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
NOT_THERE = "没有这本案卷，或者您无权查看。"


def open_volume(uow: UnitOfWork, belonging: Belonging) -> Volume:
    """Return the year's volume of this class and unit, opened now if there is none."""
    fonds = load_profile(uow).fonds
    row = uow.session.scalar(
        select(Volume)
        .where(
            Volume.fonds == fonds,
            Volume.category == belonging.category,
            Volume.year == belonging.year,
            Volume.retention == belonging.retention,
            Volume.unit == belonging.unit,
            Volume.item_class == belonging.item_class,
        )
        .with_for_update()
    )
    if row is None:
        return _make_volume(uow, belonging, fonds)
    if row.state == VolumeState.CHECKING:
        raise Conflict(f"案卷“{row.title}”正等第二人核对封卷，请先在案卷页撤回封卷，再放入文件。")
    if row.state != VolumeState.OPEN:
        raise Conflict(f"案卷“{row.title}”已经封卷，不能再放入文件；请改归其他年度或二级门类。")
    return row


def list_volumes(
    uow: UnitOfWork,
    actor: Actor,
    *,
    year: int | None = None,
    item_class: str = "",
    page: int = 1,
    per_page: int = 20,
) -> Page[VolumeView]:
    """Return one page of the volumes that hold anything the actor may read, latest year first.

    Counts are of the items this actor may read, so a volume tells nothing about the others.
    """
    require(actor, "volume.list")
    page, per_page = clean_paging(page, per_page)
    counted = (
        select(
            Item.volume_id.label("volume_id"),
            func.count().label("items"),
            func.coalesce(func.sum(Item.pages), 0).label("pages"),
        )
        .where(Item.volume_id.is_not(None), may_read(actor, "item", Item.id))
        .group_by(Item.volume_id)
        .subquery()
    )
    wanted = select(Volume, counted.c["items"], counted.c["pages"]).join(
        counted, counted.c.volume_id == Volume.id
    )
    if year is not None:
        wanted = wanted.where(Volume.year == year)
    if item_class:
        wanted = wanted.where(Volume.item_class == item_class)
    total = uow.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    rows = uow.session.execute(
        wanted.order_by(Volume.year.desc(), Volume.category, Volume.unit, Volume.id)
        .offset((page - 1) * per_page)
        .limit(per_page)
    )
    views = tuple(_as_view(row, count, leaves) for row, count, leaves in rows)
    return Page(views, total, page, per_page)


def get_volume(
    uow: UnitOfWork, actor: Actor, volume_id: int, *, page: int = 1, per_page: int = 100
) -> tuple[VolumeView, Page[CatalogueLine]]:
    """Return a volume and a page of its catalogue, of the items the actor may read."""
    require(actor, "volume.list")
    page, per_page = clean_paging(page, per_page)
    row = uow.session.get(Volume, volume_id) if 0 < volume_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(NOT_THERE)
    mine = [Item.volume_id == volume_id, may_read(actor, "item", Item.id)]
    count, leaves = uow.session.execute(
        select(func.count(), func.coalesce(func.sum(Item.pages), 0)).where(*mine)
    ).one()
    if not count:
        raise NotFound(NOT_THERE)
    lines = _catalogue(uow, mine, page, per_page)
    return _as_view(row, count, leaves), Page(lines, count, page, per_page)


def _catalogue(
    uow: UnitOfWork, wanted: Sequence[ColumnElement[bool]], page: int, per_page: int
) -> tuple[CatalogueLine, ...]:
    found = uow.session.execute(
        select(
            Item.id,
            Item.provisional_code,
            Item.reference_code,
            Item.document_number,
            Item.responsible,
            Item.title,
            Item.document_date,
            Item.secrecy,
            Item.pages,
            Item.note,
        )
        .where(*wanted)
        .order_by(Item.serial, Item.id)
        .offset((page - 1) * per_page)
        .limit(per_page)
    )
    first = (page - 1) * per_page + 1
    return tuple(
        CatalogueLine(
            item_id=line.id,
            place=place,
            code=line.reference_code or line.provisional_code or "",
            document_number=line.document_number,
            responsible=line.responsible,
            title=line.title,
            document_date=line.document_date,
            secrecy_label=SECRECY[line.secrecy],
            pages=line.pages,
            note=line.note,
        )
        for place, line in enumerate(found, start=first)
    )


def _make_volume(uow: UnitOfWork, belonging: Belonging, fonds: str) -> Volume:
    unit_name = uow.session.scalar(select(Department.name).where(Department.code == belonging.unit))
    row = Volume(
        fonds=fonds,
        category=belonging.category,
        year=belonging.year,
        retention=belonging.retention,
        unit=belonging.unit,
        item_class=belonging.item_class,
        title=volume_title(belonging, unit_name or "", load_plan()),
        state=VolumeState.OPEN,
        created_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def _as_view(row: Volume, count: int, leaves: int) -> VolumeView:
    plan = load_plan()
    return VolumeView(
        id=row.id,
        fonds=row.fonds,
        category=row.category,
        category_title=plan.category_title(row.category),
        year=row.year,
        retention=row.retention,
        retention_label=plan.terms.get(row.retention, row.retention),
        unit=row.unit,
        item_class=row.item_class,
        title=row.title,
        state=row.state,
        items=count,
        pages=leaves,
    )
