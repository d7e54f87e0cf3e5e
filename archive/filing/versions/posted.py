"""What the pages of versions post or ask for, read into plain values; wrong entries are named."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from archive.core.clock import SHANGHAI
from archive.core.errors import Invalid
from archive.filing.versions.editing import Description
from archive.people.rights import SECRECY
from doc_templates import Field
from doc_templates.fields import BadValue, get_kind

LONGEST = 40
_DATE = Field(key="日期", label="日期", kind="date")
_WRONG_AT = "请写成 2026-11-23，或 2026-11-23 15:30"


def read_instant(text: str) -> datetime:
    """Return the instant asked for (UTC): a day's end, or a time of a day; raise Invalid."""
    told = text.strip()
    try:
        if not told or len(told) > LONGEST:
            raise ValueError
        at = datetime.fromisoformat(told.replace(" ", "T", 1))
        if len(told) <= 10:
            at = datetime.combine(at.date(), time.max)
        at = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"日期不对，{_WRONG_AT}。", {"at": _WRONG_AT}) from None


def read_description(posted: Mapping[str, str]) -> Description:
    """Return the description typed; raise Invalid naming each wrong entry."""
    wrong: dict[str, str] = {}
    pages = posted.get("pages", "").strip()
    if not (pages.isascii() and pages.isdigit() and len(pages) < 9):
        wrong["pages"] = "页数应为整数"
    secrecy = posted.get("secrecy", "")
    if secrecy not in SECRECY:
        wrong["secrecy"] = "密级应为" + "、".join(SECRECY)
    day = posted.get("document_date", "").strip()
    try:
        found_day = date.fromisoformat(str(get_kind(_DATE).parse(_DATE, day))) if day else None
    except BadValue as error:
        wrong["document_date"], found_day = str(error), None
    elements = _elements(posted.get("elements", ""), wrong)
    if wrong:
        raise Invalid("著录有误：" + "；".join(wrong.values()) + "。", wrong)
    return Description(
        title=posted.get("title", "").strip(),
        document_number=posted.get("document_number", "").strip(),
        responsible=posted.get("responsible", "").strip(),
        document_date=found_day,
        pages=int(pages),
        secrecy=SECRECY.index(secrecy),
        note=posted.get("note", "").replace("\r\n", "\n").strip(),
        text=posted.get("text", "").replace("\r\n", "\n"),
        elements=elements,
    )


def _elements(text: str, wrong: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        name, mark, value = line.replace(":", "：", 1).partition("：")
        if not mark or not name.strip() or name.strip() in found:
            wrong["elements"] = "其他著录请每行写一项“名称：内容”，名称不重复"
            continue
        found[name.strip()] = value.strip()
    return found
