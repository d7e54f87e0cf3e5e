"""What belongs into a dossier: the filed items and signed papers its reader may read, in order.

Of a customer, of a volume, or of an order: the paper the order has its number from (合同编号, or
the number of another paper) with all papers of the same customer that name this number. Source:
forms.md QR08 (all records of one 合同号, by class and date). What the reader may not see leaves
no trace, neither here nor in what could not be bound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from archive.core.errors import Invalid, NotFound
from archive.core.pages import MAX_PER_PAGE
from archive.customers import service as customers
from archive.documents import service as documents
from archive.filing.items import get_item, load_items
from archive.filing.models import HELD, Item
from archive.filing.packages.describing import code_of
from archive.filing.views import FileView, ItemView
from archive.filing.volumes import get_volume
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from archive.records import service as records
from archive.records.models import Record, RecordState
from archive.records.service import RecordView
from storage.work import UnitOfWork

SCOPES = {"customer": "客户档案卷宗", "volume": "案卷汇编", "order": "订单档案卷宗"}
MOST_PAPERS = 2000
WAITING = "已签未归档"
ITEM, RECORD = "item", "record"


@dataclass(frozen=True)
class Paper:
    """A document to be bound: what it is, its files in order, and its record when it has one."""

    kind: str
    number: int
    group: str
    title: str
    code: str
    day: str
    files: tuple[FileView, ...]
    record_id: int | None = None


@dataclass(frozen=True)
class Contents:
    """A dossier's subject and its documents, each as (kind, id)."""

    subject: str
    papers: tuple[tuple[str, int], ...]


def contents_of(uow: UnitOfWork, actor: Actor, scope: str, number: int) -> Contents:
    """Return what goes in, in order; raise NotFound, Invalid for nothing in it or too much."""
    require(actor, "item.list")
    if scope == "customer":
        subject = customers.get_customer(uow, actor, number).name
        found = _items(uow, actor, Item.customer_id == number)
        waiting = _waiting(uow, actor, number)
    elif scope == "volume":
        subject = get_volume(uow, actor, number, per_page=1)[0].title
        found, waiting = _items(uow, actor, Item.volume_id == number), []
    elif scope == "order":
        subject, found, waiting = _order(uow, actor, number)
    else:
        raise Invalid("卷宗可以是一个客户、一个案卷或一份订单的。", {"scope": "不认识"})
    papers = [(ITEM, item.id) for item in sorted(found, key=_place)]
    papers += [(RECORD, record.id) for record in waiting]
    if not papers:
        raise Invalid("里面没有您可以看的已归档或已签完的文件，做不成卷宗。")
    if len(papers) > MOST_PAPERS:
        raise Invalid(f"共 {len(papers)} 份，一次最多 {MOST_PAPERS} 份，请按案卷分开做。")
    return Contents(subject, tuple(papers))


def find_paper(uow: UnitOfWork, actor: Actor, kind: str, number: int) -> Paper | None:
    """Return a document as it stands now; None when the actor may not read it (any more)."""
    try:
        if kind == ITEM:
            return _of_item(get_item(uow, actor, number))
        return _of_record(uow, records.get_record(uow, actor, number))
    except NotFound:
        return None


def _items(uow: UnitOfWork, actor: Actor, where: ColumnElement[bool]) -> list[ItemView]:
    ids = uow.session.scalars(
        select(Item.id)
        .where(where, Item.state.in_(HELD), may_read(actor, "item", Item.id))
        .limit(MOST_PAPERS + 1)
    ).all()
    return load_items(uow, ids)


def _waiting(uow: UnitOfWork, actor: Actor, customer_id: int) -> list[RecordView]:
    """Return the customer's signed papers that are not filed yet, the oldest first."""
    found: list[RecordView] = []
    for number in range(1, MOST_PAPERS // MAX_PER_PAGE + 2):
        page = records.list_records(
            uow,
            actor,
            state=RecordState.SIGNED,
            customer_id=customer_id,
            page=number,
            per_page=MAX_PER_PAGE,
        )
        found += page.items
        if len(found) >= page.total:
            break
    return sorted(found, key=lambda record: (str(record.signed_at), record.id))


def _order(
    uow: UnitOfWork, actor: Actor, item_id: int
) -> tuple[str, list[ItemView], list[RecordView]]:
    """Return the order's number, and what of its customer names it."""
    base = get_item(uow, actor, item_id)
    mark = base.document_number.strip()
    if not mark:
        raise Invalid("这份档案没有编号（文号、合同编号），找不到同一订单的文件。")
    if base.customer_id is None:
        found = _items(uow, actor, Item.document_number == mark)
        return f"{mark} {base.title}", found, []
    near = _items(uow, actor, Item.customer_id == base.customer_id)
    held = _held(uow, near)
    found = [
        item
        for item in near
        if mark in (item.document_number, *item.elements.values())
        or mark in item.title
        or _names(held.get(item.record_id or 0), mark)
    ]
    waiting = [
        record
        for record in _waiting(uow, actor, base.customer_id)
        if record.number == mark or _names(record.content, mark)
    ]
    return f"{mark} {base.title}", found, waiting


def _held(uow: UnitOfWork, items: Sequence[ItemView]) -> dict[int, Any]:
    """Return what the items' records hold, by record; one statement for all."""
    ids = [item.record_id for item in items if item.record_id]
    rows = uow.session.execute(select(Record.id, Record.content).where(Record.id.in_(ids)))
    return {row.id: row.content for row in rows}


def _names(content: object, mark: str) -> bool:
    """Whether a value of a form, or of a line in one, is this number."""
    return any(text == mark for text in _texts(content))


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content.strip()
    elif isinstance(content, dict):
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _texts(value)


def _place(item: ItemView) -> tuple[str, str, str, int]:
    day = item.document_date.isoformat() if item.document_date else f"{item.year}-12-31"
    return item.item_class, day, code_of(item), item.id


def _of_item(item: ItemView) -> Paper:
    return Paper(
        kind=ITEM,
        number=item.id,
        group=item.item_class or item.category or "未分类",
        title=item.title,
        code=code_of(item),
        day=item.document_date.isoformat() if item.document_date else f"{item.year} 年",
        files=_bound_files(item.files),
        record_id=item.record_id,
    )


def _bound_files(files: Sequence[FileView]) -> tuple[FileView, ...]:
    """Return the files that show: the master first; a Word draft only where nothing else does."""
    shown = [file for file in files if file.role != "word"] or list(files)
    return tuple(sorted(shown, key=lambda file: (file.role != "master", file.id)))


def _of_record(uow: UnitOfWork, record: RecordView) -> Paper:
    kept = documents.latest_document(uow, record.id, documents.PDF)
    files: tuple[FileView, ...] = ()
    if kept is not None:
        name = documents.document_name(record, documents.PDF)
        files = (FileView(0, "master", name, kept.sha256, kept.size, "application/pdf"),)
    return Paper(
        kind=RECORD,
        number=record.id,
        group=WAITING,
        title=record.title,
        code=record.number,
        day=record.signed_at.date().isoformat() if record.signed_at else "",
        files=files,
        record_id=record.id,
    )
