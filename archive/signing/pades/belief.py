"""Whether a signer is to be believed: certificate known, good at the time, the time plausible."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from pyhanko_certvalidator import ValidationContext

from archive.core.clock import show_instant
from archive.signing.certificates import serial_hex
from archive.signing.judged import SignatureVerdict
from archive.signing.pades.identity import as_asn1

CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Grounds:
    """What signatures are measured against."""

    roots: tuple[Any, ...]
    registered: tuple[Any, ...]
    stamp_roots: tuple[Any, ...]
    now: datetime
    revoked: Mapping[str, datetime]

    def is_registered(self, certificate: x509.Certificate) -> bool:
        """Whether this is a person's own certificate that the house accepts."""
        return as_asn1(certificate) in self.registered

    def signer_context(
        self, signer: Any, certificate: x509.Certificate, described: SignatureVerdict
    ) -> ValidationContext:
        """Return what the signer's chain is built with."""
        own = [signer] if self.is_registered(certificate) else []
        return ValidationContext(
            trust_roots=[*self.roots, *own],
            moment=_chain_moment(described.signed_at or self.now, certificate),
            allow_fetching=False,
        )

    def stamp_context(self, moment: datetime) -> ValidationContext:
        """Return what a time-stamp's chain is built with."""
        return ValidationContext(
            trust_roots=list(self.stamp_roots), moment=moment, allow_fetching=False
        )


def _chain_moment(signed_at: datetime, certificate: x509.Certificate) -> datetime:
    """The time at which to build the chain: expiry is judged apart, with words of its own."""
    latest = min(signed_at, certificate.not_valid_after_utc)
    return max(latest, certificate.not_valid_before_utc)


def doubt(
    signed_at: datetime | None,
    stamped_at: datetime | None,
    certificate: x509.Certificate,
    grounds: Grounds,
    is_known: bool,
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
    if stamped_at is not None and signed_at > stamped_at + CLOCK_SKEW:
        return f"签名说是 {show_instant(signed_at)} 签的，时间戳却更早，时间不可信。"
    since = grounds.revoked.get(serial_hex(certificate))
    if since is not None and since <= (stamped_at or signed_at):
        return f"签名时证书已经作废（{show_instant(since)} 起）。"
    return ""


def note(certificate: x509.Certificate, grounds: Grounds) -> str:
    """What happened to the certificate since; the signature stays good."""
    since = grounds.revoked.get(serial_hex(certificate))
    if since is not None:
        return f"证书后来于 {show_instant(since)} 作废，签名时有效。"
    if grounds.now > certificate.not_valid_after_utc:
        return f"证书后来于 {show_instant(certificate.not_valid_after_utc)} 到期，签名时有效。"
    return ""


def is_backdated(verdict: SignatureVerdict, before: SignatureVerdict) -> bool:
    """Whether a signature claims to be older than the one it was put on."""
    if verdict.signed_at is None or before.signed_at is None:
        return False
    return verdict.signed_at < before.signed_at - CLOCK_SKEW
