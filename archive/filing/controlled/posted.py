"""What the pages of controlled documents post, read into plain values; wrong entries are named."""

from collections.abc import Mapping
from datetime import date

from archive.core.errors import Invalid
from archive.filing.controlled.service import Declared
from doc_templates import Field
from doc_templates.fields import BadValue, get_kind

LONGEST = 9
_DATE = Field(key="日期", label="日期", kind="date")


def read_declared(posted: Mapping[str, str]) -> Declared:
    """Return what was said of a paper; raise Invalid naming what is wrong."""
    document = posted.get("document", "").strip()
    return Declared(
        document_id=read_number(posted, "document", "已有的受控文件") if document else 0,
        number=posted.get("number", ""),
        title=posted.get("title", ""),
        label=posted.get("label", ""),
        valid_from=_read_day(posted.get("valid_from", "")),
        is_legible=posted.get("legible", "") == "1",
        note=posted.get("note", ""),
    )


def read_number(posted: Mapping[str, str], name: str, label: str) -> int:
    """Return the id chosen from a list; raise Invalid for anything else."""
    text = posted.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST):
        raise Invalid(f"请选择{label}。", {name: "请从列表中选"})
    return int(text)


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(str(get_kind(_DATE).parse(_DATE, text.strip())))
    except (BadValue, ValueError):
        raise Invalid(
            "生效日期不对，请写成 2026-11-23。", {"valid_from": "请写成 2026-11-23"}
        ) from None
