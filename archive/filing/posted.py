"""What the filing pages post, read into plain values; wrong entries are named, none is guessed."""

from collections.abc import Mapping

from archive.core.errors import Invalid
from archive.filing import service
from archive.filing.items import ItemFilter
from archive.filing.rules import Belonging, Place, parse_place
from archive.filing.views import ItemView
from archive.people.rights import SECRECY, Actor
from storage.work import UnitOfWork


def read_belonging(posted: Mapping[str, str]) -> Belonging:
    """Read 归属 from a form; raise Invalid for a year or secrecy that is none."""
    wrong: dict[str, str] = {}
    year = _number(posted.get("year", ""), "year", "应为四位年份", wrong)
    label = posted.get("secrecy", "")
    if label not in SECRECY:
        wrong["secrecy"] = "应为" + "、".join(SECRECY)
    if wrong:
        raise Invalid("归属有误：" + "；".join(wrong.values()) + "。", wrong)
    return Belonging(
        category=posted.get("category", "").strip().upper(),
        item_class=posted.get("item_class", "").strip(),
        year=year or 0,
        retention=posted.get("retention", "").strip(),
        unit=posted.get("unit", "").strip().upper(),
        secrecy=SECRECY.index(label),
    )


def read_place(posted: Mapping[str, str]) -> Place:
    """Read where a paper is put from a form."""
    return Place(
        **{key: posted.get(key, "").strip() for key in ("room", "row", "bay", "shelf", "box")}
    )


def read_pages(posted: Mapping[str, str]) -> int | None:
    """Read the page count of a form; None when it is left as it was."""
    wrong: dict[str, str] = {}
    pages = _number(posted.get("pages", ""), "pages", "页数应为整数", wrong)
    if wrong:
        raise Invalid("上架信息有误：页数应为整数。", wrong)
    return pages


def read_version(posted: Mapping[str, str]) -> int:
    """Read the version a page was made from."""
    wrong: dict[str, str] = {}
    version = _number(posted.get("version", ""), "version", "缺少版本", wrong)
    if version is None:
        raise Invalid("页面不完整，请刷新后再办。", {"version": "缺少版本"})
    return version


def read_offer(posted: Mapping[str, str]) -> dict[str, str]:
    """Read the description of an offered paper; empty entries are left out."""
    keys = ("title", "customer", "form", "number", "date", "secrecy")
    return {key: value for key in keys if (value := posted.get(key, "").strip())}


def read_filter(asked: Mapping[str, str]) -> ItemFilter:
    """Read the catalogue's filters from the address."""
    wrong: dict[str, str] = {}
    numbers = {
        key: _number(asked.get(name, ""), name, "应为数字", wrong)
        for key, name in (
            ("year", "year"),
            ("customer_id", "customer"),
            ("department_id", "department"),
        )
    }
    if wrong:
        raise Invalid("筛选条件不对：年度、客户和部门应为数字。", wrong)
    return ItemFilter(
        text=asked.get("text", ""),
        form=asked.get("form", ""),
        item_class=asked.get("class", ""),
        state=asked.get("state", ""),
        sort=asked.get("sort", ""),
        **numbers,
    )


def _number(text: str, key: str, why: str, wrong: dict[str, str]) -> int | None:
    cleaned = text.strip()
    if not cleaned:
        return None
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) <= 9):
        wrong[key] = why
        return None
    return int(cleaned)


def read_place_of_the_day(posted: Mapping[str, str]) -> Place | None:
    """Return the place typed for what is filed in one act; None when left empty."""
    text = posted.get("place", "").strip()
    return parse_place(text) if text else None


def do_step(
    uow: UnitOfWork, actor: Actor, item_id: int, step: str, posted: Mapping[str, str]
) -> ItemView | None:
    """Do one step of an item's as posted, or all that are left; None when it is given back."""
    version = read_version(posted)
    if step == "accept":
        return service.accept_offered(uow, actor, item_id, version=version)
    if step == "classify":
        return service.classify(uow, actor, item_id, read_belonging(posted), version=version)
    if step == "catalogue":
        return service.catalogue(uow, actor, item_id, version=version)
    if step == "shelve":
        place, leaves = read_place(posted), read_pages(posted)
        return service.shelve(uow, actor, item_id, place, pages=leaves, version=version)
    if step == "back":
        service.give_back(uow, actor, item_id, posted.get("reason", ""), version=version)
        return None
    where = read_place_of_the_day(posted)
    return service.file_in_one(uow, actor, item_id, place=where, version=version)
