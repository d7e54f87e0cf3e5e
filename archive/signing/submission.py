"""Submitting a record for signing: who would sign, the number, and the run that starts.

The first act of the chain, in the same three hops as every other (see ``service``). Called by
pages, API, commands.
"""

from collections.abc import Sequence
from dataclasses import replace

from archive.core.errors import Conflict
from archive.documents import service as documents
from archive.forms.service import get_form
from archive.people import service as people
from archive.people.rights import Actor
from archive.records import service as records
from archive.records import stages
from archive.records.drafts import complete_values
from archive.records.rules import content_digest
from archive.records.stages import take_number_for
from archive.records.views import RecordView
from archive.signing import audience, chain, flow
from archive.signing.codes import code_for
from archive.signing.freeze import FrozenPaper
from archive.signing.models import SigningRun
from archive.signing.planning import Chosen, plan_for
from archive.signing.rules import Plan
from archive.signing.seals import ledger
from archive.signing.seals.rules import SealRequest
from archive.signing.seals.service import check_asked
from archive.signing.seals.views import SealAsked
from archive.signing.views import RunView, StepView
from storage.work import UnitOfWork


def preview_chain(
    uow: UnitOfWork,
    actor: Actor,
    record_id: int,
    chosen: Chosen | None = None,
    *,
    with_outside: bool = False,
) -> Plan:
    """Return who would sign the actor's draft if it were submitted as it is; raise Invalid."""
    stages.require_submittable(uow, actor, record_id)
    record = records.get_record(uow, actor, record_id)
    return plan_for(uow, record, chosen, with_outside=with_outside)


def chain_in_words(
    uow: UnitOfWork, actor: Actor, record_id: int, *, with_outside: bool = False
) -> tuple[StepView, ...]:
    """Return the steps a draft would go through, with the names in ``note``; raise Invalid."""
    plan = preview_chain(uow, actor, record_id, with_outside=with_outside)
    names = people.names_of(uow, plan.people)
    return tuple(
        StepView(
            seq=step.seq,
            role=step.role,
            mode=step.mode if len(step.people) > 1 else "one",
            needed=step.needed,
            state="skipped" if step.skipped else "waiting",
            note=step.skipped or "、".join(names[one] for one in step.people) or "对方",
            issues=step.issues,
        )
        for step in plan.steps
    )


def check_seal(
    uow: UnitOfWork, actor: Actor, record_id: int, asked: SealRequest | None
) -> SealAsked | None:
    """Return the seal the submitter asks for, checked against the form; raise Invalid."""
    if asked is None:
        return None
    stages.require_submittable(uow, actor, record_id)
    record = records.get_record(uow, actor, record_id)
    return check_asked(uow, get_form(uow, record.form_code, record.form_version), asked)


def plan_submission(
    uow: UnitOfWork,
    actor: Actor,
    record_id: int,
    version: int,
    chosen: Chosen | None = None,
    *,
    with_outside: bool = False,
    seal: SealAsked | None = None,
) -> tuple[RecordView, Plan]:
    """Check that a record can be submitted, complete it, and find its signers; writes nothing.

    Raises Invalid (entries missing or wrong, nobody to sign), Conflict (stale, wrong state).
    """
    stages.require_submittable(uow, actor, record_id)
    record = records.get_record(uow, actor, record_id)
    if record.version != version:
        raise Conflict("这份表刚被改过，请刷新看过最新内容后再提交。")
    form = get_form(uow, record.form_code, record.form_version)
    complete = complete_values(form, record.content)
    whole = replace(record, content=complete)
    plan = plan_for(uow, whole, chosen, with_outside=with_outside, seal=seal)
    return replace(whole, digest=content_digest(form.code, form.version, complete)), plan


def number_paper(uow: UnitOfWork, record: RecordView) -> RecordView:
    """Take what the paper to be frozen carries: the record's number and the code in its footer.

    Raises Conflict when the record is another than the one looked at.
    """
    take_number_for(uow, record.id, record.version)
    code_for(uow, record.id, record.round + 1)
    numbered = records.load_record(uow, record.id)
    return replace(numbered, content=record.content, digest=record.digest)


def record_submission(
    uow: UnitOfWork,
    actor: Actor,
    record: RecordView,
    plan: Plan,
    frozen: FrozenPaper,
    copies: Sequence[int] = (),
    seal: SealAsked | None = None,
) -> RunView:
    """Write down a submission whose bytes are safe: state, run, tasks, documents, copies."""
    submitted = stages.mark_submitted(uow, actor, record.id, record.version, plan.people)
    run_id = chain.start_run(
        uow, actor, record.id, submitted.round, plan, flow_version=record.form_version
    )
    if seal is not None:
        ledger.open_use(uow, actor, run_id, record.id, record.title, seal)
    for kind, ref in (("docx", frozen.word), ("pdf", frozen.pdf)):
        documents.keep_document(uow, record.id, kind, submitted.round, 0, ref, frozen.pages)
    uow.journal(
        actor.id,
        "record.freeze",
        "record",
        record.id,
        {"round": submitted.round, "word": frozen.word.sha256, "pdf": frozen.pdf.sha256},
    )
    run = uow.session.get_one(SigningRun, run_id)
    flow.open_next(uow, actor, run)
    for person_id in copies:
        audience.send_copy(uow, actor, run, person_id)
    return chain.get_run(uow, record.id)
