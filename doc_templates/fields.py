"""Field kinds: how a raw entry is read and checked, and how its value is shown on paper.

Each kind turns what was typed (or came through the API, or from Excel) into a canonical
plain JSON value, or raises BadValue with a Chinese sentence; and shows a canonical value as
printed text. Rows, computed entries and "required" are the business of values.py.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from doc_templates.definition import Field

TEXT_LIMIT = 500
LONGTEXT_LIMIT = 20_000
NUMBER_LIMIT = Decimal("1e16")
YEARS = range(1900, 2200)
EXCEL_EPOCH = date(1899, 12, 30)
EXCEL_SERIALS = range(10_000, 110_000)
TICK, NO_TICK = "☑", "☐"
YES = frozenset({"true", "1", "on", "yes", "是", "√", "✓", TICK, "有"})
NO = frozenset({"false", "0", "off", "no", "否", "", "☐", "□", "无"})

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MONEY_WORDS = re.compile(r"^[¥￥]|[,，\s]|元$")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_DATE = re.compile(r"(\d{4})([-./年])(\d{1,2})([-./月])(\d{1,2})日?")
_MONTH = re.compile(r"(\d{4})(?:[-./年])?(\d{1,2})月?")
_PHONE = re.compile(r"(?=(?:\D*\d){5})[0-9+()（）\-—–－转*#/、,，;； .extEXT分机]{5,80}")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_EMAIL = re.compile(r"[^\s@<>\"'，；,;]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250})\.[A-Za-z]{2,24}")


class BadValue(ValueError):
    """An entry that cannot be accepted; its text says why and what to write instead."""


def _no_doubt(_entry: Field, _value: object) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry: `parse` raises BadValue, `show` never fails, `doubt` only warns."""

    name: str
    parse: Callable[[Field, object], object]
    show: Callable[[Field, object], str]
    doubt: Callable[[Field, object], str] = _no_doubt
    numeric: bool = False
    blank: str = ""


def get_kind(entry: Field) -> Kind:
    """Return the kind of an entry; of a computed one, the kind of its result."""
    return KINDS[(entry.result or "decimal") if entry.is_computed else entry.kind]


def is_blank(raw: object) -> bool:
    """Whether nothing was entered: None, an empty list, or only blanks (full-width too)."""
    return raw is None or raw == [] or (isinstance(raw, str) and not raw.strip())


def forbidden_mark(text: str) -> str:
    """Return a sentence naming a character that no paper may carry; empty if there is none."""
    found = _FORBIDDEN.search(text)
    if found:
        return f"第 {found.start() + 1} 个字是不能打印的控制符，请删去后重新填写"
    found = _DIRECTION.search(text)
    if found:
        return f"第 {found.start() + 1} 个字是看不见的文字方向符，请删去后重新填写"
    return ""


def _typed(raw: object, limit: int) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise BadValue("应填写文字")
    text = str(raw).strip()
    fault = forbidden_mark(text)
    if fault:
        raise BadValue(fault)
    if len(text) > limit:
        raise BadValue(f"最多 {limit} 个字，现在有 {len(text)} 个字")
    return text


def _parse_text(entry: Field, raw: object) -> str:
    text = _typed(raw, entry.max_length or TEXT_LIMIT)
    if "\n" in text or "\r" in text:
        raise BadValue("这一栏只能写一行，请去掉换行")
    return text.replace("\t", " ")


def _parse_longtext(entry: Field, raw: object) -> str:
    if isinstance(raw, str):
        raw = raw.replace("\r\n", "\n").replace("\r", "\n")
    return _typed(raw, entry.max_length or LONGTEXT_LIMIT)


def _amount(raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise BadValue("应填写数字")
    if isinstance(raw, int) and abs(raw) >= 10**30:
        raise BadValue("数字过大")
    text = _MONEY_WORDS.sub("", unicodedata.normalize("NFKC", str(raw).strip()))
    if isinstance(raw, float):
        text = _plain_float(raw)
    if not text.isascii() or not _NUMBER.fullmatch(text):
        raise BadValue("应填写数字，例如 1234.50")
    amount = Decimal(text)
    if abs(amount) >= NUMBER_LIMIT:
        raise BadValue("数字过大，最多到千兆位")
    return amount


def _plain_float(raw: float) -> str:
    try:
        return f"{Decimal(str(raw)):f}"
    except (InvalidOperation, ValueError):
        return ""


def _in_range(entry: Field, amount: Decimal) -> None:
    if entry.minimum and amount < Decimal(entry.minimum):
        raise BadValue(f"不能小于 {entry.minimum}")
    if entry.maximum and amount > Decimal(entry.maximum):
        raise BadValue(f"不能大于 {entry.maximum}")


def _has_places(amount: Decimal, places: int) -> bool:
    """Whether the amount needs no more than so many decimal places."""
    return amount == amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _parse_integer(entry: Field, raw: object) -> str:
    amount = _amount(raw)
    if not _has_places(amount, 0):
        raise BadValue("应填写整数")
    _in_range(entry, amount)
    return str(int(amount))


def _parse_decimal(entry: Field, raw: object) -> str:
    amount = _amount(raw)
    if not _has_places(amount, entry.decimals):
        raise BadValue(f"最多 {entry.decimals} 位小数")
    _in_range(entry, amount)
    return plain_decimal(amount)


def _parse_money(entry: Field, raw: object) -> str:
    amount = _amount(raw)
    if not _has_places(amount, 2):
        raise BadValue("金额最多两位小数")
    _in_range(entry, amount)
    return f"{amount:.2f}"


def _parse_percent(entry: Field, raw: object) -> str:
    if isinstance(raw, str):
        raw = unicodedata.normalize("NFKC", raw.strip()).removesuffix("%")
    return _parse_decimal(entry, raw)


def plain_decimal(amount: Decimal) -> str:
    """Return a decimal without exponent and without needless zeros."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


def _parse_date(_entry: Field, raw: object) -> str:
    if isinstance(raw, date):
        return _day(raw.year, raw.month, raw.day)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _excel_day(raw)
    if not isinstance(raw, str):
        raise BadValue("应填写日期，例如 2026-11-23")
    text = "".join(unicodedata.normalize("NFKC", raw).split())
    if text.isascii() and text.isdigit():
        if len(text) == 8:
            return _day(int(text[:4]), int(text[4:6]), int(text[6:]))
        if len(text) <= 6:
            return _excel_day(int(text))
    match = _DATE.fullmatch(text)
    if match is None:
        raise BadValue("日期的写法不明确，请写成 2026-11-23 或 2026年11月23日")
    return _day(int(match[1]), int(match[3]), int(match[5]))


def _excel_day(serial: float) -> str:
    if not math.isfinite(serial) or int(serial) not in EXCEL_SERIALS:
        raise BadValue("日期的写法不明确，请写成 2026-11-23 或 2026年11月23日")
    return (EXCEL_EPOCH + timedelta(days=int(serial))).isoformat()


def _day(year: int, month: int, day: int) -> str:
    if year not in YEARS:
        raise BadValue(f"年份应在 {YEARS[0]} 到 {YEARS[-1]} 之间")
    try:
        return date(year, month, day).isoformat()
    except ValueError as error:
        raise BadValue(f"没有 {year}年{month}月{day}日 这一天") from error


def _parse_month(_entry: Field, raw: object) -> str:
    text = "".join(unicodedata.normalize("NFKC", str(raw)).split())
    match = _MONTH.fullmatch(text) if isinstance(raw, str | int) else None
    if match is None or int(match[1]) not in YEARS or int(match[2]) not in range(1, 13):
        raise BadValue("应填写年月，例如 2026-11")
    return f"{match[1]}-{int(match[2]):02d}"


def _parse_choice(entry: Field, raw: object) -> str:
    text = _typed(raw, TEXT_LIMIT)
    if text not in entry.choices:
        raise BadValue(f"只能选：{'、'.join(entry.choices)}")
    return text


def _parse_multi(entry: Field, raw: object) -> list[str]:
    asked = re.split(r"[、,，;；]", raw) if isinstance(raw, str) else raw
    if not isinstance(asked, list | tuple):
        raise BadValue(f"只能从中选：{'、'.join(entry.choices)}")
    chosen = {_parse_choice(entry, one) for one in asked if not is_blank(one)}
    return [choice for choice in entry.choices if choice in chosen]


def _parse_check(_entry: Field, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if isinstance(raw, str | int) and word in YES | NO:
        return word in YES
    raise BadValue("只能填 是 或 否")


def _parse_phone(_entry: Field, raw: object) -> str:
    text = unicodedata.normalize("NFKC", _typed(raw, 80))
    if not _PHONE.fullmatch(text):
        raise BadValue("应填写电话号码，例如 020-83331234 或 13800138000")
    return text


def _doubt_phone(_entry: Field, value: object) -> str:
    digits = str(value)
    if digits.isdigit() and len(digits) == 11 and digits[0] == "1" and not _MOBILE.match(digits):
        return "不像手机号码，请再看一看"
    return ""


def _parse_postcode(_entry: Field, raw: object) -> str:
    text = unicodedata.normalize("NFKC", _typed(raw, 20))
    if not (text.isascii() and text.isdigit() and len(text) == 6):
        raise BadValue("邮政编码是六位数字")
    return text


def _parse_email(_entry: Field, raw: object) -> str:
    text = unicodedata.normalize("NFKC", _typed(raw, 300))
    if not _EMAIL.fullmatch(text):
        raise BadValue("应填写电子邮箱，例如 xiaoshou@example.com")
    return text


def _parse_name(entry: Field, raw: object) -> str:
    text = _typed(raw, entry.max_length or 120)
    if any(character in text for character in "\n\r\t"):
        raise BadValue("名称只能写一行")
    return text


def _no_rows(_entry: Field, raw: object) -> object:
    raise BadValue("这一栏是表格")


def _show_text(_entry: Field, value: object) -> str:
    return "" if value is None else str(value)


def _number_in(value: object) -> Decimal | None:
    """Return the number in a canonical value; None for a blank, a dash, or a draft's words."""
    text = value if isinstance(value, str) else ""
    return Decimal(text) if text.isascii() and _NUMBER.fullmatch(text) else None


def as_number(value: object) -> Decimal | None:
    """Return the number a canonical value stands for, None where there is none."""
    return _number_in(value)


def _show_number(_entry: Field, value: object) -> str:
    amount = _number_in(value)
    return _show_text(_entry, value) if amount is None else f"{amount:,f}"


def _show_percent(entry: Field, value: object) -> str:
    amount = _number_in(value)
    return _show_text(entry, value) if amount is None else f"{amount:f}%"


def _show_date(entry: Field, value: object) -> str:
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        return _show_text(entry, value)
    return f"{day.year}年{day.month}月{day.day}日"


def _show_month(entry: Field, value: object) -> str:
    match = _MONTH.fullmatch(value) if isinstance(value, str) else None
    return f"{match[1]}年{int(match[2])}月" if match else _show_text(entry, value)


def _show_multi(entry: Field, value: object) -> str:
    if isinstance(value, list | tuple):
        return "、".join(str(one) for one in value)
    return _show_text(entry, value)


def _show_check(entry: Field, value: object) -> str:
    if isinstance(value, bool):
        return TICK if value else NO_TICK
    return _show_text(entry, value)


_ALL = (
    Kind("text", _parse_text, _show_text),
    Kind("longtext", _parse_longtext, _show_text),
    Kind("integer", _parse_integer, _show_number, numeric=True),
    Kind("decimal", _parse_decimal, _show_number, numeric=True),
    Kind("number", _parse_decimal, _show_number, numeric=True),
    Kind("money", _parse_money, _show_number, numeric=True),
    Kind("percent", _parse_percent, _show_percent, numeric=True),
    Kind("date", _parse_date, _show_date, blank="\u3000\u3000年\u3000月\u3000日"),
    Kind("month", _parse_month, _show_month, blank="\u3000\u3000年\u3000月"),
    Kind("choice", _parse_choice, _show_text),
    Kind("multi", _parse_multi, _show_multi),
    Kind("check", _parse_check, _show_check, blank=NO_TICK),
    Kind("phone", _parse_phone, _show_text, _doubt_phone),
    Kind("postcode", _parse_postcode, _show_text),
    Kind("email", _parse_email, _show_text),
    Kind("person", _parse_name, _show_text),
    Kind("department", _parse_name, _show_text),
    Kind("customer", _parse_name, _show_text),
    Kind("rows", _no_rows, _show_text),
    Kind("capital", _parse_text, _show_text),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
TYPED_KINDS = frozenset(KINDS) - {"capital"} | {"computed"}
RESULT_KINDS = frozenset({"money", "decimal", "number", "integer", "percent", "capital"})
