"""Signatures in PDF files (PAdES B-B): the only place that knows pyHanko.

A paper's life: ``prepare`` makes every signature field and certifies the paper for the company;
each ``approve`` adds one person's signature as an incremental update in its own field; the last
one locks the paper; ``verify`` says in plain Chinese what a file is worth. Bytes in, bytes out:
no database, no web, no network. Not here: where the boxes are (``boxes``), what a signature
looks like (``appearance``), whose keys they are (``authority``), who may sign when (the
station's rules). Called by the signing service and by ``archive verify-file``.

PDF/A: fields get an appearance and the print flag, nothing is hidden, no scripts, and XMP and
document information stay as they were, so a PDF/A-2 or -3 file remains one.
"""

import asyncio
import io
import re
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from asn1crypto import parser as asn1_parser
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import NameOID
from PIL import Image
from pyhanko.pdf_utils import layout
from pyhanko.pdf_utils.extensions import DeveloperExtension
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields as sig_fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, Signer
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, read_certification_data
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import ValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from archive.core.clock import local, show_instant
from archive.core.errors import Conflict
from archive.signing.authority import COMPANY_UNIT, SigningKey, serial_hex
from archive.signing.boxes import Box
from archive.signing.judged import SignatureVerdict, Verdict

COMPANY_FIELD = "company"
COMPANY_TOOLTIP = "单位认证"
CLOCK_SKEW = timedelta(minutes=5)
LARGEST_PDF = 200_000_000
LARGEST_IMAGE = 4_000_000

_PDF_2 = "/2.0"
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")
_CMS_OVERHEAD = 2048  # signed attributes, digests and the signature itself, beside certificates
_LOAD: Callable[[bytes], Any] = asn1_x509.Certificate.load  # the library carries no types
_STORE: Callable[[list[Any]], Any] = SimpleCertificateStore.from_certs
_PEEK: Callable[[bytes], int] = asn1_parser.peek
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2})+\Z")
_ONLY_SIGNING = (sig_fields.MDPPerm.NO_CHANGES, sig_fields.MDPPerm.FILL_FORMS)
_FILL = layout.SimpleBoxLayoutRule(
    layout.AxisAlignment.ALIGN_MID, layout.AxisAlignment.ALIGN_MID, layout.Margins(0, 0, 0, 0)
)
# What pyHanko raises where the structure forbids what is asked.
_MALFORMED = (PdfError, SigningError, LookupError)
# What a parser may raise on a hostile or damaged file.
_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    InvalidSignature,
    LookupError,
    OSError,
    PdfError,
    RuntimeError,
    TypeError,
    ValidationError,
    ValueError,
    struct.error,
    zlib.error,
)


class SigningRefused(Conflict):
    """The PDF cannot be signed like this; the message says why and what to do."""

    code = "signing_refused"


def prepare(
    pdf: bytes,
    boxes: Mapping[str, Box],
    company: SigningKey,
    reason: str,
    now: datetime,
    *,
    last_locks: bool = True,
) -> bytes:
    """Make all signature fields, in signing order, then certify: from here on only signing.

    ``boxes`` maps field names (ASCII, such as ``step1``) to their places; the role goes into the
    tooltip. Each signature locks its own field; the last field's one locks the paper, so it can
    be signed only after all others (``last_locks=False`` where the last step has several people
    in any order). Raises SigningRefused.
    """
    _check_fields(boxes)
    _check_key(company, now)
    writer = _writer(pdf)
    last = list(boxes)[-1] if last_locks else ""
    try:
        _check_unprepared(writer.prev)
        for name, box in boxes.items():
            sig_fields.append_signature_field(writer, _field(name, box, locks=name == last))
        company_field = sig_fields.SigFieldSpec(COMPANY_FIELD, readable_field_name=COMPANY_TOOLTIP)
        sig_fields.append_signature_field(writer, company_field)
        metadata = _metadata(COMPANY_FIELD, _signer_name(company.certificate), reason, certify=True)
        return asyncio.run(_sign(writer, metadata, company, None, now))
    except _MALFORMED as wrong:
        raise SigningRefused("PDF 的结构不允许放置签名栏。请重新生成 PDF 后再试。") from wrong


def approve(
    pdf: bytes,
    field_name: str,
    key: SigningKey,
    image_png: bytes,
    name: str,
    reason: str,
    now: datetime,
) -> bytes:
    """Sign in one prepared field; everything before stays byte for byte as it was.

    Raises SigningRefused: no such field, signed already, the locking field before its turn, an
    expired certificate, a file that is not ours to sign.
    """
    _check_key(key, now)
    writer = _writer(pdf)
    style = StaticStampStyle(
        border_width=0,
        background=PdfImage(_picture(image_png), name="signature"),
        background_layout=_FILL,
        background_opacity=1.0,
    )
    try:
        locks = _check_turn(writer.prev, field_name)
        metadata = _metadata(field_name, name, reason, locks=locks)
        return asyncio.run(_sign(writer, metadata, key, style, now))
    except _MALFORMED as wrong:
        raise SigningRefused("这份 PDF 不能再签名：它已锁定，或结构已被改动。") from wrong


def verify(
    pdf: bytes,
    trust_roots: Sequence[bytes],
    *,
    now: datetime,
    revoked: Mapping[str, datetime] | None = None,
) -> Verdict:
    """Judge any file; never raises for what the file holds.

    ``trust_roots``: PEM certificates. ``revoked``: certificate serial (lower-case hexadecimal) →
    since when (``authority.read_crl`` makes it from a list). A certificate is judged at the time
    of the signature, not of the question.
    """
    roots = tuple(_asn1(x509.load_pem_x509_certificate(pem)) for pem in trust_roots)
    if len(pdf) > LARGEST_PDF:
        return Verdict(False, False, f"文件超过 {LARGEST_PDF // 1_000_000} MB，不能在这里核验。")
    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        if reader.encrypted:
            return Verdict(False, False, "文件加了密码，不能核验。本系统签发的文件都不加密码。")
        signatures = list(reader.embedded_regular_signatures)
        waiting = _waiting(reader)
    except _UNREADABLE:
        return Verdict(False, False, "这不是完好的 PDF 文件，无法核验。它可能已损坏或被改动。")
    if not signatures:
        why = "文件里没有数字签名，不能证明它没有被改动。"
        return Verdict(False, False, why, (), waiting)
    judged = asyncio.run(_judge_all(pdf, signatures, _Grounds(roots, now, revoked or {})))
    is_certified = judged[0].is_company and _is_certified(reader, signatures)
    return _summed_up(judged, waiting, is_certified=is_certified)


class _KeptKeySigner(Signer):
    """Signs with the key as it was parsed once; the stock signer parses it at every signature."""

    def __init__(self, key: SigningKey) -> None:
        super().__init__(
            signing_cert=_asn1(key.certificate),
            cert_registry=_STORE([_asn1(each) for each in key.chain]),
        )
        self._kept = key.private_key

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        """Called by pyHanko with the attributes to be signed."""
        algorithm: hashes.HashAlgorithm = getattr(hashes, digest_algorithm.upper())()
        if isinstance(self._kept, ec.EllipticCurvePrivateKey):
            return self._kept.sign(data, ec.ECDSA(algorithm))
        return self._kept.sign(data, padding.PKCS1v15(), algorithm)


@lru_cache(maxsize=256)
def _asn1(certificate: x509.Certificate) -> Any:
    return _LOAD(certificate.public_bytes(serialization.Encoding.DER))


class _PlainUpdate(IncrementalPdfFileWriter):
    """An update that adds what signing needs and leaves the paper's own metadata alone.

    The stock writer enters itself as producer and the machine's clock as the date of change at
    every signature, and calls a PDF 1.7 a PDF 2.0 because of the elliptic curve; neither is fit
    for a PDF/A-2 that several people sign.
    """

    def _update_meta(self) -> None:
        """Nothing: metadata stays as it was certified."""

    def register_extension(self, ext: DeveloperExtension) -> None:
        if ext.base_version != _PDF_2:
            super().register_extension(ext)

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        if version < (2, 0):
            super().ensure_output_version(version)  # type: ignore[no-untyped-call]


async def _sign(
    writer: IncrementalPdfFileWriter,
    metadata: PdfSignatureMetadata,
    key: SigningKey,
    style: StaticStampStyle | None,
    now: datetime,
) -> bytes:
    """One signature in an existing field, at the given time."""
    signer = _KeptKeySigner(key)
    session = PdfSigner(metadata, signer, stamp_style=style).init_signing_session(
        writer, existing_fields_only=True
    )
    session.system_time = local(now).replace(microsecond=0)
    certificates = (key.certificate, *key.chain)
    size = sum(len(each.public_bytes(serialization.Encoding.DER)) for each in certificates)
    document = session.prepare_tbs_document(
        validation_info=None, bytes_reserved=2 * (size + _CMS_OVERHEAD)
    )
    output = io.BytesIO()
    prepared, _ = document.digest_tbs_document(output=output)
    signed = await document.perform_signature(
        document_digest=prepared.document_digest,
        pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=session.system_time),
    )
    await signed.post_signature_processing(output)
    return output.getvalue()


def _metadata(
    field_name: str, name: str, reason: str, *, certify: bool = False, locks: bool = False
) -> PdfSignatureMetadata:
    return PdfSignatureMetadata(
        field_name=field_name,
        md_algorithm="sha256",
        subfilter=sig_fields.SigSeedSubFilter.PADES,
        name=name,
        reason=reason,
        certify=certify,
        docmdp_permissions=(
            sig_fields.MDPPerm.NO_CHANGES if locks else sig_fields.MDPPerm.FILL_FORMS
        ),
    )


def _field(name: str, box: Box, *, locks: bool) -> sig_fields.SigFieldSpec:
    """A visible empty field; it locks itself, or with the last signature the whole paper."""
    lock = sig_fields.FieldMDPSpec(sig_fields.FieldMDPAction.INCLUDE, [name])
    if locks:
        lock = sig_fields.FieldMDPSpec(sig_fields.FieldMDPAction.ALL)
    place: Any = (box.x0, box.y0, box.x1, box.y1)  # typed as whole numbers, takes any
    return sig_fields.SigFieldSpec(
        name,
        on_page=box.page,
        box=place,
        field_mdp_spec=lock,
        doc_mdp_update_value=sig_fields.MDPPerm.NO_CHANGES if locks else None,
        readable_field_name=box.role,
    )


def _writer(pdf: bytes) -> IncrementalPdfFileWriter:
    try:
        writer = _PlainUpdate(io.BytesIO(pdf))
        encrypted = writer.prev.encrypted
    except _UNREADABLE as wrong:
        raise SigningRefused("这份 PDF 打不开，不能签名。请重新生成 PDF 后再试。") from wrong
    if encrypted:
        raise SigningRefused("这份 PDF 加了密码，不能签名。请用没有密码的文件。")
    return writer


def _check_fields(boxes: Mapping[str, Box]) -> None:
    if not boxes:
        raise SigningRefused("没有任何签名栏，不能送签。请检查表单的签核设置。")
    for name in boxes:
        if not _FIELD_NAME.match(name) or name == COMPANY_FIELD:
            raise SigningRefused(f"签名栏的内部名称“{name[:40]}”不能用。请检查表单的签核设置。")


def _check_key(key: SigningKey, now: datetime) -> None:
    certificate = key.certificate
    if now > certificate.not_valid_after_utc:
        until = show_instant(certificate.not_valid_after_utc)
        raise SigningRefused(f"签名证书已于 {until} 到期，不能再签名。请管理员换发证书。")
    if now < certificate.not_valid_before_utc:
        raise SigningRefused("签名证书还没有生效，不能签名。请检查服务器的时间。")


def _check_unprepared(reader: PdfFileReader) -> None:
    if any(True for _ in sig_fields.enumerate_sig_fields(reader)):
        raise SigningRefused("这份 PDF 里已经有签名栏，不能再次准备。请用未签名的原件重新生成。")


def _check_turn(reader: PdfFileReader, field_name: str) -> bool:
    """Whether the field locks the paper; it must be empty, and if it locks, the last empty one."""
    empty: dict[str, Any] = {}
    filled = set()
    for name, value, reference in sig_fields.enumerate_sig_fields(reader):
        if value is None:
            empty[name] = reference.get_object()
        else:
            filled.add(name)
    if field_name in filled:
        raise SigningRefused("这一栏已经签过名，不能再签一次。请刷新页面看最新的进度。")
    if field_name not in empty:
        raise SigningRefused("文件里没有这一步的签名栏，不能签名。请退回后重新提交。")
    others = [_entry(field, "/TU", name) for name, field in empty.items() if name != field_name]
    locks_all = _entry(_resolved(empty[field_name], "/Lock"), "/Action") == "/All"
    if others and locks_all:
        raise SigningRefused(f"还没有轮到这一步：请等 {'、'.join(others)} 先签。")
    return locks_all


def _picture(png: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            if picture.width * picture.height > LARGEST_IMAGE:
                raise SigningRefused("签名图片太大，不能签名。请重新签一次。")
            return picture.convert("RGBA")
    except (*_UNREADABLE, SyntaxError, Image.DecompressionBombError) as wrong:
        raise SigningRefused("签名图片已损坏，不能签名。请重新签一次。") from wrong


async def _judge_all(
    pdf: bytes,
    signatures: Sequence[EmbeddedPdfSignature],
    grounds: "_Grounds",
) -> tuple[SignatureVerdict, ...]:
    """Judge in the order of signing; a signature dated before its forerunner comes on top."""
    judged: list[SignatureVerdict] = []
    for signature in signatures:
        verdict = await _judge(pdf, signature, grounds, is_last=signature is signatures[-1])
        if verdict.valid and judged and _is_backdated(verdict, judged[-1]):
            why = "签名时间早于它前面的签名，时间不可信，签名无效。"
            verdict = replace(verdict, valid=False, why=why)
        judged.append(verdict)
    return tuple(judged)


@dataclass(frozen=True)
class _Grounds:
    """What signatures are measured against."""

    roots: tuple[Any, ...]
    now: datetime
    revoked: Mapping[str, datetime]


async def _judge(
    pdf: bytes, signature: EmbeddedPdfSignature, grounds: _Grounds, *, is_last: bool
) -> SignatureVerdict:
    try:
        signer: Any = signature.signer_cert
        certificate = x509.load_der_x509_certificate(signer.dump())
        described = _described(signature, certificate)
    except _UNREADABLE:
        why = "签名数据已损坏，读不出是谁签的。"
        return SignatureVerdict(signature.fq_name, "", "", "", None, False, False, why, False)
    try:
        context = ValidationContext(
            trust_roots=list(grounds.roots),
            moment=_moment(described.signed_at or grounds.now, certificate),
            allow_fetching=False,
        )
        status = await async_validate_pdf_signature(signature, signer_validation_context=context)
        fault = _integrity_fault(pdf, signature, status, is_last=is_last)
    except _UNREADABLE:
        return replace(described, why="签名数据已损坏或被改动，无法核验。")
    if fault:
        return replace(described, why=fault)
    doubt = _doubt(described.signed_at, certificate, grounds, is_known=status.bottom_line)
    return replace(
        described,
        intact=True,
        valid=not doubt,
        why=doubt or "签名有效，签名后内容没有被改动。" + _note(certificate, grounds),
        is_company=status.bottom_line and _unit(certificate) == COMPANY_UNIT,
    )


def _described(signature: EmbeddedPdfSignature, certificate: x509.Certificate) -> SignatureVerdict:
    """Who, when and where, as the file says; not yet judged."""
    subject = certificate.subject
    return SignatureVerdict(
        field=str(signature.fq_name),
        role=_entry(signature.sig_field, "/TU"),
        signer_name=_signer_name(certificate),
        staff_no=_attribute(subject, NameOID.USER_ID),
        signed_at=signature.self_reported_timestamp,
        intact=False,
        valid=False,
        why="",
        is_company=False,
        serial_hex=serial_hex(certificate),
        reason=_entry(signature.sig_object, "/Reason"),
    )


def _moment(signed_at: datetime, certificate: x509.Certificate) -> datetime:
    """The time at which to build the chain: expiry is judged apart, with words of its own."""
    latest = min(signed_at, certificate.not_valid_after_utc)
    return max(latest, certificate.not_valid_before_utc)


def _integrity_fault(
    pdf: bytes, signature: EmbeddedPdfSignature, status: PdfSignatureStatus, *, is_last: bool
) -> str:
    """What was done to the file after this signature; empty if nothing."""
    if not status.intact:
        return "签名之后，文件内容被改动过。"
    if not status.valid:
        return "签名数据与证书对不上，签名是假的或已损坏。"
    if status.coverage < SignatureCoverageLevel.ENTIRE_REVISION or not _fills_gap(pdf, signature):
        return "签名没有盖住整份文件，其中可能夹带了内容。"
    if not status.docmdp_ok:
        return "签名之后，文件里又加进了不允许的改动（例如加页、改内容、加签名栏）。"
    # stricter than pyHanko, which lets pass an update without effect; levels above B-B,
    # which append validation data and time-stamps, have to be let in here by name
    if is_last and status.coverage != SignatureCoverageLevel.ENTIRE_FILE:
        return "最后一次签名之后，文件又被追加了内容。"
    return ""


def _fills_gap(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether the hole in the signed bytes holds the signature and nothing else."""
    _, length, resume, _ = (int(number) for number in signature.byte_range)
    hole = pdf[length:resume]
    if hole[:1] != b"<" or hole[-1:] != b">" or not _HEX.match(hole[1:-1]):
        return False
    content = bytes.fromhex(hole[1:-1].decode("ascii"))
    end = _PEEK(content)
    return content == signature.pkcs7_content and not content[end:].strip(b"\0")


def _doubt(
    signed_at: datetime | None, certificate: x509.Certificate, grounds: _Grounds, *, is_known: bool
) -> str:
    """Why the signer is not to be believed; empty if there is no reason."""
    if not is_known:
        return "签名人的证书不是本单位签发的，或不能用来签名，不能认定是谁签的。"
    if signed_at is None:
        return "签名里没有时间，无法核对证书当时是否有效。"
    if signed_at > grounds.now + CLOCK_SKEW:
        return f"签名时间 {show_instant(signed_at)} 还没有到，时间不可信。"
    if signed_at > certificate.not_valid_after_utc:
        until = show_instant(certificate.not_valid_after_utc)
        return f"签名时证书已过期（有效期至 {until}）。"
    if signed_at < certificate.not_valid_before_utc:
        return "签名时证书还没有生效。"
    since = grounds.revoked.get(serial_hex(certificate))
    if since is not None and since <= signed_at:
        return f"签名时证书已经作废（{show_instant(since)} 起）。"
    return ""


def _note(certificate: x509.Certificate, grounds: _Grounds) -> str:
    """What happened to the certificate since; the signature stays good."""
    since = grounds.revoked.get(serial_hex(certificate))
    if since is not None:
        return f"证书后来于 {show_instant(since)} 作废，签名时有效。"
    if grounds.now > certificate.not_valid_after_utc:
        return f"证书后来于 {show_instant(certificate.not_valid_after_utc)} 到期，签名时有效。"
    return ""


def _is_backdated(verdict: SignatureVerdict, before: SignatureVerdict) -> bool:
    if verdict.signed_at is None or before.signed_at is None:
        return False
    return verdict.signed_at < before.signed_at - CLOCK_SKEW


def _is_certified(reader: PdfFileReader, signatures: Sequence[EmbeddedPdfSignature]) -> bool:
    """Whether the first signature certifies the paper and allows only signing after it."""
    try:
        certification = read_certification_data(reader)
        return (
            certification is not None
            and certification.author_sig.container_ref == signatures[0].sig_object.container_ref
            and certification.permission in _ONLY_SIGNING
        )
    except _UNREADABLE:
        return False


def _waiting(reader: PdfFileReader) -> tuple[str, ...]:
    empty = sig_fields.enumerate_sig_fields(reader, filled_status=False)
    return tuple(_entry(field.get_object(), "/TU", name) for name, _, field in empty)


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
    people = sum(1 for each in judged if not each.is_company)
    why = f"文件由本单位认证，{people} 人签名都有效，内容没有被改动。"
    if waiting:
        why += f"还没有签名：{'、'.join(waiting)}。"
    return Verdict(intact, trusted, why, judged, waiting)


def _resolved(dictionary: Any, key: str) -> Any:
    """The entry with its reference followed (``get`` would return the reference), or nothing."""
    if key not in dictionary:
        return {}
    return dictionary[key]


def _entry(dictionary: Any, key: str, default: str = "") -> str:
    return str(_resolved(dictionary, key) or default)


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _signer_name(certificate: x509.Certificate) -> str:
    """The person's name; the company's in full stands in O, its common name may be cut."""
    is_company = _unit(certificate) == COMPANY_UNIT
    oid = NameOID.ORGANIZATION_NAME if is_company else NameOID.COMMON_NAME
    return _attribute(certificate.subject, oid)


def _unit(certificate: x509.Certificate) -> str:
    return _attribute(certificate.subject, NameOID.ORGANIZATIONAL_UNIT_NAME)
