"""The authority's folder on disk: written whole or not at all, read with every digest checked."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from cryptography import x509

from archive.core.errors import Conflict, Unavailable

SUMS = "SHA256SUMS"
RENEWED = "renewed.pem"
ROOT_KEY = "root.key"

COST = "cost"
FIRST_COST = b"32768"  # of folders from before it was written down

_SEALED = ("root.pem", "issuing.pem", "issuing.key", "salt")  # root.key may be taken away


class AuthorityError(Unavailable):
    """The company's certificates cannot be used; the message says which file and what to do."""

    code = "signing_authority"


def read_certificate(pem: bytes, path: Path) -> x509.Certificate:
    """Return a certificate of the folder; raise AuthorityError for a damaged file."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as wrong:
        raise damaged(path) from wrong


def damaged(path: Path) -> AuthorityError:
    """Return the error that names a damaged file."""
    return AuthorityError(f"公司签名证书文件 {path} 已损坏。请从备份恢复整个文件夹。")


def sums_of(files: dict[str, bytes]) -> bytes:
    """Digests in the form ``sha256sum -c`` reads."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the files of the folder, every digest checked; raise AuthorityError."""
    if not folder.is_dir():
        raise AuthorityError(
            f"找不到公司的签名证书（{folder}）。请先初始化，或从备份恢复这个文件夹。"
        )
    files = {name: _read(folder / name) for name in _SEALED}
    if (folder / COST).exists():
        files[COST] = _read(folder / COST)
    try:
        lines = _read(folder / SUMS).decode("ascii").splitlines()
    except UnicodeDecodeError as wrong:
        raise damaged(folder / SUMS) from wrong
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name, content in files.items():
        if expected.get(name) != hashlib.sha256(content).hexdigest():
            raise damaged(folder / name)
    return {COST: FIRST_COST, **files}


def read_cost(folder: Path, content: bytes) -> int:
    """Return how much the passphrase is stretched: a power of two; raise AuthorityError."""
    if not content.isdigit() or len(content) > 8:
        raise damaged(folder / "cost")
    cost = int(content)
    if cost < 2 or cost & (cost - 1):
        raise damaged(folder / "cost")
    return cost


def read_optional(path: Path) -> bytes:
    """Return a file that older folders have not; empty then."""
    return path.read_bytes() if path.is_file() else b""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as missing:
        raise AuthorityError(f"公司签名证书缺少文件 {path}。请从备份恢复整个文件夹。") from missing
    except OSError as wrong:
        raise AuthorityError(f"公司签名证书文件 {path} 读不出来。请检查它的权限。") from wrong


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
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


def write_renewed(folder: Path, content: bytes) -> None:
    """Put the renewed certificates in place in one step; raise AuthorityError."""
    try:
        descriptor, fresh = tempfile.mkstemp(prefix=f".{RENEWED}-", dir=folder)  # mode 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(folder / RENEWED)
    except OSError as wrong:
        raise AuthorityError(
            f"公司的签名证书没有更新成（{folder}）：{wrong.strerror}。请检查磁盘和权限。"
        ) from wrong
    _sync_folder(folder)


def renewed_at(folder: Path) -> int:
    """Return when the certificates were renewed last, as the file system counts; 0: never."""
    try:
        return (folder / RENEWED).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


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
