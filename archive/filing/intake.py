"""鉴别: what waits to be filed, taken in as an item or given back with a reason.

Source: 客户档案管理制度, step one of filing (archive.md 1.7); archive.md 5, offer and accept.
"""

from datetime import date

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid
from archive.core.pages import Page
from archive.documents import service as documents
from archive.filing.classes.kept import plan_in_force
from archive.filing.handover import claims
from archive.filing.items import belonging_of, find_item_of_record, load_item, thing_of_row
from archive.filing.models import FilingStep, Item, ItemFile, ItemState
from archive.filing.record_files import MASTER, files_of_record
from archive.filing.rules import APPRAISE, Belonging
from archive.filing.views import ItemView
from archive.forms.service import get_form
from archive.people.models import Department
from archive.people.readers import write_readers
from archive.people.rights import Actor, require
from archive.records import service as records
from archive.records.models import RecordState
from archive.records.service import RecordView
from doc_templates import FormError
from storage.work import UnitOfWork

TITLE_LIMIT = 300


def waiting_records(
    uow: UnitOfWork, actor: Actor, *, page: int = 1, per_page: int = 20
) -> Page[RecordView]:
    """Return the signed records that nobody has taken in yet, the longest waiting first.

    Those on a hand-over list that is on its way are not among them: the list comes first.
    """
    require(actor, "filing.list")
    taken = select(Item.record_id).where(Item.record_id.is_not(None))
    return records.signed_not_filed(
        uow, actor, page, per_page, without=(taken, claims.on_the_way())
    )


def get_waiting(uow: UnitOfWork, actor: Actor, record_id: int) -> RecordView:
    """Return a signed record that the actor may take in; raise NotFound, Forbidden, Conflict."""
    require(actor, "item.file", records.thing_of(uow, record_id))
    record = records.load_record(uow, record_id)
    if record.state != RecordState.SIGNED:
        raise Conflict(
            f"这份文件现在是“{record.state_label}”，只有签核完毕、还没有归档的文件才能鉴别。"
        )
    item_id = find_item_of_record(uow, record_id)
    if item_id is not None:
        raise Conflict("这份文件已经鉴别过，请接着做下一步。", {"item_id": str(item_id)})
    claims.received_by_list(uow, record_id)
    return record


def appraise(uow: UnitOfWork, actor: Actor, record_id: int, note: str = "") -> ItemView:
    """Take a signed record in as an item, with its signed PDF and Word by digest (鉴别)."""
    record = get_waiting(uow, actor, record_id)
    came_by = claims.received_by_list(uow, record_id)
    files = files_of_record(uow, record)
    if not files or files[0].role != MASTER:
        raise Conflict("这份文件还没有签核后的 PDF，不能归档；请等 PDF 生成后再试。")
    row = _new_item(uow, record, files[0].document.pages)
    uow.session.add(row)
    uow.session.flush()
    uow.session.add_all(
        ItemFile(
            item_id=row.id,
            role=file.role,
            name=file.name,
            sha256=file.document.sha256,
            created_at=uow.now(),
        )
        for file in files
    )
    words = note[:500] or (f"移交清单 {came_by}" if came_by else "")
    uow.session.add(
        FilingStep(item_id=row.id, step=APPRAISE, by_id=actor.id, at=uow.now(), note=words)
    )
    settle_readers(uow, row)
    digests = {file.role: file.document.sha256 for file in files}
    told = {"record": record_id, "handover": came_by, **digests}
    uow.journal(actor.id, "item.appraise", "item", row.id, told)
    return load_item(uow, row.id)


def proposed_for_record(uow: UnitOfWork, record: RecordView) -> Belonging:
    """Return where a record belongs by its form and the plan, before anyone decides."""
    return proposed(
        uow,
        form_code=record.form_code,
        form_version=record.form_version,
        year=record.year,
        unit=unit_code(uow, record.department_id),
        secrecy=record.secrecy,
    )


def proposed_for_item(uow: UnitOfWork, item: Item | ItemView) -> Belonging:
    """Return where an item belongs: what was decided, else by its form and the plan."""
    if item.category:
        return belonging_of(item)
    version = None
    if item.record_id is not None:
        version = records.load_record(uow, item.record_id).form_version
    return proposed(
        uow,
        form_code=item.form_code,
        form_version=version,
        year=item.year,
        unit=unit_code(uow, item.department_id),
        secrecy=item.secrecy,
    )


def proposed(
    uow: UnitOfWork, *, form_code: str, form_version: int | None, year: int, unit: str, secrecy: int
) -> Belonging:
    """Return where papers of a form belong; an unknown form gets the plan's default class."""
    plan = plan_in_force(uow)
    try:
        defaults = get_form(uow, form_code, form_version).filing if form_code else None
    except FormError:
        defaults = None
    row = plan.class_or_default(defaults.item_class if defaults else "")
    term = defaults.retention if defaults else row.retention
    if term not in plan.terms or not plan.outlasts(term, row.minimum):
        term = row.retention
    return Belonging(
        category=defaults.category if defaults else row.category,
        item_class=row.name,
        year=year,
        retention=term,
        unit=unit,
        secrecy=secrecy,
    )


def settle_readers(uow: UnitOfWork, row: Item) -> None:
    """Write who may read the item, after anything that decides it has changed."""
    write_readers(uow, "item", row.id, thing_of_row(uow, row))


def tell_of_change(uow: UnitOfWork, row: Item, secrecy_before: int) -> None:
    """Have the index follow an item that changed; secrecy raised may call its paper back."""
    if row.state == ItemState.SHELVED:
        uow.outbox("index", f"item:{row.id}")
    if row.secrecy > secrecy_before:
        uow.outbox("secrecy", f"item:{row.id}")


def unit_code(uow: UnitOfWork, department_id: int | None) -> str:
    """Return the 机构 code of a department; empty when there is none."""
    if department_id is None:
        return ""
    return uow.session.scalar(select(Department.code).where(Department.id == department_id)) or ""


def _new_item(uow: UnitOfWork, record: RecordView, pages: int) -> Item:
    form = get_form(uow, record.form_code, record.form_version)
    if len(record.title) > TITLE_LIMIT:
        raise Invalid(f"题名太长（{len(record.title)} 字），归档题名最多 {TITLE_LIMIT} 字。")
    return Item(
        record_id=record.id,
        title=record.title,
        customer_id=record.customer_id,
        form_code=record.form_code,
        document_number=record.number,
        responsible=record.author_name,
        author_id=record.author_id,
        department_id=record.department_id,
        document_date=_document_date(record, str(record.content.get(form.date_field, ""))),
        year=record.year,
        secrecy=record.secrecy,
        pages=pages,
        text=documents.plain_text(record.content, form),
        state=ItemState.APPRAISED,
        elements={},
        created_at=uow.now(),
    )


def _document_date(record: RecordView, written: str) -> date:
    """Return the paper's own date; without one, the day of its last signature."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        return local_day(record.signed_at or record.updated_at)
