"""What follows from an act in a run: steps and tasks open, close, are held, done over.

Works on rows of one locked run; knows no bytes but the digests of the paper's files. Called by
this station's services, which have checked who may act.
"""

from collections.abc import Sequence
from datetime import datetime, time

from archive.core.calendar import load_calendar
from archive.core.clock import SHANGHAI, local_day
from archive.core.errors import Conflict
from archive.documents import service as documents
from archive.people import service as people
from archive.people.rights import Actor
from archive.records import stages
from archive.records.models import Record
from archive.signing import audience, chain, delegation
from archive.signing.models import (
    SigningAct,
    SigningRun,
    SigningStep,
    SigningTask,
    TaskKind,
    TaskState,
)
from archive.signing.rules import outcome_of, spare_slots
from archive.signing.seals import ledger
from doc_templates import SEAL_ROLE
from storage.blobs import BlobRef
from storage.work import UnitOfWork

HOLDING = (TaskKind.BEFORE, TaskKind.AGAIN, TaskKind.ADVICE)
SETTLED = "settled"
_CLOSE_OF_DAY = time(18)


def open_next(uow: UnitOfWork, actor: Actor, run: SigningRun) -> None:
    """Open the next step of the chain; after the last one the record is signed."""
    for step in chain.steps_in(uow, run.id):
        if step.state == "waiting":
            _open_step(uow, run, step)
            return
    run.state, run.ended_at = "done", uow.now()
    stages.mark_signed(uow, actor, run.record_id)


def open_task(uow: UnitOfWork, run: SigningRun, task: SigningTask, days: int = 0) -> None:
    """Put a task on its person's desk: or their agent's, or a stand-in's when they have left."""
    record = uow.session.get_one(Record, run.record_id)
    busy = {one.assignee_id for one in chain.tasks_in(uow, run.id) if _shares(one, task)}
    barred = {*busy, record.author_id}
    _replace_leaver(uow, run, task, barred)
    agent_id = delegation.find_agent(uow, task.assignee_id, record.form_code)
    agent = people.find_actor(uow, agent_id) if agent_id and agent_id not in barred else None
    if agent is not None and _may_stand_in(uow, run, task, agent):
        task.owner_id, task.assignee_id, task.is_proxy = task.assignee_id, agent.id, True
    task.state, task.opened_at = TaskState.OPEN, uow.now()
    if days and task.due_at is None:
        task.due_at = due_in(uow, days)
    audience.let_in(uow, run.record_id, [task.assignee_id])
    uow.session.flush()


def after_done(uow: UnitOfWork, actor: Actor, run: SigningRun, task: SigningTask) -> None:
    """Go on after a task was done: back to who added it, on to who comes after, or further."""
    uow.session.flush()
    tasks = chain.tasks_in(uow, run.id)
    for child in tasks:
        if (child.parent_id, child.kind, child.state) == (task.id, TaskKind.AFTER, "waiting"):
            open_task(uow, run, child)
    if task.kind in HOLDING:
        _give_back(uow, run, task)
        return
    settle(uow, actor, run, task.seq)


def settle(uow: UnitOfWork, actor: Actor, run: SigningRun, seq: int, reason: str = "") -> None:
    """Close a step once it is decided: the rest of it is cancelled and the next one opens."""
    uow.session.flush()
    step, tasks = _step(uow, run, seq), chain.tasks_in(uow, run.id)
    outcome = _outcome(step, tasks)
    if outcome == "refused":
        stages.mark_rejected(uow, actor, run.record_id, reason)
        chain.end_run(uow, run.id, "rejected")
        return
    if outcome != "approved":
        return
    _cancel_rest(tasks, seq)
    if any(_is_pending_after(one, tasks) for one in tasks if one.seq == seq):
        return
    step.state = "done"
    uow.session.flush()
    open_next(uow, actor, run)


def would_end(uow: UnitOfWork, run_id: int, task_id: int) -> bool:
    """Say whether the task's signature would be the last one of the run."""
    tasks, steps = chain.tasks_in(uow, run_id), chain.steps_in(uow, run_id)
    task = next(one for one in tasks if one.id == task_id)
    step = next(one for one in steps if one.seq == task.seq)
    if task.kind in HOLDING or any(one.state == "waiting" for one in steps):
        return False
    here = [one for one in tasks if one.seq == task.seq and one.id != task_id]
    if any(one.parent_id == task_id and one.state in chain.LIVE for one in here):
        return False
    if any(_is_pending_after(one, tasks) for one in here):
        return False
    gained = 1 if task.kind == TaskKind.NORMAL else 0
    return _yes(step, tasks) + gained >= step.needed


def hold(uow: UnitOfWork, task: SigningTask) -> None:
    """Let a task wait until those it asked have answered."""
    task.state = TaskState.WAITING
    uow.session.flush()


def cancel_task(uow: UnitOfWork, run: SigningRun, task: SigningTask) -> None:
    """Take an added task out again; who added it goes on when nothing else holds them."""
    task.state = TaskState.CANCELLED
    _cancel_orphans(chain.tasks_in(uow, run.id))
    uow.session.flush()
    if task.kind in HOLDING:
        _give_back(uow, run, task)


def spare_slot(uow: UnitOfWork, run: SigningRun) -> int:
    """Return a signature field nobody added has taken yet; raise Conflict when there is none."""
    used = {
        one.slot
        for one in chain.tasks_in(uow, run.id)
        if one.state not in (TaskState.CANCELLED, TaskState.VOID)
    }
    free = next((slot for slot in spare_slots() if slot not in used), None)
    if free is None:
        raise Conflict(
            f"这份文件已加签 {len(spare_slots())} 人次，没有空的签名栏了；"
            "要听更多人的意见，请用“委派”。"
        )
    return free


def do_over(uow: UnitOfWork, run: SigningRun, seq: int) -> None:
    """Void everything from a step on, put the paper back, and open the step anew."""
    tasks = chain.tasks_in(uow, run.id)
    if any(one.seq >= seq and is_seal(one) for one in tasks):
        ledger.reopen_use(uow, run.id)
    ids = {one.id for one in tasks if one.seq >= seq and one.state == TaskState.DONE}
    first = next(
        (act for act in chain.acts_in(uow, run.id) if act.task_id in ids and act.before_sha256),
        None,
    )
    again = [_fresh_copy(one) for one in _normal(tasks) if one.seq >= seq]
    for task in tasks:
        if task.seq >= seq and task.state != TaskState.VOID:
            task.state = TaskState.VOID if task.state == TaskState.DONE else TaskState.CANCELLED
    _cancel_orphans(tasks)
    uow.session.add_all(again)
    for step in chain.steps_in(uow, run.id):
        if step.seq >= seq and step.state != "skipped":
            step.state = "waiting"
    uow.session.flush()
    if first is not None and first.before_sha256:
        put_paper_back(uow, run, first.before_sha256)
    _open_step(uow, run, _step(uow, run, seq))


def take_back(uow: UnitOfWork, run: SigningRun, task: SigningTask, act: SigningAct) -> None:
    """Undo the run's last signature: the next step waits again, the paper is as before."""
    for step in chain.steps_in(uow, run.id):
        if step.seq > task.seq and step.state == "open":
            step.state = "waiting"
        if step.seq == task.seq:
            step.state = "open"
    for other in chain.tasks_in(uow, run.id):
        is_next = other.seq > task.seq or other.parent_id == task.id
        if is_next and other.state == TaskState.OPEN:
            _close_again(other)
        if other.seq == task.seq and other.outcome == SETTLED:
            other.state, other.outcome = TaskState.OPEN, ""
        if other.id == task.parent_id and other.state == TaskState.OPEN:
            other.state = TaskState.WAITING
    task.state, task.done_at, task.outcome = TaskState.OPEN, None, ""
    if is_seal(task):
        ledger.reopen_use(uow, run.id)
    uow.session.flush()
    if act.before_sha256:
        put_paper_back(uow, run, act.before_sha256)


def is_seal(task: SigningTask) -> bool:
    """Say whether the company's seal is put on at this task."""
    return task.role == SEAL_ROLE and task.kind == TaskKind.NORMAL


def put_paper_back(uow: UnitOfWork, run: SigningRun, pdf_sha256: str) -> None:
    """Make an earlier PDF of this round, and the Word file beside it, the present ones again."""
    kept = [one for one in documents.list_documents(uow, run.record_id) if one.round == run.round]
    pdf = next(one for one in kept if one.kind == "pdf" and one.sha256 == pdf_sha256)
    word = next((one for one in kept if one.kind == "docx" and one.stage == pdf.stage), None)
    stage = max(one.stage for one in kept) + 1
    for one in filter(None, (word, pdf)):
        ref = BlobRef(one.sha256, one.size, one.media_type)
        documents.keep_document(uow, run.record_id, one.kind, run.round, stage, ref, one.pages)


def next_stage(uow: UnitOfWork, run: SigningRun) -> int:
    """Return the number under which the next files of this round are kept."""
    kept = [
        one.stage for one in documents.list_documents(uow, run.record_id) if one.round == run.round
    ]
    return max(kept, default=-1) + 1


def _open_step(uow: UnitOfWork, run: SigningRun, step: SigningStep) -> None:
    step.state = "open"
    uow.session.flush()
    for task in _normal(chain.tasks_in(uow, run.id)):
        if task.seq == step.seq and task.state == TaskState.WAITING:
            open_task(uow, run, task, step.days)


def _give_back(uow: UnitOfWork, run: SigningRun, child: SigningTask) -> None:
    """Reopen the task that asked, once nobody it asked is still out."""
    tasks = chain.tasks_in(uow, run.id)
    parent = next((one for one in tasks if one.id == child.parent_id), None)
    if parent is None or parent.state != TaskState.WAITING:
        return
    if not any(one.parent_id == parent.id and _holds(one) for one in tasks):
        parent.state, parent.opened_at = TaskState.OPEN, uow.now()
        uow.session.flush()


def _holds(task: SigningTask) -> bool:
    return task.kind in HOLDING and task.state in chain.LIVE


def _shares(one: SigningTask, task: SigningTask) -> bool:
    """Whether another live task stands in the same step."""
    return one.id != task.id and one.seq == task.seq and one.state in chain.LIVE


def _step(uow: UnitOfWork, run: SigningRun, seq: int) -> SigningStep:
    return next(one for one in chain.steps_in(uow, run.id) if one.seq == seq)


def _normal(tasks: Sequence[SigningTask]) -> list[SigningTask]:
    """Return the chain's own tasks in their latest pass."""
    latest: dict[int, int] = {}
    for one in tasks:
        if one.kind == TaskKind.NORMAL:
            latest[one.seq] = max(latest.get(one.seq, 0), one.pass_no)
    return [one for one in tasks if one.kind == TaskKind.NORMAL and one.pass_no == latest[one.seq]]


def _yes(step: SigningStep, tasks: Sequence[SigningTask]) -> int:
    return sum(
        one.state == TaskState.DONE and one.outcome in chain.AGREED
        for one in _normal(tasks)
        if one.seq == step.seq
    )


def _outcome(step: SigningStep, tasks: Sequence[SigningTask]) -> str:
    still_out = sum(one.state in chain.LIVE for one in _normal(tasks) if one.seq == step.seq)
    return outcome_of(step.needed, _yes(step, tasks), still_out)


def _is_pending_after(task: SigningTask, tasks: Sequence[SigningTask]) -> bool:
    """Whether the task comes after a given signature (后加签) and is still out."""
    if task.kind != TaskKind.AFTER or task.state not in chain.LIVE:
        return False
    return any(one.id == task.parent_id and one.state == TaskState.DONE for one in tasks)


def _cancel_rest(tasks: Sequence[SigningTask], seq: int) -> None:
    kept = {one.id for one in tasks if _is_pending_after(one, tasks)}
    for _ in tasks:  # whoever was asked by somebody who is kept is kept too
        kept |= {one.id for one in tasks if one.parent_id in kept}
    for one in tasks:
        if one.seq == seq and one.state in chain.LIVE and one.id not in kept:
            one.state, one.outcome = TaskState.CANCELLED, SETTLED
    _cancel_orphans(tasks)


def _cancel_orphans(tasks: Sequence[SigningTask]) -> None:
    """Cancel whoever was asked by somebody whose task is gone."""
    gone = {one.id for one in tasks if one.state in (TaskState.CANCELLED, TaskState.VOID)}
    for _ in tasks:
        for one in tasks:
            if one.parent_id in gone and one.state in chain.LIVE:
                one.state = TaskState.CANCELLED
                gone.add(one.id)


def _fresh_copy(task: SigningTask) -> SigningTask:
    """Return the same task for the next pass; an agent's goes back to its owner."""
    person = task.owner_id if task.is_proxy and task.owner_id else task.assignee_id
    return SigningTask(
        run_id=task.run_id,
        seq=task.seq,
        role=task.role,
        assignee_id=person,
        state=TaskState.WAITING,
        opened_at=None,
        done_at=None,
        slot=task.slot,
        pass_no=task.pass_no + 1,
        kind=TaskKind.NORMAL,
        parent_id=None,
        owner_id=None,
        due_at=None,
    )


def _close_again(task: SigningTask) -> None:
    task.state, task.opened_at, task.due_at = TaskState.WAITING, None, None
    if task.is_proxy and task.owner_id is not None:
        task.assignee_id, task.owner_id, task.is_proxy = task.owner_id, None, False


def _replace_leaver(uow: UnitOfWork, run: SigningRun, task: SigningTask, barred: set[int]) -> None:
    """Give the task of somebody who has left to the head of their department, if they may."""
    if people.find_actor(uow, task.assignee_id) is not None or is_seal(task):
        return  # a seal whose keeper has left waits for the keeper the administrator names
    head = people.head_of(uow, audience.department_of(uow, task.assignee_id))
    if head is None or head.id in barred or _signs_twice(uow, run, task, head):
        return  # an administrator gives it to somebody else
    task.owner_id, task.assignee_id = task.assignee_id, head.id
    chain.note_act(uow, run.id, task.id, "reassign", head.id, other_id=task.owner_id)


def _may_stand_in(uow: UnitOfWork, run: SigningRun, task: SigningTask, agent: Actor) -> bool:
    """Whether an agent may read the paper, and would not come to sign two steps of it."""
    cleared = audience.is_cleared(uow, run.record_id, agent)
    return cleared and not _signs_twice(uow, run, task, agent)


def _signs_twice(uow: UnitOfWork, run: SigningRun, task: SigningTask, person: Actor) -> bool:
    """Whether the person has another step of the chain, where the form asks for two people."""
    allows = {one.seq: one.allow_same for one in chain.steps_in(uow, run.id)}
    return task.kind == TaskKind.NORMAL and any(
        one.assignee_id == person.id
        and one.seq != task.seq
        and one.kind == TaskKind.NORMAL
        and one.state not in (TaskState.CANCELLED, TaskState.VOID)
        and not allows.get(max(one.seq, task.seq), False)
        for one in chain.tasks_in(uow, run.id)
    )


def due_in(uow: UnitOfWork, days: int) -> datetime:
    """Return the close of the last working day of the term."""
    day = load_calendar(uow).add_working_days(local_day(uow.now()), days)
    return datetime.combine(day, _CLOSE_OF_DAY, SHANGHAI)
