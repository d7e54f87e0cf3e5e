"""A BagIt bag in a ZIP, written file by file: payload, SHA-256 manifests, SM3 as an extra tag file.

Knows no item and no database. Source: RFC 8493; archive.md 5 (SM3 where the platform has it).
"""

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from archive.core.file_names import safe_name

CHUNK = 1 << 20
DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
SM3_FILE = "sm3/payload-sm3.txt"
HAS_SM3 = "sm3" in hashlib.algorithms_available


class BagWriter:
    """Writes one bag; files go in one by one, manifests at the end.

    with BagWriter(path, "Z109-KH…", made_at) as bag:
        bag.add("件/正本.pdf", stream)
        bag.close_with({"Source-Organization": "…"})
    """

    def __init__(self, target: Path, name: str, made_at: datetime) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._base = safe_name(name)
        self._when = made_at.timetuple()[:6]
        self._sums: dict[str, str] = {}
        self._sm3: dict[str, str] = {}
        self._size = 0

    def __enter__(self) -> "BagWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def add(self, path: str, stream: BinaryIO) -> str:
        """Put a payload file in, at a path of safe names parted by slashes; return its SHA-256."""
        inside = f"data/{path}"
        sums = [hashlib.sha256()] + ([hashlib.new("sm3")] if HAS_SM3 else [])
        with self._zip.open(self._info(inside), "w", force_zip64=True) as entry:
            while chunk := stream.read(CHUNK):
                entry.write(chunk)
                self._size += len(chunk)
                for each in sums:
                    each.update(chunk)
        self._sums[inside] = sums[0].hexdigest()
        if HAS_SM3:
            self._sm3[inside] = sums[1].hexdigest()
        return self._sums[inside]

    def close_with(self, info: Mapping[str, str]) -> None:
        """Write the tag files; ``info`` goes into bag-info.txt, one line an entry."""
        told = {**info, "Payload-Oxum": f"{self._size}.{len(self._sums)}"}
        tags = {
            "bagit.txt": DECLARATION,
            "bag-info.txt": "".join(f"{key}: {_line(value)}\n" for key, value in told.items()),
            "manifest-sha256.txt": _manifest(self._sums.items()),
        }
        if HAS_SM3:
            tags[SM3_FILE] = _manifest(self._sm3.items())
        sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in tags.items()}
        tags["tagmanifest-sha256.txt"] = _manifest(sums.items())
        for name, text in tags.items():
            self._zip.writestr(self._info(name), text.encode())

    def _info(self, path: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(f"{self._base}/{path}", self._when)
        info.external_attr = 0o644 << 16
        return info


def _manifest(sums: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(sums))


def _line(text: str) -> str:
    return " ".join(text.split())
