"""Judges any PDF: who signed, whether it was changed since, whether to believe it. Never raises."""

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus

from archive.core.clock import show_instant
from archive.signing.authority import COMPANY_UNIT, SEAL_UNIT
from archive.signing.certificates import attribute_of, serial_hex, unit_of
from archive.signing.judged import SignatureVerdict, StampVerdict, Verdict
from archive.signing.pades.belief import Grounds, doubt, is_backdated, note
from archive.signing.pades.entered import Alteration, altered_since, find_alterations
from archive.signing.pades.faults import UNREADABLE, SigningRefused
from archive.signing.pades.identity import entry, load_roots, signer_name
from archive.signing.pades.integrity import (
    falsely_filled,
    integrity_fault,
    is_certified,
    only_fills_follow,
    only_fills_since_certified,
)
from archive.signing.pades.levels import proof_in
from archive.signing.pades.places import waiting_roles
from archive.signing.pades.stamped import JudgedStamp, judge_stamps, moment_for

LARGEST_PDF = 200_000_000


def verify(
    pdf: bytes,
    trust_roots: Sequence[bytes],
    *,
    now: datetime,
    revoked: Mapping[str, datetime] | None = None,
    registered: Sequence[bytes] = (),
    stamp_roots: Sequence[bytes] = (),
) -> Verdict:
    """Judge any file; never raises for what the file holds.

    ``trust_roots``: PEM certificates. ``revoked``: certificate serial (lower-case hexadecimal) →
    since when (``authority.read_crl`` makes it from a list). A certificate is judged at the time
    of the signature, not of the question. ``registered``: people's own certificates (PEM) that the
    house accepts as they are; ``stamp_roots``: certificates (PEM) time-stamps are trusted by.
    """
    grounds = Grounds(
        load_roots(trust_roots),
        load_roots(registered),
        load_roots(stamp_roots),
        now,
        revoked or {},
    )
    if len(pdf) > LARGEST_PDF:
        return Verdict(False, False, f"文件超过 {LARGEST_PDF // 1_000_000} MB，不能在这里核验。")
    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        if reader.encrypted:
            return Verdict(False, False, "文件加了密码，不能核验。本系统签发的文件都不加密码。")
        signatures = list(reader.embedded_regular_signatures)
        stamps = list(reader.embedded_timestamp_signatures)
        waiting = waiting_roles(reader)
        false = falsely_filled(reader, (*signatures, *stamps))
        base = signatures[0].signed_revision if signatures else 0
        alterations = find_alterations(reader, base)
    except UNREADABLE:
        return Verdict(False, False, "这不是完好的 PDF 文件，无法核验。它可能已损坏或被改动。")
    if false:
        why = f"“{'、'.join(false)}”这一栏里填的不是签名，文件被人动过。"
        return Verdict(False, False, why, (), waiting)
    if not signatures:
        why = "文件里没有数字签名，不能证明它没有被改动。"
        return Verdict(False, False, why, (), waiting)
    judged, judged_stamps = asyncio.run(_judge_all(pdf, signatures, stamps, grounds, alterations))
    certified = judged[0].is_company and is_certified(reader, signatures)
    verdict = _summed_up(judged, waiting, is_certified=certified)
    told = tuple(each.verdict for each in judged_stamps)
    return replace(_with_stamps(verdict, told), level=_level(reader))


async def _judge_all(
    pdf: bytes,
    signatures: Sequence[EmbeddedPdfSignature],
    stamps: Sequence[EmbeddedPdfSignature],
    grounds: Grounds,
    alterations: tuple[Alteration, ...],
) -> tuple[tuple[SignatureVerdict, ...], tuple[JudgedStamp, ...]]:
    """Judge in the order of signing; a signature dated before its forerunner comes on top."""
    judged_stamps = await judge_stamps(pdf, stamps, grounds.stamp_roots, grounds.now)
    judged: list[SignatureVerdict] = []
    for signature in signatures:
        moment = moment_for(signature.signed_revision, judged_stamps, grounds.now)
        is_compared = _only_fills_come_after(signature, judged)
        is_last = signature is signatures[-1]
        verdict = await _judge(
            pdf,
            signature,
            grounds,
            moment,
            is_last=is_last,
            is_compared=is_compared,
            altered=altered_since(alterations, signature.signed_revision),
        )
        if verdict.valid and judged and is_backdated(verdict, judged[-1]):
            why = "签名时间早于它前面的签名，时间不可信，签名无效。"
            verdict = replace(verdict, valid=False, why=why)
        judged.append(verdict)
    return tuple(judged), judged_stamps


def _only_fills_come_after(
    signature: EmbeddedPdfSignature, judged: Sequence[SignatureVerdict]
) -> bool:
    """Whether the later updates are plainly harmless; what is not plain, pyHanko compares."""
    try:
        if judged:
            return judged[0].intact and only_fills_follow(signature)
        return only_fills_since_certified(signature)
    except UNREADABLE:
        return False


async def _judge(
    pdf: bytes,
    signature: EmbeddedPdfSignature,
    grounds: Grounds,
    moment: datetime,
    *,
    is_last: bool,
    is_compared: bool,
    altered: Sequence[str],
) -> SignatureVerdict:
    """Judge one signature; its own time-stamp is judged at ``moment``.

    ``is_compared``: what came later was found harmless already (see ``integrity``).
    """
    try:
        signer: Any = signature.signer_cert
        certificate = x509.load_der_x509_certificate(signer.dump())
        described = _described(signature, certificate)
    except UNREADABLE:
        why = "签名数据已损坏，读不出是谁签的。"
        return SignatureVerdict(signature.fq_name, "", "", "", None, False, False, why, False)
    try:
        status = await async_validate_pdf_signature(
            signature,
            signer_validation_context=grounds.signer_context(signer, certificate, described),
            ts_validation_context=grounds.stamp_context(moment),
            skip_diff=is_compared,
        )
        fault = integrity_fault(pdf, signature, status, is_last=is_last, altered=altered)
        fault = fault or _stamp_fault(status)
    except UNREADABLE:
        return replace(described, why="签名数据已损坏或被改动，无法核验。")
    if fault:
        return replace(described, why=fault)
    return _believed(described, certificate, grounds, status)


def _believed(
    described: SignatureVerdict,
    certificate: x509.Certificate,
    grounds: Grounds,
    status: PdfSignatureStatus,
) -> SignatureVerdict:
    """The verdict on a signature that is whole: whether it is to be believed."""
    stamp = status.timestamp_validity
    stamped_at: datetime | None = stamp.timestamp if stamp is not None and stamp.trusted else None
    doubtful = doubt(described.signed_at, stamped_at, certificate, grounds, status.trusted)
    why = "签名有效，签名时证书有效，签名后内容没有被改动。" + note(certificate, grounds)
    if stamped_at is not None:
        why += f"时间戳证明它在 {show_instant(stamped_at)} 已经签好。"
    elif stamp is not None:
        why += "所附时间戳的机构不在信任之列，时间以本系统的为准。"
    is_ours = status.trusted and not grounds.is_registered(certificate)
    return replace(
        described,
        intact=True,
        valid=not doubtful,
        why=doubtful or why,
        is_company=is_ours and unit_of(certificate) == COMPANY_UNIT,
        is_seal=is_ours and unit_of(certificate) == SEAL_UNIT,
        stamped_at=stamped_at,
    )


def _described(signature: EmbeddedPdfSignature, certificate: x509.Certificate) -> SignatureVerdict:
    """Who, when and where, as the file says; not yet judged."""
    subject = certificate.subject
    return SignatureVerdict(
        field=str(signature.fq_name),
        role=entry(signature.sig_field, "/TU"),
        signer_name=signer_name(certificate),
        staff_no=attribute_of(subject, NameOID.USER_ID),
        signed_at=signature.self_reported_timestamp,
        intact=False,
        valid=False,
        why="",
        is_company=False,
        serial_hex=serial_hex(certificate),
        reason=entry(signature.sig_object, "/Reason"),
        issuer=attribute_of(certificate.issuer, NameOID.COMMON_NAME),
    )


def _stamp_fault(status: PdfSignatureStatus) -> str:
    stamp = status.timestamp_validity
    if stamp is not None and not (stamp.intact and stamp.valid):
        return "签名所附的时间戳已损坏，或是从别的文件搬来的。"
    return ""


def _with_stamps(verdict: Verdict, stamps: tuple[StampVerdict, ...]) -> Verdict:
    """Add the document time-stamps; a broken one means that the file was changed."""
    broken = next((each for each in stamps if not each.intact), None)
    if broken is None:
        return replace(verdict, stamps=stamps)
    why = verdict.why if not verdict.intact else broken.why
    return replace(verdict, intact=False, trusted=False, why=why, stamps=stamps)


def _level(reader: PdfFileReader) -> str:
    try:
        return proof_in(reader).level
    except (*UNREADABLE, SigningRefused):
        return ""


def _summed_up(
    judged: tuple[SignatureVerdict, ...], waiting: tuple[str, ...], *, is_certified: bool
) -> Verdict:
    intact = all(each.intact for each in judged)
    trusted = intact and all(each.valid for each in judged)
    wrong = next((each for each in judged if not each.intact), None) or next(
        (each for each in judged if not each.valid), None
    )
    if wrong is not None:
        who = wrong.role or wrong.field
        return Verdict(
            intact, False, f"“{who}”（{wrong.signer_name}）：{wrong.why}", judged, waiting
        )
    if not is_certified:
        why = "签名本身有效，但文件没有经本单位认证，不能当作本系统签发的文件。"
        return Verdict(intact, False, why, judged, waiting)
    seals = sum(1 for each in judged if each.is_seal)
    people = sum(1 for each in judged if not each.is_company) - seals
    sealed = f"、{seals} 枚印章" if seals else ""
    why = f"文件由本单位认证，{people} 人签名{sealed}都有效，内容没有被改动。"
    if waiting:
        why += f"还没有签名：{'、'.join(waiting)}。"
    return Verdict(intact, trusted, why, judged, waiting)
