"""Carrying a destruction list out, as long work in the worker, one item a transaction.

Begun again after a kill it goes on with the items not done; the bytes of those that are done go
through the outbox, which survives the kill too. A hold or a loan put on meanwhile stops it, and
names the item; when that is settled the task is taken up again. The index is built anew at the
end, so that no word of what is gone stays in its files.
"""

from collections.abc import Callable, Generator, Iterable, Sequence

from sqlalchemy import select

from archive.core.errors import Conflict
from archive.core.previews import RECENT
from archive.core.resources import Resources
from archive.filing.models import Item, ItemState
from archive.filing.retention.erasing import erase_item
from archive.filing.retention.lists import rows_of, settle_claims
from archive.filing.retention.models import DisposalLine, DisposalList, ListState
from archive.filing.retention.obstacles import obstacles, told
from archive.people.service import get_actor
from archive.tasks.service import Progress, TaskView, Work
from storage.files import StoredFile
from storage.outbox import OutboxItem
from storage.work import UnitOfWork

Forget = Callable[[UnitOfWork, Iterable[str]], None]
BACKUPS = "备份里的内容随下一轮备份轮换消失，已记入日志。"


def destroying(forget: Forget) -> Work:
    """Return the work; ``forget`` drops what the search keeps of these ids, in the same breath."""

    def work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
        return _work(resources, task, forget)

    return work


def drain_shred(resources: Resources, items: Sequence[OutboxItem]) -> None:
    """Remove bytes that no row names any more from the disk, at once; idempotent."""
    for item in items:
        for digest in item.payload.get("digests", ()):
            with resources.work() as uow:  # the write lock keeps a row from being made meanwhile
                if uow.session.get(StoredFile, digest) is None:
                    resources.blobs.delete(digest)
    RECENT.forget_all()


def _work(resources: Resources, task: TaskView, forget: Forget) -> Generator[Progress, None, None]:
    list_id = int(task.params["list"])
    with resources.reading() as uow:
        lines = [(line.id, line.done_at is not None) for line in rows_of(uow, list_id)]
    for done, (line_id, is_done) in enumerate(lines, start=1):
        if not is_done:
            with resources.work() as uow:
                _destroy_one(uow, list_id, line_id, task.owner_id, forget)
                uow.commit()
        yield Progress(done, len(lines), "正在销毁…", memory={"done": done})
    with resources.work() as uow:
        _finish(uow, list_id, task.owner_id)
        uow.commit()
    page = f"/retention/lists/{list_id}"
    yield Progress(
        len(lines),
        len(lines),
        "清册上的档案已全部销毁。",
        result={"next": page, "notes": [BACKUPS]},
        is_end=True,
    )


def _destroy_one(
    uow: UnitOfWork, list_id: int, line_id: int, owner_id: int, forget: Forget
) -> None:
    row = _running(uow, list_id)
    line = uow.session.get_one(DisposalLine, line_id)
    if row is None or line.done_at is not None:
        return
    item = uow.session.get_one(Item, line.item_id)
    faults = obstacles(uow, [item], ItemState.REVIEWING)
    if faults:
        raise Conflict(told(faults, "销毁停在这里") + "处理好以后点“继续”。")
    gone = erase_item(uow, get_actor(uow, owner_id), item, list_id)
    line.shared, line.done_at = list(gone.shared), uow.now()
    names = [f"item:{item.id}"]
    if item.record_id is not None:
        names.append(f"record:{item.record_id}")
    forget(uow, names)
    uow.session.flush()


def _finish(uow: UnitOfWork, list_id: int, owner_id: int) -> None:
    row = _running(uow, list_id)
    if row is None:
        return
    row.state, row.done_at = ListState.DONE, uow.now()
    settle_claims(uow, row)
    uow.session.flush()
    detail = {"digest": row.digest, "backups": "next rotation"}
    uow.journal(owner_id, "destroy.done", "disposal", list_id, detail)
    uow.outbox("reindex", "index", {"always": True})


def _running(uow: UnitOfWork, list_id: int) -> DisposalList | None:
    query = select(DisposalList).where(DisposalList.id == list_id).with_for_update()
    row = uow.session.scalar(query)
    return row if row is not None and row.state == ListState.RUNNING else None
