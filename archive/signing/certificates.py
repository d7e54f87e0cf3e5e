"""The certificates themselves: what stands in them, how they are built, read and encrypted.

Pure functions on ``cryptography`` values. Which certificates there are, and who may have one, is
``authority``.
"""

import base64
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.x509.oid import NameOID

from archive.core.errors import Invalid

ROOT_DAYS = 365 * 20
ISSUING_DAYS = 365 * 10
PERSON_DAYS = 365 * 3
NAME_LIMIT = 64  # X.520 upper bound of an organisation, in characters
COMMON_NAME_BYTES = 64  # of a common name; cryptography counts its UTF-8 bytes

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def serial_hex(certificate: x509.Certificate) -> str:
    """Serial number of a certificate, lower-case hexadecimal without a prefix."""
    return f"{certificate.serial_number:x}"


def new_authority_files(company: str, password: bytes, now: datetime) -> dict[str, bytes]:
    """Root and issuing certificates with their encrypted keys, by file name."""
    root_key, issuing_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_public, issuing_public = root_key.public_key(), issuing_key.public_key()
    root_name = subject_of(company, titled(company, " 根证书"), "")
    since = now - timedelta(days=1)
    root = authority_certificate(
        root_name, root_public, root_name, root_key, (since, now + timedelta(days=ROOT_DAYS)), 1
    )
    issuing = authority_certificate(
        subject_of(company, titled(company, " 签发证书"), ""),
        issuing_public,
        root_name,
        root_key,
        (since, now + timedelta(days=ISSUING_DAYS)),
        0,
    )
    return {
        "root.pem": root.public_bytes(serialization.Encoding.PEM),
        "root.key": encrypted_key(root_key, password),
        "root.crl": revocation_list(root, root_key, (), now, issuing.not_valid_after_utc),
        "issuing.pem": issuing.public_bytes(serialization.Encoding.PEM),
        "issuing.key": encrypted_key(issuing_key, password),
    }


def authority_certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    valid: tuple[datetime, datetime],
    path_length: int,
) -> x509.Certificate:
    """Make the certificate of an authority: the root, or the one that signs for people."""
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        certificate_builder(subject, key, *valid)
        .issuer_name(issuer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(is_authority=True), critical=True)
        .add_extension(authority, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def certificate_builder(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    """Begin a certificate: subject, key, serial number, term."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(identifier, critical=False)
    )


def key_usage(*, is_authority: bool) -> x509.KeyUsage:
    """Say what a key may do: sign certificates and lists, or sign documents."""
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=not is_authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def subject_of(company: str, common_name: str, unit: str, staff_no: str = "") -> x509.Name:
    """Return who a certificate is for."""
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, company),
    ]
    if unit:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    if staff_no:
        parts.append(x509.NameAttribute(NameOID.USER_ID, staff_no))
    return x509.Name(parts)


def titled(company: str, title: str = "") -> str:
    """A common name from the company's, cut to its limit; O carries the name in full."""
    room = COMMON_NAME_BYTES - len(title.encode())
    return company.encode()[:room].decode(errors="ignore") + title


def attribute_of(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    """Return one attribute of a name; empty if it has none."""
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def encrypted_key(key: PrivateKey, password: bytes) -> bytes:
    """Return a key as PKCS#8, locked with the stretched passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )


def stretched(passphrase: bytes, salt: bytes, cost: int) -> bytes:
    """The PKCS#8 password: scrypt, because OpenSSL's own 2,048 rounds are too few."""
    derived = Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase)
    return base64.b64encode(derived)


def belongs_together(key: object, issuing: x509.Certificate, root: x509.Certificate) -> bool:
    """Whether the public key is the issuing certificate's and the root vouches for it."""
    try:
        root.verify_directly_issued_by(root)
        issuing.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return key == issuing.public_key()


def checked_name(text: str, what: str) -> str:
    """The name as it goes into a certificate; refused where it cannot be printed as typed."""
    if not isinstance(text, str) or not text.strip():
        raise Invalid(f"{what}是空的，不能签发证书。请先填好{what}。", {what: "必填"})
    text = text.strip()
    if len(text) > NAME_LIMIT:
        message = f"{what}有 {len(text)} 个字，证书里最多 {NAME_LIMIT} 个字。请缩短后再试。"
        raise Invalid(message, {what: "太长"})
    hidden = [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    if hidden:
        message = f"{what}里有看不见的控制字符（U+{ord(hidden[0]):04X}），请删去后再试。"
        raise Invalid(message, {what: "含控制字符"})
    return text


def check_instant(instant: datetime) -> None:
    """Refuse a time without zone, and times no certificate can carry."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    if not datetime(2000, 1, 1, tzinfo=UTC) < instant < datetime(2200, 1, 1, tzinfo=UTC):
        raise ValueError(f"{instant.isoformat()} is no time a certificate can carry")


def unit_of(certificate: x509.Certificate) -> str:
    """Return what the certificate is for: its OU."""
    return attribute_of(certificate.subject, NameOID.ORGANIZATIONAL_UNIT_NAME)


def company_of(certificate: x509.Certificate) -> str:
    """Return the organisation the certificate stands for, in full."""
    return attribute_of(certificate.subject, NameOID.ORGANIZATION_NAME)


def revocation_list(
    issuer: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    revoked: Iterable[tuple[str, datetime]],
    now: datetime,
    until: datetime,
) -> bytes:
    """Return a revocation list (DER): serials in hexadecimal and since when."""
    check_instant(now)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now)
        .next_update(until)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    )
    for serial, since in revoked:
        builder = builder.add_revoked_certificate(_revoked(serial, since))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _revoked(serial: str, since: datetime) -> x509.RevokedCertificate:
    check_instant(since)
    try:
        number = int(serial, 16)
        return x509.RevokedCertificateBuilder().serial_number(number).revocation_date(since).build()
    except (ValueError, TypeError) as wrong:
        raise Invalid(f"“{serial}”不是证书序列号，不能列入作废名单。") from wrong
