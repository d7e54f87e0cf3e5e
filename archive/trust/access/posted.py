"""What the pages post, read into plain values; wrong entries are named."""

from datetime import date

from archive.core.errors import Invalid


def read_day(text: str) -> date:
    """Return the last day of a grant; raise Invalid."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid("请写明到哪一天为止。", {"until": "应写成 2026-11-23"}) from None
