"""Finds the people for a form's sign-off chain, and writes and reads runs and tasks."""

from sqlalchemy import select

from archive.people import service as people
from archive.people.rights import Actor
from archive.records.views import RecordView
from archive.signing.models import SigningAct, SigningRun, SigningTask, TaskState
from archive.signing.rules import PlannedStep, plan_chain
from archive.signing.views import ActView, RunView, TaskView
from doc_templates import load_form
from storage.work import UnitOfWork


def plan_for(uow: UnitOfWork, record: RecordView) -> tuple[PlannedStep, ...]:
    """Give every electronic step of the record's form to a person; raise Invalid if none can."""
    chain = load_form(record.form_code, record.form_version).chain
    wanted = {signer.candidate for signer in chain}
    candidates = {word: _candidates(uow, word, record) for word in wanted}
    return plan_chain(chain, record.author_id, candidates)


def start_run(
    uow: UnitOfWork, actor: Actor, record_id: int, round_: int, steps: tuple[PlannedStep, ...]
) -> int:
    """Open a run with its tasks, the first one open; return its id."""
    run = SigningRun(
        record_id=record_id, round=round_, state="running", started_at=uow.now(), ended_at=None
    )
    uow.session.add(run)
    uow.session.flush()
    for step in steps:
        is_first = step.seq == 1
        uow.session.add(
            SigningTask(
                run_id=run.id,
                seq=step.seq,
                role=step.role,
                assignee_id=step.assignee_id,
                state=TaskState.OPEN if is_first else TaskState.WAITING,
                opened_at=uow.now() if is_first else None,
                done_at=None,
            )
        )
    note_act(uow, run.id, None, "submit", actor.id)
    uow.session.flush()
    return run.id


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
        )
    )


def end_run(uow: UnitOfWork, run_id: int, state: str) -> None:
    """Close a run; its unsigned tasks are cancelled."""
    run = uow.session.get_one(SigningRun, run_id)
    run.state, run.ended_at = state, uow.now()
    tasks = select(SigningTask).where(
        SigningTask.run_id == run_id, SigningTask.state.in_((TaskState.OPEN, TaskState.WAITING))
    )
    for task in uow.session.scalars(tasks):
        task.state = TaskState.CANCELLED


def find_run(uow: UnitOfWork, record_id: int) -> RunView | None:
    """Return the latest run of a record with the acts of all its runs, or None."""
    last = uow.session.scalar(
        select(SigningRun)
        .where(SigningRun.record_id == record_id)
        .order_by(SigningRun.round.desc())
        .limit(1)
    )
    if last is None:
        return None
    return RunView(
        id=last.id,
        record_id=record_id,
        round=last.round,
        state=last.state,
        tasks=tasks_of(uow, last.id),
        acts=_acts_of(uow, record_id),
    )


def tasks_of(uow: UnitOfWork, run_id: int) -> tuple[TaskView, ...]:
    """Return the steps of a run, in order, with the opinions given."""
    tasks = list(
        uow.session.scalars(
            select(SigningTask).where(SigningTask.run_id == run_id).order_by(SigningTask.seq)
        )
    )
    names = people.names_of(uow, [task.assignee_id for task in tasks])
    acts = uow.session.scalars(select(SigningAct).where(SigningAct.run_id == run_id))
    opinions = {act.task_id: act.opinion for act in acts}
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
        )
        for task in tasks
    )


def _acts_of(uow: UnitOfWork, record_id: int) -> tuple[ActView, ...]:
    rows = uow.session.execute(
        select(SigningAct, SigningTask.role)
        .join(SigningRun, SigningRun.id == SigningAct.run_id)
        .outerjoin(SigningTask, SigningTask.id == SigningAct.task_id)
        .where(SigningRun.record_id == record_id)
        .order_by(SigningAct.id)
    ).all()
    names = people.names_of(uow, [act.by_id for act, _ in rows])
    return tuple(
        ActView(
            action=act.action,
            by_name=names[act.by_id],
            role=role or "",
            opinion=act.opinion,
            at=act.at,
        )
        for act, role in rows
    )


def _candidates(uow: UnitOfWork, word: str, record: RecordView) -> list[int]:
    if word == "head":
        return _heads_upward(uow, record)
    role = word.removeprefix("role:")
    return [actor.id for actor in people.actors_with_role(uow, role)]


def _heads_upward(uow: UnitOfWork, record: RecordView) -> list[int]:
    """Return the head of the author's department, then the heads above, then the leaders."""
    parents = {unit.id: unit.parent_id for unit in people.departments(uow)}
    found: list[int] = []
    unit: int | None = record.department_id
    while unit is not None:
        head = people.head_of(uow, unit)
        if head is not None and head.id not in found:
            found.append(head.id)
        unit = parents.get(unit)
    return found + [leader.id for leader in people.actors_with_role(uow, "leader")]


def images_of(uow: UnitOfWork, run_id: int) -> dict[int, str]:
    """Return the digest of each given signature's picture in a run, by step."""
    rows = uow.session.execute(
        select(SigningTask.seq, SigningAct.image_sha256)
        .join(SigningAct, SigningAct.task_id == SigningTask.id)
        .where(SigningTask.run_id == run_id, SigningAct.action == "approve")
    )
    return {row.seq: row.image_sha256 for row in rows if row.image_sha256}
