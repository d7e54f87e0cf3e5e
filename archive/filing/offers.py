"""Papers not made here, offered to the archive one by one: kept, then taken through four steps.

The bytes are judged and kept before the transaction (``keep_upload``); the item then waits for
鉴别 on the desk like a signed record does. Whole folders come through ``imports``.
"""

from dataclasses import dataclass

from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid
from archive.customers import service as customers
from archive.filing.classes.kept import plan_in_force
from archive.filing.describe import views_of
from archive.filing.import_files import media_type_of
from archive.filing.import_rows import ImportedFile, ImportRow
from archive.filing.intake import settle_readers, unit_code
from archive.filing.items import items_of_files
from archive.filing.models import Item, ItemFile, ItemState
from archive.filing.rules import line_fault
from archive.filing.views import ItemView
from archive.people.rights import Actor, require
from storage.blobs import BlobStore
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Outside:
    """What is known of a paper beside its description: whose it is, the class meant for it.

    ``item_class`` is only what 归属 will propose; ``is_further`` takes known bytes once more.
    """

    department_id: int | None = None
    item_class: str = ""
    pages: int = 0
    is_further: bool = False


def keep_upload(blobs: BlobStore, content: bytes, name: str) -> ImportedFile:
    """Keep the bytes of an upload; raise Invalid for what the archive does not accept."""
    fault = line_fault(name, 255) or ("" if name.strip() else "没有文件名")
    if fault:
        raise Invalid(f"文件名有误：{fault}。", {"file": fault})
    return ImportedFile(name, blobs.put(content, media_type_of(content, name)))


def offer_paper(
    uow: UnitOfWork,
    actor: Actor,
    row: ImportRow,
    upload: ImportedFile | None,
    outside: Outside | None = None,
) -> ItemView:
    """Enter a paper not made here as offered (待归档); its department is the actor's own if none.

    The same bytes are not taken twice, unless as a further copy.
    """
    return views_of(uow, [enter_offer(uow, actor, row, upload, outside)])[0]


def enter_offer(
    uow: UnitOfWork,
    actor: Actor,
    row: ImportRow,
    upload: ImportedFile | None,
    outside: Outside | None = None,
) -> Item:
    """Do the same as ``offer_paper`` and return the bare row: for papers by the hundred."""
    require(actor, "filing.import")
    outside = outside or Outside()
    if upload is not None and not outside.is_further:
        _refuse_known(uow, upload)
    customer_id = None
    if row.customer:
        customer_id = customers.ensure_customer(uow, actor, row.customer)
    today = local_day(uow.now())
    item = Item(
        title=row.title,
        customer_id=customer_id,
        form_code=row.form,
        document_number=row.number,
        author_id=actor.id,
        department_id=outside.department_id or actor.department_id,
        document_date=row.document_date,
        year=row.year or (row.document_date or today).year,
        secrecy=row.secrecy,
        pages=outside.pages,
        state=ItemState.OFFERED,
        elements=dict(row.elements),
        created_at=uow.now(),
    )
    if outside.item_class:
        _mean_for(uow, item, outside.item_class)
    uow.session.add(item)
    uow.session.flush()
    digest = _attach(uow, item.id, upload) if upload else ""
    settle_readers(uow, item)
    uow.journal(actor.id, "item.offer", "item", item.id, {"sha256": digest})
    return item


def _mean_for(uow: UnitOfWork, item: Item, item_class: str) -> None:
    """Note the class meant for an item with its category, term and unit, for 归属 to propose."""
    meant = plan_in_force(uow).class_or_default(item_class)
    item.category, item.item_class, item.retention = meant.category, meant.name, meant.retention
    item.unit = unit_code(uow, item.department_id)


def _refuse_known(uow: UnitOfWork, upload: ImportedFile) -> None:
    known = items_of_files(uow, {upload.ref.sha256}).get(upload.ref.sha256)
    if known is not None:
        raise Conflict(
            f"内容相同的文件已在档案里（第 {known} 件），没有再收。", {"item_id": str(known)}
        )


def _attach(uow: UnitOfWork, item_id: int, upload: ImportedFile) -> str:
    entry = ItemFile(
        item_id=item_id,
        role="master",
        name=upload.name,
        sha256=uow.keep(upload.ref),
        created_at=uow.now(),
    )
    uow.session.add(entry)
    uow.session.flush()
    uow.outbox("extract", f"item_file:{entry.id}")
    return upload.ref.sha256
