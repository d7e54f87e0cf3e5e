"""Writes and reads runs: their steps, tasks and acts, as rows and as views.

What follows from an act is decided in ``flow``; here rows only come, and are seen.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import func, select

from archive.core.errors import Conflict, NotFound
from archive.people import service as people
from archive.people.rights import Actor
from archive.signing.models import (
    SigningAct,
    SigningReminder,
    SigningRun,
    SigningStep,
    SigningTask,
    TaskState,
)
from archive.signing.rules import OUTSIDE, Plan, why_closed
from archive.signing.seals import ledger
from archive.signing.views import ActView, RunView, StepView, TaskView
from storage.work import UnitOfWork

SIGNED = ("approve", "circle", "seal")
AGREED = (*SIGNED, "lapse")  # 逾期视为同意: a yes without a signature
SPOKEN = (*SIGNED, "refuse", "advise", "return", "reject")
QUIET = ("remind", "copy")  # nobody has acted on the paper by these
LIVE = (TaskState.OPEN, TaskState.WAITING)


def start_run(
    uow: UnitOfWork, actor: Actor, record_id: int, round_: int, plan: Plan, flow_version: int = 1
) -> int:
    """Write down a run with its steps and tasks, all still waiting; return its id."""
    run = SigningRun(
        record_id=record_id,
        round=round_,
        state="running",
        started_at=uow.now(),
        ended_at=None,
        flow_version=flow_version,
    )
    uow.session.add(run)
    uow.session.flush()
    for step in plan.steps:
        uow.session.add(
            SigningStep(
                run_id=run.id,
                seq=step.seq,
                role=step.role,
                candidate=step.candidate,
                mode=step.mode,
                needed=step.needed,
                state="skipped" if step.skipped else "waiting",
                note=step.skipped,
                allow_same=step.allow_same,
                issues=step.issues,
                days=step.days,
                late=step.late,
            )
        )
        for person, slot in zip(step.people, step.slots, strict=not step.is_outside):
            add_task(uow, run.id, step.seq, step.role, person, slot=slot)
    note_act(uow, run.id, None, "submit", actor.id)
    uow.session.flush()
    return run.id


def add_task(
    uow: UnitOfWork,
    run_id: int,
    seq: int,
    role: str,
    assignee_id: int,
    *,
    slot: int = 0,
    pass_no: int = 1,
    kind: str = "normal",
    parent_id: int | None = None,
) -> SigningTask:
    """Give a person a task that waits for its turn."""
    task = SigningTask(
        run_id=run_id,
        seq=seq,
        role=role,
        assignee_id=assignee_id,
        state=TaskState.WAITING,
        opened_at=None,
        done_at=None,
        slot=slot,
        pass_no=pass_no,
        kind=kind,
        parent_id=parent_id,
        owner_id=None,
        due_at=None,
    )
    uow.session.add(task)
    uow.session.flush()
    return task


def note_act(
    uow: UnitOfWork,
    run_id: int,
    task_id: int | None,
    action: str,
    by_id: int,
    *,
    opinion: str = "",
    image_sha256: str | None = None,
    pdf_sha256: str | None = None,
    certificate_serial: str | None = None,
    on_behalf_id: int | None = None,
    other_id: int | None = None,
    before_sha256: str | None = None,
    content_digest: str = "",
    filled: Mapping[str, object] | None = None,
) -> None:
    """Append what somebody did in a run."""
    uow.session.add(
        SigningAct(
            run_id=run_id,
            task_id=task_id,
            action=action,
            by_id=by_id,
            opinion=opinion,
            image_sha256=image_sha256,
            pdf_sha256=pdf_sha256,
            certificate_serial=certificate_serial,
            at=uow.now(),
            on_behalf_id=on_behalf_id,
            other_id=other_id,
            before_sha256=before_sha256,
            content_digest=content_digest,
            filled=dict(filled or {}),
        )
    )
    uow.session.flush()


def end_run(uow: UnitOfWork, run_id: int, state: str) -> None:
    """Close a run; its unsigned tasks are cancelled."""
    run = uow.session.get_one(SigningRun, run_id)
    run.state, run.ended_at = state, uow.now()
    ledger.end_uses(uow, run_id)
    for task in tasks_in(uow, run_id):
        if task.state in LIVE:
            task.state = TaskState.CANCELLED


def lock_run(uow: UnitOfWork, record_id: int) -> SigningRun:
    """Return the running run of a record, held until this unit ends; raise Conflict."""
    run = uow.session.scalar(
        select(SigningRun)
        .where(SigningRun.record_id == record_id)
        .order_by(SigningRun.round.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if run is None or run.state != "running":
        raise Conflict(why_closed(run.state if run else ""))
    return run


def tasks_in(uow: UnitOfWork, run_id: int) -> list[SigningTask]:
    """Return the task rows of a run, in order."""
    return list(
        uow.session.scalars(
            select(SigningTask)
            .where(SigningTask.run_id == run_id)
            .order_by(SigningTask.seq, SigningTask.pass_no, SigningTask.id)
        )
    )


def steps_in(uow: UnitOfWork, run_id: int) -> list[SigningStep]:
    """Return the step rows of a run, in order."""
    return list(
        uow.session.scalars(
            select(SigningStep).where(SigningStep.run_id == run_id).order_by(SigningStep.seq)
        )
    )


def acts_in(uow: UnitOfWork, run_id: int) -> list[SigningAct]:
    """Return the act rows of a run, in order."""
    return list(
        uow.session.scalars(
            select(SigningAct).where(SigningAct.run_id == run_id).order_by(SigningAct.id)
        )
    )


def last_act(uow: UnitOfWork, run_id: int) -> SigningAct:
    """Return what was last done to the paper of a run; a reminder or a copy does nothing to it."""
    return next(act for act in reversed(acts_in(uow, run_id)) if act.action not in QUIET)


def find_row(uow: UnitOfWork, record_id: int) -> SigningRun | None:
    """Return the latest run of a record as a row, or None."""
    return uow.session.scalar(
        select(SigningRun)
        .where(SigningRun.record_id == record_id)
        .order_by(SigningRun.round.desc())
        .limit(1)
    )


def find_run(uow: UnitOfWork, record_id: int) -> RunView | None:
    """Return the latest run of a record with the acts of all its runs, or None."""
    last = find_row(uow, record_id)
    if last is None:
        return None
    return RunView(
        id=last.id,
        record_id=record_id,
        round=last.round,
        state=last.state,
        tasks=tasks_of(uow, last.id),
        acts=_acts_of(uow, record_id),
        steps=tuple(
            StepView(
                one.seq,
                one.role,
                one.mode,
                one.needed,
                one.state,
                one.note,
                one.issues,
                is_outside=one.candidate == OUTSIDE,
            )
            for one in steps_in(uow, last.id)
        ),
        seal=ledger.use_of(uow, last.id),
    )


def get_run(uow: UnitOfWork, record_id: int) -> RunView:
    """Return the latest run of a record; raise NotFound where it was never submitted."""
    run = find_run(uow, record_id)
    if run is None:
        raise NotFound("这份表还没有提交过。")
    return run


def tasks_of(uow: UnitOfWork, run_id: int) -> tuple[TaskView, ...]:
    """Return the tasks of a run, in order, with the opinions given."""
    tasks = tasks_in(uow, run_id)
    names = people.names_of(uow, {one for task in tasks for one in _people_of(task)})
    opinions = {
        act.task_id: act.opinion
        for act in acts_in(uow, run_id)
        if act.opinion and act.action in SPOKEN
    }
    reminders = reminders_of(uow, [task.id for task in tasks])
    return tuple(
        TaskView(
            id=task.id,
            seq=task.seq,
            role=task.role,
            assignee_id=task.assignee_id,
            assignee_name=names[task.assignee_id],
            state=task.state,
            done_at=task.done_at,
            opinion=opinions.get(task.id, ""),
            slot=task.slot,
            pass_no=task.pass_no,
            kind=task.kind,
            parent_id=task.parent_id,
            owner_id=task.owner_id,
            owner_name=names.get(task.owner_id or 0, ""),
            is_proxy=task.is_proxy,
            opened_at=task.opened_at,
            due_at=task.due_at,
            outcome=task.outcome,
            reminders=reminders.get(task.id, 0),
        )
        for task in tasks
    )


def reminders_of(uow: UnitOfWork, task_ids: Iterable[int]) -> dict[int, int]:
    """Return how often each of these tasks was reminded of."""
    rows = uow.session.execute(
        select(SigningReminder.task_id, func.count().label("times"))
        .where(SigningReminder.task_id.in_(list(task_ids)))
        .group_by(SigningReminder.task_id)
    )
    return {row.task_id: row.times for row in rows}


def images_of(uow: UnitOfWork, run_id: int) -> dict[int, str]:
    """Return the digest of each signature's picture that still counts, by slot."""
    rows = uow.session.execute(
        select(SigningTask.slot, SigningAct.image_sha256)
        .join(SigningAct, SigningAct.task_id == SigningTask.id)
        .where(
            SigningTask.run_id == run_id,
            SigningTask.state == TaskState.DONE,
            SigningAct.action.in_(SIGNED),
        )
        .order_by(SigningAct.id)
    )
    return {row.slot: row.image_sha256 for row in rows if row.image_sha256}


def _people_of(task: SigningTask) -> tuple[int | None, ...]:
    return task.assignee_id, task.owner_id


def _acts_of(uow: UnitOfWork, record_id: int) -> tuple[ActView, ...]:
    rows = uow.session.execute(
        select(SigningAct, SigningTask.role)
        .join(SigningRun, SigningRun.id == SigningAct.run_id)
        .outerjoin(SigningTask, SigningTask.id == SigningAct.task_id)
        .where(SigningRun.record_id == record_id)
        .order_by(SigningAct.id)
    ).all()
    named = [(act.by_id, act.on_behalf_id, act.other_id) for act, _ in rows]
    names = people.names_of(uow, {one for three in named for one in three})
    return tuple(
        ActView(
            action=act.action,
            by_name=names[act.by_id],
            role=role or "",
            opinion=act.opinion,
            at=act.at,
            on_behalf_of=names.get(act.on_behalf_id or 0, ""),
            other_name=names.get(act.other_id or 0, ""),
        )
        for act, role in rows
    )
