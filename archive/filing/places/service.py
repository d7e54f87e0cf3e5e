"""Places: made, renamed, closed; copies and boxes put elsewhere, every move recorded.

A place is never deleted. A copy that is out keeps its home. Source: archive.md 1.7 (上架), 6;
GB/T 18894 and DA/T 22 leave the names of places to the house.
"""

from collections.abc import Sequence

from sqlalchemy import func, select, update

from archive.core.errors import Conflict, Invalid, NotFound
from archive.filing.codes import clean_barcode
from archive.filing.copies import set_copy_status
from archive.filing.models import CopyStatus, ItemCopy
from archive.filing.places.models import CopyMove, PlaceKind, StoragePlace
from archive.filing.places.plan import (
    CopyFilter,
    get_copy,
    list_copies,
    moves_of_copy,
    rooms,
    standing,
)
from archive.filing.places.rules import (
    MOST_AT_ONCE,
    MOST_MOVED,
    check_capacity,
    check_level,
    check_movable,
    check_name,
    clean_place_barcode,
    path_of,
    read_layout,
)
from archive.filing.places.tree import (
    add_place,
    find_place,
    get_place_row,
    open_place,
    place_view,
    subtree,
    within,
)
from archive.filing.places.views import Moved, PlaceView
from archive.filing.rules import check_reason
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

__all__ = [
    "CopyFilter",
    "change_place",
    "close_place",
    "find_place",
    "get_copy",
    "get_place",
    "lay_out",
    "list_copies",
    "make_places",
    "mark_found",
    "move_copy_row",
    "move_here",
    "moves_of_copy",
    "reopen_place",
    "rooms",
    "standing",
]


def get_place(uow: UnitOfWork, actor: Actor, place_id: int) -> PlaceView:
    """Return a place; raise NotFound."""
    require(actor, "place.list")
    return place_view(get_place_row(uow, place_id))


def make_places(
    uow: UnitOfWork,
    actor: Actor,
    parent_id: int | None,
    kind: str,
    names: Sequence[str],
    capacity: int | None = None,
) -> tuple[PlaceView, ...]:
    """Make places of one level in one other; raise Invalid, Conflict when one is there already."""
    require(actor, "place.edit")
    if kind not in set(PlaceKind):
        raise Invalid("没有这种位置层级。", {"kind": "请从列表中选"})
    level, capacity = PlaceKind(kind), check_capacity(capacity)
    parent = None if parent_id is None else get_place_row(uow, parent_id)
    check_level(level, PlaceKind(parent.kind) if parent else None)
    if parent is not None and parent.closed_at is not None:
        raise Conflict(f"位置“{parent.path}”已停用，不能在里面再建位置。")
    cleaned = [check_name(name) for name in names]
    if not 1 <= len(cleaned) <= MOST_AT_ONCE:
        raise Invalid(f"一次建 1 到 {MOST_AT_ONCE} 个位置。", {"name": "请填写名称"})
    paths = [path_of(parent.path if parent else "", level, name) for name in cleaned]
    _refuse_known(uow, paths)
    rows = [add_place(uow, parent, level, name, capacity) for name in cleaned]
    uow.session.flush()
    told = {"kind": str(level), "places": [row.id for row in rows], "parent": parent_id}
    uow.journal(actor.id, "place.make", "place", rows[0].id, told)
    return tuple(place_view(row) for row in rows)


def lay_out(
    uow: UnitOfWork, actor: Actor, layout: str, capacity: int | None = None
) -> tuple[PlaceView, int]:
    """Make a whole room from one line; return the room and how many places were new.

    What is there already stays as it is, so a room can be made larger in the same way.
    ``capacity`` is of the lowest level.
    """
    require(actor, "place.edit")
    wanted, capacity = read_layout(layout), check_capacity(capacity)
    known = {row.path: row for row in uow.session.scalars(select(StoragePlace))}
    made = 0

    def ensure(parent: StoragePlace | None, kind: PlaceKind, name: str, last: bool) -> StoragePlace:
        nonlocal made
        found = known.get(path_of(parent.path if parent else "", kind, name))
        if found is not None:
            return found
        made += 1
        return add_place(uow, parent, kind, name, capacity if last else None)

    room = ensure(None, PlaceKind.ROOM, wanted.room, False)
    if room.closed_at is not None:
        raise Conflict(f"库房“{room.path}”已停用；请先恢复使用，再加位置。")
    for row_no in range(1, wanted.rows + 1):
        row = ensure(room, PlaceKind.ROW, f"{row_no:02d}", not wanted.bays)
        for bay_no in range(1, wanted.bays + 1):
            bay = ensure(row, PlaceKind.BAY, f"{bay_no:02d}", not wanted.shelves)
            for shelf_no in range(1, wanted.shelves + 1):
                ensure(bay, PlaceKind.SHELF, f"{shelf_no:02d}", True)
    if not made:
        raise Conflict("这些位置都已经有了，没有新建。")
    uow.session.flush()
    uow.journal(actor.id, "place.layout", "place", room.id, {"made": made})
    return place_view(room), made


def change_place(
    uow: UnitOfWork,
    actor: Actor,
    place_id: int,
    name: str,
    capacity: int | None,
    version: int,
) -> PlaceView:
    """Rename a place or say how much it holds; everything in it is called anew."""
    require(actor, "place.edit")
    row = _current(uow, place_id, version)
    name, capacity = check_name(name), check_capacity(capacity)
    old = row.path
    parent = uow.session.get(StoragePlace, row.parent_id) if row.parent_id else None
    path = path_of(parent.path if parent else "", PlaceKind(row.kind), name)
    if path != old:
        _refuse_known(uow, [path])
        row.name = name
        _call_anew(uow, row, path, row.lineage)
    row.capacity = capacity
    uow.session.flush()
    uow.journal(actor.id, "place.change", "place", row.id, {"from": old, "to": path})
    return place_view(row)


def close_place(uow: UnitOfWork, actor: Actor, place_id: int, version: int) -> PlaceView:
    """Take an empty place, and the empty ones in it, out of use; raise Conflict when not empty."""
    require(actor, "place.edit")
    row = _current(uow, place_id, version)
    if row.closed_at is not None:
        raise Conflict(f"位置“{row.path}”已经停用。")
    inside = select(StoragePlace.id).where(within(row.lineage))
    held = uow.session.scalar(
        select(func.count()).select_from(ItemCopy).where(ItemCopy.place_id.in_(inside))
    )
    if held:
        raise Conflict(f"位置“{row.path}”里还有 {held} 件档案（含借出的），请先移走再停用。")
    for one in subtree(uow, row):
        one.closed_at = one.closed_at or uow.now()
    uow.session.flush()
    uow.journal(actor.id, "place.close", "place", row.id, {"path": row.path})
    return place_view(row)


def reopen_place(uow: UnitOfWork, actor: Actor, place_id: int, version: int) -> PlaceView:
    """Take a closed place into use again; what it lies in must be in use."""
    require(actor, "place.edit")
    row = _current(uow, place_id, version)
    if row.closed_at is None:
        raise Conflict(f"位置“{row.path}”没有停用。")
    parent = uow.session.get(StoragePlace, row.parent_id) if row.parent_id else None
    if parent is not None and parent.closed_at is not None:
        raise Conflict(f"上级位置“{parent.path}”还停用着，请先恢复它。")
    row.closed_at = None
    uow.session.flush()
    uow.journal(actor.id, "place.reopen", "place", row.id, {"path": row.path})
    return place_view(row)


def move_here(
    uow: UnitOfWork, actor: Actor, place: str, barcodes: Sequence[str], reason: str = ""
) -> Moved:
    """Put copies, or boxes with everything in them, at a place; all of them or none.

    ``place`` and ``barcodes`` are scanned codes. Raises NotFound for a barcode that is not there
    or not to be read, Conflict for a copy that is out or missing. What stands there already is
    told and not moved again.
    """
    require(actor, "place.move")
    target = get_place_row(uow, open_place(uow, place).id)
    why = check_reason(reason, "移动原因") if reason.strip() else ""
    scanned = list(dict.fromkeys(code.strip() for code in barcodes if code.strip()))
    if not 1 <= len(scanned) <= MOST_MOVED:
        raise Invalid(
            f"请扫要移动的档案条码，一次 1 到 {MOST_MOVED} 件。", {"barcodes": "没有条码"}
        )
    boxes = [code for code in scanned if clean_place_barcode(code)]
    copies = _copies_of(uow, actor, [code for code in scanned if code not in boxes])
    moved, there = [], []
    for copy in copies:
        if copy.place_id == target.id:
            there.append(copy.barcode)
            continue
        move_copy_row(uow, actor, copy, target, why)
        moved.append(copy.barcode)
    for code in boxes:
        box = _box_of(uow, code)
        if box.parent_id == target.id:
            there.append(box.path)
        else:
            _move_box(uow, actor, box, target, why)
            moved.append(box.path)
    uow.session.flush()
    return Moved(place_view(target), tuple(moved), tuple(there))


def move_copy_row(
    uow: UnitOfWork, actor: Actor, copy: ItemCopy, target: StoragePlace, reason: str
) -> None:
    """Give a copy another home and record the move; raise Conflict when it is out or missing."""
    check_movable(copy.barcode, copy.status)
    uow.session.add(
        CopyMove(
            copy_id=copy.id,
            from_id=copy.place_id,
            to_id=target.id,
            from_text=copy.location[:80],
            to_text=target.path,
            by_id=actor.id,
            at=uow.now(),
            reason=reason,
        )
    )
    told = {"item": copy.item_id, "from": copy.place_id, "to": target.id}
    copy.place_id, copy.location = target.id, target.path
    uow.session.flush()
    uow.journal(actor.id, "copy.move", "copy", copy.id, told)
    uow.outbox("index", f"item:{copy.item_id}")


def mark_found(uow: UnitOfWork, actor: Actor, barcode: str, note: str) -> None:
    """Put a missing copy back in (找到了), saying where it was found."""
    require(actor, "place.move")
    copy = _copies_of(uow, actor, [barcode])[0]
    if copy.status != CopyStatus.MISSING:
        raise Conflict(f"{copy.barcode} 现在是“{CopyStatus(copy.status).label}”，不是待查。")
    why = check_reason(note, "情况说明")
    set_copy_status(uow, actor, copy.id, CopyStatus.IN)
    uow.journal(actor.id, "copy.found", "copy", copy.id, {"item": copy.item_id, "why": bool(why)})


def _copies_of(uow: UnitOfWork, actor: Actor, codes: Sequence[str]) -> list[ItemCopy]:
    """Return the copies of the barcodes in their order; raise NotFound naming the first one."""
    cleaned = [clean_barcode(code) for code in codes]
    query = select(ItemCopy).where(
        ItemCopy.barcode.in_(set(cleaned) - {""}), may_read(actor, "item", ItemCopy.item_id)
    )
    found = {row.barcode: row for row in uow.session.scalars(query.with_for_update())}
    for code, clean in zip(codes, cleaned, strict=True):
        if clean not in found:
            raise NotFound(f"没有条码为“{code[:40]}”的档案，或者您无权查看；一件也没有移动。")
    return [found[code] for code in dict.fromkeys(cleaned)]


def _box_of(uow: UnitOfWork, code: str) -> StoragePlace:
    found = find_place(uow, code)
    if found is None:
        raise NotFound(f"没有条码为“{code[:40]}”的档案盒；一件也没有移动。")
    if found.kind != PlaceKind.BOX:
        raise Invalid(f"“{found.path}”不是档案盒，不能搬；只有盒可以整盒移动。")
    row = get_place_row(uow, found.id)
    if row.closed_at is not None:
        raise Conflict(f"“{found.path}”已停用，不能移动。")
    return row


def _move_box(
    uow: UnitOfWork, actor: Actor, box: StoragePlace, target: StoragePlace, reason: str
) -> None:
    if target.kind == PlaceKind.BOX:
        raise Invalid("盒里不能再放盒；请先扫要放到的层。", {"place": "应为库房、列、节或层"})
    path = path_of(target.path, PlaceKind.BOX, box.name)
    if uow.session.scalar(select(StoragePlace.id).where(StoragePlace.path == path)):
        raise Conflict(f"“{target.path}”上已有盒 {box.name}；请先改盒号，再移动。")
    uow.session.add(
        CopyMove(
            box_id=box.id,
            from_id=box.parent_id,
            to_id=target.id,
            from_text=box.path,
            to_text=path,
            by_id=actor.id,
            at=uow.now(),
            reason=reason,
        )
    )
    told = {"from": box.parent_id, "to": target.id}
    box.parent_id = target.id
    _call_anew(uow, box, path, f"{target.lineage}{box.id}/")
    uow.journal(actor.id, "box.move", "place", box.id, told)


def _call_anew(uow: UnitOfWork, row: StoragePlace, path: str, lineage: str) -> None:
    """Write a place's new line, and those of everything in it, on places and copies."""
    old_path, old_lineage = row.path, row.lineage
    for one in subtree(uow, row):
        one.path = path + one.path[len(old_path) :]
        one.lineage = lineage + one.lineage[len(old_lineage) :]
        if len(one.path) > 80:
            raise Invalid("名称太长：里面的位置连同上级超过 80 个字。", {"name": "请取短一些"})
        uow.session.execute(
            update(ItemCopy)
            .where(ItemCopy.place_id == one.id)
            .values(location=one.path)
            .execution_options(synchronize_session=False)
        )
    inside = select(StoragePlace.id).where(within(lineage))
    uow.session.flush()
    uow.session.expire_all()
    items = select(ItemCopy.item_id).where(ItemCopy.place_id.in_(inside)).distinct()
    for item_id in uow.session.scalars(items):
        uow.outbox("index", f"item:{item_id}")


def _current(uow: UnitOfWork, place_id: int, version: int) -> StoragePlace:
    row = get_place_row(uow, place_id)
    uow.session.refresh(row, with_for_update=True)
    if row.row_version != version:
        raise Conflict("这个位置刚被别人改过，请刷新页面，看清现在的样子再办。")
    return row


def _refuse_known(uow: UnitOfWork, paths: Sequence[str]) -> None:
    doubled = next((path for path in paths if paths.count(path) > 1), "")
    known = doubled or uow.session.scalar(
        select(StoragePlace.path).where(StoragePlace.path.in_(paths)).limit(1)
    )
    if known:
        raise Conflict(f"位置“{known}”已经有了，没有新建或改名；请换一个名称。", {"name": "重名"})
