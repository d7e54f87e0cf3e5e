"""Reads a package that came in, whole or not at all: every name, size and digest is checked first.

A bag that lies in one place is refused with the places named; nothing of it is taken. What is good
becomes rows for ``filing.imports``. Source: RFC 8493.
"""

import contextlib
import hashlib
import json
import posixpath
import stat
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from archive.core.errors import Invalid
from archive.filing.import_files import media_type_of
from archive.filing.import_rows import Batch, Fault, ImportedFile, read_row
from archive.filing.packages.bag import CHUNK
from archive.filing.packages.making import DESCRIPTION
from archive.filing.views import ROLE_LABELS
from storage.blobs import BlobStore

MOST_ENTRIES = 50_000
MOST_BYTES = 8 << 30
MOST_FILE = 1 << 30
MOST_TAG = 64 << 20
DENSEST = 500  # times smaller in the ZIP than unpacked
MOST_FAULTS = 20
DECLARED = ("BagIt-Version: 1.0", "BagIt-Version: 0.97")
ROLES = {label: role for role, label in ROLE_LABELS.items()}


@dataclass(frozen=True)
class _Bag:
    """An open bag: the ZIP, its entries by path inside the bag, what it says of itself."""

    package: zipfile.ZipFile
    entries: Mapping[str, zipfile.ZipInfo]
    info: Mapping[str, str]


def read_package(path: Path, blobs: BlobStore) -> Iterator[Batch]:
    """Yield the items of a package as batches of one; raise Invalid unless all of it is good."""
    with _opened(path) as package:
        bag = _checked(package)
        folders = sorted({name.split("/")[1] for name in bag.entries if name.startswith("data/")})
        for folder in folders:
            yield _item(bag, folder, blobs)


def check_package(path: Path) -> int:
    """Return how many payload files a good package has; raise Invalid naming what is wrong."""
    with _opened(path) as package:
        return sum(name.startswith("data/") for name in _checked(package).entries)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        package = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as wrong:
        raise Invalid("这不是完好的 ZIP 封装包，没有导入。") from wrong
    with package:
        try:
            yield package
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as wrong:
            raise Invalid("封装包已损坏或加了密码，没有导入。") from wrong


def _checked(package: zipfile.ZipFile) -> _Bag:
    entries = _entries(package)
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


def _entries(package: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files by their path inside the bag; raise Invalid for any name that may harm."""
    infos = [one for one in package.infolist() if not one.is_dir()]
    if len(infos) > MOST_ENTRIES:
        raise Invalid(f"封装包里有 {len(infos)} 个文件，最多 {MOST_ENTRIES} 个。")
    if sum(one.file_size for one in infos) > MOST_BYTES:
        raise Invalid(f"封装包解开后超过 {MOST_BYTES >> 30} GB，没有导入。")
    seen: set[str] = set()
    entries: dict[str, zipfile.ZipInfo] = {}
    bases = set()
    for one in infos:
        fault = _name_fault(one, seen)
        if fault:
            raise Invalid(f"封装包里的“{one.filename[:80]}”{fault}，整个包没有导入。")
        base, _, inside = one.filename.partition("/")
        bases.add(base)
        entries[inside] = one
    if len(bases) != 1:
        raise Invalid("封装包里应当只有一个文件夹，其余都在它下面；没有导入。")
    return entries


def _name_fault(info: zipfile.ZipInfo, seen: set[str]) -> str:
    """Say what is wrong with an entry; empty if nothing."""
    name = info.filename
    parts = name.split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    folded = unicodedata.normalize("NFC", name).casefold()
    if kind and not stat.S_ISREG(kind):
        return "是链接或特殊文件"
    if name != posixpath.normpath(name) or ".." in parts or name.startswith("/"):
        return "的路径不规矩"
    if "\\" in name or ":" in parts[0] or any(unicodedata.category(c)[0] == "C" for c in name):
        return "的名字里有不能用的字符"
    if len(parts) < 2:
        return "不在文件夹里"
    if folded in seen:
        return "与另一个文件重名"
    if info.file_size > MOST_FILE or info.file_size > DENSEST * max(info.compress_size, 2000):
        return "太大，或压缩得不正常"
    seen.add(folded)
    return ""


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
    try:
        described = _described(bag, inside)
        row = read_row(_fields(bag, folder, described), folder)
        files = _files(bag, inside, described, blobs)
    except Invalid as wrong:
        return Batch((), (Fault(folder, wrong.message),), 1)
    if not files:
        return Batch((), (Fault(folder, "没有文件"),), 1)
    master = next((file for role, file in files if role == "master"), files[0][1])
    beside = tuple((role, file) for role, file in files if file is not master)
    return Batch((replace(row, file=master, beside=beside),), (), 1)


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


def _fields(bag: _Bag, folder: str, described: Mapping[str, object]) -> dict[str, object]:
    """Return an item's description in the words of an import line."""
    source = bag.info.get("Source-Organization", "")[:40]
    words = {
        "title": "题名", "number": "文号", "customer": "客户", "department": "部门", "form": "表单",
        "date": "日期", "secrecy": "密级", "year": "年度",
    }  # fmt: skip
    fields = {key: described[word] for key, word in words.items() if described.get(word)}
    code = described.get("档号") or described.get("归档号") or folder
    return {
        "title": folder,
        **fields,
        "id": f"{source}/{code}"[:120],
        "来源单位": source,
        "来源档号": str(code)[:200],
    }


def _files(
    bag: _Bag,
    inside: Mapping[str, zipfile.ZipInfo],
    described: Mapping[str, object],
    blobs: BlobStore,
) -> list[tuple[str, ImportedFile]]:
    """Keep an item's files and return them with their roles, as described or attachments."""
    told = described.get("文件")
    roles = {
        str(one.get("名称")): ROLES.get(str(one.get("角色")), "attachment")
        for one in (told if isinstance(told, list) else [])
        if isinstance(one, dict)
    }
    found = []
    for name in sorted(inside):
        if name == DESCRIPTION:
            continue
        content = bag.package.read(inside[name])
        ref = blobs.put(content, media_type_of(content, name))
        found.append((roles.get(name, "attachment"), ImportedFile(name.replace("/", "_"), ref)))
    return found
