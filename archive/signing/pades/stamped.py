"""Judges time-stamps: by when a file or a signature was there, as an outside authority says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from pyhanko.sign.validation import async_validate_pdf_timestamp
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import ValidationContext

from archive.core.clock import show_instant
from archive.signing.certificates import attribute_of
from archive.signing.judged import StampVerdict
from archive.signing.pades.faults import UNREADABLE
from archive.signing.pades.integrity import fills_gap


@dataclass(frozen=True)
class JudgedStamp:
    """A document time-stamp, the revision it stands over, and its verdict."""

    revision: int
    verdict: StampVerdict


async def judge_stamps(
    pdf: bytes, stamps: Sequence[EmbeddedPdfSignature], roots: Sequence[Any], now: datetime
) -> tuple[JudgedStamp, ...]:
    """Judge document time-stamps, oldest first; each at the time the next one vouches for it."""
    judged: list[JudgedStamp] = []
    moment = now
    for stamp in reversed(stamps):
        verdict = await _judge_stamp(pdf, stamp, roots, moment)
        judged.append(JudgedStamp(stamp.signed_revision, verdict))
        if verdict.trusted and verdict.stamped_at is not None:
            moment = verdict.stamped_at
    return tuple(reversed(judged))


def moment_for(revision: int, stamps: Sequence[JudgedStamp], now: datetime) -> datetime:
    """Return when what stands in a revision is to be judged: at the first stamp over it, or now."""
    for stamp in stamps:
        if stamp.revision >= revision and stamp.verdict.trusted and stamp.verdict.stamped_at:
            return stamp.verdict.stamped_at
    return now


async def _judge_stamp(
    pdf: bytes, stamp: EmbeddedPdfSignature, roots: Sequence[Any], moment: datetime
) -> StampVerdict:
    try:
        signer: Any = stamp.signer_cert
        certificate = x509.load_der_x509_certificate(signer.dump())
        authority = attribute_of(certificate.subject, NameOID.COMMON_NAME)
        context = ValidationContext(trust_roots=list(roots), moment=moment, allow_fetching=False)
        status = await async_validate_pdf_timestamp(stamp, context)
        is_whole = status.intact and status.valid and fills_gap(pdf, stamp)
    except UNREADABLE:
        return StampVerdict(None, "", False, False, "时间戳已损坏，无法核验。")
    if not is_whole:
        return StampVerdict(status.timestamp, authority, False, False, "时间戳之后，文件被改动过。")
    if status.trusted:
        why = f"{show_instant(status.timestamp)} 之前文件已是现在的样子。"
        return StampVerdict(status.timestamp, authority, True, True, why)
    if moment > certificate.not_valid_after_utc:
        why = "时间戳的证书已到期，没有新的时间戳接续。"
    else:
        why = "时间戳机构不在本单位的信任之列，它说的时间不作数。"
    return StampVerdict(status.timestamp, authority, True, False, why)
