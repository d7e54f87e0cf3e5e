"""What a record's signed PDF proves by itself, raised to the level the settings ask for.

Time-stamps come from outside and may be late: then the signature is kept as it is (B-B), the
paper says 等待时间戳, and a job brings the PDF up to its level when the authority answers again.
Archive time-stamps are refreshed before they age. Called when a paper is frozen or signed, by
the worker (outbox kind ``proof``, key ``record:ID``) and by its chores.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select

from archive.core.errors import ArchiveError
from archive.core.resources import Resources
from archive.documents import service as documents
from archive.documents.service import DocumentView
from archive.signing import pades
from archive.signing.keys import company_crl, open_authority
from archive.signing.models import SigningRun
from archive.signing.pades import Evidence, Proof
from archive.signing.proof_models import PaperProof
from archive.signing.timestamps import (
    Level,
    TimeAuthority,
    TimeStampAway,
    find_authority,
    wanted_level,
)
from storage.blobs import BlobRef
from storage.work import UnitOfWork

log = logging.getLogger(__name__)

PDF = "application/pdf"
TRY_AGAIN = timedelta(minutes=5)
REFRESH_AHEAD = timedelta(days=90)
REFRESH_EVERY = timedelta(days=1)
REST_SECONDS = 60.0  # after a failure nobody is kept waiting for the authority for so long
STALE = timedelta(minutes=10)

_resting: dict[str, float] = {}

Follower = Callable[[UnitOfWork, str, str], None]


class NotRecordedYet(ArchiveError):
    """The signature that asked for this job is not written down yet; the job is tried again."""

    code = "not_recorded_yet"


@dataclass(frozen=True)
class ProofView:
    """How far a record's PDF is on its way to the wanted level."""

    level: str
    wanted: str
    waiting: bool
    why: str
    stamps_until: datetime | None

    @property
    def label(self) -> str:
        """The state as shown to people."""
        return f"{self.level}，等待时间戳" if self.waiting else self.level


def with_stamp(
    resources: Resources, act: Callable[[TimeAuthority | None], bytes]
) -> tuple[bytes, str]:
    """Sign with a time-stamp where one is wanted and to be had; return the PDF, and why not."""
    authority = find_authority(resources.settings)
    if authority is None:
        return act(None), ""
    if time.monotonic() < _resting.get(authority.url, 0.0):
        return act(None), "时间戳机构刚才没有应答，稍后自动补上。"
    try:
        return act(authority), ""
    except TimeStampAway as away:
        _resting[authority.url] = time.monotonic() + REST_SECONDS
        log.warning("time-stamp authority: %s", away.message)
        return act(None), away.message


def note_paper(
    resources: Resources, record_id: int, pdf: BlobRef, content: bytes, why: str
) -> None:
    """Note what a freshly signed PDF proves, and queue what is still to be done for it."""
    wanted = wanted_level(resources.settings)
    if wanted is Level.B:
        return
    proof = pades.proof_of(content)
    with resources.work() as uow:
        _note(uow, record_id, pdf.sha256, proof, wanted, why)
        uow.outbox("proof", f"record:{record_id}")
        uow.commit()


def find_proof(uow: UnitOfWork, record_id: int) -> ProofView | None:
    """Return how far a record's PDF is; None where the settings ask for nothing beyond B-B."""
    row = uow.session.get(PaperProof, record_id)
    if row is None:
        return None
    return ProofView(row.level, row.wanted, row.waiting, row.why, row.stamps_until)


def raise_record(resources: Resources, record_id: int, follow: Follower | None = None) -> str:
    """Bring a record's newest PDF up to its level, or refresh it; return the level reached.

    ``follow`` is told the old and the new digest in the same transaction. Raises NotRecordedYet.
    """
    with resources.reading() as uow:
        row = uow.session.get(PaperProof, record_id)
        latest = documents.latest_document(uow, record_id, "pdf")
        is_done = _is_done(uow, record_id)
        now = uow.now()
        if row is None or latest is None:
            return ""
        if row.pdf_sha256 != latest.sha256 and now - row.noted_at < STALE:
            raise NotRecordedYet("签名还没有记录完毕，稍后再试。")
        wanted = Level(row.wanted)
    authority = find_authority(resources.settings)
    pdf = resources.blobs.read(latest.sha256)
    proof = pades.proof_of(pdf)
    target = wanted if is_done else Level.T
    if authority is None or not _is_due(proof, target, now):
        _keep(resources, record_id, latest.sha256, proof, wanted)
        return proof.level
    try:
        raised = pades.raise_level(pdf, target, authority, evidence(resources), now)
    except TimeStampAway as away:
        _keep(resources, record_id, latest.sha256, proof, wanted, away.message)
        return proof.level
    return _store(resources, record_id, latest, raised, wanted, follow)


def queue_due(resources: Resources) -> int:
    """Queue every paper that waits for a stamp or whose stamps age; return how many. A chore."""
    with resources.work() as uow:
        now = uow.now()
        waiting = and_(PaperProof.waiting, PaperProof.tried_at <= now - TRY_AGAIN)
        ageing = and_(
            PaperProof.wanted == Level.LTA,
            PaperProof.stamps_until <= now + REFRESH_AHEAD,
            PaperProof.tried_at <= now - REFRESH_EVERY,
        )
        ids = uow.session.scalars(select(PaperProof.record_id).where(or_(waiting, ageing))).all()
        for record_id in ids:
            uow.outbox("proof", f"record:{record_id}")
        uow.commit()
    return len(ids)


def evidence(resources: Resources) -> Evidence:
    """Return what the company's own certificates are checked by."""
    authority = open_authority(resources)
    lists = (company_crl(resources), authority.root_crl)
    return Evidence(
        (authority.issuing_pem, authority.root_pem), tuple(each for each in lists if each)
    )


def _is_due(proof: Proof, target: Level, now: datetime) -> bool:
    if proof.unstamped or proof.level.rank < target.rank:
        return True
    is_ageing = proof.stamps_until is not None and proof.stamps_until <= now + REFRESH_AHEAD
    return target is Level.LTA and is_ageing


def _is_done(uow: UnitOfWork, record_id: int) -> bool:
    state = uow.session.scalar(
        select(SigningRun.state)
        .where(SigningRun.record_id == record_id)
        .order_by(SigningRun.round.desc())
        .limit(1)
    )
    return state == "done"


def _store(
    resources: Resources,
    record_id: int,
    latest: DocumentView,
    raised: bytes,
    wanted: Level,
    follow: Follower | None,
) -> str:
    """Write the raised PDF down beside the old one, unless somebody signed meanwhile."""
    ref, proof = resources.blobs.put(raised, PDF), pades.proof_of(raised)
    with resources.work() as uow:
        newest = documents.latest_document(uow, record_id, "pdf")
        if newest is None or newest.sha256 != latest.sha256:
            raise NotRecordedYet("文件在加盖时间戳的同时有了变化，稍后再试。")
        documents.keep_document(
            uow, record_id, "pdf", latest.round, latest.stage, ref, latest.pages
        )
        _note(uow, record_id, ref.sha256, proof, wanted, "")
        if follow is not None:
            follow(uow, latest.sha256, ref.sha256)
        detail = {"before": latest.sha256, "pdf": ref.sha256, "level": proof.level.value}
        uow.journal(None, "record.proof", "record", record_id, detail)
        uow.commit()
    return proof.level


def _keep(
    resources: Resources, record_id: int, digest: str, proof: Proof, wanted: Level, why: str = ""
) -> None:
    with resources.work() as uow:
        _note(uow, record_id, digest, proof, wanted, why)
        uow.commit()


def _note(
    uow: UnitOfWork, record_id: int, digest: str, proof: Proof, wanted: Level, why: str
) -> None:
    row = uow.session.get(PaperProof, record_id) or PaperProof(record_id=record_id)
    if row.pdf_sha256 != digest:
        row.pdf_sha256, row.noted_at = digest, uow.now()
    row.wanted, row.level = wanted.value, proof.level.value
    row.waiting, row.why = bool(why) or proof.unstamped > 0, why
    row.stamps_until, row.tried_at = proof.stamps_until, uow.now()
    uow.session.add(row)
