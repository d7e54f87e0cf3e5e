"""Judges the bytes of a file by what the house knows: plain values in, plain values out.

No database, no web, no network: it also runs in a child process, where a stranger's file can do
no harm (``verdict_child``). Called by ``verdicts``.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from archive.signing import opc, pades

PDF_MARK, WORD_MARK = b"%PDF-", b"PK"


@dataclass(frozen=True)
class SignerVerdict:
    """One signature as the verdict tells it; ``means`` is the certificate it was made with."""

    name: str
    step: str
    time: datetime | None
    valid: bool
    why: str
    means: str = ""
    stamped_at: datetime | None = None


@dataclass(frozen=True)
class FileVerdict:
    """What a file is worth: made here, unchanged, signed by whom; of which record if known.

    ``level``: what a PDF proves by itself; ``waiting``: steps not signed yet; ``known``: whether
    the very same bytes are kept here; ``trusted``: every signature is valid besides.
    """

    ours: bool
    intact: bool
    why: str
    signatures: tuple[SignerVerdict, ...]
    sha256: str
    record_id: int | None = None
    is_latest: bool = False
    level: str = ""
    waiting: tuple[str, ...] = ()
    trusted: bool = False

    @property
    def known(self) -> bool:
        """Whether the very same bytes are kept here."""
        return self.record_id is not None


@dataclass(frozen=True)
class Known:
    """What files are measured against: certificates (PEM), what was revoked, the present time."""

    company: str
    roots: tuple[bytes, ...]
    issuing: bytes
    registered: tuple[bytes, ...]
    stamp_roots: tuple[bytes, ...]
    revoked: Mapping[str, datetime]
    now: datetime


def judge_bytes(content: bytes, known: Known) -> FileVerdict:
    """Say what any file is worth by itself; never raises for what the file holds."""
    digest = hashlib.sha256(content).hexdigest()
    if content[:1024].find(PDF_MARK) >= 0:
        return _judge_pdf(content, digest, known)
    if content[:2] == WORD_MARK:
        return _judge_word(content, digest, known)
    why = "这不是 PDF 或 Word（.docx）文件，不能核验。"
    return FileVerdict(False, False, why, (), digest)


def _judge_pdf(content: bytes, digest: str, known: Known) -> FileVerdict:
    verdict = pades.verify(
        content,
        known.roots,
        now=known.now,
        revoked=known.revoked,
        registered=known.registered,
        stamp_roots=known.stamp_roots,
    )
    told = tuple(
        SignerVerdict(
            name=one.signer_name,
            step=one.role,
            time=one.signed_at,
            valid=one.valid,
            why=one.why,
            means=f"{one.issuer}，序列号 {one.serial_hex[:16]}",
            stamped_at=one.stamped_at,
        )
        for one in verdict.signatures
    )
    ours = any(one.is_company for one in verdict.signatures)
    return FileVerdict(
        ours=ours,
        intact=verdict.intact and ours,
        why=verdict.why,
        signatures=told,
        sha256=digest,
        level=verdict.level,
        waiting=verdict.waiting,
        trusted=verdict.trusted,
    )


def _judge_word(content: bytes, digest: str, known: Known) -> FileVerdict:
    """A Word file is ours by the company's signature over it."""
    issuer = x509.load_pem_x509_certificate(known.issuing)
    verdict = opc.judge_word(content, (issuer,), known.revoked, known.now)
    if not verdict.signed:
        return FileVerdict(False, False, verdict.why, (), digest)
    company = SignerVerdict(
        name=verdict.company,
        step="单位签章",
        time=verdict.signed_at,
        valid=verdict.valid,
        why=verdict.why,
        means=f"单位签章证书，序列号 {verdict.serial_hex[:16]}",
    )
    return FileVerdict(
        ours=verdict.by_company,
        intact=verdict.by_company and verdict.intact,
        why=verdict.why,
        signatures=(company,),
        sha256=digest,
        trusted=verdict.valid,
    )
