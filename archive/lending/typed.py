"""What people type into the desk's and the askers' entries, read or refused in words."""

from datetime import date

from archive.core.errors import Invalid
from archive.filing.rules import MAX_PAGES
from doc_templates.fields import forbidden_mark

INTACT = "完好"
MAX_CONDITION = 200


def day_typed(text: str) -> date | None:
    """Return until which day somebody says they need a paper; None for nothing typed."""
    cleaned = text.strip()
    try:
        return date.fromisoformat(cleaned) if cleaned else None
    except ValueError:
        raise Invalid("“用到哪天”不对，请写成 2026-11-23 这样。", {"until": "日期不对"}) from None


def day_sent(text: str, field: str) -> date:
    """Return the day of a field of a call; raise Invalid."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("日期不对，请写成 2026-11-23 这样。", {field: "应为 年-月-日"}) from None


def pages_typed(text: str) -> int | None:
    """Return the page count typed, None for nothing; raise Invalid for no number."""
    cleaned = text.strip()
    if not cleaned:
        return None
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= 6):
        raise Invalid("页数要填数字，请清点后重填。", {"pages": "应为数字"})
    return int(cleaned)


def clean_pages(pages: int) -> int:
    """Return a page count that can be; raise Invalid."""
    if isinstance(pages, bool) or not isinstance(pages, int) or not 0 <= pages <= MAX_PAGES:
        raise Invalid(
            f"页数不对，请清点后填 0 到 {MAX_PAGES} 的整数。", {"pages": "请填写清点的页数"}
        )
    return pages


def clean_condition(condition: str) -> str:
    """Return the condition as it is kept, 完好 for none said; raise Invalid."""
    cleaned = condition.strip() or INTACT
    fault = forbidden_mark(cleaned)
    if len(cleaned) > MAX_CONDITION:
        fault = f"最多 {MAX_CONDITION} 个字，现在有 {len(cleaned)} 个字"
    if fault:
        raise Invalid(f"归还情况有误：{fault}。", {"condition": fault})
    return cleaned
