"""Filing's decisions on plain values: the order of the four steps, terms, places, labels.

No rows and no rights here; services call this before they write.
"""

import re
from dataclasses import dataclass

from archive.core.errors import Conflict, Invalid
from archive.filing.models import ItemState
from archive.filing.plan import Plan
from archive.people.rights import SECRECY
from doc_templates.fields import forbidden_mark

APPRAISE, CLASSIFY, CATALOGUE, SHELVE = "鉴别", "归属", "登记目录", "上架"
STEPS = (APPRAISE, CLASSIFY, CATALOGUE, SHELVE)
MAX_PAGES = 9999
MAX_LOCATION = 80
MAX_REASON = 500
NOT_SEALED = "没有封卷"  # what a wrong password means there
MAX_NOTE = 2000
YEARS = range(1900, 2200)

_BEFORE = {
    APPRAISE: ItemState.OFFERED,
    CLASSIFY: ItemState.APPRAISED,
    CATALOGUE: ItemState.CLASSIFIED,
    SHELVE: ItemState.CATALOGUED,
}
_AFTER = {
    APPRAISE: ItemState.APPRAISED,
    CLASSIFY: ItemState.CLASSIFIED,
    CATALOGUE: ItemState.CATALOGUED,
    SHELVE: ItemState.SHELVED,
}
_CATEGORY = re.compile(r"[A-Z]{2}(·[A-Z0-9]{2})?")
_UNIT = re.compile(r"([A-Z0-9]{3})?")


@dataclass(frozen=True)
class Belonging:
    """Where an item belongs (归属): category, class, year, term, unit and secrecy rank."""

    category: str
    item_class: str
    year: int
    retention: str
    unit: str
    secrecy: int


@dataclass(frozen=True)
class Place:
    """Where a paper stands: room, row, bay, shelf and box; every part may be empty but not all."""

    room: str = ""
    row: str = ""
    bay: str = ""
    shelf: str = ""
    box: str = ""

    @property
    def text(self) -> str:
        """The place as one line: 库房一-02-03-04 盒12."""
        shelf = "-".join(part for part in (self.room, self.row, self.bay, self.shelf) if part)
        return " ".join(part for part in (shelf, f"盒{self.box}" if self.box else "") if part)


def parse_place(text: str) -> Place:
    """Read a place back from its one line; the inverse of ``Place.text`` for full places."""
    shelf, _, box = text.partition(" 盒")
    room, row, bay, level = [*shelf.split("-", 3), "", "", ""][:4]
    return Place(room, row, bay, level, box)


def next_step(state: str) -> str:
    """Return the step an item in this state waits for; empty when all four are done."""
    return next((step for step, before in _BEFORE.items() if before == state), "")


def check_step(step: str, state: str) -> ItemState:
    """Return the state after ``step``; raise Conflict when it is out of order or done already.

    Source: 客户档案管理制度, filing in four steps (archive.md 1.7): none skipped, none twice.
    """
    if state == _BEFORE[step]:
        return _AFTER[step]
    label = ItemState(state).label
    wanted = next_step(state)
    if state == ItemState.REFUSED:
        raise Conflict("这份文件已退回；要收，请先在它的页面上点“重新收下”。")
    if not wanted:
        raise Conflict(f"这份文件四步已经做完（{label}），不能再做“{step}”。")
    if STEPS.index(step) < STEPS.index(wanted):
        raise Conflict(f"“{step}”已经做过（现在是“{label}”），下一步是“{wanted}”。")
    raise Conflict(f"还不能做“{step}”：现在是“{label}”，请先做“{wanted}”。")


def check_belonging(belonging: Belonging, plan: Plan, before: Belonging | None = None) -> None:
    """Raise Invalid, naming every wrong entry; a term shorter than the class's is refused.

    What was filed under an earlier version of the plan (``before``) keeps its class and term.
    """
    wrong = _wrong_words(belonging, plan)
    row = plan.classes.get(belonging.item_class)
    if before is not None and not is_other_class(before, belonging):
        wrong.pop("category", None)
    elif row is None:
        wrong["item_class"] = "归档方案里没有这个类目，请从列表里选"
    elif row.is_closed:
        wrong["item_class"] = f"类目“{row.name}”已停用，请选别的类目"
    elif "retention" not in wrong and not plan.outlasts(belonging.retention, row.minimum):
        wrong["retention"] = (
            f"“{row.name}”最少保管{plan.terms[row.minimum]}（{row.basis}），"
            f"不能缩短为{plan.terms[belonging.retention]}"
        )
    if wrong:
        raise Invalid("归属有误：" + "；".join(wrong.values()) + "。", wrong)


def is_other_class(before: Belonging, after: Belonging) -> bool:
    """Say whether an item comes under another class, category or term of the plan."""
    return (before.item_class, before.category, before.retention) != (
        after.item_class,
        after.category,
        after.retention,
    )


def _wrong_words(belonging: Belonging, plan: Plan) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not _CATEGORY.fullmatch(belonging.category):
        wrong["category"] = "门类应为两位大写字母，可再加“·”和两位二级代码"
    elif belonging.category[:2] not in plan.categories:
        wrong["category"] = f"归档方案里没有门类 {belonging.category[:2]}"
    if belonging.year not in YEARS:
        wrong["year"] = f"年度应在 {YEARS[0]} 到 {YEARS[-1]} 之间"
    if belonging.retention not in plan.terms:
        wrong["retention"] = "保管期限应为 " + "、".join(plan.terms)
    if not _UNIT.fullmatch(belonging.unit):
        wrong["unit"] = "机构代码应为 3 位大写字母或数字，或者留空"
    if belonging.secrecy not in range(len(SECRECY)):
        wrong["secrecy"] = "密级应为" + "、".join(SECRECY)
    return wrong


def check_place(place: Place, pages: int) -> str:
    """Return the place as one line; raise Invalid when it is empty, too long or unprintable."""
    wrong: dict[str, str] = {}
    for name in ("room", "row", "bay", "shelf", "box"):
        part = getattr(place, name)
        fault = line_fault(part, 20) or ("不能含有空格或短横线" if set(part) & set(" -") else "")
        if fault:
            wrong[name] = fault
    if not wrong and not place.text:
        wrong["room"] = "请填写存放位置（库房、排、柜、层或盒号）"
    if not 0 <= pages <= MAX_PAGES:
        wrong["pages"] = f"页数应在 0 到 {MAX_PAGES} 之间"
    if wrong:
        raise Invalid("上架信息有误：" + "；".join(wrong.values()) + "。", wrong)
    return place.text


def check_reason(reason: str, what: str = "退回原因") -> str:
    """Return the reason without outer blanks; raise Invalid when it says nothing."""
    cleaned = reason.strip()
    fault = "请写明原因" if not cleaned else text_fault(cleaned, MAX_REASON)
    if fault:
        raise Invalid(f"{what}有误：{fault}。", {"reason": fault})
    return cleaned


def check_note(note: str) -> str:
    """Return what the 备考表 is to say, without outer blanks; raise Invalid."""
    cleaned = note.replace("\r\n", "\n").strip()
    fault = text_fault(cleaned, MAX_NOTE)
    if fault:
        raise Invalid(f"本卷情况说明有误：{fault}。", {"note": fault})
    return cleaned


def check_move(state: str, reference_code: str | None) -> None:
    """Raise Conflict when an item cannot be put elsewhere: before 归属, or once it is sealed."""
    if reference_code:
        raise Conflict(f"这份文件已随案卷封存，档号 {reference_code} 已定，不能再移动。")
    if state in (ItemState.OFFERED, ItemState.REFUSED, ItemState.APPRAISED):
        raise Conflict("这份文件还没有归属，请先做“归属”，直接定到合适的类目。")


def line_fault(text: str, limit: int) -> str:
    """Say what is wrong with one line of text; empty when nothing is."""
    if "\n" in text or "\r" in text:
        return "只能写一行"
    return text_fault(text, limit)


def text_fault(text: str, limit: int) -> str:
    """Say what is wrong with a text (length, control and direction marks); empty if nothing."""
    if len(text) > limit:
        return f"最多 {limit} 个字，现在有 {len(text)} 个字"
    return forbidden_mark(text)


def volume_title(belonging: Belonging, unit_name: str, plan: Plan, customer: str = "") -> str:
    """Return the title of a yearly volume: 2026年度 销售部 客户开发（30年）."""
    parts = [f"{belonging.year}年度", unit_name or belonging.unit, customer, belonging.item_class]
    title = " ".join(part for part in parts if part)
    second = belonging.category.partition("·")[2]
    return f"{title}（{plan.terms[belonging.retention]}{f'，分册{second}' if second else ''}）"
