"""The acts of signing: submit, sign, return, reject, withdraw; and what waits for whom.

An act that makes bytes comes in three hops, so that nothing is rendered or signed while a
transaction is open: *plan* (reads, and takes the number), *freeze* (bytes into the blob store,
in ``archive.signing.freeze``), *record* (rows). Called by pages, API, commands.
"""

from dataclasses import replace

from sqlalchemy import func, select

from archive.core.errors import Conflict, NotFound
from archive.core.pages import Page
from archive.documents import service as documents
from archive.people import service as people
from archive.people.rights import Actor, Thing, require
from archive.records import service as records
from archive.records import stages
from archive.records.drafts import complete_values
from archive.records.models import Record
from archive.records.rules import content_digest
from archive.records.stages import take_number_for
from archive.records.views import RecordView
from archive.signing import chain
from archive.signing.freeze import FrozenPaper, SignedPaper
from archive.signing.models import SigningRun, SigningTask, TaskState
from archive.signing.rules import PlannedStep, check_turn, clean_opinion
from archive.signing.views import InboxEntry, RunView, TaskView
from doc_templates import load_form
from storage.work import UnitOfWork


def plan_submission(
    uow: UnitOfWork, actor: Actor, record_id: int, version: int
) -> tuple[RecordView, tuple[PlannedStep, ...]]:
    """Check that a record can be submitted, take its number, and find its signers.

    Raises Invalid (entries missing or wrong, nobody to sign), Conflict (stale, wrong state).
    """
    require(actor, "record.submit", records.thing_of(uow, record_id))
    record = records.get_record(uow, actor, record_id)
    if record.version != version:
        raise Conflict("这份表刚被改过，请刷新看过最新内容后再提交。")
    form = load_form(record.form_code, record.form_version)
    complete = complete_values(form, record.content)
    steps = chain.plan_for(uow, record)
    take_number_for(uow, record_id)
    numbered = records.get_record(uow, actor, record_id)
    digest = content_digest(form.code, form.version, complete)
    return replace(numbered, content=complete, digest=digest), steps


def record_submission(
    uow: UnitOfWork,
    actor: Actor,
    record: RecordView,
    steps: tuple[PlannedStep, ...],
    frozen: FrozenPaper,
) -> RunView:
    """Write down a submission whose bytes are safe: state, run, tasks, documents."""
    require(actor, "record.submit", records.thing_of(uow, record.id))
    signers = frozenset(step.assignee_id for step in steps)
    submitted = stages.mark_submitted(uow, actor, record.id, record.version, signers)
    chain.start_run(uow, actor, record.id, submitted.round, steps)
    for kind, ref in (("docx", frozen.word), ("pdf", frozen.pdf)):
        documents.keep_document(uow, record.id, kind, submitted.round, 0, ref, frozen.pages)
    uow.journal(
        actor.id,
        "record.freeze",
        "record",
        record.id,
        {"round": submitted.round, "word": frozen.word.sha256, "pdf": frozen.pdf.sha256},
    )
    return _run(uow, record.id)


def plan_signature(
    uow: UnitOfWork, actor: Actor, record_id: int
) -> tuple[RecordView, RunView, TaskView]:
    """Return what the actor is about to sign; raise Conflict when it is not their turn."""
    record = _readable(uow, actor, record_id)
    run = chain.find_run(uow, record_id)
    if run is None or run.state != "running":
        raise Conflict("这份表现在不在签核中，请刷新看看它的状态。")
    mine = [task for task in run.tasks if task.assignee_id == actor.id]
    task = next((one for one in mine if one.state == "open"), mine[0] if mine else None)
    if task is None:
        raise Conflict("这份表没有要您签的步骤。")
    check_turn(task.state, task.assignee_id, actor.id)
    return record, run, task


def record_signature(
    uow: UnitOfWork, actor: Actor, task: TaskView, signed: SignedPaper, opinion: str
) -> RunView:
    """Write down a signature whose bytes are safe; open the next step, or end the run.

    Raises Conflict when the task was decided meanwhile or the paper is another than the signed.
    """
    row = _open_task(uow, actor, task.id)
    run = uow.session.get_one(SigningRun, row.run_id)
    latest = documents.latest_document(uow, run.record_id, "pdf")
    if latest is None or latest.sha256 != signed.before_sha256:
        raise Conflict("文件在您签字的同时有了变化，请刷新看过最新内容后再签。")
    row.state, row.done_at = TaskState.DONE, uow.now()
    for kind, ref in (("docx", signed.word), ("pdf", signed.pdf)):
        documents.keep_document(uow, run.record_id, kind, run.round, row.seq, ref, signed.pages)
    chain.note_act(
        uow,
        run.id,
        row.id,
        "approve",
        actor.id,
        opinion=clean_opinion(opinion, required=False),
        image_sha256=uow.keep(signed.image),
        pdf_sha256=signed.pdf.sha256,
        certificate_serial=signed.certificate_serial,
    )
    uow.journal(
        actor.id,
        "record.sign",
        "record",
        run.record_id,
        {"step": row.seq, "pdf": signed.pdf.sha256, "certificate": signed.certificate_serial},
    )
    _open_next(uow, actor, run, row.seq)
    uow.session.flush()
    return _run(uow, run.record_id)


def return_record(uow: UnitOfWork, actor: Actor, record_id: int, reason: str) -> RunView:
    """Send a record back to its author to be mended; the signatures of this round are void."""
    return _end_by_signer(uow, actor, record_id, reason, "return")


def reject_record(uow: UnitOfWork, actor: Actor, record_id: int, reason: str) -> RunView:
    """Refuse a record for good."""
    return _end_by_signer(uow, actor, record_id, reason, "reject")


def withdraw_record(uow: UnitOfWork, actor: Actor, record_id: int) -> RunView:
    """Take one's own record back while it is being signed; it becomes a draft again."""
    require(actor, "record.withdraw", records.thing_of(uow, record_id))
    run = chain.find_run(uow, record_id)
    if run is None or run.state != "running":
        raise Conflict("只有签核中的表才能撤回。")
    stages.mark_withdrawn(uow, actor, record_id)
    chain.note_act(uow, run.id, None, "withdraw", actor.id)
    chain.end_run(uow, run.id, "withdrawn")
    uow.journal(actor.id, "record.withdraw", "record", record_id, {"round": run.round})
    return _run(uow, record_id)


def find_run(uow: UnitOfWork, actor: Actor, record_id: int) -> RunView | None:
    """Return the signing run of a record the actor may read, or None."""
    _readable(uow, actor, record_id)
    return chain.find_run(uow, record_id)


def get_run(uow: UnitOfWork, actor: Actor, record_id: int) -> RunView:
    """Return the signing run of a record the actor may read; raise NotFound."""
    _readable(uow, actor, record_id)
    return _run(uow, record_id)


def signature_images(uow: UnitOfWork, record_id: int) -> dict[int, str]:
    """Return the digest of each given signature's picture in the present run, by step."""
    run = chain.find_run(uow, record_id)
    return {} if run is None else chain.images_of(uow, run.id)


def participants_of(uow: UnitOfWork, record_id: int) -> frozenset[int]:
    """Return everyone who had or has a step in any run of the record."""
    rows = uow.session.scalars(
        select(SigningTask.assignee_id)
        .join(SigningRun, SigningRun.id == SigningTask.run_id)
        .where(SigningRun.record_id == record_id)
    )
    return frozenset(rows)


def inbox(
    uow: UnitOfWork, actor: Actor, *, done: bool = False, page: int = 1, per_page: int = 20
) -> Page[InboxEntry]:
    """Return what waits for the actor to sign (or, ``done``, what they signed)."""
    state = TaskState.DONE if done else TaskState.OPEN
    mine = (SigningTask.assignee_id == actor.id, SigningTask.state == state)
    total = uow.session.scalar(select(func.count()).select_from(SigningTask).where(*mine)) or 0
    order = SigningTask.done_at.desc() if done else SigningTask.opened_at
    rows = uow.session.execute(
        select(SigningTask, Record)
        .join(SigningRun, SigningRun.id == SigningTask.run_id)
        .join(Record, Record.id == SigningRun.record_id)
        .where(*mine)
        .order_by(order, SigningTask.id)
        .limit(per_page)
        .offset((page - 1) * per_page)
    ).all()
    names = people.names_of(uow, [record.author_id for _, record in rows])
    entries = tuple(
        InboxEntry(
            task_id=task.id,
            record_id=record.id,
            role=task.role,
            number=record.number or "",
            title=record.title,
            form_title=load_form(record.form_code, record.form_version).title,
            author_name=names.get(record.author_id, ""),
            opened_at=task.opened_at,
            done_at=task.done_at,
            state=task.state,
        )
        for task, record in rows
    )
    return Page(entries, total, page, per_page)


def waiting_count(uow: UnitOfWork, actor: Actor) -> int:
    """Return how many papers wait for the actor's signature."""
    return (
        uow.session.scalar(
            select(func.count())
            .select_from(SigningTask)
            .where(SigningTask.assignee_id == actor.id, SigningTask.state == TaskState.OPEN)
        )
        or 0
    )


def _readable(uow: UnitOfWork, actor: Actor, record_id: int) -> RecordView:
    return records.get_record(uow, actor, record_id)


def _run(uow: UnitOfWork, record_id: int) -> RunView:
    run = chain.find_run(uow, record_id)
    if run is None:
        raise NotFound("这份表还没有提交过。")
    return run


def _open_task(uow: UnitOfWork, actor: Actor, task_id: int) -> SigningTask:
    row = uow.session.get_one(SigningTask, task_id)
    assigned = Thing(kind="task", assignee_ids=frozenset({row.assignee_id}))
    require(actor, "record.sign", assigned)
    check_turn(row.state, row.assignee_id, actor.id)
    return row


def _open_next(uow: UnitOfWork, actor: Actor, run: SigningRun, seq: int) -> None:
    following = uow.session.scalar(
        select(SigningTask).where(SigningTask.run_id == run.id, SigningTask.seq == seq + 1)
    )
    if following is not None:
        following.state, following.opened_at = TaskState.OPEN, uow.now()
        return
    run.state, run.ended_at = "done", uow.now()
    stages.mark_signed(uow, actor, run.record_id)


def _end_by_signer(
    uow: UnitOfWork, actor: Actor, record_id: int, reason: str, action: str
) -> RunView:
    _, run, task = plan_signature(uow, actor, record_id)
    _open_task(uow, actor, task.id)
    opinion = clean_opinion(reason, required=True)
    mark = stages.mark_returned if action == "return" else stages.mark_rejected
    mark(uow, actor, record_id, opinion)
    chain.note_act(uow, run.id, task.id, action, actor.id, opinion=opinion)
    chain.end_run(uow, run.id, "returned" if action == "return" else "rejected")
    uow.journal(
        actor.id, f"record.{action}", "record", record_id, {"round": run.round, "step": task.seq}
    )
    return _run(uow, record_id)
