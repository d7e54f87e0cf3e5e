"""Inviting the other party to sign, and writing down what came of it.

The plan is the same as for our own signatures: plan, freeze, record. Whoever opens the link has
no account; what they may do follows from the invitation alone. Nothing here commits.
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from archive.core.errors import Conflict, Forbidden, NotFound
from archive.core.profile import load_profile
from archive.documents import service as documents
from archive.people import service as people
from archive.people.rights import Actor, require
from archive.records import service as records
from archive.records.views import RecordView
from archive.signing import chain, flow
from archive.signing.entries import form_for
from archive.signing.freeze import SignedPaper
from archive.signing.models import SigningRun, SigningStep
from archive.signing.outside.models import Invitation, InvitationState
from archive.signing.outside.rules import (
    MOST_WRONG,
    Link,
    Stranger,
    clean_days,
    clean_reason,
    code_digest,
    digest_of,
    how_sent,
)
from archive.signing.outside.views import InvitationView, OutsideOutcome, OutsidePaper
from archive.signing.rules import PlannedStep
from storage.blobs import BlobRef
from storage.work import UnitOfWork

GONE = "这个链接不对，或者已经收回。请向发给您链接的人再要一个。"
OVER = "这个链接已过期。请向发给您链接的人再要一个。"
MOVED = "这份文件在发出链接之后有了变化，请向发给您链接的人要一个新的链接。"
LOCKED = "验证码错得太多，链接已停用。请向发给您链接的人再要一个。"


def plan_invitation(
    uow: UnitOfWork, actor: Actor, record_id: int, days: int | None
) -> tuple[RecordView, str, datetime]:
    """Return the paper, its form's title and until when a link made now is good.

    Raises Conflict unless the paper waits for the other party, Invalid for a wrong term.
    """
    require(actor, "record.withdraw", records.thing_of(uow, record_id))
    _waiting_step(uow, record_id)
    record = records.load_record(uow, record_id)
    return record, form_for(uow, record).title, uow.now() + timedelta(days=clean_days(days))


def invite(
    uow: UnitOfWork,
    actor: Actor,
    record_id: int,
    link: Link,
    days: int | None,
    contact: str,
    mailed_to: str = "",
) -> InvitationView:
    """Write down a one-time link for the other party, in place of any earlier one.

    ``contact``: how the link is sent; ``mailed_to``: where its code was mailed. Raises as
    ``plan_invitation``.
    """
    require(actor, "record.withdraw", records.thing_of(uow, record_id))
    run, step = _waiting_step(uow, record_id)
    days = clean_days(days)
    for row in _open_rows(uow, record_id):
        _end(uow, row, InvitationState.REVOKED)
    latest = documents.latest_document(uow, record_id, "pdf")
    if latest is None:
        raise Conflict("这份文件还没有定稿的 PDF，不能请对方签字。")
    record = records.load_record(uow, record_id)
    row = Invitation(
        run_id=run.id,
        record_id=record_id,
        seq=step.seq,
        slot=_slot_of(uow, run, step),
        role=step.role,
        party=record.customer_name[:120],
        token_digest=link.token_digest,
        code_digest=link.code_digest,
        pdf_sha256=latest.sha256,
        contact=how_sent(contact, mailed_to),
        made_by_id=actor.id,
        made_at=uow.now(),
        expires_at=uow.now() + timedelta(days=days),
        state=InvitationState.OPEN,
        opened_at=None,
        ended_at=None,
        signed_sha256=None,
        certificate_serial=None,
    )
    uow.session.add(row)
    uow.session.flush()
    chain.note_act(uow, run.id, None, "invite", actor.id)
    detail = {"invitation": row.id, "pdf": latest.sha256, "mailed": bool(mailed_to)}
    uow.journal(actor.id, "record.invite", "record", record_id, detail)
    return _view(uow, row)


def revoke(uow: UnitOfWork, actor: Actor, record_id: int, invitation_id: int) -> None:
    """Take a link back; it opens nothing any more. Raises NotFound, Conflict."""
    require(actor, "record.withdraw", records.thing_of(uow, record_id))
    row = uow.session.get(Invitation, invitation_id)
    if row is None or row.record_id != record_id:
        raise NotFound("没有这个邀请。")
    if row.state != InvitationState.OPEN:
        raise Conflict("这个邀请已经结束，不用再收回。")
    _end(uow, row, InvitationState.REVOKED)
    chain.note_act(uow, row.run_id, None, "uninvite", actor.id)
    uow.journal(actor.id, "record.uninvite", "record", record_id, {"invitation": row.id})


def list_invitations(uow: UnitOfWork, actor: Actor, record_id: int) -> tuple[InvitationView, ...]:
    """Return the invitations of a paper the actor may read, newest first."""
    records.get_record(uow, actor, record_id)
    rows = uow.session.scalars(
        select(Invitation).where(Invitation.record_id == record_id).order_by(Invitation.id.desc())
    )
    return tuple(_view(uow, row) for row in rows)


def may_invite(uow: UnitOfWork, actor: Actor, record_id: int) -> bool:
    """Say whether the paper waits for the other party and the actor may send the link."""
    try:
        require(actor, "record.withdraw", records.thing_of(uow, record_id))
        _waiting_step(uow, record_id)
    except (Forbidden, NotFound, Conflict):
        return False
    return True


def find_by_link(uow: UnitOfWork, token: str) -> InvitationView:
    """Return the invitation a link opens; raise NotFound for one that opens nothing (any more)."""
    row = _row_of(uow, token)
    _require_good(uow, row)
    return _view(uow, row)


def try_code(uow: UnitOfWork, token: str, code: str) -> int:
    """Check a code typed by the other party; return 0 when it is right, else the tries left.

    Tries are counted on the link, so nobody can guess. Raises NotFound for a dead link.
    """
    row = _row_of(uow, token)
    _require_good(uow, row)
    if code_digest(token, code) == row.code_digest:
        row.opened_at = row.opened_at or uow.now()
        uow.session.flush()
        return 0
    row.wrong_codes += 1
    left = MOST_WRONG - row.wrong_codes
    if left <= 0:
        _end(uow, row, InvitationState.LOCKED)
    uow.session.flush()
    return max(left, 0) or -1


def paper_for(uow: UnitOfWork, token: str) -> tuple[OutsidePaper, RecordView]:
    """Return what the other party may see of the paper, and the record behind it."""
    invitation = find_by_link(uow, token)
    record = records.load_record(uow, invitation.record_id)
    latest = documents.latest_document(uow, record.id, "pdf")
    shown = OutsidePaper(
        invitation=invitation,
        company=load_profile(uow).company,
        title=record.title,
        number=record.number or "",
        form_title=form_for(uow, record).title,
        pages=latest.pages if latest else 0,
    )
    return shown, record


def pdf_for(uow: UnitOfWork, token: str) -> tuple[str, str]:
    """Return digest and title of the paper behind a link: as sent, after signing as signed."""
    row = _row_of(uow, token)
    record = records.load_record(uow, row.record_id)
    if row.state == InvitationState.SIGNED and row.signed_sha256:
        return row.signed_sha256, record.title
    _require_good(uow, row)
    return row.pdf_sha256, record.title


def outcome_for(uow: UnitOfWork, token: str) -> OutsideOutcome:
    """Return what came of an invitation that is over; raise NotFound while it is not."""
    row = _row_of(uow, token)
    if row.state not in (InvitationState.SIGNED, InvitationState.DECLINED):
        raise NotFound("这份文件还没有签，请回到链接的页面。")
    record = records.load_record(uow, row.record_id)
    return OutsideOutcome(row.state, record.title, load_profile(uow).company)


def record_outside(
    uow: UnitOfWork,
    token: str,
    stranger: Stranger,
    signed: SignedPaper,
    evidence: tuple[BlobRef, int],
) -> None:
    """Write down the other party's signature whose bytes are safe; the run is over with it."""
    row = _row_of(uow, token)
    _require_good(uow, row)
    run = chain.lock_run(uow, row.record_id)
    inviter = _inviter(uow, row)
    stage = flow.next_stage(uow, run)
    for kind, ref, pages in (
        ("docx", signed.word, signed.pages),
        ("pdf", signed.pdf, signed.pages),
        ("evidence", *evidence),
    ):
        documents.keep_document(uow, row.record_id, kind, run.round, stage, ref, pages)
    row.name, row.phone = stranger.name, stranger.phone
    row.address, row.browser = stranger.address, stranger.browser
    row.signed_sha256, row.certificate_serial = signed.pdf.sha256, signed.certificate_serial
    _end(uow, row, InvitationState.SIGNED)
    chain.note_act(
        uow,
        run.id,
        None,
        "outside",
        inviter.id,
        opinion=f"{row.role}：{row.party} {stranger.name}".strip(),
        image_sha256=uow.keep(signed.image),
        pdf_sha256=signed.pdf.sha256,
        certificate_serial=signed.certificate_serial,
        before_sha256=signed.before_sha256,
    )
    detail = {
        "invitation": row.id,
        "pdf": signed.pdf.sha256,
        "evidence": evidence[0].sha256,
        "certificate": signed.certificate_serial,
    }
    uow.journal(None, "record.sign_outside", "record", row.record_id, detail)
    _close_step(uow, inviter, run, row.seq)


def record_decline(uow: UnitOfWork, token: str, reason: str) -> None:
    """Write down that the other party will not sign; our side may change the paper or ask anew."""
    text = clean_reason(reason)
    row = _row_of(uow, token)
    _require_good(uow, row)
    row.reason = text
    _end(uow, row, InvitationState.DECLINED)
    chain.note_act(uow, row.run_id, None, "outside_no", row.made_by_id, opinion=text)
    uow.journal(None, "record.decline_outside", "record", row.record_id, {"invitation": row.id})


def plan_scan(uow: UnitOfWork, actor: Actor, record_id: int) -> tuple[RecordView, str]:
    """Return the record and its PDF's digest, if a scan of the paper signed by hand is due."""
    require(actor, "record.withdraw", records.thing_of(uow, record_id))
    _waiting_step(uow, record_id)
    latest = documents.latest_document(uow, record_id, "pdf")
    if latest is None:
        raise Conflict("这份文件还没有定稿的 PDF。")
    return records.get_record(uow, actor, record_id), latest.sha256


def record_scan(
    uow: UnitOfWork,
    actor: Actor,
    record_id: int,
    scan: tuple[BlobRef, int],
    closed: tuple[BlobRef, int],
    before_sha256: str,
) -> None:
    """Set a scan beside the paper; it takes the place of the other party's signature."""
    require(actor, "record.withdraw", records.thing_of(uow, record_id))
    run = chain.lock_run(uow, record_id)
    _, step = _waiting_step(uow, record_id)
    latest = documents.latest_document(uow, record_id, "pdf")
    if latest is None or latest.sha256 != before_sha256:
        raise Conflict("文件刚有了变化，请刷新看过最新内容后再传。")
    stage = flow.next_stage(uow, run)
    for kind, (ref, pages) in (("scan", scan), ("pdf", closed)):
        documents.keep_document(uow, record_id, kind, run.round, stage, ref, pages)
    for row in _open_rows(uow, record_id):
        _end(uow, row, InvitationState.REVOKED)
    chain.note_act(uow, run.id, None, "scan", actor.id, pdf_sha256=closed[0].sha256)
    detail = {"scan": scan[0].sha256, "pdf": closed[0].sha256}
    uow.journal(actor.id, "record.scan", "record", record_id, detail)
    _close_step(uow, actor, run, step.seq)


def _close_step(uow: UnitOfWork, actor: Actor, run: SigningRun, seq: int) -> None:
    next(one for one in chain.steps_in(uow, run.id) if one.seq == seq).state = "done"
    uow.session.flush()
    flow.open_next(uow, actor, run)


def _waiting_step(uow: UnitOfWork, record_id: int) -> tuple[SigningRun, SigningStep]:
    """Return run and step of a paper that waits for the other party; raise Conflict."""
    run = chain.find_row(uow, record_id)
    view = chain.find_run(uow, record_id)
    waiting = view.outside_step if view and view.state == "running" else None
    if run is None or waiting is None:
        raise Conflict("这份文件现在不等对方签字：先要我方签完，或提交时没有选对方在线签字。")
    return run, next(one for one in chain.steps_in(uow, run.id) if one.seq == waiting.seq)


def _slot_of(uow: UnitOfWork, run: SigningRun, step: SigningStep) -> int:
    """Return the field kept for the step: the next after those of our people, as planned."""
    used = [one.slot for one in chain.tasks_in(uow, run.id) if one.kind == "normal"]
    planned = PlannedStep(step.seq, step.role, (), step.candidate, first_slot=max(used) + 1)
    return planned.slots[0]


def _row_of(uow: UnitOfWork, token: str) -> Invitation:
    row = uow.session.scalar(select(Invitation).where(Invitation.token_digest == digest_of(token)))
    if row is None:
        raise NotFound(GONE)
    return row


def _require_good(uow: UnitOfWork, row: Invitation) -> None:
    """Raise NotFound unless the link still opens the very paper it was made for."""
    told = {
        InvitationState.SIGNED: "您已经签过这份文件，链接不能再用。",
        InvitationState.DECLINED: "您已经答复不签，链接不能再用。",
        InvitationState.LOCKED: LOCKED,
        InvitationState.REVOKED: GONE,
    }
    if row.state != InvitationState.OPEN:
        raise NotFound(told[InvitationState(row.state)])
    if row.expires_at <= uow.now():
        raise NotFound(OVER)
    run = uow.session.get_one(SigningRun, row.run_id)
    latest = documents.latest_document(uow, row.record_id, "pdf")
    if run.state != "running" or latest is None or latest.sha256 != row.pdf_sha256:
        raise NotFound(MOVED)


def _inviter(uow: UnitOfWork, row: Invitation) -> Actor:
    """Return in whose name the run goes on: the inviter, else the head of the department."""
    found = people.find_actor(uow, row.made_by_id)
    if found is None:
        record = records.load_record(uow, row.record_id)
        found = people.head_of(uow, record.department_id)
    if found is None:
        raise Conflict("发出链接的人已不在职，请联系对方单位。")
    return found


def _open_rows(uow: UnitOfWork, record_id: int) -> list[Invitation]:
    return list(
        uow.session.scalars(
            select(Invitation).where(
                Invitation.record_id == record_id, Invitation.state == InvitationState.OPEN
            )
        )
    )


def _end(uow: UnitOfWork, row: Invitation, state: InvitationState) -> None:
    row.state, row.ended_at = state, uow.now()
    uow.session.flush()


def _view(uow: UnitOfWork, row: Invitation) -> InvitationView:
    is_over = row.state == InvitationState.OPEN and row.expires_at <= uow.now()
    return InvitationView(
        id=row.id,
        record_id=row.record_id,
        run_id=row.run_id,
        seq=row.seq,
        slot=row.slot,
        role=row.role,
        party=row.party,
        contact=row.contact,
        made_by_id=row.made_by_id,
        made_by_name=people.names_of(uow, [row.made_by_id])[row.made_by_id],
        made_at=row.made_at,
        expires_at=row.expires_at,
        state="expired" if is_over else row.state,
        pdf_sha256=row.pdf_sha256,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
        name=row.name,
        phone=row.phone,
        reason=row.reason,
    )
