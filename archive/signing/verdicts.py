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
from archive.signing.own_keys import registered_certificates
from archive.signing.timestamps import trusted_roots
from archive.signing.verdict_reader import judge_apart
from storage.work import UnitOfWork

__all__ = [
    "FileVerdict",
    "LinkVerdict",
    "SignerVerdict",
    "judge_file",
    "judge_link",
    "judge_stranger",
]


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
    with resources.reading() as uow:
        record_id, is_latest, signers = _find_document(uow, hashlib.sha256(content).hexdigest())
    if record_id is None:
        return verdict
    if not verdict.ours:  # made here before Word files were signed
        why = "与本系统留存的文件逐字节相同。"
        verdict = replace(verdict, ours=True, intact=True, why=why, trusted=True)
    is_word = content[:2] == b"PK"
    shown = (*verdict.signatures, *(signers if is_word else ()))
    return replace(verdict, signatures=shown, record_id=record_id, is_latest=is_latest)


def _told(uow: UnitOfWork, record: records.RecordView, round: int | None) -> LinkVerdict:
    run = chain.find_run(uow, record.id)
    is_superseded = round is not None and (run is None or run.round != round)
    shown = () if run is None or is_superseded else run.tasks
    signatures = tuple(
        SignerVerdict(task.assignee_name, task.role, task.done_at, True, "已签")
        for task in shown
        if task.done_at is not None and task.state == "done"
    )
    title = get_form(uow, record.form_code, record.form_version).title
    return LinkVerdict(True, record.number, title, record.state_label, signatures, is_superseded)


def _find_document(
    uow: UnitOfWork, digest: str
) -> tuple[int | None, bool, tuple[SignerVerdict, ...]]:
    """Return the record a stored file belongs to, whether it is the latest, and who signed it."""
    row = uow.session.scalar(select(Document).where(Document.sha256 == digest).limit(1))
    if row is None:
        return None, False, ()
    newest = uow.session.scalar(
        select(Document)
        .where(Document.record_id == row.record_id, Document.kind == row.kind)
        .order_by(Document.round.desc(), Document.stage.desc(), Document.id.desc())
        .limit(1)
    )
    run_id = uow.session.scalar(
        select(SigningRun.id).where(
            SigningRun.record_id == row.record_id, SigningRun.round == row.round
        )
    )
    signers = tuple(
        SignerVerdict(one.assignee_name, one.role, one.done_at, True, "签名印在文件里")
        for one in (chain.tasks_of(uow, run_id) if run_id else ())
        if one.state == "done" and one.done_at is not None and one.done_at <= row.created_at
    )
    return row.record_id, newest is not None and newest.sha256 == digest, signers
