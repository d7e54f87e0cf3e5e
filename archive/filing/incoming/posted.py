"""What the pages of incoming papers post, read into plain values."""

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict

from archive.core.errors import Invalid
from archive.filing.incoming.service import FileChange

COMMON = (
    "item_class",
    "form",
    "customer",
    "date",
    "year",
    "secrecy",
    "carrier",
    "copy_reason",
    "original_place",
)
OWN = ("title", "number", "date", "customer", "item_class")


def read_common_values(posted: Mapping[str, str]) -> dict[str, object]:
    """Read the common values as they were typed."""
    return {key: posted.get(key, "").strip() for key in COMMON}


def read_department(posted: Mapping[str, str]) -> int | None:
    """Read the department; None when none is chosen; raise Invalid for what is no number."""
    text = posted.get("department", "").strip()
    if not text:
        return None
    return read_number(text, "department")


def read_changes(posted: "MultiDict[str, str]") -> list[FileChange]:
    """Read the grid: of every row its version and entries."""
    changes = []
    for text in posted.getlist("row"):
        number = read_number(text, "row")
        values = {key: posted.get(f"{number}.{key}", "") for key in OWN}
        version = read_number(posted.get(f"{number}.version", ""), "version")
        changes.append(FileChange(number, version, values, posted.get(f"{number}.again", "")))
    return changes


def read_chosen(posted: "MultiDict[str, str]") -> list[int]:
    """Read the ticked rows."""
    return [read_number(text, "file") for text in posted.getlist("file")]


def read_number(text: str, key: str) -> int:
    """Read a number of ours; raise Invalid."""
    cleaned = text.strip()
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= 18):
        raise Invalid("页面不完整，请刷新后再办。", {key: "应为数字"})
    return int(cleaned)
