"""Raises what a signed PDF proves: time-stamps, validation data, and the archive time-stamp.

B-T: every signature is stamped, or a document time-stamp stands over it. B-LT: the PDF carries
the certificates and revocation lists to check it by. B-LTA: a document time-stamp over all of
that, set again before it ages. Each is an update; nothing before it changes.
"""

import asyncio
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import crl as asn1_crl
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from archive.signing.pades.faults import MALFORMED, UNREADABLE, SigningRefused
from archive.signing.pades.identity import load_roots
from archive.signing.pades.pen import open_update
from archive.signing.pades.stamper import TOKEN_ROOM, Stamper
from archive.signing.timestamps import Level, TimeAuthority

STAMP_TOOLTIP = "时间戳"

_READ_LIST: Callable[[bytes], Any] = asn1_crl.CertificateList.load  # the library carries no types


@dataclass(frozen=True)
class Proof:
    """What a signed PDF proves by itself: its level, and until when its last stamp can be checked.

    ``unstamped``: signatures over which no time-stamp stands yet.
    """

    level: Level
    unstamped: int
    stamps_until: datetime | None


@dataclass(frozen=True)
class Evidence:
    """What our own certificates are checked by: the chain (PEM) and the revocation lists (DER)."""

    certificates: tuple[bytes, ...]
    revocation_lists: tuple[bytes, ...]


def proof_of(pdf: bytes) -> Proof:
    """Return what a PDF carries; says nothing about whether it is to be believed (``verify``)."""
    try:
        return proof_in(PdfFileReader(io.BytesIO(pdf)))
    except UNREADABLE as wrong:
        raise SigningRefused("这份 PDF 打不开，读不出签名等级。") from wrong


def raise_level(
    pdf: bytes, wanted: Level, authority: TimeAuthority, evidence: Evidence, now: datetime
) -> bytes:
    """Bring a signed PDF to a level, or refresh its archive time-stamp if it is there already.

    Raises TimeStampAway where the authority gives no stamp (nothing is half done), SigningRefused
    for a file that is not signed.
    """
    proof = proof_of(pdf)
    writer = open_update(pdf)
    stamper = Stamper(authority, now)
    try:
        if wanted in (Level.LT, Level.LTA):
            validation = asyncio.run(_validation_data(writer.prev, authority, evidence))
            DocumentSecurityStore.supply_dss_in_writer(
                writer,
                None,
                certs=validation.certificates,
                ocsps=validation.ocsps,
                crls=validation.crls,
            )
        if proof.unstamped or wanted is Level.LTA:
            return asyncio.run(_stamped(writer, stamper))
        if wanted is not Level.LT:
            return pdf
        return _written(writer)
    except MALFORMED as wrong:
        raise SigningRefused("这份 PDF 的结构不允许追加时间戳。") from wrong


@dataclass(frozen=True)
class _Validation:
    """What goes into the document security store."""

    certificates: tuple[Any, ...]
    ocsps: tuple[Any, ...]
    crls: tuple[Any, ...]


async def _stamped(writer: Any, stamper: Stamper) -> bytes:
    number = 1 + len(writer.prev.embedded_timestamp_signatures)
    output = io.BytesIO()
    await PdfTimeStamper(
        stamper, field_name=f"stamp{number}", readable_field_name=STAMP_TOOLTIP
    ).async_timestamp_pdf(writer, "sha256", bytes_reserved=2 * TOKEN_ROOM, output=output)
    return output.getvalue()


async def _validation_data(
    reader: PdfFileReader, authority: TimeAuthority, evidence: Evidence
) -> _Validation:
    """Collect every certificate in the file with ours, and what says they are not revoked.

    What the authority publishes about its own certificates is fetched from where they say.
    """
    certificates = {each.dump(): each for each in load_roots(evidence.certificates)}
    for each in (*load_roots(authority.roots), *_certificates_of(reader)):
        certificates.setdefault(each.dump(), each)
    context = ValidationContext(
        trust_roots=list(load_roots(authority.roots)),
        other_certs=list(certificates.values()),
        allow_fetching=True,
        revocation_mode="soft-fail",
    )
    for leaf in _stamp_signers(reader):
        validator: Any = CertificateValidator(leaf, validation_context=context)
        try:
            await validator.async_validate_usage(set(), {"time_stamping"})
        except UNREADABLE:  # an old authority's certificate: what was embedded before stays
            continue
    ours = (_READ_LIST(each) for each in evidence.revocation_lists)
    return _Validation(tuple(certificates.values()), tuple(context.ocsps), (*ours, *context.crls))


def _written(writer: Any) -> bytes:
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def proof_in(reader: PdfFileReader) -> Proof:
    """Return what an opened PDF carries; raise SigningRefused where it is not signed."""
    signatures = list(reader.embedded_regular_signatures)
    stamps = list(reader.embedded_timestamp_signatures)
    if not signatures:
        raise SigningRefused("这份 PDF 没有签名，没有等级可言。")
    covered = max((each.signed_revision for each in stamps), default=-1)
    unstamped = sum(
        1 for each in signatures if not _has_stamp(each) and each.signed_revision > covered
    )
    stored = _stored_since(reader)
    level = Level.B if unstamped else Level.T
    if level is Level.T and stored is not None:
        last = max(each.signed_revision for each in signatures)
        is_sealed = any(each.signed_revision >= max(stored, last) for each in stamps)
        level = Level.LTA if is_sealed else Level.LT
    leaves = [each.signer_cert for each in stamps[-1:]] or list(_stamp_signers(reader))
    until = min((_until(each) for each in leaves), default=None)
    return Proof(level, unstamped, until)


def _stored_since(reader: PdfFileReader) -> int | None:
    """The revision that first put the document security store there, or None."""
    for revision in range(reader.xrefs.total_revisions):
        if "/DSS" in reader.get_historical_root(revision):
            return revision
    return None


def stamps_of(signature: EmbeddedPdfSignature) -> Iterable[Any]:
    """Return the time-stamps that came with a signature itself."""
    found: Iterable[Any] = extract_tst_data_iter(signature.signer_info, signed=False)
    return found


def _has_stamp(signature: EmbeddedPdfSignature) -> bool:
    return next(iter(stamps_of(signature)), None) is not None


def _tokens(reader: PdfFileReader) -> Iterable[Any]:
    """The signed data of every time-stamp in the file."""
    for each in reader.embedded_regular_signatures:
        yield from stamps_of(each)
    for each in reader.embedded_timestamp_signatures:
        yield each.signed_data


def _certificates_of(reader: PdfFileReader) -> Iterable[Any]:
    """Every certificate that came with a signature or a time-stamp."""
    signed = [each.signed_data for each in reader.embedded_regular_signatures]
    for data in (*signed, *_tokens(reader)):
        for choice in data["certificates"]:
            yield choice.chosen


def _stamp_signers(reader: PdfFileReader) -> Sequence[Any]:
    """The certificates that signed the time-stamps."""
    found: dict[bytes, Any] = {}
    for data in _tokens(reader):
        for choice in data["certificates"]:
            certificate = choice.chosen
            sids = [info["sid"].chosen.native for info in data["signer_infos"]]
            if any(_is_named(certificate, sid) for sid in sids):
                found[certificate.dump()] = certificate
    return list(found.values())


def _is_named(certificate: Any, sid: Any) -> bool:
    if isinstance(sid, bytes):
        return bool(certificate.key_identifier == sid)
    return bool(certificate.serial_number == sid["serial_number"])


def _until(certificate: Any) -> datetime:
    return x509.load_der_x509_certificate(certificate.dump()).not_valid_after_utc
