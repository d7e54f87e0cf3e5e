"""What the hand-over pages post, read into plain values; wrong entries are named."""

from collections.abc import Collection

from werkzeug.datastructures import MultiDict

from archive.core.errors import Invalid
from archive.people.rights import Actor

LONGEST = 9


def read_department(text: str, known: Collection[int] | None, actor: Actor | None = None) -> int:
    """Return the department asked for (the actor's own without one); raise Invalid."""
    if not text.strip() and actor is not None:
        return actor.department_id
    number = _number(text)
    if number is None or (known is not None and number not in known):
        raise Invalid("没有这个部门，或者不归您管。", {"department": "请从列表中选"})
    return number


def read_records(posted: MultiDict[str, str]) -> list[int]:
    """Return the papers that were ticked."""
    return _numbers(posted.getlist("record"))


def read_counted(posted: MultiDict[str, str]) -> dict[int, int]:
    """Return the pages counted of every paper ticked as seen; raise Invalid."""
    counted: dict[int, int] = {}
    for record_id in _numbers(posted.getlist("seen")):
        pages = _number(posted.get(f"pages-{record_id}", ""))
        if pages is None:
            raise Invalid("清点的页数应为整数，请逐件填写。", {f"pages-{record_id}": "应为整数"})
        counted[record_id] = pages
    return counted


def _numbers(texts: Collection[str]) -> list[int]:
    found = [_number(text) for text in texts]
    if None in found:
        raise Invalid("页面不完整，请刷新后再办。", {"record": "应为编号"})
    return [number for number in found if number is not None]


def _number(text: str) -> int | None:
    cleaned = text.strip()
    is_plain = cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= LONGEST
    return int(cleaned) if is_plain else None
