"""Whether a grant holds right now, and what a typed range of pages means. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from archive.core.errors import Invalid
from archive.filing.models import ItemState
from archive.lending.rules import Reason

MOST_PAGES = 200
LONGEST_RANGE = 200
_ONE_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True)
class GrantFacts:
    """What is looked at on every page: the grant as it stands, the item and the borrower now."""

    opens_at: datetime
    until: datetime
    ended: bool
    end_reason: str
    item_state: str
    secrecy_then: int
    secrecy_now: int
    clearance: int


def why_closed(facts: GrantFacts, now: datetime) -> Reason | None:
    """Return why nothing may be shown now, or None; expiry works at once (archive.md 6)."""
    if facts.ended:
        why = f"（{facts.end_reason}）" if facts.end_reason else ""
        return Reason("ended", f"这次电子阅览已经结束{why}；仍需要的，请重新申请。")
    if now >= facts.until:
        return Reason("expired", "这次电子阅览已经到期；仍需要的，请重新申请。")
    if now < facts.opens_at:
        return Reason("not_open", "服务器时间早于批准的时间，暂时不能阅览，请联系系统管理员。")
    if facts.item_state != ItemState.SHELVED:
        return Reason("item_state", "这件档案现在不在库，暂时不能阅览，请向档案室查询。")
    if facts.secrecy_now > facts.clearance:
        return Reason("clearance", "这件档案的密级高于您现在的权限，不能再阅览。")
    if facts.secrecy_now > facts.secrecy_then:
        return Reason("secrecy_raised", "阅览期间这件档案的密级提高了，请重新申请。")
    return None


def parse_pages(text: str, count: int) -> tuple[int, ...]:
    """Return the pages that ``1-3,5`` means, in order, each once; empty text means all.

    Raises Invalid for anything else, for pages the file does not have and for too many.
    """
    cleaned = re.sub(r"[\s第页]", "", text).translate(
        str.maketrans("，、；;－–—~～至", ",,,,------")
    )
    found: dict[int, None] = {}
    for part in cleaned.split(",") if cleaned else [f"1-{max(count, 1)}"]:
        match = _ONE_RANGE.fullmatch(part) if len(cleaned) <= LONGEST_RANGE else None
        if match is None:
            raise Invalid("页码写得不对，请写成 1-3,5 这样。", {"pages": "应写成 1-3,5"})
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise Invalid(
                f"这份文件共 {count} 页，没有第 {part} 页。", {"pages": f"应在 1 到 {count} 之间"}
            )
        found.update(dict.fromkeys(range(first, last + 1)))
    if len(found) > MOST_PAGES:
        raise Invalid(
            f"一次最多 {MOST_PAGES} 页，这次有 {len(found)} 页，请分几次办理。",
            {"pages": f"最多 {MOST_PAGES} 页"},
        )
    return tuple(sorted(found))


def show_pages(pages: tuple[int, ...]) -> str:
    """Return pages as ranges: ``1-3,5``."""
    parts: list[list[int]] = []
    for page in pages:
        if parts and page == parts[-1][1] + 1:
            parts[-1][1] = page
        else:
            parts.append([page, page])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in parts)
