"""Says in plain Chinese whether a file or a printed code comes from here, and is unchanged.

Used by the public page behind the printed QR code and by ``archive verify-file``; neither shows
content. Whether the archive holds the file is the filing station's to add. Needs no network.
"""

import hashlib
from dataclasses import dataclass, replace

from sqlalchemy import select

from archive.core.resources import Resources
from archive.documents.models import Document
from archive.forms.service import get_form
from archive.records import service as records
from archive.records.models import RecordVersion
from archive.signing import chain
from archive.signing.codes import find_coded
from archive.signing.judging import FileVerdict, Known, SignerVerdict, judge_bytes
from archive.signing.keys import open_authority, revoked_serials
from archive.signing.models import SigningRun
from archive.signing.outside.models import Invitation, InvitationState
from archive.signing.own_keys import registered_certificates
from archive.signing.timestamps import trusted_roots
from archive.signing.verdict_reader import judge_apart
from archive.signing.views import TaskView
from storage.work import UnitOfWork

__all__ = [
    "FileVerdict",
    "LinkVerdict",
    "SignerVerdict",
    "judge_file",
    "judge_link",
    "judge_stranger",
]

# Kept beside a paper, but not made here: whoever hands one in does not make it ours.
HANDED_IN = {"scan": "这是留存在本系统的对方签署扫描件", "stamped": "这是留存在本系统的盖章扫描件"}


@dataclass(frozen=True)
class LinkVerdict:
    """What the printed code of a paper stands for; nothing of its content."""

    known: bool
    number: str = ""
    form_title: str = ""
    state_label: str = ""
    signatures: tuple[SignerVerdict, ...] = ()
    is_superseded: bool = False


def judge_link(uow: UnitOfWork, code: str) -> LinkVerdict:
    """Say what the code printed on a paper stands for."""
    coded = find_coded(uow, code)
    if coded is None:
        old = records.find_verified(uow, code)  # papers printed before codes were random
        return LinkVerdict(known=False) if old is None else _told(uow, old, None)
    record_id, round = coded
    is_submitted = uow.session.scalar(
        select(RecordVersion.id)
        .where(RecordVersion.record_id == record_id, RecordVersion.kind != "save")
        .limit(1)
    )
    if is_submitted is None:  # the code of a submission that never came about
        return LinkVerdict(known=False)
    return _told(uow, records.load_record(uow, record_id), round)


def judge_file(resources: Resources, content: bytes) -> FileVerdict:
    """Say what any PDF or Word file is worth; never raises for what the file holds."""
    return _with_kept(resources, content, judge_bytes(content, _known(resources)))


def judge_stranger(resources: Resources, content: bytes) -> FileVerdict:
    """As ``judge_file``, but in a child process with limits: for files anybody may send."""
    return _with_kept(resources, content, judge_apart(content, _known(resources)))


def _known(resources: Resources) -> Known:
    authority = open_authority(resources)
    with resources.reading() as uow:
        revoked, registered = revoked_serials(uow), registered_certificates(uow)
    return Known(
        company=authority.company,
        roots=authority.trust_roots,
        issuing=authority.issuing_pem,
        registered=registered,
        stamp_roots=trusted_roots(resources.settings),
        revoked=revoked,
        now=resources.clock(),
    )


def _with_kept(resources: Resources, content: bytes, verdict: FileVerdict) -> FileVerdict:
    """Add what only we know: whether the same bytes are kept here, and who signed them."""
    digest = hashlib.sha256(content).hexdigest()
    with resources.reading() as uow:
        row = uow.session.scalar(select(Document).where(Document.sha256 == digest).limit(1))
        if row is None:
            return verdict
        if row.kind in HANDED_IN:
            why = f"{HANDED_IN[row.kind]}，与留存的逐字节相同。{verdict.why}"
            verdict = replace(verdict, why=why)
        elif not verdict.ours:  # made here before Word files were signed
            why = "与本系统留存的文件逐字节相同。"
            verdict = replace(verdict, ours=True, intact=True, why=why, trusted=True)
        printed = _signers_in(uow, row) if row.kind == "docx" else ()
        return replace(
            verdict,
            signatures=(*verdict.signatures, *printed),
            record_id=row.record_id,
            is_latest=_is_latest(uow, row),
        )


def _told(uow: UnitOfWork, record: records.RecordView, round: int | None) -> LinkVerdict:
    run = chain.find_run(uow, record.id)
    is_superseded = round is not None and (run is None or run.round != round)
    signatures = () if run is None or is_superseded else _signers_of(uow, run.id, "已签")
    title = get_form(uow, record.form_code, record.form_version).title
    return LinkVerdict(True, record.number, title, record.state_label, signatures, is_superseded)


def _is_latest(uow: UnitOfWork, row: Document) -> bool:
    """Say whether nothing newer of this kind is kept of the paper."""
    newest = uow.session.scalar(
        select(Document)
        .where(Document.record_id == row.record_id, Document.kind == row.kind)
        .order_by(Document.round.desc(), Document.stage.desc(), Document.id.desc())
        .limit(1)
    )
    return newest is not None and newest.sha256 == row.sha256


def _signers_in(uow: UnitOfWork, row: Document) -> tuple[SignerVerdict, ...]:
    """Return whose signatures a kept file prints: those given by the time it was made."""
    run_id = uow.session.scalar(
        select(SigningRun.id).where(
            SigningRun.record_id == row.record_id, SigningRun.round == row.round
        )
    )
    signers = _signers_of(uow, run_id, "签名印在文件里") if run_id else ()
    return tuple(one for one in signers if one.time and one.time <= row.created_at)


def _signers_of(uow: UnitOfWork, run_id: int, why: str) -> tuple[SignerVerdict, ...]:
    """Return who signed in a run, the other party included; a no or mere advice is no signature."""
    ours = [
        SignerVerdict(_named(task), task.role, task.done_at, True, why)
        for task in chain.tasks_of(uow, run_id)
        if task.state == "done" and task.outcome in chain.SIGNED
    ]
    outside = uow.session.scalars(
        select(Invitation).where(
            Invitation.run_id == run_id, Invitation.state == InvitationState.SIGNED
        )
    )
    theirs = [SignerVerdict(one.name, one.role, one.ended_at, True, why) for one in outside]
    return (*ours, *theirs)


def _named(task: TaskView) -> str:
    return task.assignee_name + (f"（代 {task.on_behalf_of}）" if task.on_behalf_of else "")
