"""The door every package comes in by: a ZIP is opened, its names, sizes and kinds are judged.

Nothing is unpacked here. ``reading`` (BagIt) and ``xml_reading`` (XML after DA/T 48) go on.
"""

import contextlib
import errno
import posixpath
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

from archive.core.errors import Invalid
from indexer.errors import BROKEN_ZIP

MOST_ENTRIES = 50_000
MOST_BYTES = 8 << 30
MOST_FILE = 1 << 30
DENSEST = 500  # times smaller in the ZIP than unpacked
_BROKEN = (*BROKEN_ZIP, struct.error)


@contextlib.contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a package's ZIP; raise Invalid for what is none, damaged or locked."""
    try:
        package = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as wrong:
        raise Invalid("这不是完好的 ZIP 封装包，没有导入。") from wrong
    with package:
        try:
            yield package
        except _BROKEN as wrong:
            raise Invalid("封装包已损坏或加了密码，没有导入。") from wrong
        except OSError as wrong:
            if wrong.errno != errno.EINVAL:  # a place before the file's beginning
                raise
            raise Invalid("封装包已损坏，没有导入。") from wrong


def judged_entries(package: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
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
