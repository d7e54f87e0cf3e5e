"""What happens to a task past its term (超时), as the form's step says: 转上级, 退回, 视为同意.

Nobody signs in another's name: a step that counts as agreed stays without a signature, and the
history says so. Source: conventions.md 审批, 超时. Called by the worker's chores.
"""

from sqlalchemy import select

from archive.people import service as people
from archive.people.rights import Actor
from archive.records import stages
from archive.records.models import Record
from archive.signing import audience, chain, entries, flow
from archive.signing.models import SigningRun, SigningStep, SigningTask, TaskKind, TaskState
from archive.signing.planning import heads_upward
from storage.work import UnitOfWork

RETURNED = "逾期未办，系统退回提交人。"


def act_on_late(uow: UnitOfWork) -> int:
    """Do what the steps of late tasks say; return how many were moved, returned or agreed to.

    What cannot be done (nobody above, the last signature) stays and is reminded of.
    """
    acts = {"hand_on": _hand_on, "return": _return, "agree": _agree}
    done = 0
    for task, step in _late(uow):
        run = uow.session.get_one(SigningRun, task.run_id)
        if run.state == "running" and task.state == TaskState.OPEN:
            done += acts[step.late](uow, run, task, step)
            uow.session.flush()
    return done


def _late(uow: UnitOfWork) -> list[tuple[SigningTask, SigningStep]]:
    rows = uow.session.execute(
        select(SigningTask, SigningStep)
        .join(
            SigningStep,
            (SigningStep.run_id == SigningTask.run_id) & (SigningStep.seq == SigningTask.seq),
        )
        .where(
            SigningTask.state == TaskState.OPEN,
            SigningTask.kind == TaskKind.NORMAL,
            SigningTask.due_at < uow.now(),
            SigningStep.late != "remind",
        )
        .order_by(SigningTask.id)
    )
    return [(row[0], row[1]) for row in rows]


def _hand_on(uow: UnitOfWork, run: SigningRun, task: SigningTask, step: SigningStep) -> bool:
    """Give the task to the head above its person, with a fresh term; not if there is none."""
    record = uow.session.get_one(Record, run.record_id)
    taken = {
        one.assignee_id
        for one in chain.tasks_in(uow, run.id)
        if one.state not in (TaskState.CANCELLED, TaskState.VOID)
    }
    barred = {*taken, record.author_id}
    above = heads_upward(uow, audience.department_of(uow, task.assignee_id), 1)
    for person_id in above:
        person = people.find_actor(uow, person_id)
        if person is None or person_id in barred:
            continue
        if not audience.is_cleared(uow, run.record_id, person):
            continue
        old = task.assignee_id
        task.owner_id, task.assignee_id, task.is_proxy = task.owner_id or old, person_id, False
        task.opened_at, task.due_at = uow.now(), flow.due_in(uow, step.days)
        audience.let_in(uow, run.record_id, [person_id])
        chain.note_act(uow, run.id, task.id, "hand_on", old, other_id=person_id)
        detail = {"step": task.seq, "from": old, "to": person_id}
        uow.journal(None, "record.hand_on", "record", run.record_id, detail)
        return True
    return False


def _return(uow: UnitOfWork, run: SigningRun, task: SigningTask, _step: SigningStep) -> bool:
    late = _person(uow, task)
    entries.clear(uow, late, run.record_id, None)
    stages.mark_returned(uow, None, run.record_id, RETURNED, step=task.seq, late=True)
    chain.note_act(uow, run.id, task.id, "return", late.id, opinion=RETURNED)
    chain.end_run(uow, run.id, "returned")
    return True


def _agree(uow: UnitOfWork, run: SigningRun, task: SigningTask, step: SigningStep) -> bool:
    """Let the step count as agreed to; never where that would end the paper."""
    if step.issues or flow.would_end(uow, run.id, task.id):
        return False
    late = _person(uow, task)
    task.state, task.done_at, task.outcome = TaskState.DONE, uow.now(), "lapse"
    chain.note_act(uow, run.id, task.id, "lapse", late.id)
    uow.journal(None, "record.lapse", "record", run.record_id, {"step": task.seq})
    flow.after_done(uow, late, run, task)
    return True


def _person(uow: UnitOfWork, task: SigningTask) -> Actor:
    """Return the late person, or where they have left the head of their department."""
    found = people.find_actor(uow, task.assignee_id)
    if found is not None:
        return found
    head = people.head_of(uow, audience.department_of(uow, task.assignee_id))
    return head or people.actors_with_role(uow, "security_admin")[0]
