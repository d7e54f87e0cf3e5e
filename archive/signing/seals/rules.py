"""What may be asked of a seal: pure checks on plain values.

Source: conventions.md (用印: asked, approved, keeper compares with the approved file, copies
stamped ≤ copies approved, seal taken out returns the same day; size in mm per seal).
"""

from dataclasses import dataclass, replace
from datetime import datetime

from archive.core.clock import local_day
from archive.core.errors import Invalid
from doc_templates.section_reading import SEAL_KINDS

MOST_COPIES = 99
MOST_PAGES = 10_000
SMALLEST_MM, LARGEST_MM = 8.0, 80.0
LONGEST_NAME = 20
STATES = ("in_use", "suspended", "destroyed")


@dataclass(frozen=True)
class SealRequest:
    """What the submitter asks: which seal, on how many copies, what for, across the edges too."""

    seal_id: int
    copies: int = 1
    why: str = ""
    across: bool = False


@dataclass(frozen=True)
class SealFields:
    """What the administrator enters of a seal; ``keeper`` is a name, staff number or user name."""

    name: str
    kind: str
    width_mm: float
    height_mm: float
    keeper: str
    state: str = "in_use"
    note: str = ""


@dataclass(frozen=True)
class PaperEntry:
    """What the keeper enters of a use on a paper that was not made here."""

    title: str
    why: str
    approved_by: str
    approved: int
    stamped: int
    pages: int
    note: str = ""


def check_entry(entry: PaperEntry) -> PaperEntry:
    """Return the entry with its words trimmed; raise Invalid naming every wrong one."""
    faults: dict[str, str] = {}
    checked = replace(
        entry,
        title=clean_line(entry.title, 200, "title", faults),
        why=clean_line(entry.why, 200, "why", faults),
        approved_by=clean_line(entry.approved_by, 100, "approved_by", faults),
        note=clean_line(entry.note, 200, "note", faults),
    )
    for key, text, told in (
        ("title", checked.title, "文件名称"),
        ("why", checked.why, "用途"),
        ("approved_by", checked.approved_by, "批准人"),
    ):
        if not text:
            faults.setdefault(key, f"请写明{told}")
    if not 1 <= entry.approved <= MOST_COPIES:
        faults["approved"] = f"应在 1 到 {MOST_COPIES} 之间"
    if not 1 <= entry.pages <= MOST_PAGES:
        faults["pages"] = f"应在 1 到 {MOST_PAGES} 之间"
    if faults:
        raise Invalid("用印登记没有写全。", faults)
    check_stamped(entry.approved, entry.stamped)
    return checked


def check_request(asked: SealRequest) -> SealRequest:
    """Return the request with its words trimmed; raise Invalid naming every entry."""
    faults: dict[str, str] = {}
    if not 1 <= asked.copies <= MOST_COPIES:
        faults["copies"] = f"份数应在 1 到 {MOST_COPIES} 之间"
    why = clean_line(asked.why, 200, "why", faults)
    if not why:
        faults.setdefault("why", "请写明为什么用印，例如 合同签订")
    if faults:
        raise Invalid("用印的要求没有写对。", faults)
    return SealRequest(asked.seal_id, asked.copies, why, asked.across)


def check_fields(fields: SealFields) -> SealFields:
    """Return the entries of a seal trimmed; raise Invalid naming every wrong one."""
    faults: dict[str, str] = {}
    name = clean_line(fields.name, LONGEST_NAME, "name", faults)
    if not name:
        faults.setdefault("name", "请写印章的名称，例如 合同专用章")
    if fields.kind not in SEAL_KINDS:
        faults["kind"] = f"请从{'、'.join(SEAL_KINDS)}里选一种"
    for key, size in (("width_mm", fields.width_mm), ("height_mm", fields.height_mm)):
        if not SMALLEST_MM <= size <= LARGEST_MM:
            faults[key] = f"应在 {SMALLEST_MM:g} 到 {LARGEST_MM:g} 毫米之间"
    if fields.state not in STATES:
        faults["state"] = "请选在用、停用或已销毁"
    if not fields.keeper.strip():
        faults["keeper"] = "请写明由谁保管"
    note = clean_line(fields.note, 200, "note", faults)
    if faults:
        raise Invalid("印章的资料没有写对。", faults)
    return SealFields(
        name, fields.kind, fields.width_mm, fields.height_mm, fields.keeper, fields.state, note
    )


def check_stamped(approved: int, stamped: int) -> None:
    """Raise Invalid when more copies were stamped than approved, or a number makes no sense."""
    if stamped < 0:
        raise Invalid("盖章份数不能是负数。", {"copies": "应为 0 或更多"})
    if stamped > approved:
        raise Invalid(
            f"批准盖 {approved} 份，不能盖 {stamped} 份；要多盖请另行申请。",
            {"copies": f"不能超过批准的 {approved} 份"},
        )


def is_late(taken_at: datetime, now: datetime) -> bool:
    """Say whether a seal that is still out should have been back: it returns the same day."""
    return local_day(taken_at) < local_day(now)


def clean_line(text: str, longest: int, key: str, faults: dict[str, str]) -> str:
    """Return one line trimmed; note under ``key`` what is wrong with it."""
    text = text.strip()
    if len(text) > longest:
        faults[key] = f"不超过 {longest} 个字，现有 {len(text)} 个"
    elif any(ord(char) < 32 for char in text):
        faults[key] = "含有换行或不能打印的字符，请删去"
    return text
