"""Kinds of days: date and month. Canonical are ISO texts, `2026-11-23` and `2026-11`.

Source of the spellings: conventions.md, "Money, dates, identifiers". 11/12/26 is refused,
because nobody can say which of the three is the year.
"""

import math
import re
from datetime import date, timedelta

from doc_templates.definition import Field
from doc_templates.kinds.base import (
    BadValue,
    Cell,
    ExcelColumn,
    Kind,
    Schema,
    compact,
    pattern_schema,
    show_text,
)

YEARS = range(1900, 2200)
EXCEL_EPOCH = date(1899, 12, 30)
EXCEL_SERIALS = range(10_000, 110_000)
BLANK_DATE = "\u3000\u3000年\u3000月\u3000日"
BLANK_MONTH = "\u3000\u3000年\u3000月"
UNCLEAR = "日期的写法不明确，请写成 2026-11-23 或 2026年11月23日"

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_DATE = re.compile(
    r"([0-9]{4})([-./年])([0-9]{1,2})([-./月])([0-9]{1,2})日?(?:T?00:00(?::00(?:\.0{1,6})?)?)?"
)
_MONTH = re.compile(r"([0-9]{4})(?:[-./年])?([0-9]{1,2})月?")


def _parse_date(_entry: Field, raw: object) -> str:
    if isinstance(raw, str):
        return _written_day(raw)
    if isinstance(raw, date):
        return _day(raw.year, raw.month, raw.day)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _excel_day(raw)
    raise BadValue("应填写日期，例如 2026-11-23")


def _written_day(raw: str) -> str:
    if iso_day(raw) and int(raw[:4]) in YEARS:
        return raw
    text = compact(raw[:80])
    if text.isascii() and text.isdigit():
        if len(text) == 8:
            return _day(int(text[:4]), int(text[4:6]), int(text[6:]))
        if len(text) <= 6:
            return _excel_day(int(text))
    match = _DATE.fullmatch(text)
    if match is None:
        raise BadValue(UNCLEAR)
    return _day(int(match[1]), int(match[3]), int(match[5]))


def _excel_day(serial: float) -> str:
    if not math.isfinite(serial) or int(serial) not in EXCEL_SERIALS:
        raise BadValue(UNCLEAR)
    return (EXCEL_EPOCH + timedelta(days=int(serial))).isoformat()


def _day(year: int, month: int, day: int) -> str:
    if year not in YEARS:
        raise BadValue(f"年份应在 {YEARS[0]} 到 {YEARS[-1]} 之间")
    try:
        return date(year, month, day).isoformat()
    except ValueError as error:
        raise BadValue(f"没有 {year}年{month}月{day}日 这一天") from error


def _parse_month(_entry: Field, raw: object) -> str:
    if isinstance(raw, date):
        raw = f"{raw.year:04d}-{raw.month:02d}"
    if isinstance(raw, int) and raw in range(1_000_000):
        raw = str(raw)
    text = compact(raw[:80]) if isinstance(raw, str) else ""
    match = _MONTH.fullmatch(text)
    if match is None or int(match[2]) not in range(1, 13) or int(match[1]) not in YEARS:
        raise BadValue("应填写年月，例如 2026-11 或 2026年11月")
    return f"{match[1]}-{int(match[2]):02d}"


def iso_day(value: object) -> date | None:
    """Return the day a canonical date stands for; None for anything else."""
    if not isinstance(value, str) or not _ISO.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def iso_month(value: object) -> date | None:
    """Return the first day of a canonical month; None for anything else."""
    match = _ISO_MONTH.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) not in YEARS:
        return None
    return date(int(match[1]), int(match[2]), 1)


def _show_date(entry: Field, value: object) -> str:
    day = iso_day(value)
    return show_text(entry, value) if day is None else f"{day.year}年{day.month}月{day.day}日"


def _show_month(entry: Field, value: object) -> str:
    month = iso_month(value)
    return show_text(entry, value) if month is None else f"{month.year}年{month.month}月"


def _date_cell(entry: Field, value: object) -> Cell:
    return iso_day(value) or show_text(entry, value) or None


def _month_cell(entry: Field, value: object) -> Cell:
    return iso_month(value) or show_text(entry, value) or None


def _date_schema(entry: Field) -> Schema:
    return pattern_schema(entry, r"\d{4}-\d{2}-\d{2}")


def _month_schema(entry: Field) -> Schema:
    return pattern_schema(entry, r"\d{4}-(0[1-9]|1[0-2])")


def _date_column(entry: Field) -> ExcelColumn:
    return ExcelColumn("yyyy-mm-dd", width=13, note=entry.help or "日期，例如 2026-11-23")


def _month_column(entry: Field) -> ExcelColumn:
    return ExcelColumn("yyyy-mm", width=10, note=entry.help or "年月，例如 2026-11")


DATE_KINDS = (
    Kind(
        "date",
        _parse_date,
        _show_date,
        blank=BLANK_DATE,
        json_schema=_date_schema,
        excel=_date_column,
        to_excel=_date_cell,
    ),
    Kind(
        "month",
        _parse_month,
        _show_month,
        blank=BLANK_MONTH,
        json_schema=_month_schema,
        excel=_month_column,
        to_excel=_month_cell,
    ),
)
