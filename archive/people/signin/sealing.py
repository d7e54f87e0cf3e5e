"""Seals small secrets (what code generators share with us) with the instance's own secret.

AES-256-GCM; the key is derived for this purpose alone (HKDF, RFC 5869), and what is sealed is
bound to what it is for, so that one person's secret cannot be put in another's row.
"""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from archive.config import Settings, instance_secret

_NONCE = 12


class Sealer:
    """Seals, opens and hashes for signing in; made by an edge from the settings."""

    def __init__(self, secret: bytes) -> None:
        self._key = _derive(secret, b"archive sign-in seal")
        self._pepper = _derive(secret, b"archive sign-in codes")

    @classmethod
    def of(cls, settings: Settings) -> "Sealer":
        """Return the sealer of an instance."""
        return cls(instance_secret(settings))

    def seal(self, content: bytes, purpose: str) -> bytes:
        """Return the content sealed for a purpose."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._key).encrypt(nonce, content, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes | None:
        """Return what was sealed for the purpose; None for anything else, or another key."""
        try:
            return AESGCM(self._key).decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except (InvalidTag, ValueError):
            return None

    def hash(self, text: str) -> str:
        """Return the keyed hash of a short code; without the instance's secret it tells nothing."""
        return hmac.new(self._pepper, text.encode(), hashlib.sha256).hexdigest()


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)
