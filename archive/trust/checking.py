"""Runs the checks over bytes, rows, journal and index; the journal itself is in ``reading``."""

import logging
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from archive.core.resources import Resources
from archive.filing.models import Item, ItemFile
from archive.filing.views import ROLE_LABELS
from archive.people.rights import Actor, require
from archive.search.indexing import verify_index
from archive.tasks.service import TaskView, start_task
from archive.tasks.views import Progress as TaskProgress
from archive.trust.backup import record
from archive.trust.head import read_head
from storage.files import StoredFile
from storage.snapshot import check_rows_file
from storage.verify import (
    BATCH,
    Finding,
    Progress,
    check_files,
    find_orphans,
    note_read,
    verify_blobs,
    verify_checkpoints,
    verify_head,
    verify_journal,
)
from storage.work import UnitOfWork

log = logging.getLogger(__name__)

VERIFY = "verify"
MOST_KEPT = 500


def verify_instance(
    resources: Resources,
    *,
    with_index: bool = True,
    on_progress: Progress | None = None,
    days: int | None = None,
) -> Iterator[Finding]:
    """Check every blob, row, journal entry and (by default) the index; yield what is wrong.

    ``days``: leave out the files found whole within so many days (the journal is always checked
    from its first entry). What is whole is noted as it goes, so that one stopped half way is
    taken up again with ``days``. Rows that cannot be read are the only finding then.
    """
    damage = _rows_damage(resources)
    if damage:
        yield Finding("database", "archive.db", damage)
        return  # nothing else can be read from it
    not_since = None if days is None else resources.clock() - timedelta(days=days)
    with resources.reading() as uow:
        found = verify_blobs(
            uow,
            resources.blobs,
            on_progress,
            not_since=not_since,
            on_read=partial(_note_read, resources),
        )
        for finding in found:
            yield _with_item(uow, finding)
        yield from _verify_log(resources, uow)
    if with_index:
        yield from verify_index(resources)


def start_verify(uow: UnitOfWork, actor: Actor) -> TaskView:
    """Leave a whole check to the worker, with a live bar."""
    require(actor, "verify.run")
    return start_task(uow, actor, VERIFY, "完整性检查", {})


def verify_work(resources: Resources, task: TaskView) -> Generator[TaskProgress, None, None]:
    """Check everything as a task: a batch of files a step, then journal and index.

    Its memory holds the last digest done and what was found, so that it goes on from there.
    """
    after, done = str(task.memory.get("after", "")), int(task.memory.get("done", 0))
    found = list(task.memory.get("found", []))
    with resources.reading() as uow:
        total = uow.session.scalar(select(func.count()).select_from(StoredFile)) or 0
    while batch := _next_files(resources, after):
        for files, wrong in check_files(resources.blobs, batch):
            bad = {finding.subject for finding in wrong}
            _note_read(resources, [digest for digest, _ in files], bad)
            with resources.reading() as uow:
                found += [asdict(_with_item(uow, finding)) for finding in wrong]
        after, done = batch[-1][0], done + len(batch)
        memory = {"after": after, "done": done, "found": found[:MOST_KEPT]}
        yield TaskProgress(done, max(total, done), "核对文件", memory=memory)
    yield TaskProgress(done, max(total, done), "核对日志和检索索引")
    with resources.reading() as uow:
        rows = set(uow.session.scalars(select(StoredFile.sha256)))
        found += [asdict(one) for one in find_orphans(resources.blobs, rows)]
        found += [asdict(one) for one in _verify_log(resources, uow)]
    found += [asdict(one) for one in verify_index(resources)]
    record.note(resources, record.CHECKED, {"findings": len(found)}, task.owner_id)
    yield TaskProgress(done, done, _told(found), result=_result(found), is_end=True)


def is_alive(resources: Resources) -> bool:
    """Say whether rows can be read."""
    try:
        with resources.reading() as uow:
            return uow.session.scalar(select(1)) == 1
    except SQLAlchemyError:
        return False


def _rows_damage(resources: Resources) -> str:
    path = Path(resources.database.engine.url.database or "")
    return check_rows_file(path) if resources.database.is_sqlite else ""


def _next_files(resources: Resources, after: str) -> list[tuple[str, int]]:
    query = select(StoredFile.sha256, StoredFile.size).where(StoredFile.sha256 > after)
    with resources.reading() as uow:
        rows = uow.session.execute(query.order_by(StoredFile.sha256).limit(BATCH))
        return [(row.sha256, row.size) for row in rows]


def _verify_log(resources: Resources, uow: UnitOfWork) -> Iterator[Finding]:
    yield from verify_journal(uow)
    yield from verify_head(uow, *read_head(resources))
    yield from verify_checkpoints(uow)


def _note_read(resources: Resources, digests: Sequence[str], bad: Collection[str]) -> None:
    """Remember what was found whole; on a full disk it stays unsaid, and is only read again."""
    try:
        with resources.work() as uow:
            note_read(uow, digests, bad)
            uow.commit()
    except SQLAlchemyError:
        log.warning("what was checked could not be noted")


def _with_item(uow: UnitOfWork, finding: Finding) -> Finding:
    """Name the items a damaged file belongs to, by number and code: no title is told here."""
    if finding.kind not in ("missing", "damaged"):
        return finding
    rows = uow.session.execute(
        select(Item.id, Item.reference_code, Item.provisional_code, ItemFile.role)
        .join(ItemFile, ItemFile.item_id == Item.id)
        .where(ItemFile.sha256 == finding.subject)
        .order_by(Item.id)
        .limit(5)
    )
    places = [
        f"第 {row.id} 件 {row.reference_code or row.provisional_code or ''}".strip()
        + f" 的{ROLE_LABELS.get(row.role, '附件')}"
        for row in rows
    ]
    if not places:
        return finding
    return replace(finding, message=f"{finding.message}：{'、'.join(places)}")


def _told(found: Sequence[object]) -> str:
    if not found:
        return "全部完好：文件、日志、索引一致。"
    return f"发现 {len(found)} 处问题，请立即联系系统管理员，不要自行修补。"


def _result(found: Sequence[dict[str, str]]) -> dict[str, object]:
    notes = [_told(found), *(one["message"] for one in found[:200])]
    return {"notes": notes, "findings": list(found[:MOST_KEPT])}
