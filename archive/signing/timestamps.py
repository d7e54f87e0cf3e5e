"""The outside time-stamp authority (RFC 3161): whether one is set, and how it is asked.

Here: the level that is wanted, and one HTTP question. Not here: what the answer is worth and how
it gets into the PDF (``pades``); trying again later (``proofs``).
"""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from archive.config import Settings
from archive.core.errors import Unavailable

PATIENCE = 5.0  # seconds a signer may be kept waiting for the authority
LARGEST_ANSWER = 200_000
QUERY = "application/timestamp-query"


class Level(StrEnum):
    """How much a signed PDF proves without us (ETSI EN 319 142-1), lowest first."""

    B = "B-B"  # who signed and that nothing changed
    T = "B-T"  # … and, by an outside authority, that it was there by then
    LT = "B-LT"  # … and carries everything needed to check it
    LTA = "B-LTA"  # … and is sealed again by time-stamps before they age

    @property
    def rank(self) -> int:
        """Place in the order."""
        return list(Level).index(self)


class TimeStampAway(Unavailable):
    """The time-stamp authority does not answer, or its answer cannot be used."""

    code = "timestamp_away"


@dataclass(frozen=True)
class TimeAuthority:
    """A time-stamp authority: its address and the certificates (PEM) it is trusted by."""

    url: str
    roots: tuple[bytes, ...] = field(repr=False)
    patience: float = PATIENCE


def wanted_level(settings: Settings) -> Level:
    """Return the level the settings ask for; raise Unavailable where there is no such level."""
    try:
        return Level(settings.signature_level)
    except ValueError as wrong:
        raise Unavailable(
            f"设置 ARCHIVE_SIGNATURE_LEVEL 是“{settings.signature_level[:40]}”，"
            f"只能是 {'、'.join(Level)} 之一。请管理员改正后重新启动。"
        ) from wrong


def find_authority(settings: Settings) -> TimeAuthority | None:
    """Return the authority of the settings, or None when no level above B-B is wanted.

    Raises Unavailable where the settings do not say all that is needed.
    """
    if wanted_level(settings) is Level.B:
        return None
    if not settings.tsa_url.startswith(("http://", "https://")):
        raise Unavailable(
            f"签名等级设为 {settings.signature_level}，但没有设置时间戳机构的网址"
            "（ARCHIVE_TSA_URL，以 http:// 或 https:// 开头）。请管理员补上后重新启动。"
        )
    roots = trusted_roots(settings)
    if not roots:
        raise Unavailable(
            f"签名等级设为 {settings.signature_level}，但没有设置时间戳机构的根证书"
            "（ARCHIVE_TSA_CERTS，PEM 文件）。请管理员补上后重新启动。"
        )
    return TimeAuthority(settings.tsa_url, roots)


def trusted_roots(settings: Settings) -> tuple[bytes, ...]:
    """Return the certificates that time-stamps are trusted by; none where none are set."""
    path = settings.tsa_certs
    if path is None:
        return ()
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as wrong:
        raise Unavailable(
            f"时间戳机构的证书文件 {path} 打不开或不是 PEM 证书。请检查设置 ARCHIVE_TSA_CERTS。"
        ) from wrong
    return tuple(each.public_bytes(Encoding.PEM) for each in found)


def ask(authority: TimeAuthority, request: bytes) -> bytes:
    """Send a time-stamp request, return the answer's bytes; raise TimeStampAway."""
    question = urllib.request.Request(  # noqa: S310 -- the settings allow http and https only
        authority.url, data=request, headers={"Content-Type": QUERY, "Accept": "*/*"}
    )
    try:
        with urllib.request.urlopen(question, timeout=authority.patience) as answer:  # noqa: S310
            content: bytes = answer.read(LARGEST_ANSWER + 1)
    except (OSError, http.client.HTTPException) as wrong:
        if isinstance(wrong, urllib.error.HTTPError):
            wrong.close()
        raise TimeStampAway("时间戳机构没有应答。签名已保留，系统会自动补上时间戳。") from wrong
    if len(content) > LARGEST_ANSWER:
        raise TimeStampAway("时间戳机构的应答过长，不能采用。请管理员检查它的网址。")
    return content
