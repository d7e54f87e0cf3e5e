"""The company's own certificate authority: a root, an issuing certificate, and who they vouch for.

Here: making and opening the authority's folder, certificates for people and for the company's
certifying signature, the revocation list. Not here: what is signed with the keys (``pades``),
which certificate belongs to whom (the station's models). Called by the signing service and by
``archive init``. Files in, values out: no database, no web.

The folder::

    root.pem root.key         the root; root.key is needed only to make a new issuing certificate
                              and may be moved to a safe place
    issuing.pem issuing.key   signs people's certificates and the revocation list
    salt                      stretches the passphrase (scrypt); every key, also those handed out,
                              is PKCS#8 encrypted with the stretched passphrase, so a backup
                              without this folder has lost the keys
    SHA256SUMS                tells a damaged file from a wrong passphrase
"""

import base64
import hashlib
import os
import secrets
import shutil
import tempfile
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.x509.oid import NameOID

from archive.core.errors import Conflict, Invalid, Unavailable

ROOT_DAYS = 365 * 20
ISSUING_DAYS = 365 * 10
PERSON_DAYS = 365 * 3
CRL_DAYS = 30
SKEW = timedelta(minutes=5)  # a certificate counts from a little before it was asked for
PERSON_UNIT = "员工签名"  # OU of a person's certificate
COMPANY_UNIT = "单位签章"  # OU of the company's certifying certificate
NAME_LIMIT = 64  # X.520 upper bound of an organisation, in characters
COMMON_NAME_BYTES = 64  # of a common name; cryptography counts its UTF-8 bytes
SHORTEST_PASSPHRASE = 8
LONGEST_PASSPHRASE = 1000
KEPT_KEYS = 128  # parsed keys kept in memory

_SEALED = ("root.pem", "issuing.pem", "issuing.key", "salt")  # root.key may be taken away
_SUMS = "SHA256SUMS"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class AuthorityError(Unavailable):
    """The company's certificates cannot be used; the message says which file and what to do."""

    code = "signing_authority"


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


def serial_hex(certificate: x509.Certificate) -> str:
    """Serial number of a certificate, lower-case hexadecimal without a prefix."""
    return f"{certificate.serial_number:x}"


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
        root: x509.Certificate,
        issuing: x509.Certificate,
        issuing_key: ec.EllipticCurvePrivateKey,
        password: bytes,
    ) -> None:
        self._root = root
        self._issuing = issuing
        self._issuing_key = issuing_key
        self._password = password
        self._parsed: OrderedDict[bytes, SigningKey] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def create(
        cls, folder: Path, company: str, passphrase: bytes, now: datetime
    ) -> "CompanyAuthority":
        """Make root and issuing certificate in ``folder``, all at once or not at all.

        Raises Conflict where the folder holds anything already, Invalid for a name or a
        passphrase that cannot be used.
        """
        company = _checked_name(company, "公司名称")
        _check_passphrase(passphrase)
        _check_instant(now)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Conflict(
                f"{folder} 里已经有文件，不会覆盖公司的签名证书。要重新建立，请先把它移走保存。"
            )
        salt = secrets.token_bytes(16)
        password = _stretched(passphrase, salt)
        files = _new_authority_files(company, password, now) | {"salt": salt}
        files[_SUMS] = _sums(files)
        _write_folder(folder, files)
        return cls.open(folder, passphrase)

    @classmethod
    def open(cls, folder: Path, passphrase: bytes) -> "CompanyAuthority":
        """Open the authority; ``root.key`` may be away.

        Raises AuthorityError: nothing there, a file missing or damaged, wrong passphrase.
        """
        files = _read_folder(folder)
        _check_passphrase(passphrase)
        root = _certificate(files["root.pem"], folder / "root.pem")
        issuing = _certificate(files["issuing.pem"], folder / "issuing.pem")
        password = _stretched(passphrase, files["salt"])
        try:
            key = serialization.load_pem_private_key(files["issuing.key"], password)
        except (ValueError, TypeError) as wrong:
            raise AuthorityError(
                "公司签名证书的口令不对，打不开签名密钥。请检查口令的设置后再启动。"
            ) from wrong
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not _belongs(key, issuing, root):
            raise AuthorityError(
                f"{folder} 里的证书和密钥不是一套。请从备份恢复整个文件夹，不要只换其中一个文件。"
            )
        return cls(root, issuing, key, password)

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
        return _attribute(self._root.subject, NameOID.ORGANIZATION_NAME)

    def issue_person(
        self, name: str, staff_no: str, now: datetime, days: int = PERSON_DAYS
    ) -> IssuedKey:
        """Issue a person's key and certificate: name in CN, staff number in UID."""
        name = _checked_name(name, "姓名")
        if len(name.encode()) > COMMON_NAME_BYTES:
            raise Invalid(
                f"姓名“{name}”太长，证书里最多 21 个汉字。请缩短后再试。", {"姓名": "太长"}
            )
        staff_no = _checked_name(staff_no, "工号")
        return self._issue(_subject(self.company, name, PERSON_UNIT, staff_no), now, days)

    def issue_company_seal(self, now: datetime, days: int = PERSON_DAYS) -> IssuedKey:
        """Issue the key with which the company certifies a paper before anybody signs it."""
        return self._issue(_subject(self.company, _titled(self.company), COMPANY_UNIT), now, days)

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
        _check_instant(now)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._issuing.subject)
            .last_update(now)
            .next_update(now + timedelta(days=CRL_DAYS))
            .add_extension(self._key_identifier(), critical=False)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        )
        for serial, since in revoked:
            builder = builder.add_revoked_certificate(_revoked(serial, since))
        signed = builder.sign(self._issuing_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.DER)

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
        _check_instant(now)
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= ISSUING_DAYS:
            raise Invalid(f"证书有效期应在 1 到 {ISSUING_DAYS} 天之间。", {"days": "天数不对"})
        until = min(now + timedelta(days=days), self._issuing.not_valid_after_utc)
        since = max(now - SKEW, self._issuing.not_valid_before_utc)
        if until <= now:
            raise AuthorityError("公司的签发证书已到期，不能再签发个人证书。请管理员更新签发证书。")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(subject, key, since, until)
            .issuer_name(self._issuing.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(is_authority=False), critical=True)
            .add_extension(self._key_identifier(), critical=False)
            .sign(self._issuing_key, hashes.SHA256())
        )
        return IssuedKey(
            serial_hex(certificate),
            certificate.public_bytes(serialization.Encoding.PEM),
            _encrypted(key, self._password),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._issuing_key.public_key())


def _new_authority_files(company: str, password: bytes, now: datetime) -> dict[str, bytes]:
    """Root and issuing certificates with their encrypted keys, by file name."""
    root_key, issuing_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = _subject(company, _titled(company, " 根证书"), "")
    since = now - timedelta(days=1)
    root = _authority_certificate(
        root_name, root_key, root_name, root_key, (since, now + timedelta(days=ROOT_DAYS)), 1
    )
    issuing = _authority_certificate(
        _subject(company, _titled(company, " 签发证书"), ""),
        issuing_key,
        root_name,
        root_key,
        (since, now + timedelta(days=ISSUING_DAYS)),
        0,
    )
    return {
        "root.pem": root.public_bytes(serialization.Encoding.PEM),
        "root.key": _encrypted(root_key, password),
        "issuing.pem": issuing.public_bytes(serialization.Encoding.PEM),
        "issuing.key": _encrypted(issuing_key, password),
    }


def _authority_certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    valid: tuple[datetime, datetime],
    path_length: int,
) -> x509.Certificate:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        _builder(subject, key, *valid)
        .issuer_name(issuer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(is_authority=True), critical=True)
        .add_extension(authority, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(identifier, critical=False)
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
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


def _subject(company: str, common_name: str, unit: str, staff_no: str = "") -> x509.Name:
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


def _titled(company: str, title: str = "") -> str:
    """A common name from the company's, cut to its limit; O carries the name in full."""
    room = COMMON_NAME_BYTES - len(title.encode())
    return company.encode()[:room].decode(errors="ignore") + title


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _encrypted(key: PrivateKey, password: bytes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )


def _stretched(passphrase: bytes, salt: bytes) -> bytes:
    """The PKCS#8 password: scrypt, because OpenSSL's own 2,048 rounds are too few."""
    derived = Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase)
    return base64.b64encode(derived)


def _revoked(serial: str, since: datetime) -> x509.RevokedCertificate:
    _check_instant(since)
    try:
        number = int(serial, 16)
        return x509.RevokedCertificateBuilder().serial_number(number).revocation_date(since).build()
    except (ValueError, TypeError) as wrong:
        raise Invalid(f"“{serial}”不是证书序列号，不能列入作废名单。") from wrong


def _belongs(
    key: ec.EllipticCurvePrivateKey, issuing: x509.Certificate, root: x509.Certificate
) -> bool:
    """Whether the key is the issuing certificate's and the root vouches for it."""
    try:
        root.verify_directly_issued_by(root)
        issuing.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return key.public_key() == issuing.public_key()


def _certificate(pem: bytes, path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as wrong:
        raise _damaged(path) from wrong


def _damaged(path: Path) -> AuthorityError:
    return AuthorityError(f"公司签名证书文件 {path} 已损坏。请从备份恢复整个文件夹。")


def _checked_name(text: str, what: str) -> str:
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


def _check_passphrase(passphrase: bytes) -> None:
    if not isinstance(passphrase, bytes) or len(passphrase) < SHORTEST_PASSPHRASE:
        raise Invalid(f"公司签名证书的口令至少要 {SHORTEST_PASSPHRASE} 个字节，请换一个更长的。")
    if len(passphrase) > LONGEST_PASSPHRASE:
        raise Invalid(f"公司签名证书的口令最多 {LONGEST_PASSPHRASE} 个字节，请换一个短些的。")


def _check_instant(instant: datetime) -> None:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    if not datetime(2000, 1, 1, tzinfo=UTC) < instant < datetime(2200, 1, 1, tzinfo=UTC):
        raise ValueError(f"{instant.isoformat()} is no time a certificate can carry")


def _sums(files: dict[str, bytes]) -> bytes:
    """Digests in the form ``sha256sum -c`` reads."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


def _read_folder(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise AuthorityError(
            f"找不到公司的签名证书（{folder}）。请先初始化，或从备份恢复这个文件夹。"
        )
    files = {name: _read(folder / name) for name in _SEALED}
    try:
        lines = _read(folder / _SUMS).decode("ascii").splitlines()
    except UnicodeDecodeError as wrong:
        raise _damaged(folder / _SUMS) from wrong
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name, content in files.items():
        if expected.get(name) != hashlib.sha256(content).hexdigest():
            raise _damaged(folder / name)
    return files


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as missing:
        raise AuthorityError(f"公司签名证书缺少文件 {path}。请从备份恢复整个文件夹。") from missing
    except OSError as wrong:
        raise AuthorityError(f"公司签名证书文件 {path} 读不出来。请检查它的权限。") from wrong


def _write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Write all files beside and put the folder in place in one step; never over another."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # mode 0700
    try:
        for name, content in files.items():
            _write_private(fresh / name, content)
        _sync_folder(fresh)
        fresh.rename(folder)
    except OSError as wrong:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Conflict(
            f"公司的签名证书没有写成（{folder}）：{wrong.strerror}。原有文件没有改动。"
        ) from wrong
    _sync_folder(folder.parent)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
