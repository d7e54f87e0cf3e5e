"""Registering a batch: each described file becomes an item that waits for 鉴别, as long work.

A few files a transaction; whether one is through stands in its own row, so a run that was
stopped or killed goes on where it was, and a second one changes nothing.
"""

from collections.abc import Generator, Sequence
from datetime import date

from sqlalchemy import func, select

from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Conflict, Invalid
from archive.core.resources import Resources
from archive.filing.import_rows import ImportedFile, ImportRow
from archive.filing.incoming import service
from archive.filing.incoming.models import BatchState, FileState, IntakeBatch, IntakeFile
from archive.filing.incoming.rules import CARRIERS, Common, Own, stored_common, stored_own, year_of
from archive.filing.items import items_of_files
from archive.filing.offers import Outside, enter_offer
from archive.people.rights import Actor
from archive.people.service import get_actor
from archive.tasks import service as tasks
from archive.tasks.service import Progress, TaskView
from storage.blobs import BlobRef
from storage.files import StoredFile
from storage.work import UnitOfWork

REGISTER = "intake.register"
CHUNK = 20


def start_register(uow: UnitOfWork, actor: Actor, batch_id: int) -> TaskView:
    """Leave the registering of all that waits in a batch to the worker."""
    batch = service.open_batch(uow, actor, batch_id)
    waiting = _count_waiting(uow, batch_id)
    if not waiting:
        raise Conflict("这个批次里没有待登记的文件。")
    title = f"登记收件批次：{batch.title}（{waiting} 个文件）"
    return tasks.start_task(uow, actor, REGISTER, title, {"batch": batch_id})


def register_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Register what waits, in the order it came; what cannot be is left waiting with why."""
    batch_id = int(task.params["batch"])
    memory = {"after": 0, "made": 0, "left": 0, "is_closed": False, **task.memory}
    with resources.reading() as uow:
        actor = get_actor(uow, task.owner_id)
        if not memory["is_closed"]:
            service.open_batch(uow, actor, batch_id)
        total = memory["made"] + memory["left"] + _count_waiting(uow, batch_id, memory["after"])
    while not memory["is_closed"]:
        with resources.work() as uow:
            ids = _next_ids(uow, batch_id, memory["after"])
            made = register_files(uow, actor, batch_id, ids)
            if ids:
                memory |= {
                    "after": ids[-1],
                    "made": memory["made"] + made,
                    "left": memory["left"] + len(ids) - made,
                }
                tasks.remember(uow, task.id, memory)
                uow.commit()
        if not ids:
            break
        yield Progress(memory["made"] + memory["left"], total, "正在登记…", memory=dict(memory))
    yield _last(resources, actor, task.id, batch_id, memory, total)


def register_files(uow: UnitOfWork, actor: Actor, batch_id: int, file_ids: Sequence[int]) -> int:
    """Make items of waiting files, each by itself; return how many. The caller commits."""
    batch = service.open_batch(uow, actor, batch_id)
    rows = uow.session.scalars(
        select(IntakeFile)
        .where(IntakeFile.batch_id == batch_id, IntakeFile.id.in_(file_ids))
        .where(IntakeFile.state == FileState.WAITING)
        .order_by(IntakeFile.id)
        .with_for_update()
    )
    made = 0
    for row in rows:
        try:
            with uow.session.begin_nested():
                _register(uow, actor, batch, row)
            made += 1
        except ArchiveError as refusal:
            row.note = refusal.message[:500]
    uow.session.flush()
    return made


def _register(uow: UnitOfWork, actor: Actor, batch: IntakeBatch, row: IntakeFile) -> None:
    known = items_of_files(uow, {row.digest})
    if known and not row.again:
        raise Conflict("内容相同的文件已在库，请先决定：不收，或写明理由仍要收。")
    stored = uow.session.get(StoredFile, row.sha256) if row.sha256 else None
    if stored is None:
        raise Invalid("文件内容已经不在，请重新收一次。")
    common, own = stored_common(batch.common), stored_own(row.own)
    today = local_day(uow.now())
    item = enter_offer(
        uow,
        actor,
        _described(common, own, row, batch.title, today),
        ImportedFile(row.name, BlobRef(stored.sha256, stored.size, stored.media_type)),
        Outside(
            department_id=batch.department_id,
            item_class=own.item_class or common.item_class,
            pages=row.pages,
            is_further=True,  # asked for above
        ),
    )
    row.state, row.item_id, row.note, row.sha256 = FileState.REGISTERED, item.id, "", None


def _described(
    common: Common, own: Own, row: IntakeFile, batch_title: str, today: date
) -> ImportRow:
    written = own.date or common.date
    elements = {
        "来源文件": row.name,
        "收件批次": batch_title,
        "载体": CARRIERS[common.carrier],
        "复印件归档原因": common.copy_reason if common.carrier == "copy" else "",
        "原件存放处": common.original_place if common.carrier != "electronic" else "",
        "重复仍收的理由": row.again,
    }
    return ImportRow(
        where=row.name,
        title=own.title,
        customer=own.customer or common.customer,
        form=common.form,
        year=year_of(common, own, today),
        document_date=date.fromisoformat(written) if written else None,
        number=own.number,
        secrecy=common.secrecy,
        elements={key: value for key, value in elements.items() if value},
    )


def _last(
    resources: Resources,
    actor: Actor,
    task_id: int,
    batch_id: int,
    memory: dict[str, int],
    total: int,
) -> Progress:
    """Close the batch when nothing waits any more, and say what came of it."""
    with resources.work() as uow:
        left = _count_waiting(uow, batch_id)
        if not left and not memory["is_closed"]:
            batch = service.open_batch(uow, actor, batch_id)
            tasks.remember(uow, task_id, {**memory, "is_closed": True})
            service.finish_batch(uow, batch, BatchState.CLOSED)
            uow.journal(actor.id, "intake.close", "intake_batch", batch_id, {"state": batch.state})
            uow.commit()
    notes = [f"登记了 {memory['made']} 件，请接着办四步。"]
    if left:
        notes.append(f"还有 {left} 个文件没有登记，原因写在批次页里各自的一行。")
    links = [["归档四步", "/filing/screen"], ["收件批次", f"/filing/incoming/{batch_id}"]]
    result: dict[str, object] = {"notes": notes, "links": links}
    return Progress(total, total, notes[0], result=result, is_end=True)


def _count_waiting(uow: UnitOfWork, batch_id: int, after: int = 0) -> int:
    query = select(func.count()).select_from(IntakeFile).where(IntakeFile.batch_id == batch_id)
    query = query.where(IntakeFile.state == FileState.WAITING, IntakeFile.id > after)
    return uow.session.scalar(query) or 0


def _next_ids(uow: UnitOfWork, batch_id: int, after: int) -> list[int]:
    query = select(IntakeFile.id).where(
        IntakeFile.batch_id == batch_id,
        IntakeFile.state == FileState.WAITING,
        IntakeFile.id > after,
    )
    return list(uow.session.scalars(query.order_by(IntakeFile.id).limit(CHUNK)))
