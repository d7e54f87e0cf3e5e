"""Files brought in from a folder: recognised by content, bytes kept first, rows made later.

Reads the disk and the blob store, never the database; ``filing.imports`` makes the items.
"""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from archive.core.errors import Invalid
from archive.filing.import_rows import Batch, Fault, ImportedFile, ImportRow
from archive.filing.rules import line_fault
from storage.blobs import BlobStore
from storage.errors import StorageError

BATCH = 50
MAX_FILE = 200 << 20
OFFICE = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ofd": "application/ofd",
}
_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


def read_folder(folder: Path, blobs: BlobStore, batch: int = BATCH) -> Iterator[Batch]:
    """Keep the bytes of every file below a folder and yield what is to be filed, in batches."""
    files = _files_below(folder)
    while chunk := list(islice(files, batch)):
        rows: list[ImportRow] = []
        faults: list[Fault] = []
        read = 0
        for path in chunk:
            where = path.relative_to(folder).as_posix()
            try:
                row, size = _keep(path, where, blobs)
            except Invalid as wrong:
                faults.append(Fault(_shown(where), wrong.message))
                continue
            rows.append(row)
            read += size
        yield Batch(tuple(rows), tuple(faults), read)


def media_type_of(content: bytes, name: str) -> str:
    """Return the media type by what the bytes are; raise Invalid for what is not accepted.

    Source: archive.md 4, accepted formats: PDF, OFD, DOCX, XLSX, TIFF, JPEG, PNG, XML, TXT.
    """
    if not content:
        raise Invalid("文件是空的，请检查来源后重新导入。")
    for signature, media_type in _SIGNATURES:
        if content.startswith(signature):
            return media_type
    suffix = Path(name).suffix.lower()
    if content.startswith(b"PK\x03\x04"):
        if suffix in OFFICE:
            return OFFICE[suffix]
        raise Invalid("压缩包不能直接归档，请解开后导入里面的文件。")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Invalid("旧版 Office 文件请另存为 .docx 或 .xlsx 后再导入。")
    if _is_text(content):
        return "text/xml" if suffix == ".xml" else "text/plain"
    raise Invalid("认不出文件格式；可以归档的有 PDF、OFD、DOCX、XLSX、TIFF、JPEG、PNG、XML、TXT。")


def _keep(path: Path, where: str, blobs: BlobStore) -> tuple[ImportRow, int]:
    for name in (where, path.name):
        fault = line_fault(name, 255) if _is_text_name(name) else "文件名不是 UTF-8"
        if fault:
            raise Invalid(f"文件名有误：{fault}，请改名后再导入。")
    size = path.stat().st_size
    if size > MAX_FILE:
        raise Invalid(f"文件太大（超过 {MAX_FILE >> 20} MB），请拆分后再导入。")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Invalid(f"读不出文件（{error.strerror}），请检查权限后重试。") from error
    media_type = media_type_of(content, path.name)
    try:
        ref = blobs.put(content, media_type)
    except StorageError as error:
        raise Invalid(str(error)) from error
    row = ImportRow(
        where=where,
        title=(path.stem.strip() or path.name)[:300],
        key=ref.sha256,
        elements={"来源文件": where},
        file=ImportedFile(path.name, ref),
    )
    return row, len(content)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield regular files in order; hidden ones and links are left alone."""
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith((".", "~$")) and path.is_file() and not path.is_symlink():
                yield path


def _is_text(content: bytes) -> bool:
    if b"\x00" in content[:65536] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    for encoding in ("utf-8", "gb18030", "utf-16"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


def _is_text_name(name: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _shown(where: str) -> str:
    return where.encode("utf-8", "backslashreplace").decode("utf-8")
