"""What a new version of the filing plan must satisfy; plain values only."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from archive.core.errors import Invalid
from archive.filing.plan import ItemClass, Plan, faults_of
from archive.filing.rules import line_fault

MOST_CLASSES, MOST_CATEGORIES = 200, 60
LONGEST_NAME, LONGEST_TITLE, LONGEST_BASIS = 40, 20, 200
AHEAD = timedelta(days=731)
_CATEGORY = re.compile(r"[A-Z]{2}(·[A-Z0-9]{2})?", re.ASCII)


@dataclass(frozen=True)
class Use:
    """What hangs on the plan already: items and volumes by class and category, forms by class."""

    classes: Mapping[str, int]
    categories: Mapping[str, int]
    forms: Mapping[str, str]


def check_change(old: Plan, new: Plan, use: Use) -> None:
    """Raise Invalid, naming all that is wrong with a new version.

    A class shorter than its minimum is refused with the basis named; one in use is closed, never
    removed, and stays in its category (DA/T 22: what is filed keeps its place).
    """
    if replace(new, version=old.version) == old:
        raise Invalid("归档方案没有变化，不用保存。", {"plan": "没有变化"})
    faults = list(dict.fromkeys(_faults(old, new, use)))
    if faults:
        raise Invalid("归档方案没有保存：" + "；".join(faults) + "。", {"plan": "；".join(faults)})


def check_valid_from(text: str, today: date) -> date:
    """Return the day a version is valid from, today when left empty; raise Invalid."""
    if not text.strip():
        return today
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        fault = "日期应写成 2027-01-01 这样"
    else:
        if today <= day <= today + AHEAD:
            return day
        fault = "应是今天以后两年以内的一天"
    raise Invalid(f"生效日期有误：{fault}。", {"valid_from": fault})


def late_years(today: date, due: str) -> int:
    """Return the last year whose papers had to be filed by now (archive.md 2).

    ``due`` is the last day for filing in the year after, as month and day: 06-30.
    """
    month, day = (int(part) for part in due.split("-"))
    is_past = (today.month, today.day) > (month, day)
    return today.year - (1 if is_past else 2)


def _faults(old: Plan, new: Plan, use: Use) -> Iterator[str]:
    if len(new.classes) > MOST_CLASSES or len(new.categories) > MOST_CATEGORIES:
        yield f"类目最多 {MOST_CLASSES} 个，门类最多 {MOST_CATEGORIES} 个"
        return
    for code, title in new.categories.items():
        yield from _faults_of_category(code, title, new)
    for row in new.classes.values():
        yield from _faults_of_words(row)
    yield from faults_of(new)
    for code in old.categories.keys() - new.categories.keys():
        if use.categories.get(code):
            yield f"门类 {code} 下已有 {use.categories[code]} 件档案，不能删去"
    for row in old.classes.values():
        yield from _faults_of_used(row, new.classes.get(row.name), use)
    if line_fault(new.default_room, 20) or not new.default_room:
        yield "默认存放位置应是 20 个字以内的一行"


def _faults_of_category(code: str, title: str, plan: Plan) -> Iterator[str]:
    if not _CATEGORY.fullmatch(code):
        yield f"门类代码“{code[:10]}”应为两位大写字母，可再加“·”和两位二级代码"
    elif "·" in code and code[:2] not in plan.categories:
        yield f"二级门类 {code} 的上级 {code[:2]} 不在归档方案里"
    if not title or line_fault(title, LONGEST_TITLE):
        yield f"门类 {code[:10]} 的名称应是 1 到 {LONGEST_TITLE} 个字的一行"


def _faults_of_words(row: ItemClass) -> Iterator[str]:
    if not row.name or line_fault(row.name, LONGEST_NAME):
        yield f"类目名称“{row.name[:20]}”应是 1 到 {LONGEST_NAME} 个字的一行"
    if not row.basis or line_fault(row.basis, LONGEST_BASIS):
        yield f"类目“{row.name[:20]}”要写明依据（{LONGEST_BASIS} 个字以内的一行）"


def _faults_of_used(before: ItemClass, after: ItemClass | None, use: Use) -> Iterator[str]:
    count, form = use.classes.get(before.name, 0), use.forms.get(before.name, "")
    if after is None and count:
        yield f"类目“{before.name}”已有 {count} 件档案，不能删去，只能停用"
    elif after is None and form:
        yield f"类目“{before.name}”由表单 {form} 使用，不能删去，只能停用"
    elif after is not None and count and after.category != before.category:
        yield f"类目“{before.name}”已有 {count} 件档案，不能改门类；请另建类目"
