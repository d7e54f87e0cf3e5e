"""Says in plain Chinese whether a file or a printed code comes from here, and is unchanged.

Used by the public page behind the printed QR code and by ``archive verify-file``; neither shows
content. Whether the archive holds the file is the filing station's to add.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from archive.core.resources import Resources
from archive.documents.models import Document
from archive.records import service as records
from archive.signing import chain, pades
from archive.signing.keys import open_authority, revoked_serials
from archive.signing.models import SigningRun
from storage.work import UnitOfWork


@dataclass(frozen=True)
class SignerVerdict:
    """One signature as the verdict tells it."""

    name: str
    step: str
    time: datetime | None
    valid: bool
    why: str


@dataclass(frozen=True)
class FileVerdict:
    """What a file is worth: made here, unchanged, signed by whom; of which record if known."""

    ours: bool
    intact: bool
    why: str
    signatures: tuple[SignerVerdict, ...]
    sha256: str
    record_id: int | None = None
    is_latest: bool = False


@dataclass(frozen=True)
class LinkVerdict:
    """What the printed code of a paper stands for; nothing of its content."""

    known: bool
    number: str = ""
    form_title: str = ""
    state_label: str = ""
    signatures: tuple[SignerVerdict, ...] = ()


def judge_link(uow: UnitOfWork, code: str) -> LinkVerdict:
    """Say what the code printed on a paper stands for."""
    record = records.find_verified(uow, code)
    if record is None:
        return LinkVerdict(known=False)
    run = chain.find_run(uow, record.id)
    signatures = tuple(
        SignerVerdict(task.assignee_name, task.role, task.done_at, True, "已签")
        for task in (run.tasks if run else ())
        if task.done_at is not None
    )
    return LinkVerdict(True, record.number, record.form_title, record.state_label, signatures)


def judge_file(resources: Resources, content: bytes) -> FileVerdict:
    """Say what any PDF or Word file is worth; never raises for what the file holds."""
    digest = hashlib.sha256(content).hexdigest()
    with resources.reading() as uow:
        record_id, is_latest, signers = _find_document(uow, digest)
        revoked = revoked_serials(uow)
    if content[:1024].find(b"%PDF-") >= 0:
        authority = open_authority(resources)
        verdict = pades.verify(
            content, authority.trust_roots, now=resources.clock(), revoked=revoked
        )
        told = tuple(
            SignerVerdict(one.signer_name, one.role, one.signed_at, one.valid, one.why)
            for one in verdict.signatures
        )
        ours = record_id is not None or any(one.is_company for one in verdict.signatures)
        return FileVerdict(
            ours, verdict.intact and ours, verdict.why, told, digest, record_id, is_latest
        )
    if record_id is None:
        why = "这不是本系统签发的 PDF，也与本系统留存的任何文件都不相同。"
        return FileVerdict(False, False, why, (), digest)
    why = "与本系统留存的文件逐字节相同。"
    return FileVerdict(True, True, why, signers, digest, record_id, is_latest)


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
        .order_by(Document.round.desc(), Document.stage.desc())
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
        if one.state == "done" and one.seq <= row.stage
    )
    return row.record_id, newest is not None and newest.sha256 == digest, signers
