"""The acts of signing: sign, return, reject, withdraw; and what waits for whom.

An act that makes bytes comes in three hops, so that nothing is rendered or signed while a
transaction is open: *plan* (reads, and takes the number), *freeze* (bytes into the blob store,
in ``archive.signing.freeze``), *record* (rows). Submitting is in ``submission``; what follows from
an act is ``flow``'s; acts that bring other people in are in ``detours``. Called by pages, API,
commands.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid
from archive.documents import service as documents
from archive.people.rights import Actor, Thing, require
from archive.records import service as records
from archive.records import stages
from archive.records.views import RecordView
from archive.signing import chain, entries, flow
from archive.signing.freeze import SignedPaper
from archive.signing.inbox import inbox, waiting_count, waits_for
from archive.signing.models import SigningRun, SigningTask, TaskKind, TaskState
from archive.signing.rules import check_agreement, check_turn, clean_opinion, why_closed
from archive.signing.views import RunView, TaskView
from storage.work import UnitOfWork

__all__ = [
    "PaperMoved",
    "check_words",
    "find_run",
    "get_run",
    "inbox",
    "may_take_back",
    "participants_of",
    "plan_signature",
    "record_signature",
    "reject_record",
    "return_record",
    "signature_images",
    "take_back",
    "waiting_count",
    "waits_for",
    "withdraw_record",
]


class PaperMoved(Conflict):
    """Somebody else signed the same paper at the same moment; signing again on theirs is fine."""


def plan_signature(
    uow: UnitOfWork, actor: Actor, record_id: int
) -> tuple[RecordView, RunView, TaskView]:
    """Return what the actor is about to sign; raise Conflict when it is not their turn."""
    record = records.get_record(uow, actor, record_id)
    run = chain.find_run(uow, record_id)
    if run is None:
        raise Conflict(why_closed(""))
    task = run.open_task_of(actor.id) or _latest_of(run, actor.id)
    if run.state != "running":
        raise Conflict(why_closed(run.state, task.outcome if task else ""))
    if task is None:
        raise Conflict("这份表没有要您签的步骤。")
    if task.state == TaskState.WAITING:
        _check_not_held(run, task)
    check_turn(task.state, task.assignee_id, actor.id, task.outcome)
    return record, run, replace(task, ends_run=flow.would_end(uow, run.id, task.id))


def check_words(uow: UnitOfWork, task: TaskView, opinion: str, *, circled: bool) -> None:
    """Raise Invalid when the words cannot stand beside a signature at this task."""
    row = uow.session.get_one(SigningTask, task.id)
    if row.kind == TaskKind.ADVICE:
        raise Conflict("请您提意见的文件不用签字，写好意见按“提出意见”即可。")
    text = clean_opinion(opinion, required=False)
    check_agreement(text, circled=circled, issues=_issues(uow, row))


def record_signature(
    uow: UnitOfWork,
    actor: Actor,
    task: TaskView,
    signed: SignedPaper,
    opinion: str,
    *,
    outcome: str = "approve",
    filled: Mapping[str, object] | None = None,
) -> RunView:
    """Write down a signature whose bytes are safe; open the next step, or end the run.

    ``outcome``: approve, circle (圈阅) or seal (用印). Raises Conflict when the task was decided
    meanwhile, PaperMoved when the paper is another than the signed.
    """
    run, row = _open_task(uow, actor, task.id)
    check_words(uow, task, opinion, circled=outcome == "circle")
    _require_unmoved(uow, run, task, signed)
    text = clean_opinion(opinion, required=False)
    digest = entries.enter(uow, actor, run, row.role, filled or {})
    stage = flow.next_stage(uow, run)
    for kind, ref in (("docx", signed.word), ("pdf", signed.pdf)):
        documents.keep_document(uow, run.record_id, kind, run.round, stage, ref, signed.pages)
    row.state, row.done_at = TaskState.DONE, uow.now()
    row.outcome = outcome
    chain.note_act(
        uow,
        run.id,
        row.id,
        row.outcome,
        actor.id,
        opinion=text or ("圈阅" if outcome == "circle" else ""),
        image_sha256=uow.keep(signed.image),
        pdf_sha256=signed.pdf.sha256,
        certificate_serial=signed.certificate_serial,
        on_behalf_id=row.owner_id if row.is_proxy else None,
        before_sha256=signed.before_sha256,
        content_digest=digest,
        filled=filled,
    )
    uow.journal(
        actor.id,
        "record.seal" if outcome == "seal" else "record.sign",
        "record",
        run.record_id,
        {"step": row.seq, "pdf": signed.pdf.sha256, "certificate": signed.certificate_serial},
    )
    flow.after_done(uow, actor, run, row)
    return chain.get_run(uow, run.record_id)


def return_record(
    uow: UnitOfWork,
    actor: Actor,
    record_id: int,
    reason: str,
    to: int | None = None,
    *,
    straight_back: bool = False,
) -> RunView:
    """Send a paper back: to its author (``to`` None or 0), or to a step that is done.

    Back to the author, this round is over. Back to a step, the signatures from that step on are
    void and the chain runs again from there; with ``straight_back`` that step's people sign once
    more beside what stands, and it comes back to the one who returned it.
    """
    plan_signature(uow, actor, record_id)
    run, row = _open_task(uow, actor, _own_open(uow, actor, record_id))
    if row.kind == TaskKind.ADVICE:
        raise Conflict("请您提意见的文件不能退回，请写意见交回委派您的人。")
    opinion = clean_opinion(reason, required=True)
    if not to:
        entries.clear(uow, actor, record_id, None)
        stages.mark_returned(uow, actor, record_id, opinion, step=row.seq)
        _note(uow, run, row, "return", actor, opinion)
        chain.end_run(uow, run.id, "returned")
    else:
        _return_to_step(uow, actor, run, row, to, opinion, straight_back=straight_back)
        detail = {"round": run.round, "step": row.seq, "to": to}
        uow.journal(actor.id, "record.return_to_step", "record", record_id, detail)
    return chain.get_run(uow, record_id)


def reject_record(uow: UnitOfWork, actor: Actor, record_id: int, reason: str) -> RunView:
    """Say no: for good, or, where a share of several must agree (会签), as one vote against."""
    plan_signature(uow, actor, record_id)
    run, row = _open_task(uow, actor, _own_open(uow, actor, record_id))
    if row.kind == TaskKind.ADVICE:
        raise Conflict("请您提意见的文件不能拒绝，请写意见交回委派您的人。")
    opinion = clean_opinion(reason, required=True)
    step = next(one for one in chain.steps_in(uow, run.id) if one.seq == row.seq)
    if step.mode.startswith("ratio:") and row.kind == TaskKind.NORMAL:
        row.state, row.done_at, row.outcome = TaskState.DONE, uow.now(), "refuse"
        _note(uow, run, row, "refuse", actor, opinion)
        detail = {"round": run.round, "step": row.seq}
        uow.journal(actor.id, "record.refuse", "record", record_id, detail)
        flow.settle(uow, actor, run, row.seq, opinion)
    else:
        stages.mark_rejected(uow, actor, record_id, opinion, step=row.seq)
        _note(uow, run, row, "reject", actor, opinion)
        chain.end_run(uow, run.id, "rejected")
    return chain.get_run(uow, record_id)


def withdraw_record(uow: UnitOfWork, actor: Actor, record_id: int) -> RunView:
    """Take one's own record back while it is being signed; it becomes a draft again."""
    require(actor, "record.withdraw", records.thing_of(uow, record_id))
    latest = chain.find_run(uow, record_id)
    if latest is None:
        raise Conflict("这份表还没有提交签核，不用撤回。")
    if latest.state != "running":
        raise Conflict(f"不能撤回：{why_closed(latest.state)}")
    run = chain.lock_run(uow, record_id)
    entries.clear(uow, actor, record_id, None)
    stages.mark_withdrawn(uow, actor, record_id)
    chain.note_act(uow, run.id, None, "withdraw", actor.id)
    chain.end_run(uow, run.id, "withdrawn")
    return chain.get_run(uow, record_id)


def take_back(uow: UnitOfWork, actor: Actor, record_id: int) -> RunView:
    """Take one's own signature back while nobody has acted after it; raise Conflict."""
    records.get_record(uow, actor, record_id)
    run = chain.lock_run(uow, record_id)
    last = chain.last_act(uow, run.id)
    if last.action == "take_back" and last.by_id == actor.id:
        raise Conflict("您的签字已经收回，不用再收回。")
    if last.action not in chain.SIGNED or last.by_id != actor.id or last.task_id is None:
        raise Conflict("后面的人已经办理，或最近一步不是您签的，不能收回签字。")
    row = uow.session.get_one(SigningTask, last.task_id)
    entries.clear(uow, actor, record_id, {row.role})
    flow.take_back(uow, run, row, last)
    chain.note_act(uow, run.id, row.id, "take_back", actor.id)
    uow.journal(actor.id, "record.take_back", "record", record_id, {"step": row.seq})
    return chain.get_run(uow, record_id)


def may_take_back(uow: UnitOfWork, actor: Actor, record_id: int) -> bool:
    """Say whether the last act of a run under way is the actor's own signature."""
    run = chain.find_row(uow, record_id)
    if run is None or run.state != "running":
        return False
    last = chain.last_act(uow, run.id)
    return last.action in chain.SIGNED and last.by_id == actor.id


def find_run(uow: UnitOfWork, actor: Actor, record_id: int) -> RunView | None:
    """Return the signing run of a record the actor may read, or None."""
    records.get_record(uow, actor, record_id)
    return chain.find_run(uow, record_id)


def get_run(uow: UnitOfWork, actor: Actor, record_id: int) -> RunView:
    """Return the signing run of a record the actor may read; raise NotFound."""
    records.get_record(uow, actor, record_id)
    return chain.get_run(uow, record_id)


def signature_images(uow: UnitOfWork, record_id: int) -> dict[int, str]:
    """Return the digest of each given signature's picture in the present run, by slot."""
    run = chain.find_row(uow, record_id)
    return {} if run is None else chain.images_of(uow, run.id)


def participants_of(uow: UnitOfWork, record_id: int) -> frozenset[int]:
    """Return everyone who had or has a step in any run of the record."""
    rows = uow.session.scalars(
        select(SigningTask.assignee_id)
        .join(SigningRun, SigningRun.id == SigningTask.run_id)
        .where(SigningRun.record_id == record_id)
    )
    return frozenset(rows)


def _return_to_step(
    uow: UnitOfWork,
    actor: Actor,
    run: SigningRun,
    row: SigningTask,
    to: int,
    opinion: str,
    *,
    straight_back: bool,
) -> None:
    step = next((one for one in chain.steps_in(uow, run.id) if one.seq == to), None)
    if step is None or step.state != "done" or to >= row.seq:
        raise Invalid("只能退回到前面已经签完的一步，或退回给提交人。", {"to": "请从列表里选一步"})
    _note(uow, run, row, "return", actor, f"（退回到{step.role}）{opinion}")
    if not straight_back:
        void = {one.role for one in chain.steps_in(uow, run.id) if one.seq >= to}
        entries.clear(uow, actor, run.record_id, void)
        flow.do_over(uow, run, to)
        return
    asked = [
        one.assignee_id
        for one in chain.tasks_in(uow, run.id)
        if one.seq == to and one.kind == TaskKind.NORMAL and one.state == TaskState.DONE
    ]
    for person_id in asked:
        slot = flow.spare_slot(uow, run)
        task = chain.add_task(
            uow, run.id, to, f"{step.role}（重签）", person_id,
            slot=slot, kind=TaskKind.AGAIN, parent_id=row.id,
        )  # fmt: skip
        flow.open_task(uow, run, task)
    flow.hold(uow, row)


def _latest_of(run: RunView, person_id: int) -> TaskView | None:
    """Return the person's task to speak of when none is open: the one ahead, else the last."""
    mine = [task for task in run.tasks if task.assignee_id == person_id]
    ahead = next((one for one in mine if one.state == "waiting"), None)
    return ahead or (mine[-1] if mine else None)


def _check_not_held(run: RunView, task: TaskView) -> None:
    asked = [one for one in run.open_tasks if one.parent_id == task.id and one.kind != "after"]
    if asked:
        names = "、".join(one.assignee_name for one in asked)
        raise Conflict(f"您已请{names}先办，他们办完后会回到您这里。")


def _require_unmoved(uow: UnitOfWork, run: SigningRun, task: TaskView, signed: SignedPaper) -> None:
    """Raise PaperMoved unless the paper, and what follows from signing it, are as when signed."""
    latest = documents.latest_document(uow, run.record_id, "pdf")
    if latest is None or latest.sha256 != signed.before_sha256:
        raise PaperMoved("文件在您签字的同时有了变化，请刷新看过最新内容后再签。")
    if flow.would_end(uow, run.id, task.id) != task.ends_run:
        raise PaperMoved("签核人刚有变动，请刷新看过最新情况后再签。")


def _own_open(uow: UnitOfWork, actor: Actor, record_id: int) -> int:
    return plan_signature(uow, actor, record_id)[2].id


def _open_task(uow: UnitOfWork, actor: Actor, task_id: int) -> tuple[SigningRun, SigningTask]:
    """Return run and task, held for this act, if it is the actor's turn."""
    run_id = uow.session.get_one(SigningTask, task_id).run_id
    record_id = uow.session.get_one(SigningRun, run_id).record_id
    run = chain.lock_run(uow, record_id)
    row = uow.session.get_one(SigningTask, task_id, populate_existing=True)
    require(actor, "record.sign", Thing(kind="task", assignee_ids=frozenset({row.assignee_id})))
    check_turn(row.state, row.assignee_id, actor.id, row.outcome)
    return run, row


def _issues(uow: UnitOfWork, row: SigningTask) -> bool:
    steps = chain.steps_in(uow, row.run_id)
    return any(one.issues for one in steps if one.seq == row.seq and row.kind == TaskKind.NORMAL)


def _note(
    uow: UnitOfWork, run: SigningRun, row: SigningTask, action: str, actor: Actor, opinion: str
) -> None:
    behalf = row.owner_id if row.is_proxy else None
    chain.note_act(uow, run.id, row.id, action, actor.id, opinion=opinion, on_behalf_id=behalf)
