"""Acts that bring others into a step: 加签, 减签, 转交, 委派, 改派, 催办, 抄送.

None of them signs anything; who is brought in may read the paper from then on. Called by pages
and calls; what follows on the rows is ``flow``'s.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.people.rights import Actor, Thing, can, require
from archive.records import service as records
from archive.records.models import Record
from archive.signing import audience, chain, flow
from archive.signing.models import (
    SigningReminder,
    SigningRun,
    SigningTask,
    TaskKind,
    TaskState,
)
from archive.signing.rules import check_newcomer, check_reminder, check_turn, clean_opinion
from archive.signing.views import RunView
from storage.work import UnitOfWork

WAYS = {"before": TaskKind.BEFORE, "after": TaskKind.AFTER}


def add_signers(
    uow: UnitOfWork,
    actor: Actor,
    record_id: int,
    people: Sequence[Actor],
    way: str,
    note: str = "",
) -> RunView:
    """Add people to one's own open step, before or after oneself (前加签, 后加签).

    Added before, one's own turn comes again when they have signed; added after, the step goes on
    only when they have. Raises Invalid for people who cannot be added, Conflict out of turn.
    """
    run, mine = _own_turn(uow, actor, record_id)
    if way not in WAYS:
        raise Invalid("请选在您之前签还是之后签。", {"way": "before 或 after"})
    if not people:
        raise Invalid("请写明加签给谁。", {"person": "不能为空"})
    if mine.kind == TaskKind.ADVICE:
        raise Conflict("请您提意见的文件不能再加签。")
    text = clean_opinion(note, required=False)
    elsewhere = _elsewhere(uow, run, mine)
    for person in people:
        _check_joins(uow, actor, run, mine, person)
        _refuse_second_step(person, elsewhere)
        task = chain.add_task(
            uow, run.id, mine.seq, _added_role(mine), person.id,
            slot=flow.spare_slot(uow, run), kind=WAYS[way], parent_id=mine.id,
        )  # fmt: skip
        audience.let_in(uow, record_id, [person.id])
        if way == "before":
            flow.open_task(uow, run, task)
        _note(uow, actor, run, mine, "add", text, person.id)
    if way == "before":
        flow.hold(uow, mine)
    return _view(uow, record_id)


def remove_signer(uow: UnitOfWork, actor: Actor, record_id: int, task_id: int) -> RunView:
    """Take out somebody one added, who has not acted yet (减签)."""
    records.get_record(uow, actor, record_id)
    run = chain.lock_run(uow, record_id)
    task = uow.session.get(SigningTask, task_id)
    parent = task and task.parent_id and uow.session.get(SigningTask, task.parent_id)
    if task is None or not parent or task.run_id != run.id or parent.assignee_id != actor.id:
        raise Forbidden("只能减去您自己加的、还没有办理的人。")
    if task.state not in chain.LIVE:
        raise Conflict("这个人已经办理，不能再减。")
    if task.kind == TaskKind.AGAIN:
        raise Conflict("退回重签的人不能减；如不需要他重签，请等他办理或联系系统管理员。")
    flow.cancel_task(uow, run, task)
    _note(uow, actor, run, task, "remove", "", task.assignee_id)
    if parent.state == TaskState.DONE:
        flow.settle(uow, actor, run, task.seq)
    return _view(uow, record_id)


def hand_over(
    uow: UnitOfWork, actor: Actor, record_id: int, person: Actor, note: str = ""
) -> RunView:
    """Let another decide in one's place (转交); whose task it was stays on record."""
    run, mine = _own_turn(uow, actor, record_id)
    if mine.kind == TaskKind.ADVICE:
        raise Conflict("请您提意见的文件不能转交，请写意见交回委派您的人。")
    _refuse_seal(mine)
    text = clean_opinion(note, required=False)
    _check_joins(uow, actor, run, mine, person)
    if mine.kind == TaskKind.NORMAL:
        _refuse_second_step(person, _elsewhere(uow, run, mine))
    mine.owner_id = mine.owner_id or actor.id
    mine.assignee_id, mine.is_proxy, mine.opened_at = person.id, False, uow.now()
    audience.let_in(uow, record_id, [person.id])
    _note(uow, actor, run, mine, "hand_over", text, person.id)
    return _view(uow, record_id)


def delegate(
    uow: UnitOfWork, actor: Actor, record_id: int, person: Actor, note: str = ""
) -> RunView:
    """Ask somebody for words, not a signature (委派); then it comes back to oneself."""
    run, mine = _own_turn(uow, actor, record_id)
    if mine.kind == TaskKind.ADVICE:
        raise Conflict("请您提意见的文件不能再委派别人。")
    text = clean_opinion(note, required=False)
    _check_joins(uow, actor, run, mine, person)
    task = chain.add_task(
        uow, run.id, mine.seq, _added_role(mine, "委派"), person.id,
        kind=TaskKind.ADVICE, parent_id=mine.id,
    )  # fmt: skip
    flow.open_task(uow, run, task)
    flow.hold(uow, mine)
    _note(uow, actor, run, mine, "delegate", text, person.id)
    return _view(uow, record_id)


def advise(uow: UnitOfWork, actor: Actor, record_id: int, opinion: str) -> RunView:
    """Answer a 委派 with one's words; the paper goes back to who asked."""
    run, mine = _own_turn(uow, actor, record_id)
    if mine.kind != TaskKind.ADVICE:
        raise Conflict("这一步要您签字，不是只提意见。")
    text = clean_opinion(opinion, required=False)
    if not text:
        raise Invalid("请写下您的意见。", {"opinion": "不能为空"})
    mine.state, mine.done_at, mine.outcome = TaskState.DONE, uow.now(), "advise"
    _note(uow, actor, run, mine, "advise", text)
    flow.after_done(uow, actor, run, mine)
    return _view(uow, record_id)


def reassign(uow: UnitOfWork, actor: Actor, task_id: int, person: Actor, note: str = "") -> RunView:
    """Give an open task to somebody else: the administrator's, or the head's of its person.

    For people who left or cannot act; the task's first owner stays on record.
    """
    task = uow.session.get(SigningTask, task_id)
    if task is None or not _may_reassign(uow, actor, task):
        raise NotFound("没有这项待办，或者不由您改派。")
    run = chain.lock_run(uow, uow.session.get_one(SigningRun, task.run_id).record_id)
    if task.state not in chain.LIVE:
        raise Conflict("这项待办已经办完或取消，不用改派。")
    _refuse_seal(task)
    text = clean_opinion(note, required=False)
    _check_joins(uow, actor, run, task, person, self_allowed=True)
    if task.kind == TaskKind.NORMAL:
        _refuse_second_step(person, _elsewhere(uow, run, task))
    task.owner_id, task.assignee_id, task.is_proxy = (
        task.owner_id or task.assignee_id,
        person.id,
        False,
    )
    audience.let_in(uow, run.record_id, [person.id])
    _note(uow, actor, run, task, "reassign", text, person.id)
    return _view(uow, run.record_id)


def _refuse_seal(task: SigningTask) -> None:
    if flow.is_seal(task):
        raise Conflict(
            "印章由保管人盖，不能转给别人；要换人请安全管理员在“印章”里变更保管人，"
            "保管人临时不在可以设委托。"
        )


def remind(uow: UnitOfWork, actor: Actor, record_id: int) -> int:
    """Remind everybody the paper waits for (催办); return how many. At most once in some hours."""
    record = records.get_record(uow, actor, record_id)
    run = chain.lock_run(uow, record_id)
    tasks = [one for one in chain.tasks_in(uow, run.id) if one.state == TaskState.OPEN]
    if actor.id != record.author_id and not _had_turn(uow, run, actor):
        raise Forbidden("只有提交人和经办人可以催办。")
    if not tasks:
        raise Conflict("现在等的是对方签字，请直接与对方联系，或再做一个签署链接。")
    others = [one for one in tasks if one.assignee_id != actor.id]
    if not others:
        raise Conflict("现在正等您自己办理，不用催别人。")
    last = uow.session.scalar(
        select(func.max(SigningReminder.at)).where(
            SigningReminder.task_id.in_([one.id for one in others]),
            SigningReminder.by_id.is_not(None),
        )
    )
    check_reminder(last, uow.now())
    for task in others:
        uow.session.add(SigningReminder(task_id=task.id, by_id=actor.id, at=uow.now()))
        _note(uow, actor, run, task, "remind", "", task.assignee_id)
    return len(others)


def copy_to(uow: UnitOfWork, actor: Actor, record_id: int, people: Sequence[Actor]) -> int:
    """Send the paper to people to read (抄送); return how many had not got it before."""
    record = records.get_record(uow, actor, record_id)
    run = chain.find_row(uow, record_id)
    if run is None:
        raise Conflict("还没有提交的表不能抄送。")
    if actor.id != record.author_id and not _had_turn(uow, run, actor):
        raise Forbidden("只有提交人和经办人可以抄送。")
    if not people:
        raise Invalid("请写明抄送给谁。", {"person": "不能为空"})
    return sum(audience.send_copy(uow, actor, run, one.id) for one in people)


def _had_turn(uow: UnitOfWork, run: SigningRun, actor: Actor) -> bool:
    """Whether the actor has, or had, the paper on the desk."""
    tasks = chain.tasks_in(uow, run.id)
    return any(one.assignee_id == actor.id and one.opened_at for one in tasks)


def _own_turn(uow: UnitOfWork, actor: Actor, record_id: int) -> tuple[SigningRun, SigningTask]:
    """Return the run, held, and the actor's open task in it; raise Conflict out of turn."""
    records.get_record(uow, actor, record_id)
    run = chain.lock_run(uow, record_id)
    mine = [one for one in chain.tasks_in(uow, run.id) if one.assignee_id == actor.id]
    task = next((one for one in mine if one.state == TaskState.OPEN), None)
    if task is None:
        if mine:
            check_turn(mine[-1].state, actor.id, actor.id, mine[-1].outcome)
        raise Conflict("现在还没轮到您签，或这一步由别人签。")
    require(actor, "record.sign", Thing(kind="task", assignee_ids=frozenset({task.assignee_id})))
    return run, task


def _check_joins(
    uow: UnitOfWork,
    actor: Actor,
    run: SigningRun,
    task: SigningTask,
    person: Actor,
    *,
    self_allowed: bool = False,
) -> None:
    """Refuse who cannot come into the task's step: too close to the paper, or not cleared."""
    present = {
        one.assignee_id
        for one in chain.tasks_in(uow, run.id)
        if one.seq == task.seq and (one.state in chain.LIVE or one.state == TaskState.DONE)
    }
    author_id = uow.session.get_one(Record, run.record_id).author_id
    banned = 0 if self_allowed else actor.id
    check_newcomer(person.id, person.name, banned, author_id, present)
    if not person.handles_papers:
        raise Invalid(f"{person.name}没有办文的角色，不办公文。", {"person": "请选另一个人"})
    audience.require_cleared(uow, run.record_id, person)


def _refuse_second_step(person: Actor, elsewhere: Collection[int]) -> None:
    if person.id in elsewhere:
        raise Invalid(
            f"{person.name}在别的步骤里已经要签，不能一人签两步。", {"person": "请选另一个人"}
        )


def _elsewhere(uow: UnitOfWork, run: SigningRun, task: SigningTask) -> set[int]:
    """Return who has a step of the chain other than the task's."""
    return {
        one.assignee_id
        for one in chain.tasks_in(uow, run.id)
        if one.seq != task.seq
        and one.kind == TaskKind.NORMAL
        and one.state not in (TaskState.CANCELLED, TaskState.VOID)
    }


def _may_reassign(uow: UnitOfWork, actor: Actor, task: SigningTask) -> bool:
    if can(actor, "task.reassign"):
        return True
    return audience.department_of(uow, task.owner_id or task.assignee_id) in actor.headed


def _added_role(task: SigningTask, word: str = "加签") -> str:
    return f"{task.role.split('（')[0][:30]}（{word}）"


def _note(
    uow: UnitOfWork,
    actor: Actor,
    run: SigningRun,
    task: SigningTask,
    action: str,
    words: str,
    other_id: int | None = None,
) -> None:
    chain.note_act(uow, run.id, task.id, action, actor.id, opinion=words, other_id=other_id)
    detail = {"step": task.seq, "task": task.id, "to": other_id}
    uow.journal(actor.id, f"record.{action}", "record", run.record_id, detail)


def _view(uow: UnitOfWork, record_id: int) -> RunView:
    view = chain.find_run(uow, record_id)
    if view is None:
        raise NotFound("这份表还没有提交过。")
    return view
