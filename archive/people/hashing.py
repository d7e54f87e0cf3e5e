"""Slow hashes of passwords and desk PINs: argon2id at one strength, told apart in its own time.

24 MiB in two passes and one lane is above the least that OWASP's Password Storage Cheat Sheet
names (19 MiB, two passes), and not more: a signature and a hand-out ask for it too, and many may
do so in the same second.
"""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=24 * 1024, parallelism=1)
_DECOY = _hasher.hash(secrets.token_urlsafe(16))


def slow_hash(secret: str) -> str:
    """Return the hash to keep."""
    return _hasher.hash(secret)


def is_secret_of(kept: str | None, secret: str) -> bool:
    """Say whether this is the secret that was hashed; takes as long where nothing is kept."""
    try:
        return _hasher.verify(kept or _DECOY, secret) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Say whether a kept hash has another strength than new ones."""
    return _hasher.check_needs_rehash(kept)
