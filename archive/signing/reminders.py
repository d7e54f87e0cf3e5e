"""What the office does by itself about papers that lie too long.

It moves the tasks of people who have left to the head of their department, does what a form's
step says of late ones (``lateness``), and reminds of the others once a day.

Called by the worker's chores and by the administrator's page of stuck tasks.
"""

from datetime import timedelta

from sqlalchemy import Select, func, or_, select

from archive.core.clock import local_day
from archive.people.models import User
from archive.people.rights import Actor, require
from archive.people.service import find_actor, names_of, paper_handlers
from archive.records.models import Record
from archive.signing import chain, flow
from archive.signing.inbox import age_of
from archive.signing.lateness import act_on_late
from archive.signing.models import SigningReminder, SigningRun, SigningTask, TaskState
from archive.signing.views import InboxEntry
from storage.work import UnitOfWork

OFFICE_EVERY = timedelta(hours=24)


def do_signing_chores(uow: UnitOfWork) -> int:
    """Move what lies with leavers, do what the forms say of late tasks, remind of the rest."""
    return move_leavers_tasks(uow) + act_on_late(uow) + remind_late(uow)


def remind_late(uow: UnitOfWork) -> int:
    """Remind everybody whose task is past its term, at most once a day; return how many."""
    recent = (
        select(SigningReminder.task_id)
        .where(SigningReminder.by_id.is_(None), SigningReminder.at > uow.now() - OFFICE_EVERY)
        .scalar_subquery()
    )
    late = uow.session.scalars(
        select(SigningTask).where(
            SigningTask.state == TaskState.OPEN,
            SigningTask.due_at < uow.now(),
            SigningTask.id.not_in(recent),
        )
    ).all()
    for task in late:
        uow.session.add(SigningReminder(task_id=task.id, by_id=None, at=uow.now()))
        uow.journal(None, "record.late", "task", task.id, {"step": task.seq})
    return len(late)


def move_leavers_tasks(uow: UnitOfWork) -> int:
    """Give the open tasks of people who have left to who stands in for them; return how many."""
    moved = 0
    for task in uow.session.scalars(_of_leavers(uow)).all():
        run = uow.session.get_one(SigningRun, task.run_id)
        before = task.assignee_id
        flow.open_task(uow, run, task)
        moved += task.assignee_id != before
    return moved


def stuck_tasks(uow: UnitOfWork, actor: Actor) -> tuple[InboxEntry, ...]:
    """Return the open tasks to be given to somebody else, for the security administrator.

    Their person has left, is late, or only holds an administrator's office and handles no papers.
    """
    require(actor, "task.reassign")
    rows = uow.session.execute(
        select(SigningTask, Record)
        .join(SigningRun, SigningRun.id == SigningTask.run_id)
        .join(Record, Record.id == SigningRun.record_id)
        .join(User, User.id == SigningTask.assignee_id)
        .where(
            SigningTask.state == TaskState.OPEN,
            or_(
                User.left_on <= local_day(uow.now()),
                SigningTask.due_at < uow.now(),
                User.id.not_in(paper_handlers()),
            ),
        )
        .order_by(SigningTask.opened_at)
        .limit(200)
    ).all()
    names = names_of(
        uow, {one for task, record in rows for one in (task.assignee_id, record.author_id)}
    )
    counted = chain.reminders_of(uow, [task.id for task, _ in rows])
    return tuple(
        InboxEntry(
            task_id=task.id,
            record_id=record.id,
            role=task.role,
            number=record.number or "",
            title="",  # an administrator handles no papers: number and form are enough
            form_title=record.form_code,
            author_name=names[record.author_id],
            opened_at=task.opened_at,
            done_at=None,
            state=task.state,
            owner_name=names[task.assignee_id],
            due_at=task.due_at,
            is_late=task.due_at is not None and task.due_at < uow.now(),
            reminders=counted.get(task.id, 0),
            age=age_of(task.opened_at, uow.now()),
            outcome="" if find_actor(uow, task.assignee_id) else "left",
        )
        for task, record in rows
    )


def late_count(uow: UnitOfWork) -> int:
    """Return how many open tasks are past their term."""
    return (
        uow.session.scalar(
            select(func.count())
            .select_from(SigningTask)
            .where(SigningTask.state == TaskState.OPEN, SigningTask.due_at < uow.now())
        )
        or 0
    )


def _of_leavers(uow: UnitOfWork) -> Select[SigningTask]:
    return (
        select(SigningTask)
        .join(User, User.id == SigningTask.assignee_id)
        .where(SigningTask.state == TaskState.OPEN, User.left_on <= local_day(uow.now()))
    )
