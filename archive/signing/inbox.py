"""A person's lists: 待办, 已办, 我发起的, 抄送我的; with counts, age and lateness.

Only reads. Called by the pages, the calls, the menu's badge and the workbench.
"""

from collections.abc import Collection
from datetime import datetime
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, func, select

from archive.core.pages import Page, total_of
from archive.forms.service import get_form
from archive.people import service as people
from archive.people.models import User
from archive.people.rights import Actor
from archive.records.models import Record, RecordState
from archive.signing import chain
from archive.signing.models import SigningCopy, SigningRun, SigningTask, TaskState
from archive.signing.views import Counts, InboxEntry
from doc_templates import FormError
from storage.work import UnitOfWork

Row = TypeVarTuple("Row")
VIEWS = {"todo": "待办", "done": "已办", "mine": "我发起的", "copies": "抄送我的"}


def list_view(
    uow: UnitOfWork, actor: Actor, view: str, page: int = 1, per_page: int = 20
) -> Page[InboxEntry]:
    """Return a page of one of the lists in ``VIEWS``."""
    if view == "mine":
        return started(uow, actor, page, per_page)
    if view == "copies":
        return copies(uow, actor, page, per_page)
    return inbox(uow, actor, done=view == "done", page=page, per_page=per_page)


def inbox(
    uow: UnitOfWork, actor: Actor, *, done: bool = False, page: int = 1, per_page: int = 20
) -> Page[InboxEntry]:
    """Return what waits for the actor to sign, oldest first (or, ``done``, what they did)."""
    state = TaskState.DONE if done else TaskState.OPEN
    where = (SigningTask.assignee_id == actor.id, SigningTask.state == state)
    order = SigningTask.done_at.desc() if done else SigningTask.opened_at
    query = (
        select(SigningTask, Record)
        .join(SigningRun, SigningRun.id == SigningTask.run_id)
        .join(Record, Record.id == SigningRun.record_id)
        .where(*where)
        .order_by(order, SigningTask.id)
    )
    rows = uow.session.execute(_paged(query, page, per_page)).all()
    total = total_of(page, per_page, len(rows), lambda: _count(uow, *where))
    reminders = chain.reminders_of(uow, [task.id for task, _ in rows])
    named = {record.author_id for _, record in rows} | {task.owner_id for task, _ in rows}
    names = people.names_of(uow, named)
    entries = tuple(
        _task_entry(uow, task, record, names, reminders.get(task.id, 0)) for task, record in rows
    )
    return Page(entries, total, page, per_page)


def started(uow: UnitOfWork, actor: Actor, page: int = 1, per_page: int = 20) -> Page[InboxEntry]:
    """Return the papers the actor submitted that are under way: what waits for whom, how long."""
    where = (Record.author_id == actor.id, Record.state == RecordState.IN_SIGNING)
    total = uow.session.scalar(select(func.count()).select_from(Record).where(*where)) or 0
    rows = uow.session.scalars(
        _paged(select(Record).where(*where).order_by(Record.submitted_at), page, per_page)
    )
    return Page(tuple(_started_entry(uow, one) for one in rows), total, page, per_page)


def copies(uow: UnitOfWork, actor: Actor, page: int = 1, per_page: int = 20) -> Page[InboxEntry]:
    """Return the papers sent to the actor to read, newest first."""
    mine = SigningCopy.person_id == actor.id
    total = uow.session.scalar(select(func.count()).select_from(SigningCopy).where(mine)) or 0
    query = (
        select(SigningCopy, Record)
        .join(SigningRun, SigningRun.id == SigningCopy.run_id)
        .join(Record, Record.id == SigningRun.record_id)
        .where(mine)
        .order_by(SigningCopy.id.desc())
    )
    rows = uow.session.execute(_paged(query, page, per_page)).all()
    names = people.names_of(
        uow, {one for copy, record in rows for one in (copy.by_id, record.author_id)}
    )
    entries = tuple(
        InboxEntry(
            task_id=copy.id,
            record_id=record.id,
            role="未读" if copy.read_at is None else "已读",
            number=record.number or "",
            title=record.title,
            form_title=_title(uow, record),
            author_name=names.get(record.author_id, ""),
            opened_at=copy.sent_at,
            done_at=copy.read_at,
            state="open" if copy.read_at is None else "done",
            owner_name=names.get(copy.by_id, ""),
            record_state=RecordState(record.state).label,
        )
        for copy, record in rows
    )
    return Page(entries, total, page, per_page)


def is_unread(uow: UnitOfWork, actor: Actor, record_id: int) -> bool:
    """Say whether the paper was copied to the actor and not opened yet."""
    return uow.session.scalar(_unread(actor, record_id).limit(1)) is not None


def mark_read(uow: UnitOfWork, actor: Actor, record_id: int) -> bool:
    """Note that the actor has read what was copied to them; say whether that is new."""
    rows = uow.session.scalars(_unread(actor, record_id)).all()
    for row in rows:
        row.read_at = uow.now()
    return bool(rows)


def _unread(actor: Actor, record_id: int) -> Select[SigningCopy]:
    return (
        select(SigningCopy)
        .join(SigningRun, SigningRun.id == SigningCopy.run_id)
        .where(
            SigningRun.record_id == record_id,
            SigningCopy.person_id == actor.id,
            SigningCopy.read_at.is_(None),
        )
    )


def counts(uow: UnitOfWork, actor: Actor) -> Counts:
    """Return how many papers stand in each list."""
    waiting = (SigningTask.assignee_id == actor.id, SigningTask.state == TaskState.OPEN)
    mine = (Record.author_id == actor.id, Record.state == RecordState.IN_SIGNING)
    unread = (SigningCopy.person_id == actor.id, SigningCopy.read_at.is_(None))
    return Counts(
        waiting=_count(uow, *waiting),
        late=_count(uow, *waiting, SigningTask.due_at < uow.now()),
        mine=uow.session.scalar(select(func.count()).select_from(Record).where(*mine)) or 0,
        unread=uow.session.scalar(select(func.count()).select_from(SigningCopy).where(*unread))
        or 0,
    )


def waits_for(uow: UnitOfWork, record_ids: Collection[int]) -> dict[int, str]:
    """Return whom each paper under way waits for first, in words; rights are the caller's.

    One statement for all of them; a paper that waits for nobody inside is left out.
    """
    if not record_ids:
        return {}
    rows = uow.session.execute(
        select(SigningRun.record_id, SigningTask.role, User.name)
        .join(SigningTask, SigningTask.run_id == SigningRun.id)
        .join(User, User.id == SigningTask.assignee_id)
        .where(SigningRun.record_id.in_(record_ids), SigningRun.state == "running")
        .where(SigningTask.state == TaskState.OPEN)
        .order_by(SigningTask.seq, SigningTask.pass_no, SigningTask.id)
    )
    found: dict[int, str] = {}
    for record_id, role, name in rows:
        found.setdefault(record_id, f"等{role} {name}")
    return found


def waiting_count(uow: UnitOfWork, actor: Actor) -> int:
    """Return how many papers wait for the actor's signature."""
    return _count(uow, SigningTask.assignee_id == actor.id, SigningTask.state == TaskState.OPEN)


def age_of(since: datetime | None, now: datetime) -> str:
    """Return how long something has waited, in words: 刚到, 3 小时, 2 天."""
    if since is None:
        return ""
    hours = int((now - since).total_seconds() // 3600)
    if hours < 1:
        return "刚到"
    return f"{hours} 小时" if hours < 24 else f"{hours // 24} 天"


def _count(uow: UnitOfWork, *where: ColumnElement[bool]) -> int:
    return uow.session.scalar(select(func.count()).select_from(SigningTask).where(*where)) or 0


def _paged(query: Select[*Row], page: int, per_page: int) -> Select[*Row]:
    return query.limit(per_page).offset((page - 1) * per_page)


def _title(uow: UnitOfWork, record: Record) -> str:
    try:
        return get_form(uow, record.form_code, record.form_version).title
    except FormError:
        return record.form_code


def _task_entry(
    uow: UnitOfWork, task: SigningTask, record: Record, names: dict[int, str], reminders: int
) -> InboxEntry:
    now = uow.now()
    return InboxEntry(
        task_id=task.id,
        record_id=record.id,
        role=task.role,
        number=record.number or "",
        title=record.title,
        form_title=_title(uow, record),
        author_name=names.get(record.author_id, ""),
        opened_at=task.opened_at,
        done_at=task.done_at,
        state=task.state,
        kind=task.kind,
        owner_name=names.get(task.owner_id or 0, ""),
        due_at=task.due_at,
        is_late=task.due_at is not None and task.due_at < now and task.state == TaskState.OPEN,
        reminders=reminders,
        age=age_of(task.opened_at, now),
        outcome=task.outcome,
        record_state=RecordState(record.state).label,
    )


def _started_entry(uow: UnitOfWork, record: Record) -> InboxEntry:
    now, run = uow.now(), chain.find_run(uow, record.id)
    waiting = run.open_tasks if run else ()
    since = min((one.opened_at for one in waiting if one.opened_at), default=None)
    due = min((one.due_at for one in waiting if one.due_at), default=None)
    return InboxEntry(
        task_id=waiting[0].id if waiting else 0,
        record_id=record.id,
        role=waiting[0].role if waiting else "",
        number=record.number or "",
        title=record.title,
        form_title=_title(uow, record),
        author_name="",
        opened_at=since,
        done_at=None,
        state="open",
        due_at=due,
        is_late=due is not None and due < now,
        reminders=sum(one.reminders for one in waiting),
        waits_for=run.waits_for if run else "",
        age=age_of(since, now),
        record_state=RecordState(record.state).label,
    )
