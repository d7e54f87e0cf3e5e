"""Yearly volumes (年度案卷): found or opened when an item is catalogued; their catalogues."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from archive.core.errors import Conflict, NotFound
from archive.core.pages import Page, clean_paging
from archive.core.profile import load_profile
from archive.core.racing import found_or_made
from archive.customers.models import Customer
from archive.filing.classes.kept import plan_in_force
from archive.filing.models import Item, Volume, VolumeState
from archive.filing.plan import Plan
from archive.filing.rules import Belonging, volume_title
from archive.filing.views import CatalogueLine, VolumeView
from archive.people.models import Department
from archive.people.readers import may_read_set
from archive.people.rights import SECRECY, Actor, require
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
LONGEST_CUSTOMER = 80  # of a title that holds 200
NOT_THERE = "没有这本案卷，或者您无权查看。"


def open_volume(uow: UnitOfWork, belonging: Belonging, customer_id: int | None) -> Volume:
    """Return the year's volume of this class and unit, opened now if there is none.

    In a class with a volume for each customer it is the customer's; papers without a customer
    come into the unit's. The 件号 count inside the lowest class and so run on from volume to
    volume (DA/T 22 5.4.3).
    """
    if not plan_in_force(uow).is_by_customer(belonging.item_class):
        customer_id = None
    fonds = load_profile(uow).fonds
    query = (
        select(Volume)
        .where(
            Volume.fonds == fonds,
            Volume.category == belonging.category,
            Volume.year == belonging.year,
            Volume.retention == belonging.retention,
            Volume.unit == belonging.unit,
            Volume.item_class == belonging.item_class,
            Volume.customer_id.is_(None)
            if customer_id is None
            else Volume.customer_id == customer_id,
        )
        .with_for_update()
    )
    row = found_or_made(uow, query, lambda: _make_volume(uow, belonging, fonds, customer_id))
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
    asked = _volume_conditions(year, item_class)
    inside = [Item.volume_id.in_(select(Volume.id).where(*asked))] if asked else []
    counted = (
        select(
            Item.volume_id.label("volume_id"),
            func.count().label("items"),
            func.coalesce(func.sum(Item.pages), 0).label("pages"),
        )
        .where(Item.volume_id.is_not(None), may_read_set(actor, Item.readers_id), *inside)
        .group_by(Item.volume_id)
        .subquery()
    )
    wanted = select(
        Volume, counted.c["items"], counted.c["pages"], func.count().over().label("total")
    ).join(counted, counted.c.volume_id == Volume.id)
    wanted = wanted.where(*asked).order_by(
        Volume.year.desc(), Volume.category, Volume.unit, Volume.id
    )
    rows = uow.session.execute(wanted.offset((page - 1) * per_page).limit(per_page)).all()
    total = rows[0].total if rows else 0
    if not rows and page > 1:
        total = uow.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    plan = plan_in_force(uow)
    views = tuple(_as_view(row, count, leaves, plan) for row, count, leaves, _ in rows)
    return Page(views, total, page, per_page)


def _volume_conditions(year: int | None, item_class: str) -> list[ColumnElement[bool]]:
    found = [] if year is None else [Volume.year == year]
    return [*found, Volume.item_class == item_class] if item_class else found


def get_volume(
    uow: UnitOfWork, actor: Actor, volume_id: int, *, page: int = 1, per_page: int = 100
) -> tuple[VolumeView, Page[CatalogueLine]]:
    """Return a volume and a page of its catalogue, of the items the actor may read."""
    require(actor, "volume.list")
    page, per_page = clean_paging(page, per_page)
    row = uow.session.get(Volume, volume_id) if 0 < volume_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(NOT_THERE)
    mine = [Item.volume_id == volume_id, may_read_set(actor, Item.readers_id)]
    count, leaves = uow.session.execute(
        select(func.count(), func.coalesce(func.sum(Item.pages), 0)).where(*mine)
    ).one()
    if not count:
        raise NotFound(NOT_THERE)
    lines = _catalogue(uow, mine, page, per_page)
    return _as_view(row, count, leaves, plan_in_force(uow)), Page(lines, count, page, per_page)


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


def _make_volume(
    uow: UnitOfWork, belonging: Belonging, fonds: str, customer_id: int | None
) -> Volume:
    found = None if customer_id is None else uow.session.get(Customer, customer_id)
    customer = "" if found is None else found.name[:LONGEST_CUSTOMER]
    unit_name = uow.session.scalar(select(Department.name).where(Department.code == belonging.unit))
    row = Volume(
        fonds=fonds,
        category=belonging.category,
        year=belonging.year,
        retention=belonging.retention,
        unit=belonging.unit,
        item_class=belonging.item_class,
        customer_id=customer_id,
        title=volume_title(belonging, unit_name or "", plan_in_force(uow), customer),
        state=VolumeState.OPEN,
        created_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def _as_view(row: Volume, count: int, leaves: int, plan: Plan) -> VolumeView:
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
        customer_id=row.customer_id,
        items=count,
        pages=leaves,
    )
