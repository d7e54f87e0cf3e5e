"""Does long work in the worker, a slice at a time, so that other jobs get their turn.

A job of the outbox names a task and its ticket. Each slice ends by leaving the next job in the
same transaction that notes how far it is; a job with an old ticket is nobody's any more. A
killed worker's job is taken over with its lease, and the work finds where it was.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from archive.core.errors import ArchiveError, Unavailable
from archive.core.resources import Resources
from archive.tasks.models import Task, TaskState
from archive.tasks.rules import MOST_TRIES
from archive.tasks.service import begin_task, enqueue, forget_parts, note_files, view_of
from archive.tasks.views import Progress, TaskView, Work
from doc_templates import FormError
from storage.outbox import OutboxItem
from storage.work import UnitOfWork

log = logging.getLogger(__name__)

SLICE_SECONDS = 2.0
GAVE_UP = "程序出错，已停下；请点“继续”再试，一直不行请告诉系统管理员。"
UNKNOWN = "这个版本不认识这种任务。"


def drain_tasks(kinds: Mapping[str, Work]) -> Callable[[Resources, Sequence[OutboxItem]], None]:
    """Return the handler of outbox kind ``task`` that knows these kinds of work."""

    def drain(resources: Resources, items: Sequence[OutboxItem]) -> None:
        for item in items:
            number = item.key.removeprefix("task:")
            ticket = item.payload.get("ticket")
            if number.isdigit() and isinstance(ticket, int):
                _Slice(resources, int(number), ticket).run(kinds)

    return drain


class _Slice:
    """One turn of a task."""

    def __init__(self, resources: Resources, task_id: int, ticket: int) -> None:
        self._resources = resources
        self._task_id = task_id
        self._ticket = ticket

    def run(self, kinds: Mapping[str, Work]) -> None:
        """Do as much as fits in a slice; what goes wrong is noted with the task."""
        task = self._begin()
        if task is None:
            return
        work = kinds.get(task.kind)
        if work is None:
            self._fail(UNKNOWN)
            return
        try:
            self._go_on(work, task)
        except Unavailable as refusal:
            self._retry(refusal.message)
            raise
        except (ArchiveError, FormError) as refusal:
            self._fail(refusal.message)
        except Exception:
            self._retry(GAVE_UP)
            raise

    def _go_on(self, work: Work, task: TaskView) -> None:
        deadline = time.monotonic() + SLICE_SECONDS
        steps = work(self._resources, task)
        with closing(steps):
            for step in steps:
                if not self._note(step):
                    return
                if step.is_checkpoint and time.monotonic() >= deadline:
                    self._leave_for_later()
                    return
        self._finish()

    def _begin(self) -> TaskView | None:
        """Take the task in hand; None when it is not (or no longer) this job's to do."""
        with self._resources.work() as uow:
            row = self._row(uow)
            if row is None:
                return None
            row.state = TaskState.RUNNING
            row.started_at = row.started_at or uow.now()
            row.heartbeat_at = uow.now()
            view = view_of(uow, row, with_parts=True)
            uow.commit()
        return view

    def _note(self, step: Progress) -> bool:
        """Note how far it is; say whether to go on."""
        with self._resources.work() as uow:
            row = self._row(uow)
            if row is None:
                return False
            row.done, row.total, row.message = step.done, step.total, step.message
            row.memory = row.memory if step.memory is None else dict(step.memory)
            row.result = row.result if step.result is None else dict(step.result)
            row.heartbeat_at, row.tries = uow.now(), 0
            note_files(uow, row.id, step.files)
            if step.is_end:
                _end(uow, row, step)
            uow.commit()
        return not step.is_end

    def _leave_for_later(self) -> None:
        with self._resources.work() as uow:
            row = self._row(uow)
            if row is not None:
                row.ticket += 1
                enqueue(uow, row)
                uow.commit()

    def _finish(self) -> None:
        with self._resources.work() as uow:
            row = self._row(uow)
            if row is not None:
                _end(uow, row)
                uow.commit()

    def _fail(self, why: str) -> None:
        with self._resources.work() as uow:
            row = self._row(uow)
            if row is not None:
                row.state, row.message, row.ended_at = TaskState.FAILED, why[:2000], uow.now()
                uow.journal(row.owner_id, "task.failed", "task", row.id, {"done": row.done})
                uow.commit()

    def _retry(self, why: str) -> None:
        """Count a failure; the outbox gives the job back, until there were too many."""
        with self._resources.work() as uow:
            row = self._row(uow)
            if row is None:
                return
            row.tries += 1
            gives_up = row.tries >= MOST_TRIES
            row.message = (
                why if gives_up else f"{why.rstrip('。')}。稍后自动再试（第 {row.tries} 次）。"
            )
            uow.commit()
        if gives_up:
            self._fail(why)

    def _row(self, uow: UnitOfWork) -> Task | None:
        """Return the task while this job is the one in charge; a task asked to stop, stops."""
        row = uow.session.get(Task, self._task_id, with_for_update=True)
        if row is None or row.ticket != self._ticket or TaskState(row.state).has_ended:
            return None
        if row.state != TaskState.STOPPING:
            return row
        row.state, row.ended_at = TaskState.STOPPED, uow.now()
        uow.commit()
        return None


def _end(uow: UnitOfWork, row: Task, last: Progress | None = None) -> None:
    """Note that a task is done and its deed, and begin what follows it."""
    row.state, row.ended_at = TaskState.DONE, uow.now()
    row.done = row.total
    forget_parts(uow, row.id)
    if last is not None and last.deed is not None:
        deed = last.deed
        uow.journal(row.owner_id, deed.action, deed.object_type, deed.object_id, deed.detail)
    uow.journal(row.owner_id, "task.done", "task", row.id, {"done": row.done})
    if last is not None and last.follow is not None:
        follow = begin_task(uow, row.owner_id, last.follow)
        row.result = {**row.result, "follow": follow.id, "next": f"/tasks/{follow.id}"}
