"""Files sealed with a passphrase: AES-256-GCM in chunks, the key stretched by scrypt.

A sealed file is a head (how the passphrase is stretched, a check of it, the file's own salt),
then chunks of one MiB. Each chunk's nonce is its number and whether it is the last one, so
chunks cannot be dropped, repeated, cut off or put elsewhere (the STREAM construction). Every
file has a key of its own (HKDF), so a nonce never meets the same key twice.
"""

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.errors import BackupDamaged, StorageError, WrongPassphrase

MAGIC = b"DANGANTAI-SEALED-1\n"
CHUNK = 1 << 20
TAG = 16
SALT = 16
LOG_COST = 16  # scrypt N = 2**16, r = 8, p = 1: 64 MiB
_COSTS = range(10, 19)  # a hostile head must not ask for all memory
_HEAD = struct.Struct(f">{len(MAGIC)}sB{SALT}s{SALT}s{SALT}s")
SHORTEST, LONGEST = 8, 1000


class Readable(Protocol):
    """Something bytes are read from in order."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...


class Writable(Protocol):
    """Something bytes are written to in order."""

    def write(self, content: bytes, /) -> object:
        """Take the bytes."""
        ...


@dataclass
class Passphrase:
    """A passphrase, and the keys already stretched from it."""

    secret: bytes = field(repr=False)
    log_cost: int = LOG_COST
    _keys: dict[tuple[int, bytes], bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not SHORTEST <= len(self.secret) <= LONGEST:
            raise StorageError(f"口令应有 {SHORTEST} 到 {LONGEST} 个字节（一个汉字算三个）。")

    def master(self, salt: bytes, log_cost: int) -> bytes:
        """Return the stretched key of a salt; slow the first time."""
        if (log_cost, salt) not in self._keys:
            self._keys[log_cost, salt] = hashlib.scrypt(
                self.secret, salt=salt, n=1 << log_cost, r=8, p=1, maxmem=1 << 29, dklen=32
            )
        return self._keys[log_cost, salt]

    def name_for(self, salt: bytes, digest: str) -> str:
        """Return the name a sealed blob is kept under: it does not tell the blob's digest."""
        key = _derived(self.master(salt, self.log_cost), b"", b"names")
        return hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()


class SealingWriter:
    """Seals what is written to it; only ``close`` makes the file whole."""

    def __init__(self, stream: Writable, passphrase: Passphrase, salt: bytes | None = None) -> None:
        salt, own = salt or secrets.token_bytes(SALT), secrets.token_bytes(SALT)
        master = passphrase.master(salt, passphrase.log_cost)
        self._stream = stream
        self._head = _HEAD.pack(MAGIC, passphrase.log_cost, salt, _check_of(master), own)
        self._cipher = AESGCM(_derived(master, own, b"file"))
        self._waiting = bytearray()
        self._number = 0
        stream.write(self._head)

    def write(self, content: bytes) -> int:
        """Take the bytes; a full chunk is sealed once more bytes follow it."""
        self._waiting += content
        while len(self._waiting) > CHUNK:
            self._emit(bytes(self._waiting[:CHUNK]), is_last=False)
            del self._waiting[:CHUNK]
        return len(content)

    def close(self) -> None:
        """Seal the last chunk."""
        self._emit(bytes(self._waiting), is_last=True)

    def _emit(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last=is_last)
        self._stream.write(self._cipher.encrypt(nonce, chunk, self._head))
        self._number += 1


class OpeningReader:
    """Reads a sealed stream; raises WrongPassphrase, or BackupDamaged for anything amiss."""

    def __init__(self, stream: Readable, passphrase: Passphrase | None) -> None:
        self._head = _read_full(stream, _HEAD.size)
        if len(self._head) < _HEAD.size or not self._head.startswith(MAGIC):
            raise BackupDamaged("加密的备份开头不完整。")
        _, log_cost, self.salt, check, own = _HEAD.unpack(self._head)
        if passphrase is None:
            raise WrongPassphrase("这份备份是加密的，请用 --passphrase-file 给出口令文件。")
        if log_cost not in _COSTS:
            raise BackupDamaged("加密的备份开头已损坏。")
        master = passphrase.master(self.salt, log_cost)
        if not hmac.compare_digest(check, _check_of(master)):
            raise WrongPassphrase("口令不对，打不开这份备份；什么也没有写入。")
        self._stream = stream
        self._cipher = AESGCM(_derived(master, own, b"file"))
        self._number = 0
        self._sealed = _read_full(stream, CHUNK + TAG)
        self._plain = b""
        self._is_over = False

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; none at the end, which is proven to be the end."""
        if not self._plain and not self._is_over:
            self._open_next()
        piece, self._plain = self._plain[:size], self._plain[size:]
        return piece

    def _open_next(self) -> None:
        following = _read_full(self._stream, CHUNK + TAG)
        self._is_over = not following
        nonce = _nonce(self._number, is_last=self._is_over)
        try:
            self._plain = self._cipher.decrypt(nonce, self._sealed, self._head)
        except (InvalidTag, ValueError) as wrong:
            raise BackupDamaged("加密的备份被改动过，或者不完整。") from wrong
        self._sealed = following
        self._number += 1


def is_sealed(beginning: bytes) -> bool:
    """Say whether a file that begins so is a sealed one."""
    return beginning.startswith(MAGIC)


def sealed_size(size: int) -> int:
    """Return how long a file of ``size`` bytes is once it is sealed."""
    return _HEAD.size + size + TAG * max(1, -(-size // CHUNK))


def _check_of(master: bytes) -> bytes:
    return _derived(master, b"", b"check")[:SALT]


def _derived(master: bytes, salt: bytes, purpose: bytes) -> bytes:
    info = b"archive-backup-1 " + purpose
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt or None, info=info).derive(master)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


def _read_full(stream: Readable, size: int) -> bytes:
    """Return ``size`` bytes, fewer only at the end of the stream."""
    pieces, missing = [], size
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
