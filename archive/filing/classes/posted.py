"""The plan's page as posted, read into a plan; what is wrong in it is judged by the rules."""

from collections.abc import Mapping
from dataclasses import replace

from archive.core.errors import Invalid
from archive.filing.classes.rules import MOST_CATEGORIES, MOST_CLASSES
from archive.filing.codes import fold_reference
from archive.filing.plan import BY_UNIT, ItemClass, Plan

SPARE = 3  # empty lines offered for what is new


def read_plan_form(posted: Mapping[str, str], base: Plan) -> tuple[Plan, str]:
    """Return the plan a page describes, and what stands there twice (kept, to be shown again).

    Lines are ``class.0.name`` and so on, those without a name left out. Raises Invalid for a
    version that is no number.
    """
    version = posted.get("version", "").strip()
    if not (version.isascii() and version.isdigit() and len(version) < 9):
        raise Invalid("页面不完整，请刷新后再改。", {"plan": "缺少版本"})
    categories, twice = _read_categories(posted)
    classes: dict[str, ItemClass] = {}
    for number in range(MOST_CLASSES + 1):
        row = _read_class(posted, f"class.{number}.")
        if row is None:
            continue
        if row.name in classes:
            twice = f"类目“{row.name[:20]}”写了两遍，请改一个名称或删去一行。"
            row = replace(row, name=f"{row.name[:30]}（重复{number}）")
        classes[row.name] = row
    plan = replace(
        base,
        version=int(version),
        categories=categories,
        classes=classes,
        default_class=posted.get("default_class", "").strip(),
        default_room=posted.get("default_room", "").strip(),
    )
    return plan, twice


def _read_categories(posted: Mapping[str, str]) -> tuple[dict[str, str], str]:
    found: dict[str, str] = {}
    twice = ""
    for number in range(MOST_CATEGORIES + 1):
        code = fold_reference(posted.get(f"category.{number}.code", ""))
        title = posted.get(f"category.{number}.title", "").strip()
        if not code and not title:
            continue
        if code in found:
            twice = f"门类 {code[:10]} 写了两遍，请去掉一行。"
            continue
        found[code] = title
    return dict(sorted(found.items(), key=lambda pair: _place(pair[0], list(found)))), twice


def _place(code: str, order: list[str]) -> tuple[int, str]:
    """Put a second level behind its first."""
    top = code[:2]
    return (order.index(top) if top in order else len(order)), code


def _read_class(posted: Mapping[str, str], key: str) -> ItemClass | None:
    name = posted.get(f"{key}name", "").strip()
    if not name or posted.get(f"{key}remove"):
        return None
    return ItemClass(
        name=name,
        category=posted.get(f"{key}category", "").strip(),
        retention=posted.get(f"{key}retention", "").strip(),
        minimum=posted.get(f"{key}minimum", "").strip(),
        basis=posted.get(f"{key}basis", "").strip(),
        parent=posted.get(f"{key}parent", "").strip(),
        volumes=posted.get(f"{key}volumes", BY_UNIT).strip(),
        is_closed=bool(posted.get(f"{key}closed")),
    )
