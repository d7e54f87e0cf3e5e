"""Kinds with given answers: choice, multi, check; and the ticked boxes they print.

With `tick = true` a choice prints every answer with a box before it (☑国有 ☐民营), so that
the paper shows what could have been chosen and an empty one can be ticked by hand.
"""

import difflib
import re
from collections.abc import Mapping

from doc_templates.definition import Field
from doc_templates.kinds.base import (
    BadValue,
    Cell,
    ExcelColumn,
    Kind,
    Schema,
    compact,
    is_blank,
    is_demanded,
    show_text,
)

TICK, NO_TICK, MARK = "☑", "☐", "✓"
YES = frozenset({"true", "1", "on", "yes", "y", "是", "√", "✓", TICK, "有"})
NO = frozenset({"false", "0", "off", "no", "n", "否", "", NO_TICK, "□", "无"})
MOST_ANSWERS = 500


def _parse_choice(entry: Field, raw: object) -> str:
    if isinstance(raw, str) and raw in entry.choices:
        return raw
    wanted = _asked(raw)
    for choice in entry.choices:
        if wanted and compact(choice) == wanted:
            return choice
    near = difflib.get_close_matches(wanted, entry.choices, 1) if wanted else []
    hint = f"（是不是“{near[0]}”？）" if near else ""
    raise BadValue(f"只能选：{'、'.join(entry.choices)}{hint}")


def _asked(raw: object) -> str:
    """Return what was asked for in one spelling; empty if it is no answer at all."""
    if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) < 10**9:
        return f"{raw:g}" if isinstance(raw, float) else str(raw)
    return compact(raw[:200]) if isinstance(raw, str) else ""


def _parse_multi(entry: Field, raw: object) -> list[str]:
    asked = _split(entry, raw) if isinstance(raw, str) else raw
    if not isinstance(asked, list | tuple) or len(asked) > MOST_ANSWERS:
        raise BadValue(f"只能从中选：{'、'.join(entry.choices)}")
    chosen = {_parse_choice(entry, one) for one in asked if not is_blank(one)}
    return [choice for choice in entry.choices if choice in chosen]


def _split(entry: Field, raw: str) -> list[str]:
    if raw in entry.choices:
        return [raw]
    return re.split(r"[、,，;；\n]", raw)[: MOST_ANSWERS + 1]


def _parse_check(_entry: Field, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int) and raw in (0, 1):
        return bool(raw)
    word = compact(raw[:20]).lower() if isinstance(raw, str) else "?"
    if word in YES | NO:
        return word in YES
    raise BadValue("只能填 是 或 否")


def chosen_in(value: object) -> list[str]:
    """Return the answers in the canonical value of a choice or a multi."""
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return [value] if isinstance(value, str) and value else []


def tick_row(entry: Field, value: object) -> str:
    """Return every answer with its box; words that are no answer (a draft's) stand behind."""
    chosen = chosen_in(value)
    boxes = [f"{TICK if one in chosen else NO_TICK}{one}" for one in entry.choices]
    return " ".join(boxes + [one for one in chosen if one not in entry.choices])


def tick_marks(entry: Field, value: object) -> Mapping[str, str]:
    """Return ✓ or nothing for every answer, for a table with a column for each."""
    chosen = chosen_in(value)
    return {choice: MARK if choice in chosen else "" for choice in entry.choices}


def _show_choice(entry: Field, value: object) -> str:
    return tick_row(entry, value) if entry.tick else show_text(entry, value)


def _show_multi(entry: Field, value: object) -> str:
    return tick_row(entry, value) if entry.tick else _listed(entry, value)


def _listed(entry: Field, value: object) -> str:
    if isinstance(value, list | tuple):
        return "、".join(str(one) for one in value)
    return show_text(entry, value)


def _show_check(entry: Field, value: object) -> str:
    if isinstance(value, bool):
        return TICK if value else NO_TICK
    return show_text(entry, value)


def _choice_schema(entry: Field) -> Schema:
    return {"enum": [*entry.choices] if is_demanded(entry) else ["", *entry.choices]}


def _multi_schema(entry: Field) -> Schema:
    least = {"minItems": 1} if is_demanded(entry) else {}
    answers = {"enum": [*entry.choices]}
    return {"type": "array", "items": answers, "uniqueItems": True, **least}


def _check_schema(_entry: Field) -> Schema:
    return {"type": "boolean"}


def _choice_column(entry: Field) -> ExcelColumn:
    width = min(40, 4 + 2 * max((len(one) for one in entry.choices), default=4))
    return ExcelColumn(choices=entry.choices, width=width, note=entry.help)


def _multi_column(entry: Field) -> ExcelColumn:
    note = f"可选几项，用顿号隔开：{'、'.join(entry.choices)}"
    return ExcelColumn(width=24, note="；".join(one for one in (entry.help, note) if one))


def _check_column(entry: Field) -> ExcelColumn:
    return ExcelColumn(choices=("是", "否"), width=8, note=entry.help)


def _multi_cell(entry: Field, value: object) -> Cell:
    return _listed(entry, value) or None


def _check_cell(entry: Field, value: object) -> Cell:
    if isinstance(value, bool):
        return "是" if value else "否"
    return show_text(entry, value) or None


CHOICE_KINDS = (
    Kind(
        "choice",
        _parse_choice,
        _show_choice,
        json_schema=_choice_schema,
        excel=_choice_column,
        on_screen=show_text,
    ),
    Kind(
        "multi",
        _parse_multi,
        _show_multi,
        json_schema=_multi_schema,
        excel=_multi_column,
        to_excel=_multi_cell,
        on_screen=_listed,
    ),
    Kind(
        "check",
        _parse_check,
        _show_check,
        blank=NO_TICK,
        json_schema=_check_schema,
        excel=_check_column,
        to_excel=_check_cell,
    ),
)
