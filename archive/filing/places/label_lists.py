"""Which labels are printed: of an item's, a volume's or a place's copies, of places, of boxes."""

from sqlalchemy import select

from archive.core.errors import Invalid, NotFound
from archive.filing.models import Item, ItemCopy, Volume
from archive.filing.places.label_pages import MOST_LABELS, Label
from archive.filing.places.models import PlaceKind, StoragePlace
from archive.filing.places.plan import CopyFilter, list_copies
from archive.filing.places.rules import natural
from archive.filing.places.tree import get_place_row, within
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

KINDS = {
    "item": "一件档案的实体",
    "volume": "一个案卷里的全部实体",
    "place": "一个位置里的全部实体",
    "places": "一个位置和它里面的各个位置",
    "boxes": "一个案卷的档案盒",
}
PER_PAGE = 100


def labels_for(uow: UnitOfWork, actor: Actor, what: str, number: int) -> tuple[Label, ...]:
    """Return the labels asked for, in the order of places; raise Invalid, NotFound."""
    require(actor, "place.list")
    if what == "places":
        return _of_places(uow, number)
    if what == "boxes":
        return _of_boxes(uow, actor, number)
    if what not in KINDS:
        raise Invalid("没有这种标签，请从列表中选。", {"what": "请从列表中选"})
    narrow = {
        "item": CopyFilter(item_id=number),
        "volume": CopyFilter(volume_id=number),
        "place": CopyFilter(place_id=number),
    }[what]
    first = list_copies(uow, actor, narrow, per_page=PER_PAGE)
    if not first.total:
        raise NotFound("这个范围里没有您能看到的实体档案，没有标签可印。")
    if first.total > MOST_LABELS:
        raise Invalid(
            f"有 {first.total} 件，一次最多印 {MOST_LABELS} 枚标签；请缩小范围。",
            {"what": "太多"},
        )
    copies = list(first.items)
    for page in range(2, first.pages + 1):
        copies += list_copies(uow, actor, narrow, page=page, per_page=PER_PAGE).items
    return tuple(
        Label(one.title, (one.code, one.location), one.barcode, one.code or one.barcode)
        for one in copies
    )


def _of_places(uow: UnitOfWork, number: int) -> tuple[Label, ...]:
    top = get_place_row(uow, number)
    rows = list(
        uow.session.scalars(
            select(StoragePlace).where(within(top.lineage), StoragePlace.closed_at.is_(None))
        )
    )
    rows.sort(key=lambda row: natural(row.path))
    return tuple(_place_label(row, ()) for row in rows)


def _of_boxes(uow: UnitOfWork, actor: Actor, number: int) -> tuple[Label, ...]:
    volume = uow.session.get(Volume, number) if 0 < number < 2**63 else None
    inside = (
        select(ItemCopy.place_id)
        .join(Item, Item.id == ItemCopy.item_id)
        .where(Item.volume_id == number, may_read(actor, "item", Item.id))
    )
    query = select(StoragePlace).where(
        StoragePlace.kind == PlaceKind.BOX, StoragePlace.id.in_(inside)
    )
    rows = sorted(uow.session.scalars(query), key=lambda row: natural(row.path))
    if volume is None or not rows:
        raise NotFound("这个案卷还没有装盒的档案，没有盒标签可印；请先建盒，把档案移进去。")
    return tuple(_place_label(row, (volume.title,)) for row in rows)


def _place_label(row: StoragePlace, lines: tuple[str, ...]) -> Label:
    kind = PlaceKind(row.kind).label
    return Label(row.path, (*lines, f"{kind} {row.name}"), row.barcode, row.barcode)
