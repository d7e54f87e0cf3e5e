"""Reads a package that came in, whole or not at all: every name, size and digest is checked first.

A bag that lies in one place is refused with the places named; nothing of it is taken. What is good
becomes rows for ``filing.imports``. Source: RFC 8493.
"""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from archive.core.errors import Invalid
from archive.filing.import_rows import Batch, Fault, ImportedFile
from archive.filing.packages.bag import CHUNK
from archive.filing.packages.describing import DESCRIPTION
from archive.filing.packages.doors import judged_entries, open_zip
from archive.filing.packages.taking import keep_file, role_of, row_of
from storage.blobs import BlobStore

MOST_TAG = 64 << 20
MOST_FAULTS = 20
DECLARED = ("BagIt-Version: 1.0", "BagIt-Version: 0.97")


@dataclass(frozen=True)
class _Bag:
    """An open bag: the ZIP, its entries by path inside the bag, what it says of itself."""

    package: zipfile.ZipFile
    entries: Mapping[str, zipfile.ZipInfo]
    info: Mapping[str, str]


def read_package(path: Path, blobs: BlobStore) -> Iterator[Batch]:
    """Yield the items of a package as batches of one; raise Invalid unless all of it is good."""
    with open_zip(path) as package:
        bag = _checked(package)
        folders = sorted({name.split("/")[1] for name in bag.entries if name.startswith("data/")})
        for folder in folders:
            yield _item(bag, folder, blobs)


def check_package(path: Path) -> int:
    """Return how many payload files a good package has; raise Invalid naming what is wrong."""
    with open_zip(path) as package:
        return sum(name.startswith("data/") for name in _checked(package).entries)


def _checked(package: zipfile.ZipFile) -> _Bag:
    entries = judged_entries(package)
    faults: list[str] = []
    tags = {name: _tag(package, entries, name) for name in ("bagit.txt", "bag-info.txt")}
    if not tags["bagit.txt"].startswith(DECLARED):
        raise Invalid("这不是 BagIt 封装包（缺少 bagit.txt，或版本不认识），没有导入。")
    payload = {name for name in entries if name.startswith("data/")}
    manifest = _manifest(package, entries, "manifest-sha256.txt")
    faults += [f"清单里有，包里没有：{name}" for name in sorted(set(manifest) - payload)]
    faults += [f"包里有，清单里没有：{name}" for name in sorted(payload - set(manifest))]
    sums = dict(manifest)
    if "tagmanifest-sha256.txt" in entries:
        sums |= _manifest(package, entries, "tagmanifest-sha256.txt")
    if not payload:
        faults.append("包里没有文件")
    for name, digest in sums.items():
        if name not in entries:
            if not name.startswith("data/"):
                faults.append(f"清单里有，包里没有：{name}")
        elif not faults and _digest(package, entries[name]) != digest:
            faults.append(f"内容与清单的摘要不符：{name}")
    if faults:
        raise Invalid(f"封装包不完好，没有导入：{'；'.join(faults[:MOST_FAULTS])}。")
    lines = (line.partition(": ") for line in tags["bag-info.txt"].splitlines())
    return _Bag(package, entries, {key: value for key, _, value in lines})


def _tag(package: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str) -> str:
    if name not in entries:
        return ""
    if entries[name].file_size > MOST_TAG:
        raise Invalid(f"封装包里的 {name} 太大，没有导入。")
    try:
        return package.read(entries[name]).decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise Invalid(f"封装包里的 {name} 不是 UTF-8 文字，没有导入。") from wrong


def _manifest(
    package: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str
) -> dict[str, str]:
    """Return digest by path; raise Invalid for a manifest that is missing or says no digests."""
    if name not in entries:
        raise Invalid(f"封装包里没有 {name}，没有导入。")
    found: dict[str, str] = {}
    for number, line in enumerate(_tag(package, entries, name).splitlines(), start=1):
        digest, _, path = line.partition(" ")
        path = path.lstrip(" *")
        is_digest = len(digest) == 64 and all(char in "0123456789abcdefABCDEF" for char in digest)
        if not is_digest or not path or path in found:
            raise Invalid(f"封装包的 {name} 第 {number} 行看不懂或重复，没有导入。")
        found[path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")] = digest.lower()
    return found


def _digest(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    """Return the SHA-256 of an entry; what is longer than it says breaks the reading."""
    digest, size = hashlib.sha256(), 0
    with package.open(info) as stream:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > info.file_size:
                raise Invalid(f"封装包里的“{info.filename[:80]}”比它说的大，没有导入。")
            digest.update(chunk)
    return digest.hexdigest()


def _item(bag: _Bag, folder: str, blobs: BlobStore) -> Batch:
    """Return one folder's item as a batch; its own faults are named, the rest goes on."""
    start = f"data/{folder}/"
    inside = {name.removeprefix(start): one for name, one in bag.entries.items()
              if name.startswith(start)}  # fmt: skip
    source = bag.info.get("Source-Organization", "")
    try:
        described = _described(bag, inside)
        files = _files(bag, inside, described, blobs)
        row = row_of(described, folder, source, files)
    except Invalid as wrong:
        return Batch((), (Fault(folder, wrong.message),), 1)
    return Batch((row,), (), 1)


def _described(bag: _Bag, inside: Mapping[str, zipfile.ZipInfo]) -> Mapping[str, object]:
    if DESCRIPTION not in inside:
        return {}
    info = inside[DESCRIPTION]
    if info.file_size > MOST_TAG:
        raise Invalid(f"{DESCRIPTION} 太大。")
    try:
        found = json.loads(bag.package.read(info))
    except (ValueError, RecursionError) as wrong:
        raise Invalid(f"{DESCRIPTION} 不是完好的 JSON。") from wrong
    if not isinstance(found, dict):
        raise Invalid(f"{DESCRIPTION} 应是一组 名称: 值。")
    return found


def _files(
    bag: _Bag,
    inside: Mapping[str, zipfile.ZipInfo],
    described: Mapping[str, object],
    blobs: BlobStore,
) -> list[tuple[str, ImportedFile]]:
    """Keep an item's files and return them with their roles, as described or attachments."""
    told = described.get("文件")
    roles = {
        str(one.get("名称")): role_of(one.get("角色"))
        for one in (told if isinstance(told, list) else [])
        if isinstance(one, dict)
    }
    found = []
    for name in sorted(inside):
        if name == DESCRIPTION:
            continue
        kept = _keep(bag.package, inside[name], name, blobs)
        found.append((roles.get(name, role_of("")), kept))
    return found


def _keep(
    package: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, blobs: BlobStore
) -> ImportedFile:
    """Keep one file of a bag without ever holding all of it in memory."""
    with NamedTemporaryFile() as part:
        with package.open(info) as stream:
            shutil.copyfileobj(stream, part, CHUNK)
        part.flush()
        return keep_file(Path(part.name), name.replace("/", "_"), blobs)
