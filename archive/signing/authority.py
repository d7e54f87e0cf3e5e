"""The company's own certificate authority: a root, an issuing certificate, and who they vouch for.

Here: making and opening the authority's folder, certificates for people and for the company's
certifying signature, the revocation list. Not here: what is signed with the keys (``pades``),
which certificate belongs to whom (the station's models). Called by the signing service and by
``archive init``. Files in, values out: no database, no web.

The folder::

    root.pem root.key         the root; root.key is needed only to renew the certificates and may
                              be moved to a safe place
    issuing.pem issuing.key   signs people's certificates and the revocation list
    root.crl                  the root's own (empty) revocation list, made with it
    renewed.pem               what took the place of the three certificates above (``renewal``)
    salt cost                 stretch the passphrase (scrypt); every key, also those handed out,
                              is PKCS#8 encrypted with the stretched passphrase, so a backup
                              without this folder has lost the keys
    SHA256SUMS                tells a damaged file from a wrong passphrase
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from archive.core.errors import Conflict, Invalid
from archive.signing.authority_folder import (
    ROOT_KEY,
    SUMS,
    AuthorityError,
    read_cost,
    read_folder,
    sums_of,
    write_folder,
)
from archive.signing.certificates import (
    COMMON_NAME_BYTES,
    ISSUING_DAYS,
    PERSON_DAYS,
    PrivateKey,
    attribute_of,
    belongs_together,
    certificate_builder,
    check_instant,
    checked_name,
    encrypted_key,
    key_usage,
    new_authority_files,
    revocation_list,
    serial_hex,
    stretched,
    subject_of,
    titled,
)
from archive.signing.renewal import Standing, read_standing, write_renewal

CRL_DAYS = 30
SKEW = timedelta(minutes=5)  # a certificate counts from a little before it was asked for
PERSON_UNIT = "员工签名"  # OU of a person's certificate
COST = 2**15  # of stretching the passphrase (scrypt N), kept beside the salt
OUTSIDE_UNIT = "对方签字"  # OU of a certificate issued to the other party for one act
SEAL_UNIT = "印章"  # OU of the certificate of one of the company's seals
COMPANY_UNIT = "单位签章"  # OU of the company's certifying certificate
SHORTEST_PASSPHRASE = 8
LONGEST_PASSPHRASE = 1000
KEPT_KEYS = 128  # parsed keys kept in memory


@dataclass(frozen=True)
class SigningKey:
    """A parsed key with its certificate and the chain above it (issuer first, root last)."""

    certificate: x509.Certificate
    private_key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = field(default=(), repr=False)

    @property
    def serial_hex(self) -> str:
        """Serial number of the certificate, lower-case hexadecimal."""
        return serial_hex(self.certificate)


@dataclass(frozen=True)
class IssuedKey:
    """A fresh certificate and its encrypted key, as the database keeps them."""

    serial_hex: str
    certificate_pem: bytes
    encrypted_key_pem: bytes = field(repr=False)
    not_before: datetime
    not_after: datetime


def read_crl(der: bytes, issuing_pem: bytes) -> dict[str, datetime]:
    """Return serial (hexadecimal) → since when; the list must be signed by the issuing one."""
    try:
        crl = x509.load_der_x509_crl(der)
        issuing = x509.load_pem_x509_certificate(issuing_pem)
        key = issuing.public_key()
        is_genuine = isinstance(key, ec.EllipticCurvePublicKey) and crl.is_signature_valid(key)
    except (ValueError, TypeError) as wrong:
        raise AuthorityError("证书作废名单已损坏，读不出来。请重新取一份。") from wrong
    if not is_genuine:
        raise AuthorityError("证书作废名单不是本单位签发的，不能采用。请重新取一份。")
    return {f"{each.serial_number:x}": each.revocation_date_utc for each in crl}


class CompanyAuthority:
    """An opened authority: issues certificates, revokes them, turns stored keys into usable ones.

    Safe to share between threads.
    """

    def __init__(
        self,
        standing: Standing,
        issuing_key: ec.EllipticCurvePrivateKey,
        password: bytes,
        crl_url: str = "",
    ) -> None:
        self._standing = standing
        self._root = standing.root
        self._issuing = standing.issuing
        self._issuing_key = issuing_key
        self._password = password
        self._crl_url = crl_url
        self._parsed: OrderedDict[bytes, SigningKey] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def create(
        cls, folder: Path, company: str, passphrase: bytes, now: datetime, crl_url: str = ""
    ) -> "CompanyAuthority":
        """Make root and issuing certificate in ``folder``, all at once or not at all.

        Raises Conflict where the folder holds anything already, Invalid for a name or a
        passphrase that cannot be used.
        """
        company = checked_name(company, "公司名称")
        _check_passphrase(passphrase)
        check_instant(now)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Conflict(
                f"{folder} 里已经有文件，不会覆盖公司的签名证书。要重新建立，请先把它移走保存。"
            )
        salt = secrets.token_bytes(16)
        password = stretched(passphrase, salt, COST)
        files = new_authority_files(company, password, now)
        files |= {"salt": salt, "cost": str(COST).encode()}
        files[SUMS] = sums_of(files)
        write_folder(folder, files)
        return cls._opened(folder, password, crl_url)

    @classmethod
    def open(cls, folder: Path, passphrase: bytes, crl_url: str = "") -> "CompanyAuthority":
        """Open the authority; ``root.key`` may be away.

        ``crl_url``: where the revocation list is published, written into new certificates.

        Raises AuthorityError: nothing there, a file missing or damaged, wrong passphrase.
        """
        files = read_folder(folder)
        _check_passphrase(passphrase)
        password = stretched(passphrase, files["salt"], read_cost(folder, files["cost"]))
        return cls._opened(folder, password, crl_url)

    @classmethod
    def _opened(cls, folder: Path, password: bytes, crl_url: str) -> "CompanyAuthority":
        files = read_folder(folder)
        standing = read_standing(folder)
        key = _authority_key(files["issuing.key"], password)
        if not belongs_together(key.public_key(), standing.issuing, standing.root):
            raise AuthorityError(
                f"{folder} 里的证书和密钥不是一套。请从备份恢复整个文件夹，不要只换其中一个文件。"
            )
        return cls(standing, key, password, crl_url)

    def renew(self, folder: Path, now: datetime) -> bool:
        """Renew the certificates in the folder if it is time; return whether they were.

        This one stays as it was opened. Raises AuthorityError where ``root.key`` is away.
        """
        check_instant(now)
        if not self._standing.is_ageing(now):
            return False
        path = folder / ROOT_KEY
        if not path.is_file():
            raise AuthorityError(f"公司的签发证书该更新了，但 {path} 不在。请把它放回去。")
        key = _authority_key(path.read_bytes(), self._password)
        if key.public_key() != self._root.public_key():
            raise AuthorityError(f"{path} 不是根证书的密钥。请放回原来的那一个。")
        write_renewal(folder, self._standing, self._issuing_key.public_key(), key, now)
        return True

    @property
    def root_crl(self) -> bytes:
        """The root's own revocation list (DER); empty in a folder from before it was made."""
        return self._standing.root_crl

    @property
    def root_pem(self) -> bytes:
        """The root certificate: the one trust anchor of the house, fit to be published."""
        return self._root.public_bytes(serialization.Encoding.PEM)

    @property
    def issuing_pem(self) -> bytes:
        """The issuing certificate."""
        return self._issuing.public_bytes(serialization.Encoding.PEM)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What stands above every issued certificate: issuing, then root."""
        return (self._issuing, self._root)

    @property
    def trust_roots(self) -> tuple[bytes, ...]:
        """What ``pades.verify`` asks for."""
        return (self.root_pem,)

    @property
    def company(self) -> str:
        """The company's name as the certificates carry it."""
        return attribute_of(self._root.subject, NameOID.ORGANIZATION_NAME)

    def issue_person(
        self, name: str, staff_no: str, now: datetime, days: int = PERSON_DAYS
    ) -> IssuedKey:
        """Issue a person's key and certificate: name in CN, staff number in UID."""
        name = checked_name(name, "姓名")
        if len(name.encode()) > COMMON_NAME_BYTES:
            raise Invalid(
                f"姓名“{name}”太长，证书里最多 21 个汉字。请缩短后再试。", {"姓名": "太长"}
            )
        staff_no = checked_name(staff_no, "工号")
        return self._issue(subject_of(self.company, name, PERSON_UNIT, staff_no), now, days)

    def issue_outside(self, name: str, party: str, now: datetime) -> SigningKey:
        """Return a key for one act of the other party; it is kept nowhere."""
        name = checked_name(name, "姓名")
        issued = self._issue(
            subject_of(checked_name(party or name, "对方名称"), name, OUTSIDE_UNIT),
            now,
            PERSON_DAYS,
        )
        return self._parse_key(issued.certificate_pem, issued.encrypted_key_pem)

    def issue_company_seal(self, now: datetime, days: int = PERSON_DAYS) -> IssuedKey:
        """Issue the key with which the company certifies a paper before anybody signs it."""
        return self._issue(subject_of(self.company, titled(self.company), COMPANY_UNIT), now, days)

    def issue_seal(self, name: str, now: datetime, days: int = PERSON_DAYS) -> IssuedKey:
        """Issue the key of one of the company's seals (公章, 合同专用章 …)."""
        title = titled(self.company, f" {checked_name(name, '印章名称')}")
        return self._issue(subject_of(self.company, title, SEAL_UNIT), now, days)

    def signing_key(self, certificate_pem: bytes, encrypted_key_pem: bytes) -> SigningKey:
        """Return the usable key; parsed once and kept while it is in use.

        Raises AuthorityError where the key was not encrypted by this authority, is damaged, or
        does not belong to the certificate.
        """
        digest = hashlib.sha256(certificate_pem + b"\0" + encrypted_key_pem).digest()
        with self._lock:
            kept = self._parsed.get(digest)
            if kept is not None:
                self._parsed.move_to_end(digest)
                return kept
        key = self._parse_key(certificate_pem, encrypted_key_pem)
        with self._lock:
            self._parsed[digest] = key
            while len(self._parsed) > KEPT_KEYS:
                self._parsed.popitem(last=False)
        return key

    def crl(self, revoked: Iterable[tuple[str, datetime]], now: datetime) -> bytes:
        """Return the revocation list (DER): serials in hexadecimal and since when."""
        until = now + timedelta(days=CRL_DAYS)
        return revocation_list(self._issuing, self._issuing_key, revoked, now, until)

    def _parse_key(self, certificate_pem: bytes, encrypted_key_pem: bytes) -> SigningKey:
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
            key = serialization.load_pem_private_key(encrypted_key_pem, self._password)
        except (ValueError, TypeError) as wrong:
            raise AuthorityError(
                "这份签名密钥打不开：它已损坏，或不是用现在的口令加密的。请管理员重新签发证书。"
            ) from wrong
        if not isinstance(key, PrivateKey) or key.public_key() != certificate.public_key():
            raise AuthorityError("签名密钥和证书不是一对。请管理员重新签发证书。")
        return SigningKey(certificate, key, self.chain)

    def _issue(self, subject: x509.Name, now: datetime, days: int) -> IssuedKey:
        check_instant(now)
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= ISSUING_DAYS:
            raise Invalid(f"证书有效期应在 1 到 {ISSUING_DAYS} 天之间。", {"days": "天数不对"})
        until = min(now + timedelta(days=days), self._issuing.not_valid_after_utc)
        since = max(now - SKEW, self._issuing.not_valid_before_utc)
        if until <= now:
            raise AuthorityError(
                "公司的签发证书已到期，不能再签发证书。请管理员看“系统状况”里怎样更新。"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            certificate_builder(subject, key.public_key(), since, until)
            .issuer_name(self._issuing.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(is_authority=False), critical=True)
            .add_extension(self._key_identifier(), critical=False)
        )
        if self._crl_url:
            builder = builder.add_extension(_where_revoked(self._crl_url), critical=False)
        certificate = builder.sign(self._issuing_key, hashes.SHA256())
        return IssuedKey(
            serial_hex(certificate),
            certificate.public_bytes(serialization.Encoding.PEM),
            encrypted_key(key, self._password),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issuing_key.public_key())


def _authority_key(pem: bytes, password: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password)
    except (ValueError, TypeError) as wrong:
        raise AuthorityError(
            "公司签名证书的口令不对，打不开签名密钥。请检查口令的设置后再启动。"
        ) from wrong
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityError("公司的签名密钥不是椭圆曲线密钥。请从备份恢复整个文件夹。")
    return key


def _check_passphrase(passphrase: bytes) -> None:
    if not isinstance(passphrase, bytes) or len(passphrase) < SHORTEST_PASSPHRASE:
        raise Invalid(f"公司签名证书的口令至少要 {SHORTEST_PASSPHRASE} 个字节，请换一个更长的。")
    if len(passphrase) > LONGEST_PASSPHRASE:
        raise Invalid(f"公司签名证书的口令最多 {LONGEST_PASSPHRASE} 个字节，请换一个短些的。")


def _where_revoked(url: str) -> x509.CRLDistributionPoints:
    place = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([place])
