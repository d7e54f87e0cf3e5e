"""Reading items: one item whole, lists of those a person may read, and by barcode.

Nothing here changes a row. Called by the filing pages, and through ``filing.service`` by lending
and search. A list of n items takes a fixed number of statements, whatever n is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import defer

from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.pages import Page, clean_paging
from archive.customers.models import Customer
from archive.filing.checks.holding import require_free
from archive.filing.codes import clean_barcode, find_reference, find_tail, fold_reference
from archive.filing.describe import views_of
from archive.filing.models import HELD, UNFINISHED, Item, ItemCopy, ItemFile, ItemState
from archive.filing.rules import Belonging, line_fault
from archive.filing.views import FileView, ItemView
from archive.people.grants.held import grants_on_each
from archive.people.readers import may_read_set
from archive.people.rights import Actor, Thing, require
from archive.records.models import Record
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
BY_CODE = "code"
NOT_THERE = "没有这份文件，或者您无权查看。"


@dataclass(frozen=True)
class ItemFilter:
    """What a list of items is narrowed to; empty parts narrow nothing.

    ``sort`` is empty for the newest first, or ``code`` for the order of the 档号.
    """

    text: str = ""
    form: str = ""
    year: int | None = None
    customer_id: int | None = None
    department_id: int | None = None
    item_class: str = ""
    state: str = ""
    volume_id: int | None = None
    sort: str = ""


def get_item(uow: UnitOfWork, actor: Actor, item_id: int) -> ItemView:
    """Return an item the actor may read; raise NotFound."""
    require(actor, "item.read", thing_of_item(uow, item_id))
    return load_item(uow, item_id)


def load_item(uow: UnitOfWork, item_id: int) -> ItemView:
    """Return an item whole, rights unchecked: for jobs and stations that have checked."""
    row = get_row(uow, item_id)
    return views_of(uow, [row], with_text=True)[0]


def load_items(uow: UnitOfWork, item_ids: Iterable[int]) -> list[ItemView]:
    """Return many items whole with their texts, rights unchecked; unknown ids are left out."""
    rows = uow.session.scalars(select(Item).where(Item.id.in_(set(item_ids))).order_by(Item.id))
    return views_of(uow, list(rows), with_text=True)


def get_row(uow: UnitOfWork, item_id: int) -> Item:
    """Return the row for filing's own services; raise NotFound."""
    row = uow.session.get(Item, item_id) if 0 < item_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(NOT_THERE)
    return row


def row_to_file(uow: UnitOfWork, actor: Actor, item_id: int, version: int | None = None) -> Item:
    """Return the row of an item the actor may take a step with; raise NotFound, Forbidden.

    Raises Conflict when it is no longer the version they saw; None is whatever stands now.
    """
    row = get_row(uow, item_id)
    require(actor, "item.file", thing_of_row(uow, row))
    if version is not None and version != row.row_version:
        raise Conflict("这份文件刚被别人办过一步，请刷新页面，看清现在的状态再办。")
    return row


def belonging_of(item: Item | ItemView) -> Belonging:
    """Return where an item belongs now."""
    return Belonging(
        item.category, item.item_class, item.year, item.retention, item.unit, item.secrecy
    )


def items_of_files(uow: UnitOfWork, digests: Collection[str]) -> dict[str, int]:
    """Return which of the digests an item holds, each with the first; one given back holds none."""
    if not digests:
        return {}
    query = (
        select(ItemFile.sha256, ItemFile.item_id)
        .join(Item, Item.id == ItemFile.item_id)
        .where(ItemFile.sha256.in_(digests), Item.state != ItemState.REFUSED)
        .order_by(ItemFile.id)
    )
    found: dict[str, int] = {}
    for digest, item_id in uow.session.execute(query):
        found.setdefault(digest, item_id)
    return found


def find_item_by_external_id(uow: UnitOfWork, external_id: str) -> ItemView | None:
    """Return the item that was imported under this id, or None."""
    row = uow.session.scalar(select(Item).where(Item.external_id == external_id))
    return None if row is None else views_of(uow, [row], with_text=True)[0]


def find_item_of_record(uow: UnitOfWork, record_id: int) -> int | None:
    """Return the id of the item made from this record, or None."""
    return uow.session.scalar(select(Item.id).where(Item.record_id == record_id))


def thing_of_item(uow: UnitOfWork, item_id: int) -> Thing:
    """Return what rights ask about an item; raise NotFound."""
    return thing_of_row(uow, get_row(uow, item_id))


def thing_of_row(uow: UnitOfWork, row: Item) -> Thing:
    """Return what rights ask about an item: its department, author, signers and customer."""
    return things_of_rows(uow, [row])[0]


def things_of_rows(uow: UnitOfWork, rows: Sequence[Item]) -> list[Thing]:
    """Return what rights ask about each of the items; who is behind them is read in one go."""
    behind = _behind(uow, [row.id for row in rows])
    granted = grants_on_each(
        uow,
        [
            (
                ("item", row.id),
                ("record", row.record_id),
                ("volume", row.volume_id),
                ("customer", row.customer_id),
            )
            for row in rows
        ],
    )
    return [
        thing_with(row, behind[row.id], grants) for row, grants in zip(rows, granted, strict=True)
    ]


def thing_with(row: Any, behind: Sequence[Any], grants: frozenset[int]) -> Thing:
    """Return what rights ask about an item whose surroundings are known.

    ``behind``: who keeps its customer, that person's department, its signers.
    """
    owner_id, customer_department_id, signers = behind
    return Thing(
        kind="item",
        department_id=row.department_id,
        owner_id=row.author_id,
        participants=frozenset(signers or ()),
        customer_department_id=customer_department_id,
        customer_owner_id=owner_id,
        secrecy=row.secrecy,
        state=row.state,
        grants=grants,
    )


def _behind(uow: UnitOfWork, item_ids: Collection[int]) -> dict[int, Any]:
    """Return who keeps each item's customer, that person's department, and its signers."""
    query = (
        select(Item.id, Customer.owner_id, Customer.department_id, Record.participants)
        .outerjoin(Customer, Customer.id == Item.customer_id)
        .outerjoin(Record, Record.id == Item.record_id)
        .where(Item.id.in_(item_ids))
    )
    return {item_id: tuple(rest) for item_id, *rest in uow.session.execute(query)}


def list_items(
    uow: UnitOfWork,
    actor: Actor,
    narrow: ItemFilter | None = None,
    *,
    page: int = 1,
    per_page: int = 20,
) -> Page[ItemView]:
    """Return one page of the items the actor may read, newest first or in order of 档号."""
    require(actor, "item.list")
    page, per_page = clean_paging(page, per_page)
    narrow = narrow or ItemFilter()
    # words first: whoever looks for them is then asked of what they fit only
    wanted = [*_conditions(narrow), may_read_set(actor, Item.readers_id)]
    total, ids = _page_of_ids(uow, narrow, wanted, (page - 1) * per_page, per_page)
    rows = {row.id: row for row in uow.session.scalars(_plain_items().where(Item.id.in_(ids)))}
    return Page(tuple(views_of(uow, [rows[one] for one in ids])), total, page, per_page)


def _page_of_ids(
    uow: UnitOfWork,
    narrow: ItemFilter,
    wanted: Sequence[ColumnElement[bool]],
    start: int,
    size: int,
) -> tuple[int, list[int]]:
    """Return how many items fit and the ids of one page; the rows are read by id afterwards.

    Words are looked for in one pass that counts too; else a page in the second half is read
    from the end.
    """
    if narrow.text.strip():
        query = select(Item.id, func.count().over()).where(*wanted).order_by(*_order(narrow.sort))
        found = uow.session.execute(query.offset(start).limit(size)).all()
        if found or not start:
            return (found[0][1] if found else 0), [item_id for item_id, _ in found]
    total = uow.session.scalar(select(func.count()).select_from(Item).where(*wanted)) or 0
    size = min(size, total - start)
    if size <= 0:
        return total, []
    from_end = total - start - size
    backwards = from_end < start
    query_ids = select(Item.id).where(*wanted).order_by(*_order(narrow.sort, backwards=backwards))
    query_ids = query_ids.offset(from_end if backwards else start).limit(size)
    ids = list(uow.session.scalars(query_ids))
    return total, ids[::-1] if backwards else ids


def unfinished_items(uow: UnitOfWork, actor: Actor, limit: int = 100) -> tuple[ItemView, ...]:
    """Return the items waiting for one of the four steps, oldest first."""
    require(actor, "filing.list")
    waiting = (
        select(Item.id)  # the ids alone, out of the index of states; the rows by them
        .where(Item.state.in_(UNFINISHED), may_read_set(actor, Item.readers_id))
        .order_by(Item.id + 0)
        .limit(limit)
    )
    rows = uow.session.scalars(_plain_items().where(Item.id.in_(waiting)).order_by(Item.id))
    return tuple(views_of(uow, list(rows)))


def count_unfinished(uow: UnitOfWork, actor: Actor) -> int:
    """Return how many items wait for one of the four steps."""
    require(actor, "filing.list")
    query = select(func.count()).select_from(Item)
    query = query.where(Item.state.in_(UNFINISHED), may_read_set(actor, Item.readers_id))
    return uow.session.scalar(query) or 0


def item_ids(uow: UnitOfWork) -> tuple[int, ...]:
    """Return the id of every item that is filed and still has its bytes, for the index."""
    query = select(Item.id).where(Item.state.in_(HELD)).order_by(Item.id)
    return tuple(uow.session.scalars(query))


def get_file(uow: UnitOfWork, actor: Actor, item_id: int, file_id: int) -> FileView:
    """Return a file of an item the actor may read; raise NotFound, Conflict in quarantine."""
    item = get_item(uow, actor, item_id)
    require_free(uow, item_id)
    for entry in item.files:
        if entry.id == file_id:
            return entry
    raise NotFound("这份档案没有这个文件。")


def ends_so(tail: Mapping[str, str]) -> ColumnElement[bool]:
    """Match the parts ``find_tail`` read; a number with L is a provisional one, without either."""
    wanted = [Item.serial == int(tail["serial"].lstrip("L"))]
    if tail["serial"].startswith("L"):
        wanted.append(Item.reference_code.is_(None))
    if "category" in tail:
        second = f"·{tail['second']}" if "second" in tail else ""
        wanted.append(Item.category == tail["category"] + second)
    for column, part in ((Item.unit, "unit"), (Item.retention, "retention")):
        if part in tail:
            wanted.append(column == tail[part])
    if "year" in tail:
        wanted.append(Item.year == int(tail["year"]))
    if "fonds" in tail:
        wanted.append(Item.code_order.startswith(f"1{tail['fonds']}", autoescape=True))
    return and_(*wanted)


def _plain_items() -> Select[Item]:
    return select(Item).options(defer(Item.text, raiseload=True))


def _order(sort: str, *, backwards: bool = False) -> tuple[Any, ...]:
    """Return the order of a list: the newest first, or by the parts of the 档号."""
    if sort != BY_CODE:
        return (Item.id.asc() if backwards else Item.id.desc(),)
    parts = (Item.code_order, Item.id)
    return tuple(part.desc() for part in parts) if backwards else parts


def _check_filter(narrow: ItemFilter) -> None:
    wrong = {
        key: "没有这一项"
        for key in ("year", "customer_id", "department_id", "volume_id")
        if not 0 <= (getattr(narrow, key) or 0) <= LARGEST_ID
    }
    if narrow.sort not in ("", BY_CODE):
        wrong["sort"] = "排序只能留空（最新在前）或 code（按档号）"
    fault = line_fault(narrow.text, 200)
    if fault:
        wrong["text"] = fault
    if wrong:
        raise Invalid("筛选条件不对：" + "；".join(wrong.values()) + "。", wrong)


def _conditions(narrow: ItemFilter) -> list[ColumnElement[bool]]:
    _check_filter(narrow)
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (Item.form_code, narrow.form),
        (Item.item_class, narrow.item_class),
        (Item.state, narrow.state),
        (Item.year, narrow.year),
        (Item.customer_id, narrow.customer_id),
        (Item.department_id, narrow.department_id),
        (Item.volume_id, narrow.volume_id),
    ):
        if value not in ("", None):
            found.append(column == value)
    if narrow.text.strip():
        found.append(_mentions(narrow.text.strip()))
    return found


def _mentions(text: str) -> ColumnElement[bool]:
    """Match a part of the title, a number, a code or its end in any spelling, a whole barcode."""
    whole = find_reference(text)
    if whole:
        column = Item.provisional_code if whole.is_provisional else Item.reference_code
        return column == str(whole)
    parts = [
        Item.title.contains(text, autoescape=True),
        Item.document_number.contains(text, autoescape=True),
    ]
    code, tail = fold_reference(text), find_tail(text)
    if not _is_whole_end(tail) and ((code and code.isascii()) or "·" in code):
        parts += [
            Item.provisional_code.contains(code, autoescape=True),
            Item.reference_code.contains(code, autoescape=True),
        ]
    if tail:
        parts.append(ends_so(tail))
    barcode = clean_barcode(text)
    if barcode:
        parts.append(Item.id.in_(select(ItemCopy.item_id).where(ItemCopy.barcode == barcode)))
    return or_(*parts)


def _is_whole_end(tail: Mapping[str, str]) -> bool:
    """Say whether a code can hold this text at its end only: a full number after unit or term."""
    return len(tail.get("serial", "").lstrip("L")) == 4 and bool({"unit", "retention"} & {*tail})
