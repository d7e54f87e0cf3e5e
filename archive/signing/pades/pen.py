"""How one signature is written: an update with a key that was parsed once, nothing else changed."""

import io
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from pyhanko.pdf_utils.extensions import DeveloperExtension
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields as sig_fields
from pyhanko.sign.attributes import CMSAttributeProvider, SignedAttributeProviderSpec
from pyhanko.sign.general import as_signing_certificate_v2
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, Signer
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from archive.core.clock import local
from archive.signing.authority import SigningKey
from archive.signing.pades.faults import UNREADABLE, SigningRefused
from archive.signing.pades.identity import as_asn1
from archive.signing.pades.stamper import TOKEN_ROOM, Stamper
from archive.signing.timestamps import TimeAuthority

_PDF_2 = "/2.0"
_CMS_OVERHEAD = 1024  # signed attributes, digests and the signature itself, beside certificates
_STORE: Callable[[list[Any]], Any] = SimpleCertificateStore.from_certs
_LOAD_REFERENCE: Callable[[bytes], Any] = tsp.SigningCertificateV2.load


def open_update(pdf: bytes) -> IncrementalPdfFileWriter:
    """Open a PDF for one update; raise SigningRefused for what cannot be signed."""
    try:
        writer = PlainUpdate(io.BytesIO(pdf))
        encrypted = writer.prev.encrypted
    except UNREADABLE as wrong:
        raise SigningRefused("这份 PDF 打不开，不能签名。请重新生成 PDF 后再试。") from wrong
    if encrypted:
        raise SigningRefused("这份 PDF 加了密码，不能签名。请用没有密码的文件。")
    return writer


async def sign_field(
    writer: IncrementalPdfFileWriter,
    metadata: PdfSignatureMetadata,
    key: SigningKey,
    style: StaticStampStyle | None,
    now: datetime,
    authority: TimeAuthority | None = None,
) -> bytes:
    """One signature in an existing field, at the given time; stamped where an authority is given.

    Raises TimeStampAway.
    """
    stamper = None if authority is None else Stamper(authority, now)
    signer = PdfSigner(metadata, KeptKeySigner(key), timestamper=stamper, stamp_style=style)
    session = signer.init_signing_session(writer, existing_fields_only=True)
    session.system_time = local(now).replace(microsecond=0)
    certificates = (key.certificate, *key.chain)
    size = sum(len(each.public_bytes(serialization.Encoding.DER)) for each in certificates)
    room = size + _CMS_OVERHEAD + (TOKEN_ROOM if stamper else 0)
    document = session.prepare_tbs_document(validation_info=None, bytes_reserved=2 * room)
    output = io.BytesIO()
    prepared, _ = document.digest_tbs_document(output=output)
    signed = await document.perform_signature(
        document_digest=prepared.document_digest,
        pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=session.system_time),
    )
    await signed.post_signature_processing(output)
    return output.getvalue()


def metadata_for(
    field_name: str, name: str, reason: str, *, certify: bool = False, locks: bool = False
) -> PdfSignatureMetadata:
    """Say what stands beside the signature, and what may still happen to the paper after it."""
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


class KeptKeySigner(Signer):
    """Signs with the key as it was parsed once; the stock signer parses it at every signature."""

    def __init__(self, key: SigningKey) -> None:
        super().__init__(
            signing_cert=as_asn1(key.certificate),
            cert_registry=_STORE([as_asn1(each) for each in key.chain]),
        )
        self.signed_attr_prov_spec = _PadesAttributes(key.certificate)
        self._kept = key.private_key

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        """Called by pyHanko with the attributes to be signed."""
        algorithm: hashes.HashAlgorithm = getattr(hashes, digest_algorithm.upper())()
        if isinstance(self._kept, ec.EllipticCurvePrivateKey):
            return self._kept.sign(data, ec.ECDSA(algorithm))
        return self._kept.sign(data, padding.PKCS1v15(), algorithm)


class _PadesAttributes(SignedAttributeProviderSpec):
    """What a PAdES signature says beside type and digest: by which certificate it was made."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self._certificate = certificate

    def signed_attr_providers(
        self, data_digest: bytes, digest_algorithm: str
    ) -> Iterable[CMSAttributeProvider]:
        """Called by pyHanko for each signature."""
        return [_CertificateReference(self._certificate)]


class _CertificateReference(CMSAttributeProvider):
    """The signing certificate's digest, issuer and number (RFC 5035), built once for each.

    An ASN.1 value that was put together is encoded anew, piece by piece, each time a value around
    it is; one that was read from bytes is not, which is a quarter of a signature's work.
    """

    attribute_type = "signing_certificate_v2"

    def __init__(self, certificate: x509.Certificate) -> None:
        self._certificate = certificate

    async def build_attr_value(self, dry_run: bool = False) -> Any:
        """Called by pyHanko for each signature."""
        return _LOAD_REFERENCE(_reference(self._certificate))


@lru_cache(maxsize=256)
def _reference(certificate: x509.Certificate) -> bytes:
    reference: Any = as_signing_certificate_v2(as_asn1(certificate))
    return bytes(reference.dump())


class PlainUpdate(IncrementalPdfFileWriter):
    """An update that adds what signing needs and leaves the paper's own metadata alone.

    The stock writer enters itself as producer and the machine's clock as the date of change at
    every signature, and calls a PDF 1.7 a PDF 2.0 because of the elliptic curve; neither is fit
    for a PDF/A-2 that several people sign.
    """

    def _update_meta(self) -> None:
        """Nothing: metadata stays as it was certified."""

    def register_extension(self, ext: DeveloperExtension) -> None:
        """Note an extension, but none of PDF 2.0."""
        if ext.base_version != _PDF_2:
            super().register_extension(ext)

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        """Raise the version, but never to 2.0."""
        if version < (2, 0):
            super().ensure_output_version(version)  # type: ignore[no-untyped-call]
