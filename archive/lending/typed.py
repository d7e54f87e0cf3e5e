"""What people type into the desk's and the askers' entries, read or refused in words."""

from datetime import date

from archive.core.errors import Invalid


def day_typed(text: str) -> date | None:
    """Return until which day somebody says they need a paper; None for nothing typed."""
    cleaned = text.strip()
    try:
        return date.fromisoformat(cleaned) if cleaned else None
    except ValueError:
        raise Invalid("“用到哪天”不对，请写成 2026-11-23 这样。", {"until": "日期不对"}) from None


def pages_typed(text: str) -> int | None:
    """Return the page count typed, None for nothing; raise Invalid for no number."""
    cleaned = text.strip()
    if not cleaned:
        return None
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= 6):
        raise Invalid("页数要填数字，请清点后重填。", {"pages": "应为数字"})
    return int(cleaned)
