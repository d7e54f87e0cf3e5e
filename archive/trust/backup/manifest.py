"""What a backup says of itself: the head it begins with and the list it ends with.

Plain values only, read strictly: a backup may come from anybody. The head stands first so that
a backup of a later release is refused at once, the list last because only then all is known.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import Any

from storage.errors import BackupDamaged
from storage.members import LONGEST_NAME, Member

FORMAT = 1
PRODUCT = "archive-desk"
HEAD, LIST, ROWS = "backup.json", "manifest.json", "archive.db"
INSIDE, BESIDE = "inside", "beside"  # where the blobs are: in the file, in the backup folder
FOLDERS = ("keys", "fonts")
MOST_HEAD, MOST_LIST = 64 << 10, 256 << 20
DEEPEST = 4
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True)
class Head:
    """How a backup begins: which, when, by which release, over which schema."""

    id: str
    made_at: str
    release: str
    revision: str
    blobs: str
    format: int = FORMAT
    product: str = PRODUCT


@dataclass(frozen=True)
class Contents:
    """How a backup ends: the journal's head, every member, every blob, what was not there."""

    id: str
    company: str
    seq: int
    journal_hash: str
    members: tuple[Member, ...]
    blobs: tuple[tuple[str, int], ...]
    missing: tuple[str, ...]
    secret_in_environment: bool
    settings: Mapping[str, str]

    @property
    def size(self) -> int:
        """How many bytes the place will need."""
        lost = set(self.missing)
        of_blobs = sum(size for digest, size in self.blobs if digest not in lost)
        return of_blobs + sum(one.size for one in self.members if not one.name.startswith("blobs/"))


def release() -> str:
    """Return the release that is running."""
    try:
        return version(PRODUCT)
    except PackageNotFoundError:
        return "0"


def blob_name(digest: str) -> str:
    """Return the member name of a blob: where it lies in a data folder."""
    return f"blobs/{digest[:2]}/{digest[2:4]}/{digest}"


def blob_of(name: str) -> str:
    """Return the digest of a blob's member name; empty for any other member."""
    digest = name.rpartition("/")[2]
    return digest if _DIGEST.fullmatch(digest) and name == blob_name(digest) else ""


def checked_name(name: str) -> str:
    """Return a member name that may become a path below a folder; raise BackupDamaged.

    Only what we write ourselves: the rows, blobs, and files of ``keys`` and ``fonts``.
    """
    if name in (HEAD, LIST, ROWS) or blob_of(name):
        return name
    path = PurePosixPath(name)
    is_plain = (
        not any(part in ("", ".", "..") or part.startswith(".") for part in name.split("/"))
        and name.isprintable()
        and "\\" not in name
        and len(name.encode()) <= LONGEST_NAME
    )
    if not is_plain or path.parts[0] not in FOLDERS or not 2 <= len(path.parts) <= DEEPEST:
        raise BackupDamaged(f"备份里的文件名“{name[:100]}”不是本系统写的，不予恢复。")
    return name


def is_snapshot_name(text: str) -> bool:
    """Say whether this is the name of a snapshot in a backup folder."""
    return _NAME.fullmatch(text) is not None


def to_json(value: Head | Contents) -> bytes:
    """Return head or list as a backup keeps it."""
    return json.dumps(asdict(value), ensure_ascii=False, indent=1).encode()


def read_head(content: bytes) -> Head:
    """Read the head; raise BackupDamaged, also for a backup of a later kind."""
    said = _object(content)
    if said.get("product") != PRODUCT:
        raise BackupDamaged("这不是档案台的备份。")
    if said.get("format") != FORMAT:
        raise BackupDamaged(
            f"这份备份的格式是第 {str(said.get('format'))[:10]} 版，本程序只认第 {FORMAT} 版。"
            "请先升级档案台，再恢复。"
        )
    names = ("id", "made_at", "release", "revision", "blobs")
    texts = {name: said.get(name) for name in names}
    if not all(isinstance(one, str) and len(one) <= 80 for one in texts.values()):
        raise BackupDamaged("备份的开头已损坏。")
    head = Head(**{name: str(one) for name, one in texts.items()})  # type: ignore[arg-type]
    if not is_snapshot_name(head.id) or head.blobs not in (INSIDE, BESIDE):
        raise BackupDamaged("备份的开头已损坏。")
    return head


def read_contents(content: bytes) -> Contents:
    """Read the list; raise BackupDamaged for anything of a wrong kind."""
    said = _object(content)
    try:
        contents = Contents(
            id=_text(said["id"]),
            company=_text(said["company"]),
            seq=_number(said["seq"]),
            journal_hash=_digest(said["journal_hash"]),
            members=tuple(
                Member(
                    checked_name(_text(one["name"])), _number(one["size"]), _digest(one["sha256"])
                )
                for one in said["members"]
            ),
            blobs=tuple((_digest(digest), _number(size)) for digest, size in said["blobs"]),
            missing=tuple(_digest(one) for one in said["missing"]),
            secret_in_environment=said["secret_in_environment"] is True,
            settings={_text(key): _text(value) for key, value in said["settings"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise BackupDamaged("备份的清单已损坏。") from wrong
    return contents


def _object(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as wrong:
        raise BackupDamaged("备份的开头或清单已损坏。") from wrong
    if not isinstance(said, dict):
        raise BackupDamaged("备份的开头或清单已损坏。")
    return said


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise TypeError
    return value
