"""Signs a whole Word file for the company, and says whether a signed one is still whole.

A digital signature over the package (ECMA-376 part 2) with XAdES properties, as Word and
LibreOffice check it: every part and every relationship is listed with its digest. Bytes in,
bytes out. Not here: whose key it is (``authority``) and the XML itself (``opc_xml``). Called when
a paper is frozen or signed, and by the verdicts.
"""

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from lxml import etree

from archive.core.clock import show_instant
from archive.core.errors import Conflict
from archive.signing.authority import COMPANY_UNIT, SigningKey
from archive.signing.certificates import company_of, serial_hex, unit_of
from archive.signing.opc_xml import (
    ORIGIN,
    SIGNATURE,
    SIGNATURE_FOLDER,
    SignedParts,
    expected_references,
    parse_signature,
    signature_xml,
    with_plumbing,
)
from doc_templates.errors import FormError
from doc_templates.package import read_package

_CURVE_BYTES = 32
_UNREADABLE = (etree.XMLSyntaxError, KeyError, LookupError, TypeError, ValueError)


class WordRefused(Conflict):
    """The Word file cannot be signed; the message says why."""

    code = "word_refused"


@dataclass(frozen=True)
class WordVerdict:
    """What a Word file is worth: signed, unchanged, when, with what.

    ``by_company``: the signature itself is the company's, whatever became of the file since.
    """

    signed: bool
    intact: bool
    valid: bool
    why: str
    company: str = ""
    signed_at: datetime | None = None
    serial_hex: str = ""
    changed: tuple[str, ...] = ()
    by_company: bool = False


def sign_word(docx: bytes, key: SigningKey, comment: str, now: datetime) -> bytes:
    """Return the Word file signed for the company over all its parts; raise WordRefused."""
    try:
        parts = read_package(docx)
    except FormError as wrong:
        raise WordRefused(f"Word 文件不能签名：{wrong.message}") from wrong
    if any(name.startswith(SIGNATURE_FOLDER) for name in parts):
        raise WordRefused("这份 Word 文件已经有数字签名，不能再签一次。")
    certificates = (key.certificate, *key.chain)
    xml = signature_xml(parts, certificates, comment, now, lambda data: _signed(key, data))
    return _packed(with_plumbing(parts) | {ORIGIN: b"", SIGNATURE: xml})


def judge_word(
    docx: bytes,
    issuers: Sequence[x509.Certificate],
    revoked: Mapping[str, datetime],
    now: datetime,
) -> WordVerdict:
    """Judge any Word file; never raises for what the file holds.

    ``issuers``: the company's issuing certificates; ``revoked``: serial → since when.
    """
    try:
        parts = read_package(docx)
    except FormError as wrong:
        return WordVerdict(False, False, False, wrong.message)
    if SIGNATURE not in parts:
        return WordVerdict(False, False, False, "这份 Word 文件里没有本单位的数字签名。")
    try:
        signed = parse_signature(parts[SIGNATURE])
        fault = _signature_fault(signed, issuers)
        changed = _changed(parts, signed)
    except (*_UNREADABLE, FormError):
        return WordVerdict(True, False, False, "Word 文件里的数字签名已损坏，无法核验。")
    verdict = WordVerdict(
        signed=True,
        intact=not fault and not changed,
        valid=False,
        why=fault,
        company=company_of(signed.certificate),
        signed_at=signed.signed_at,
        serial_hex=serial_hex(signed.certificate),
        changed=changed,
        by_company=not fault,
    )
    return _believed(verdict, signed, revoked, now)


def _believed(
    verdict: WordVerdict, signed: SignedParts, revoked: Mapping[str, datetime], now: datetime
) -> WordVerdict:
    """Add whether the certificate was good at the time, and say it all in words."""
    why = verdict.why
    if not why and verdict.changed:
        why = f"签名之后，文件被改动过：{'、'.join(verdict.changed[:5])}。"
    certificate = signed.certificate
    since = revoked.get(verdict.serial_hex)
    if not why and signed.signed_at > min(now, certificate.not_valid_after_utc):
        why = "签名的时间不在证书有效期内，或者还没有到，时间不可信。"
    if not why and signed.signed_at < certificate.not_valid_before_utc:
        why = "签名时证书还没有生效。"
    if not why and since is not None and since <= signed.signed_at:
        why = f"签名时证书已经作废（{show_instant(since)} 起）。"
    when = show_instant(signed.signed_at)
    good = f"由本单位于 {when} 签发，签发时证书有效，签发后内容没有被改动。"
    return replace(verdict, valid=verdict.intact and not why, why=why or good)


def _signature_fault(signed: SignedParts, issuers: Sequence[x509.Certificate]) -> str:
    """Why the signature itself does not hold; empty if it does."""
    if not signed.is_consistent:
        return "数字签名里的内容被改动过。"
    if not _is_signed_by(signed):
        return "签名数据与证书对不上，签名是假的或已损坏。"
    if not any(_has_issued(issuer, signed.certificate) for issuer in issuers):
        return "签名的证书不是本单位签发的。"
    if unit_of(signed.certificate) != COMPANY_UNIT:
        return "签名用的不是本单位的签章证书。"
    return ""


def _changed(parts: Mapping[str, bytes], signed: SignedParts) -> tuple[str, ...]:
    """The parts that are other than signed: changed, added or taken away."""
    plain = {name: data for name, data in parts.items() if not name.startswith(SIGNATURE_FOLDER)}
    present = expected_references(plain)
    strange = {
        name for name in parts if name.startswith(SIGNATURE_FOLDER) and name not in signed.own_parts
    }
    differing = {
        name
        for name in present.keys() | signed.references.keys()
        if present.get(name) != signed.references.get(name)
    }
    return tuple(sorted(differing | strange))


def _signed(key: SigningKey, data: bytes) -> bytes:
    """The signature value as XML wants it: for ECDSA both numbers side by side."""
    if isinstance(key.private_key, rsa.RSAPrivateKey):
        return key.private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    first, second = decode_dss_signature(key.private_key.sign(data, ec.ECDSA(hashes.SHA256())))
    return first.to_bytes(_CURVE_BYTES, "big") + second.to_bytes(_CURVE_BYTES, "big")


def _is_signed_by(signed: SignedParts) -> bool:
    key = signed.certificate.public_key()
    value = base64.b64decode(signed.value)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            first = int.from_bytes(value[: len(value) // 2], "big")
            second = int.from_bytes(value[len(value) // 2 :], "big")
            proof = encode_dss_signature(first, second)
            key.verify(proof, signed.signed_info, ec.ECDSA(hashes.SHA256()))
            return True
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, signed.signed_info, padding.PKCS1v15(), hashes.SHA256())
            return True
    except InvalidSignature:
        return False
    return False


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _packed(parts: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(
                zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED
            )
    return packed.getvalue()
