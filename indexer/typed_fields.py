"""Values typed for a field: 客户:海信, 年度:2022-2024, 日期:上月, 金额>1万.

Not here: where fields stand in a query (query), finding them (matching).
"""

import re
from datetime import date

from indexer.amounts import read_amount
from indexer.days import read_span
from indexer.nodes import InField, InRange, Node

FIELD_NAMES = {
    "客户": "customer",
    "客户名称": "customer",
    "customer": "customer",
    "表单": "form",
    "form": "form",
    "年度": "year",
    "年份": "year",
    "year": "year",
    "状态": "status",
    "status": "status",
    "部门": "department",
    "department": "department",
    "档号": "number",
    "编号": "number",
    "条码": "number",
    "number": "number",
    "题名": "title",
    "标题": "title",
    "title": "title",
    "日期": "date",
    "date": "date",
    "姓名": "person",
    "人员": "person",
    "person": "person",
    "密级": "secrecy",
    "金额": "amount",
    "总金额": "amount",
    "amount": "amount",
}
SIGNS = {
    ">": ">",
    "<": "<",
    "=": "=",
    ">=": ">=",
    "<=": "<=",
    "=>": ">=",
    "=<": "<=",
    "≥": ">=",
    "≤": "<=",
    "大于": ">",
    "超过": ">",
    "高于": ">",
    "多于": ">",
    "晚于": ">",
    "小于": "<",
    "低于": "<",
    "少于": "<",
    "早于": "<",
    "等于": "=",
    "大于等于": ">=",
    "不少于": ">=",
    "不低于": ">=",
    "不小于": ">=",
    "小于等于": "<=",
    "不超过": "<=",
    "不高于": "<=",
    "不大于": "<=",
}
_TO = re.compile(r"\.\.|~|～|至|到")
_LEAST, _MOST = 0, 10**15 - 1


def field_value(name: str, folded: str, today: date | None) -> Node | None:
    """Return what a value asks of a field; None when it makes no sense there."""
    if name not in {"year", "date", "amount"}:
        return InField(name, folded)
    ends = [end.strip() for end in _TO.split(folded)]
    if len(ends) == 1 and name != "date":
        ends = [end.strip() for end in folded.split("-")]
    if len(ends) > 2 or not any(ends):
        return None
    first = _values(name, ends[0], today) if ends[0] else (_LEAST, _LEAST)
    last = _values(name, ends[-1], today) if ends[-1] else (_MOST, _MOST)
    if first is None or last is None:
        return None
    return InRange(name, min(first[0], last[0]), max(first[1], last[1]))


def compared(name: str, sign: str, folded: str, today: date | None) -> Node | None:
    """Return what a comparison asks of a field; None when it makes no sense there."""
    kind = SIGNS[sign]
    if name not in {"year", "date", "amount"}:
        return InField(name, folded.strip()) if kind == "=" and folded.strip() else None
    value = _values(name, folded.strip(), today)
    if value is None:
        return None
    first, last = value
    ranges = {
        ">": (last + 1, _MOST),
        ">=": (first, _MOST),
        "<": (_LEAST, first - 1),
        "<=": (_LEAST, last),
        "=": (first, last),
    }
    return InRange(name, *ranges[kind])


def _values(name: str, folded: str, today: date | None) -> tuple[int, int] | None:
    """The first and last value that a text means: cents, years, or days yyyymmdd."""
    if name == "amount":
        cents = read_amount(folded)
        return None if cents is None else (cents, cents)
    span = read_span(folded, today)
    if span is None:
        return None
    if name == "date":
        return span.first, span.last
    return span.first // 10000, span.last // 10000
