"""Filters, sorting and marks of a search, decided on plain values. Nothing is looked up here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

from archive.core.errors import Invalid
from indexer import Marked

FIELDS = {
    "form": "表单",
    "year": "年度",
    "customer": "客户",
    "department": "部门",
    "class": "类目",
    "secrecy": "密级",
    "status": "状态",
    "maker": "经办人",
    "date": "日期",
}
"""Fields one may filter by; commands and the API take the Chinese name as well."""

Sort = Literal["relevance", "date", "number", "customer"]
SORTS: dict[str, str] = {
    "relevance": "按相关程度",
    "date": "按日期（新的在前）",
    "number": "按档号、编号",
    "customer": "按客户",
}
MOST_VALUES = 50
LONGEST_VALUE = 300
_LONGEST_SPAN = 60

_NAMES = {**{name: name for name in FIELDS}, **{label: name for name, label in FIELDS.items()}}
UNREAD = "的文字未能读出："  # on the item, behind the file's name


def parse_filters(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read ``field:value`` or ``field=value`` texts; raise Invalid for an unknown field."""
    found: dict[str, list[str]] = {}
    for text in texts:
        place = min((at for sign in ":=：" if (at := text.find(sign)) > 0), default=0)
        name = _NAMES.get(text[:place].strip())
        if name is None:
            raise Invalid(
                f"筛选“{text[:40]}”看不懂，应写成“字段:值”，"
                f"字段可用：{'、'.join(f'{key}（{label}）' for key, label in FIELDS.items())}。",
                {"filter": "应为 字段:值"},
            )
        found.setdefault(name, []).append(text[place + 1 :].strip())
    return clean_filters(found)


def clean_filters(raw: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return the filters without empty values and doubles; raise Invalid past all measure."""
    found: dict[str, tuple[str, ...]] = {}
    for name in FIELDS:
        values = tuple(dict.fromkeys(value for value in raw.get(name, ()) if value))
        if len(values) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in values):
            raise Invalid(
                f"“{FIELDS[name]}”的筛选太多或太长，请去掉一些后再查。", {name: "筛选过多"}
            )
        if values:
            found[name] = values
    return found


def with_period(chosen: tuple[str, ...], period: str) -> tuple[str, ...]:
    """Return the periods chosen with one switched on, or off; a year gives way to its months."""
    if period in chosen:
        return tuple(one for one in chosen if one != period)
    kept = (one for one in chosen if not (one.startswith(period) or period.startswith(one)))
    return (*kept, period)


def period_label(period: str) -> str:
    """Return 2024年 or 2024年3月; anything else as it is."""
    year, _, month = period.partition("-")
    if not (period.isascii() and year.isdigit() and (month.isdigit() or period == year)):
        return period
    return f"{year}年{int(month)}月" if month else f"{year}年"


def whole_span(counts: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return the counts of months or years with the empty ones between filled in."""
    if not counts:
        return ()
    known, by_month = dict(counts), "-" in counts[0][0]
    low, high = (_place(counts[at][0]) for at in (0, -1))
    if high - low >= _LONGEST_SPAN:
        return tuple(counts)
    names = [_period(at, by_month=by_month) for at in range(low, high + 1)]
    return tuple((name, known.get(name, 0)) for name in names)


def _place(period: str) -> int:
    year, _, month = period.partition("-")
    return int(year) * 12 + int(month) - 1 if month else int(year)


def _period(place: int, *, by_month: bool) -> str:
    return f"{place // 12:04d}-{place % 12 + 1:02d}" if by_month else f"{place:04d}"


def clean_sort(sort: str) -> Sort:
    """Return the order asked for; raise Invalid for one that does not exist."""
    if sort not in SORTS:
        raise Invalid(f"没有“{sort[:20]}”这种排序。", {"sort": f"可用：{'、'.join(SORTS)}"})
    return cast(Sort, sort)


def plain_and_marks(marked: Marked) -> tuple[str, list[tuple[int, int]]]:
    """Return the text in one piece and the [start, end) places that are marked in it."""
    text, marks = "", []
    for piece, is_marked in marked:
        if is_marked:
            marks.append((len(text), len(text) + len(piece)))
        text += piece
    return text, marks


def with_section(text: str, heading: str, section: str) -> str:
    """Return ``text`` with ``section`` under its heading, in place of an earlier one.

    A text that is empty, or the same, becomes the section without a heading, so that reading a
    file twice changes nothing.
    """
    section = section.strip()
    if text.strip() in ("", section):
        return section
    mark = f"【{heading}】"
    parts = text.split(f"\n{mark}\n")
    if len(parts) == 1:
        return f"{text}\n{mark}\n{section}"
    after = parts[1].find("\n【附件：")
    rest = parts[1][after:] if after >= 0 else ""
    return f"{parts[0]}\n{mark}\n{section}{rest}"
