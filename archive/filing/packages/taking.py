"""What a package says of an item becomes a row for ``filing.imports``; the same for every kind.

The archive's own classes and terms are proposed anew here, as for every import; what the sender
said and has no column here is kept among the further description (DA/T 46).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from archive.core.errors import Invalid
from archive.filing.import_files import media_type_of
from archive.filing.import_rows import LABELS, ImportedFile, ImportRow, read_row
from archive.filing.views import ROLE_LABELS
from storage.blobs import BlobStore

ROLES = {label: role for role, label in ROLE_LABELS.items()}
SIGNED_BY = "封装包签名"  # what was found of the package's signature; never taken from outside
_WORDS = {
    "title": "题名",
    "number": "文号",
    "customer": "客户",
    "department": "部门",
    "form": "表单",
    "date": "日期",
    "secrecy": "密级",
    "year": "年度",
}
_KEPT = ("责任者", "页数")
HEAD = 16 << 20  # bytes by which a file's kind is judged


def role_of(label: object) -> str:
    """Return the role a file's label names; an attachment where it names none."""
    return ROLES.get(str(label), "attachment")


def keep_file(path: Path, name: str, blobs: BlobStore) -> ImportedFile:
    """Keep a file's bytes, however many; raise Invalid for a kind that is not accepted."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if len(head) == HEAD and b"\n" in head:
        head = head[: head.rfind(b"\n")]  # not in the middle of a letter
    return ImportedFile(name, blobs.put_file(path, media_type_of(head, name)))


def row_of(
    described: Mapping[str, object],
    place: str,
    source: str,
    files: Sequence[tuple[str, ImportedFile]],
    verdict: str = "",
) -> ImportRow:
    """Return an item's row with its files, the master first; raise Invalid naming what is wrong.

    ``verdict`` tells what was found of the package's signature.
    """
    row = read_row(_fields(described, place, source, verdict), place)
    if not files:
        raise Invalid("没有文件。")
    master = next((file for role, file in files if role == "master"), files[0][1])
    beside = tuple((role, file) for role, file in files if file is not master)
    return replace(row, file=master, beside=beside)


def check_row(described: Mapping[str, object], source: str) -> None:
    """Raise Invalid naming what is wrong with an item's description, before any file is kept."""
    try:
        read_row(_fields(described, "本件", source, ""), "本件")
    except Invalid as wrong:
        raise Invalid(f"著录不能用：{wrong.message.rstrip('。')}；没有导入。") from wrong


def _fields(
    described: Mapping[str, object], place: str, source: str, verdict: str
) -> dict[str, object]:
    """Return an item's description in the words of an import line."""
    source = source[:40]
    fields = {key: described[word] for key, word in _WORDS.items() if described.get(word)}
    code = described.get("档号") or described.get("归档号") or place
    others = described.get("其他")
    kept = dict(others) if isinstance(others, Mapping) else {}
    kept |= {word: described[word] for word in _KEPT if described.get(word)}
    kept = {str(key): value for key, value in kept.items() if key not in LABELS}
    kept.pop(SIGNED_BY, None)
    return {
        "title": place,
        **kept,
        **fields,
        "id": f"{source}/{code}"[:120],
        "来源单位": source,
        "来源档号": str(code)[:200],
        **({SIGNED_BY: verdict} if verdict else {}),
    }
