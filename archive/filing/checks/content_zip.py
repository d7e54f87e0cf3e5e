"""Looks into zipped formats (Word, Excel, OFD): whole, not encrypted, nothing that runs.

For the child process of ``content``; never trusts what a zip says of its own sizes.
"""

import re
import zipfile
from pathlib import Path
from typing import Any

MOST_UNPACKED = 1 << 30
MOST_RELATIONS = 4 << 20
PIECE = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_MAIN = ("word/document.xml", "xl/workbook.xml")
_RELATION = re.compile(rb"<Relationship\b[^>]*>")
Facts = dict[str, Any]


def look_into_word_or_excel(path: Path) -> Facts:
    """The package is whole and holds a document; macros, programs and outside parts are named."""
    with path.open("rb") as stream:
        is_ole = stream.read(len(_OLE)) == _OLE
    if is_ole:
        if _ENCRYPTED_PACKAGE in path.read_bytes():
            return {"encrypted": "Office 加密", "fault": "加了密，打不开"}
        return {"fault": "不是 .docx 或 .xlsx"}
    return _look(path, _MAIN)


def look_into_ofd(path: Path) -> Facts:
    """The package is whole and holds its OFD.xml."""
    return _look(path, ("OFD.xml",))


def _look(path: Path, mains: tuple[str, ...]) -> Facts:
    with zipfile.ZipFile(path) as package:
        entries = package.infolist()
        if any(entry.flag_bits & 1 for entry in entries):
            return {"encrypted": "压缩部分加密", "fault": "加了密，打不开"}
        names = {entry.filename for entry in entries}
        if not names & set(mains):
            return {"fault": f"缺少 {' 或 '.join(mains)}"}
        left, active = MOST_UNPACKED, set[str]()
        for entry in entries:
            active |= _by_name(entry.filename)
            left, text = _read(package, entry, left)
            if left < 0:
                return {"fault": "解压后太大"}
            active |= _outside(text)
    return {"active": sorted(active)}


def _by_name(name: str) -> set[str]:
    low = name.lower()
    if low.endswith("vbaproject.bin"):
        return {"宏"}
    if "/activex/" in low:
        return {"ActiveX 控件"}
    return {"嵌入的对象"} if "/embeddings/" in low and low.endswith(".bin") else set()


def _read(package: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> tuple[int, bytes]:
    """Read a part to its end (its checksum is proved), keeping only relations."""
    kept = b""
    with package.open(entry) as stream:
        while piece := stream.read(PIECE):
            left -= len(piece)
            if left < 0:
                break
            if entry.filename.endswith(".rels") and len(kept) < MOST_RELATIONS:
                kept += piece
    return left, kept


def _outside(relations: bytes) -> set[str]:
    """Name what is fetched from outside when the file is opened; plain links are not."""
    for relation in _RELATION.findall(relations):
        if b'"External"' in relation and b"/hyperlink" not in relation:
            return {"打开时会读取的外部内容"}
    return set()
