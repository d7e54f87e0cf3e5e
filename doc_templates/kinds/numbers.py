"""Kinds of numbers: integer, decimal, money, percent.

Canonical is a decimal string (`"1234.50"`), never a float. Money keeps two places.
"""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from doc_templates.capital import UnspeakableAmount, amount_of, is_capital
from doc_templates.definition import Field
from doc_templates.kinds.base import (
    BadValue,
    Cell,
    ExcelColumn,
    Kind,
    Schema,
    compact,
    is_demanded,
    show_text,
)

NUMBER_LIMIT = Decimal("1e16")
LONGEST = 80
SCALES = {"万": Decimal(10_000), "亿": Decimal(100_000_000)}

_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_CANONICAL = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,8})?")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,15}")
_CENTS = re.compile(r"(0|[1-9][0-9]{0,15})\.[0-9]{2}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_CURRENCY = re.compile(r"^([+-]?)(?:人民币|RMB|CNY|[¥￥])+([+-]?)", re.IGNORECASE)
_UNITS = {places: Decimal(1).scaleb(-places) for places in range(13)}


def plain_decimal(amount: Decimal) -> str:
    """Return a decimal without exponent and without needless zeros."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


def as_number(value: object) -> Decimal | None:
    """Return the number a canonical value stands for; None for a blank, a dash, draft words."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return Decimal(value)
    return None


def rounded(amount: Decimal, places: int) -> Decimal:
    """Return the amount with so many decimal places, halves away from zero."""
    return amount.quantize(_UNITS[places], ROUND_HALF_UP)


def _amount(raw: object, unit: str = "") -> Decimal:
    if isinstance(raw, str):
        return _within_limit(_written_amount(raw, unit))
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise BadValue("应填写数字")
    if isinstance(raw, int) and raw.bit_length() > 100:
        raise BadValue("数字过大")
    try:
        amount = Decimal(str(raw))
    except InvalidOperation as error:
        raise BadValue("应填写数字，例如 1234.50") from error
    if not amount.is_finite():
        raise BadValue("应填写数字，例如 1234.50")
    return _within_limit(amount)


def _written_amount(raw: str, unit: str) -> Decimal:
    if _CANONICAL.fullmatch(raw):
        return Decimal(raw)
    if len(raw) > LONGEST:
        raise BadValue(f"数字最多 {LONGEST} 个字")
    text = compact(raw)
    if unit:
        text = text.removesuffix(compact(unit))
    if "," in text:
        if not _GROUPED.fullmatch(text):
            raise BadValue("逗号的位置不明确，请写成 1,234.50 或 1234.50")
        text = text.replace(",", "")
    if not text.isascii() or not _PLAIN.fullmatch(text):
        raise BadValue("应填写数字，例如 1234.50")
    return Decimal(text)


def _within_limit(amount: Decimal) -> Decimal:
    if abs(amount) >= NUMBER_LIMIT:
        raise BadValue("数字过大，最多到千兆位")
    if amount.is_zero():
        return amount.copy_abs()
    return amount


def _in_range(entry: Field, amount: Decimal) -> None:
    if entry.minimum and amount < Decimal(entry.minimum):
        raise BadValue(f"不能小于 {entry.minimum}")
    if entry.maximum and amount > Decimal(entry.maximum):
        raise BadValue(f"不能大于 {entry.maximum}")


def _is_written_so(canonical: re.Pattern[str], entry: Field, raw: object) -> bool:
    """Whether a number without bounds is canonical as it came: most are, and cost little then."""
    if type(raw) is not str or entry.minimum or entry.maximum:
        return False
    return canonical.fullmatch(raw) is not None


def _with_places(amount: Decimal, places: int, fault: str) -> Decimal:
    """Return the amount with so many decimal places; refuse it if that would lose any."""
    exact = rounded(amount, places)
    if exact != amount:
        raise BadValue(fault)
    return exact


def _parse_integer(entry: Field, raw: object) -> str:
    if _is_written_so(_WHOLE, entry, raw):
        return str(raw)
    amount = _with_places(_amount(raw, entry.unit), 0, "应填写整数")
    _in_range(entry, amount)
    return f"{amount:f}"


def _parse_decimal(entry: Field, raw: object) -> str:
    amount = _amount(raw, entry.unit)
    _with_places(amount, entry.decimals, f"最多 {entry.decimals} 位小数")
    _in_range(entry, amount)
    return plain_decimal(amount)


def _parse_percent(entry: Field, raw: object) -> str:
    if isinstance(raw, str):
        raw = compact(raw).removesuffix("%") if len(raw) <= LONGEST else raw
    return _parse_decimal(entry, raw)


def _parse_money(entry: Field, raw: object) -> str:
    if _is_written_so(_CENTS, entry, raw):
        return str(raw)
    amount = _money_in(raw) if isinstance(raw, str) else _amount(raw)
    amount = _with_places(amount, 2, "金额最多两位小数")
    _in_range(entry, amount)
    return f"{amount:f}"


def _money_in(raw: str) -> Decimal:
    """Read money as people write it: ¥1,234.50  1.2万元  壹仟贰佰叁拾肆元伍角."""
    if _CANONICAL.fullmatch(raw):
        return _within_limit(Decimal(raw))
    text = compact(raw[: LONGEST + 1])
    if is_capital(text):
        try:
            return amount_of(text)
        except UnspeakableAmount as error:
            raise BadValue(str(error)) from error
    text = _CURRENCY.sub(r"\1\2", text)
    text = text.removesuffix("整").removesuffix("元").removesuffix("圆")
    scale = SCALES.get(text[-1:], Decimal(1))
    text = text[:-1] if text[-1:] in SCALES else text
    return _within_limit(_amount(text) * scale)


def _show_number(entry: Field, value: object) -> str:
    if type(value) is str and _WHOLE.fullmatch(value):
        return f"{int(value):,}"
    if type(value) is str and _CENTS.fullmatch(value):
        return f"{int(value[:-3]):,}{value[-3:]}"
    amount = as_number(value)
    return show_text(entry, value) if amount is None else f"{amount:,f}"


def _show_percent(entry: Field, value: object) -> str:
    amount = as_number(value)
    return show_text(entry, value) if amount is None else f"{amount:f}%"


def _number_cell(entry: Field, value: object) -> Cell:
    amount = as_number(value)
    if amount is None:
        return show_text(entry, value) or None
    return int(amount) if entry.kind == "integer" else amount


def _number_schema(entry: Field) -> Schema:
    """Describe a number as text (canonical) or as a number, which is taken as well."""
    places = {"money": 2, "integer": 0}.get(entry.result or entry.kind, entry.decimals)
    digits = r"-?\d{1,16}" + (rf"(\.\d{{1,{places}}})?" if places else "")
    whole = f"^({digits})$" if is_demanded(entry) else f"^({digits})?$"
    schema: Schema = {"type": ["string", "number"], "pattern": whole}
    if entry.minimum:
        schema["minimum"] = float(entry.minimum)
    if entry.maximum:
        schema["maximum"] = float(entry.maximum)
    return schema


def _column(entry: Field, number_format: str, note: str = "") -> ExcelColumn:
    notes = [one for one in (entry.help, note, _range_note(entry)) if one]
    if entry.unit:
        notes.append(f"单位：{entry.unit}")
    return ExcelColumn(number_format, width=14, note="；".join(notes))


def _range_note(entry: Field) -> str:
    if entry.minimum and entry.maximum:
        return f"{entry.minimum} 到 {entry.maximum} 之间"
    if entry.minimum:
        return f"不小于 {entry.minimum}"
    return f"不大于 {entry.maximum}" if entry.maximum else ""


def _integer_column(entry: Field) -> ExcelColumn:
    return _column(entry, "#,##0")


def _decimal_column(entry: Field) -> ExcelColumn:
    return _column(entry, "General", f"最多 {entry.decimals} 位小数")


def _money_column(entry: Field) -> ExcelColumn:
    return _column(entry, "#,##0.00")


def _percent_column(entry: Field) -> ExcelColumn:
    return _column(entry, 'General"%"', "填百分数，85 就是 85%")


def _number_kind(name: str) -> Kind:
    parse, show, column = {
        "integer": (_parse_integer, _show_number, _integer_column),
        "money": (_parse_money, _show_number, _money_column),
        "percent": (_parse_percent, _show_percent, _percent_column),
    }.get(name, (_parse_decimal, _show_number, _decimal_column))
    return Kind(
        name,
        parse,
        show,
        numeric=True,
        json_schema=_number_schema,
        excel=column,
        to_excel=_number_cell,
    )


NUMBER_KINDS = tuple(
    _number_kind(name) for name in ("integer", "decimal", "number", "money", "percent")
)
