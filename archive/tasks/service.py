"""Long work as its owner sees it: asked for, looked at, stopped, taken up again.

The work itself is done by ``tasks.runner`` in the worker. Nobody sees another person's tasks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, delete, func, select

from archive.core.errors import NotFound
from archive.core.pages import Page, clean_paging
from archive.people.rights import Actor
from archive.tasks.models import Task, TaskFile, TaskState
from archive.tasks.rules import (
    KEEP_FOR,
    LARGEST_ID,
    clean_title,
    require_resumable,
    state_after_stop,
)
from archive.tasks.views import (
    INPUT,
    PART,
    RESULT,
    Deed,
    Follow,
    NewFile,
    Progress,
    TaskFileView,
    TaskView,
    Work,
)
from storage.files import StoredFile
from storage.work import UnitOfWork

__all__ = [
    "INPUT",
    "PART",
    "RESULT",
    "Deed",
    "Follow",
    "NewFile",
    "Progress",
    "TaskFileView",
    "TaskView",
    "Work",
    "begin_task",
    "find_latest",
    "forget_old",
    "get_file",
    "get_task",
    "link_task",
    "list_tasks",
    "load_task",
    "remember",
    "resume_task",
    "start_task",
    "stop_task",
]

OUTBOX_KIND = "task"
_GONE = "没有这项任务，或者不是您发起的。"


def start_task(
    uow: UnitOfWork,
    actor: Actor,
    kind: str,
    title: str,
    params: Mapping[str, Any],
    files: Sequence[NewFile] = (),
) -> TaskView:
    """Leave a piece of work to the worker; the caller has checked that the actor may."""
    return begin_task(uow, actor.id, Follow(kind, title, params, tuple(files)))


def begin_task(uow: UnitOfWork, owner_id: int, new: Follow) -> TaskView:
    """Leave a piece of work to the worker in a person's name."""
    row = Task(
        kind=new.kind,
        title=clean_title(new.title),
        owner_id=owner_id,
        state=TaskState.QUEUED,
        message="",
        params=dict(new.params),
        memory={},
        result={},
        ticket=1,
        created_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    note_files(uow, row.id, new.files)
    uow.journal(owner_id, "task.start", "task", row.id, {"kind": new.kind})
    enqueue(uow, row)
    return view_of(uow, row)


def get_task(uow: UnitOfWork, actor: Actor, task_id: int) -> TaskView:
    """Return one's own task; raise NotFound for any other."""
    return view_of(uow, _own_row(uow, actor, task_id))


def load_task(uow: UnitOfWork, task_id: int) -> TaskView:
    """Return a task with all its files, without asking whose it is: for the work itself."""
    row = uow.session.get(Task, task_id)
    if row is None:
        raise NotFound(_GONE)
    return view_of(uow, row, with_parts=True)


def link_task(uow: UnitOfWork, task_id: int, follow_id: int) -> None:
    """Note with a task which one followed it."""
    row = uow.session.get(Task, task_id, with_for_update=True)
    if row is None:
        raise NotFound(_GONE)
    row.result = {**row.result, "follow": follow_id}
    uow.session.flush()


def find_latest(uow: UnitOfWork, actor: Actor, kind: str, digest: str) -> TaskView | None:
    """Return one's newest done task of a kind that read a file of this digest, or None."""
    row = uow.session.scalar(
        select(Task)
        .join(TaskFile, TaskFile.task_id == Task.id)
        .where(Task.owner_id == actor.id, Task.kind == kind, Task.state == TaskState.DONE)
        .where(TaskFile.role == INPUT, TaskFile.sha256 == digest)
        .order_by(Task.id.desc())
        .limit(1)
    )
    return None if row is None else view_of(uow, row)


def list_tasks(uow: UnitOfWork, actor: Actor, page: int = 1, per_page: int = 20) -> Page[TaskView]:
    """Return one's own tasks, newest first."""
    page, per_page = clean_paging(page, per_page)
    mine: Select[Task] = select(Task).where(Task.owner_id == actor.id)
    total = uow.session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    rows = uow.session.scalars(
        mine.order_by(Task.id.desc()).limit(per_page).offset((page - 1) * per_page)
    )
    return Page(tuple(view_of(uow, row) for row in rows), total, page, per_page)


def stop_task(uow: UnitOfWork, actor: Actor, task_id: int) -> TaskView:
    """Ask a task to stop; what is done stays. Raise Conflict when it has ended."""
    row = _own_row(uow, actor, task_id)
    row.state = state_after_stop(row.state, row.heartbeat_at, uow.now())
    if row.state == TaskState.STOPPED:
        row.ticket += 1
        row.ended_at = uow.now()
    uow.journal(actor.id, "task.stop", "task", row.id, {"done": row.done})
    uow.session.flush()
    return view_of(uow, row)


def resume_task(uow: UnitOfWork, actor: Actor, task_id: int) -> TaskView:
    """Take up a task that was stopped or failed, where it was; raise Conflict otherwise."""
    row = _own_row(uow, actor, task_id)
    require_resumable(row.state)
    row.state, row.message, row.ended_at, row.tries = TaskState.QUEUED, "", None, 0
    row.ticket += 1
    uow.journal(actor.id, "task.resume", "task", row.id, {"done": row.done})
    enqueue(uow, row)
    return view_of(uow, row)


def get_file(uow: UnitOfWork, actor: Actor, task_id: int, file_id: int) -> TaskFileView:
    """Return a file that one's own task made or was given; raise NotFound."""
    task = get_task(uow, actor, task_id)
    for one in task.files:
        if one.id == file_id and one.role != PART:
            return one
    raise NotFound("没有这个文件，可能已经过期清理；请重新做一次。")


def forget_old(uow: UnitOfWork) -> int:
    """Remove tasks that ended long ago with their files; return how many."""
    ended = select(Task.id).where(Task.ended_at < uow.now() - KEEP_FOR)
    old = list(uow.session.scalars(ended))
    digests = set(uow.session.scalars(select(TaskFile.sha256).where(TaskFile.task_id.in_(old))))
    uow.session.execute(delete(TaskFile).where(TaskFile.task_id.in_(old)))
    uow.session.execute(delete(Task).where(Task.id.in_(old)))
    forget_digests(uow, digests)
    return len(old)


def forget_parts(uow: UnitOfWork, task_id: int) -> None:
    """Remove what a task kept on its way, once it is done."""
    parts = (TaskFile.task_id == task_id, TaskFile.role == PART)
    digests = set(uow.session.scalars(select(TaskFile.sha256).where(*parts)))
    uow.session.execute(delete(TaskFile).where(*parts))
    forget_digests(uow, digests)


def forget_digests(uow: UnitOfWork, digests: set[str]) -> None:
    """Let go of bytes that only tasks held; the sweep removes them from the disk a day later."""
    tables = StoredFile.metadata.sorted_tables
    links = [
        key.parent
        for table in tables
        for key in table.foreign_keys
        if key.column.table.name == StoredFile.__tablename__
    ]
    held: set[str] = set()
    for column in links:
        held |= set(uow.session.scalars(select(column).where(column.in_(digests))))
    uow.session.execute(delete(StoredFile).where(StoredFile.sha256.in_(digests - held)))


def note_files(uow: UnitOfWork, task_id: int, files: Sequence[NewFile]) -> None:
    """Write the rows of files whose bytes are kept; the same place is written once."""
    for one in files:
        place = (TaskFile.task_id == task_id, TaskFile.role == one.role, TaskFile.n == one.n)
        uow.session.execute(delete(TaskFile).where(*place))
        uow.session.add(
            TaskFile(
                task_id=task_id,
                role=one.role,
                n=one.n,
                name=one.name[:200],
                sha256=uow.keep(one.ref),
                note=one.note[:200],
            )
        )
    uow.session.flush()


def enqueue(uow: UnitOfWork, row: Task) -> None:
    """Leave the worker the job of going on with a task."""
    uow.outbox(OUTBOX_KIND, f"task:{row.id}", {"ticket": row.ticket})


def remember(uow: UnitOfWork, task_id: int, memory: Mapping[str, Any]) -> None:
    """Note how far a piece of work is, with the rows it wrote: cut off, it does them once."""
    uow.session.get_one(Task, task_id).memory = dict(memory)


def view_of(uow: UnitOfWork, row: Task, *, with_parts: bool = False) -> TaskView:
    """Return a task with its files as others see it; parts are many and only the work's own."""
    return TaskView(
        id=row.id,
        kind=row.kind,
        title=row.title,
        owner_id=row.owner_id,
        state=row.state,
        state_label=TaskState(row.state).label,
        done=row.done,
        total=row.total,
        message=row.message,
        params=row.params,
        memory=row.memory,
        result=row.result,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        files=_files_of(uow, row.id, with_parts),
    )


def _own_row(uow: UnitOfWork, actor: Actor, task_id: int) -> Task:
    row = uow.session.get(Task, task_id) if 0 < task_id <= LARGEST_ID else None
    if row is None or row.owner_id != actor.id:
        raise NotFound(_GONE)
    return row


def _files_of(uow: UnitOfWork, task_id: int, with_parts: bool) -> tuple[TaskFileView, ...]:
    wanted = (
        select(TaskFile, StoredFile)
        .join(StoredFile, StoredFile.sha256 == TaskFile.sha256)
        .where(TaskFile.task_id == task_id)
        .order_by(TaskFile.role, TaskFile.n)
    )
    rows = uow.session.execute(wanted if with_parts else wanted.where(TaskFile.role != PART))
    return tuple(
        TaskFileView(
            id=row.id,
            role=row.role,
            n=row.n,
            name=row.name,
            sha256=row.sha256,
            size=stored.size,
            media_type=stored.media_type,
            note=row.note,
        )
        for row, stored in rows
    )
