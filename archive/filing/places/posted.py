"""What the pages of places post, read into plain values; wrong entries are named."""

import re
from collections.abc import Mapping

from archive.core.errors import Invalid
from archive.filing.places.plan import CopyFilter

_BREAKS = re.compile(r"[\s,，、;；]+")


def read_number(asked: Mapping[str, str], key: str, label: str) -> int | None:
    """Return a whole number; None when left empty; raise Invalid."""
    text = asked.get(key, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid(f"{label}应为整数。", {key: "应为整数"})
    return int(text)


def read_words(text: str) -> list[str]:
    """Return the words of a text, divided by commas, blanks or lines."""
    return [word for word in _BREAKS.split(text) if word]


def read_copy_filter(asked: Mapping[str, str]) -> CopyFilter:
    """Return what a list of copies is narrowed to by its address."""
    return CopyFilter(
        place_id=read_number(asked, "place", "位置"),
        volume_id=read_number(asked, "volume", "案卷"),
        status=asked.get("status", ""),
        unplaced=asked.get("unplaced") == "1",
    )
