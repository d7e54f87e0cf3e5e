"""Renews the issuing certificate, and with it the root, long before they end.

The key and the name stay, only the term grows: so whatever was ever signed is checked by the
newest root too, a root that somebody trusts already serves until its own end, and one revocation
list covers all certificates. ``root.pem`` and ``issuing.pem`` stay as they were made;
``renewed.pem`` holds what came after, newest first: issuing, root, the root's revocation list.
It needs no digest beside it: whatever the root's key has not signed is refused.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from archive.signing.authority_folder import (
    RENEWED,
    damaged,
    read_certificate,
    read_optional,
    write_renewed,
)
from archive.signing.certificates import (
    ISSUING_DAYS,
    PERSON_DAYS,
    ROOT_DAYS,
    authority_certificate,
    belongs_together,
    revocation_list,
)

RENEW_BEFORE = timedelta(days=PERSON_DAYS)  # so that no person's certificate is cut short
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Standing:
    """What stands above every certificate at present; ``root_crl`` (DER) may be empty."""

    root: x509.Certificate
    issuing: x509.Certificate
    root_crl: bytes

    def is_ageing(self, now: datetime) -> bool:
        """Whether it is time to renew."""
        return self.issuing.not_valid_after_utc < now + RENEW_BEFORE


def read_standing(folder: Path) -> Standing:
    """Return the newest certificates of the folder; raise AuthorityError for a damaged file."""
    root, issuing = (
        read_certificate(read_optional(folder / name), folder / name)
        for name in ("root.pem", "issuing.pem")
    )
    path = folder / RENEWED
    content = read_optional(path)
    if not content:
        return Standing(root, issuing, read_optional(folder / "root.crl"))
    try:
        newer_issuing, newer_root, *_ = x509.load_pem_x509_certificates(content)
        crl = x509.load_pem_x509_crl(content)
    except ValueError as wrong:
        raise damaged(path) from wrong
    if not (_renews(newer_root, root, root) and _renews(newer_issuing, issuing, root)):
        raise damaged(path)
    return Standing(newer_root, newer_issuing, crl.public_bytes(serialization.Encoding.DER))


def write_renewal(
    folder: Path,
    old: Standing,
    issuing_key: ec.EllipticCurvePublicKey,
    root_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> None:
    """Give the issuing certificate a new term, and the root too if it would end before.

    Each counts from when the first one did: what was signed then lies within it.
    """
    until = now + timedelta(days=ISSUING_DAYS)
    root = old.root
    name = root.subject
    if root.not_valid_after_utc < until:
        term = (root.not_valid_before_utc, now + timedelta(days=ROOT_DAYS))
        root = authority_certificate(name, root_key.public_key(), name, root_key, term, 1)
    term = (old.issuing.not_valid_before_utc, until)
    issuing = authority_certificate(old.issuing.subject, issuing_key, name, root_key, term, 0)
    crl = x509.load_der_x509_crl(revocation_list(root, root_key, (), now, until))
    fresh = b"".join(each.public_bytes(_PEM) for each in (issuing, root, crl))
    write_renewed(folder, fresh + read_optional(folder / RENEWED))


def _renews(newer: x509.Certificate, older: x509.Certificate, root: x509.Certificate) -> bool:
    is_same = newer.subject == older.subject
    return is_same and belongs_together(older.public_key(), newer, root)
