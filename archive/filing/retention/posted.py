"""What the pages of the keeping's end send, read into plain values."""

from collections.abc import Iterator, Mapping
from datetime import date

from werkzeug.datastructures import MultiDict

from archive.core.errors import Invalid
from archive.filing.retention.appraisal import Opinion
from archive.filing.retention.due import DueFilter
from archive.filing.retention.rules import LARGEST_ID
from archive.filing.retention.views import AppraisalView


def read_filter(args: Mapping[str, str]) -> DueFilter:
    """Return what the due list is narrowed to; raise Invalid for what is no number."""
    return DueFilter(
        months=_number(args, "months") or 0,
        year=_number(args, "year"),
        item_class=args.get("class", "").strip(),
        department_id=_number(args, "department"),
        customer_id=_number(args, "customer"),
    )


def read_ids(form: "MultiDict[str, str]", name: str) -> list[int]:
    """Return the ids ticked under a name; raise Invalid for what is none."""
    return [_whole(text, name) for text in form.getlist(name)]


def read_id(form: Mapping[str, str], name: str) -> int:
    """Return one id; raise Invalid."""
    return _whole(form.get(name, ""), name)


def read_day(form: Mapping[str, str], name: str) -> date | None:
    """Return a day written 2026-11-23, or None when left empty; raise Invalid."""
    text = form.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("日期应写成 2026-11-23 这样。", {name: "应如 2026-11-23"}) from None


def read_target(form: Mapping[str, str]) -> str:
    """Return what a hold is to cover, as typed; raise Invalid for a bare number.

    A number alone is the end of many codes, and never what people call anything.
    """
    text = form.get("target", "").strip()
    if text.isdecimal() and form.get("scope") != "class":
        raise Invalid(
            f"只写“{text[:20]}”看不出是哪一件、哪一个：档号请写到机构或年度，如 XSB-0012；"
            "案卷写题名，客户写名称。",
            {"target": "只有数字，不够"},
        )
    return text


def read_opinions(form: Mapping[str, str], found: AppraisalView, user_id: int) -> list[Opinion]:
    """Return a member's opinions: line by line, and ``all`` for those without one.

    A choice is ``destroy``, ``transfer`` or ``extend:D10``.
    """
    return list(_opinions(form, found, user_id))


def _opinions(form: Mapping[str, str], found: AppraisalView, user_id: int) -> Iterator[Opinion]:
    for line in found.lines:
        choice = form.get(f"opinion-{line.item_id}", "")
        reason = form.get(f"reason-{line.item_id}", "")
        if not choice and line.opinion_of(user_id) is None:
            choice = form.get("all", "")
            reason = reason or form.get("all-reason", "")
        if choice:
            opinion, _, term = choice.partition(":")
            yield Opinion(line.item_id, opinion, term, reason)


def _number(args: Mapping[str, str], name: str) -> int | None:
    text = args.get(name, "").strip()
    return _whole(text, name) if text else None


def _whole(text: str, name: str) -> int:
    cleaned = text.strip()
    if cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= 19:
        return min(int(cleaned), LARGEST_ID)
    raise Invalid("请从页面上选，不要手工改写。", {name: "应为数字"})
