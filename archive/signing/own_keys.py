"""People's own certificates (PKCS#12) instead of the company's: registered, opened, withdrawn.

The file is kept as it came, locked with its owner's password; that password is asked at every
signing and never kept. Called by ``keys`` and by the person's own page.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from sqlalchemy import select

from archive.core.clock import show_instant
from archive.core.errors import Invalid
from archive.people import access
from archive.people.rights import Actor
from archive.signing.authority import SigningKey
from archive.signing.certificates import attribute_of, serial_hex
from archive.signing.proof_models import OwnCertificate
from storage.work import UnitOfWork

LARGEST_FILE = 100_000
MOST_ROUNDS = 2_000_000  # of key stretching; a hostile file may ask for billions
SMALLEST_RSA = 2048
PASSWORD_FIELD = "own_password"  # noqa: S105 -- the name of an entry
_READ: Callable[..., Any] = asn1_pkcs12.Pfx.load  # the library carries no types
_READ_BAGS: Callable[..., Any] = asn1_pkcs12.SafeContents.load
_UNREADABLE = (AttributeError, KeyError, LookupError, OverflowError, TypeError, ValueError)


class WrongOwnPassword(Invalid):
    """The password given for a certificate of one's own does not open it."""


@dataclass(frozen=True)
class OwnCertificateView:
    """A person's own certificate as its owner sees it."""

    id: int
    name: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    registered_at: datetime


def register_own(uow: UnitOfWork, actor: Actor, content: bytes, password: str) -> int:
    """Keep the actor's own PKCS#12 for signing from now on; return its id.

    Raises Invalid: wrong password, no key in it, another's name, expired, too weak, not made for
    signing. An earlier one is withdrawn.
    """
    key = _open(content, password)
    certificate = key.certificate
    _check_usable(certificate, actor, uow.now())
    withdraw_own(uow, actor.id, uow.now())
    row = OwnCertificate(
        user_id=actor.id,
        serial=serial_hex(certificate),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        pkcs12=content,
        issuer=_name(certificate.issuer)[:200],
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        registered_at=uow.now(),
        withdrawn_at=None,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.journal(actor.id, "certificate.register", "user", actor.id, {"serial": row.serial})
    return row.id


def drop_own(uow: UnitOfWork, actor: Actor) -> None:
    """Withdraw the actor's own certificate; from now on the company's is used again."""
    serials = withdraw_own(uow, actor.id, uow.now())
    if serials:
        uow.journal(actor.id, "certificate.withdraw", "user", actor.id, {"serials": serials})


def withdraw_own(uow: UnitOfWork, user_id: int, now: datetime) -> list[str]:
    """Note that a person's own certificates count no more; return their serials."""
    rows = uow.session.scalars(
        select(OwnCertificate).where(
            OwnCertificate.user_id == user_id, OwnCertificate.withdrawn_at.is_(None)
        )
    ).all()
    for row in rows:
        row.withdrawn_at = now
    return [row.serial for row in rows]


def find_own(uow: UnitOfWork, user_id: int) -> OwnCertificateView | None:
    """Return the person's own certificate in use, or None."""
    row = _row(uow, user_id)
    if row is None:
        return None
    subject = x509.load_pem_x509_certificate(row.certificate_pem.encode()).subject
    return OwnCertificateView(
        row.id,
        _name(subject),
        row.issuer,
        row.serial,
        row.not_before,
        row.not_after,
        row.registered_at,
    )


def registered_certificates(uow: UnitOfWork) -> tuple[bytes, ...]:
    """Return every own certificate (PEM) ever registered, for ``pades.verify``."""
    return tuple(
        pem.encode() for pem in uow.session.scalars(select(OwnCertificate.certificate_pem))
    )


def open_own_key(uow: UnitOfWork, user_id: int, password: str) -> SigningKey | None:
    """Return the person's own key, None where they have none; raise Invalid for the password."""
    row = _row(uow, user_id)
    if row is None:
        return None
    if not password:
        raise Invalid(
            "您登记了自己的签名证书，签字时要输入它的密码。", {PASSWORD_FIELD: "请输入证书密码"}
        )
    if row.not_after <= uow.now():
        raise Invalid("您自己的签名证书已到期，请换一份，或停用后改用单位证书。")
    return _open(row.pkcs12, password)


def check_tries(uow: UnitOfWork, user_id: int) -> None:
    """Raise Throttled where the password of the person's own certificate was wrong too often."""
    access.check_tries(
        uow, _tries_key(user_id), "证书密码错误次数过多，请 15 分钟后再签，或停用它、改用单位证书。"
    )


def note_wrong(uow: UnitOfWork, user_id: int, address: str) -> None:
    """Count a wrong password of the person's own certificate."""
    access.note_try(uow, _tries_key(user_id), address)
    uow.journal(user_id, "certificate.refused", "user", user_id, {})


def _tries_key(user_id: int) -> str:
    return f"pkcs12:{user_id}"


def _row(uow: UnitOfWork, user_id: int) -> OwnCertificate | None:
    return uow.session.scalar(
        select(OwnCertificate)
        .where(OwnCertificate.user_id == user_id, OwnCertificate.withdrawn_at.is_(None))
        .order_by(OwnCertificate.id.desc())
        .limit(1)
    )


def _open(content: bytes, password: str) -> SigningKey:
    if not 0 < len(content) <= LARGEST_FILE:
        raise Invalid("证书文件是空的，或超过 100 KB，不像是证书。请选 .p12 或 .pfx 文件。")
    _check_rounds(content)
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(
            content, password.encode() if password else None
        )
    except ValueError as wrong:
        raise WrongOwnPassword(
            "证书打不开：密码不对，或文件不是 PKCS#12（.p12、.pfx）。",
            {PASSWORD_FIELD: "密码不对"},
        ) from wrong
    if certificate is None or not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Invalid("文件里没有可以签名的私钥和证书。请连同私钥一起导出后再上传。")
    return SigningKey(certificate, key, tuple(others))


def _check_rounds(content: bytes) -> None:
    """Refuse a file that would keep the server stretching its password for hours."""
    try:
        rounds = list(_rounds(_READ(content, strict=True)))
    except _UNREADABLE as wrong:
        raise Invalid("这不是 PKCS#12 证书文件。请选 .p12 或 .pfx 文件。") from wrong
    if any(each > MOST_ROUNDS for each in rounds):
        raise Invalid("证书文件的加密设置不正常，不能使用。请重新导出后再上传。")


def _rounds(pfx: Any) -> Iterator[int]:
    if pfx["mac_data"].native is not None:
        yield int(pfx["mac_data"]["iterations"].native)
    for info in pfx.authenticated_safe:
        kind = info["content_type"].native
        if kind == "encrypted_data":
            encryption = info["content"]["encrypted_content_info"]
            yield int(encryption["content_encryption_algorithm"].kdf_iterations)
        elif kind == "data":
            for bag in _READ_BAGS(info["content"].native):
                if bag["bag_id"].native == "pkcs8_shrouded_key_bag":
                    yield int(bag["bag_value"]["encryption_algorithm"].kdf_iterations)


def _check_usable(certificate: x509.Certificate, actor: Actor, now: datetime) -> None:
    name = attribute_of(certificate.subject, x509.NameOID.COMMON_NAME)
    if actor.name not in name:
        raise Invalid(f"证书上的姓名是“{name[:60]}”，不是“{actor.name}”。只能登记本人的证书。")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        until = show_instant(certificate.not_valid_after_utc)
        raise Invalid(f"这份证书现在不在有效期内（有效期至 {until}），不能登记。")
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SMALLEST_RSA:
        raise Invalid(f"证书的密钥只有 {key.key_size} 位，太短，至少要 {SMALLEST_RSA} 位。")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is None or not usage.content_commitment:
        raise Invalid("这份证书不是用来签名的（缺少“不可否认”用途），不能登记。")


def _name(name: x509.Name) -> str:
    return attribute_of(name, x509.NameOID.COMMON_NAME) or name.rfc4514_string()
