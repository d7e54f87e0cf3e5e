"""Kinds with a check digit: 身份证号 (id_number) and 统一社会信用代码 (credit_code).

A number that does not add up is doubted, never refused: such numbers are in live use.
Sources: GB 11643 (weights 2^(18-i), modulus 11), GB 32100 (weights 3^(i-1), modulus 31).
"""

import re
from datetime import date

from doc_templates.definition import Field
from doc_templates.kinds.base import (
    BadValue,
    ExcelColumn,
    Kind,
    Schema,
    compact,
    pattern_schema,
    typed,
)

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"
CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
# The first two digits: provinces, 71 Taiwan, 81–83 Hong Kong and Macao, 91 foreign residents.
ID_REGIONS = frozenset(
    f"{number}"
    for numbers in (
        range(11, 16), range(21, 24), range(31, 38), range(41, 47), range(50, 55),
        range(61, 66), (71, 81, 82, 83, 91),
    )
    for number in numbers
)  # fmt: skip
BIRTH_YEARS = range(1880, 2100)
EXACT_IN_EXCEL = 10**15

_ID = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}|[A-Z]{3}[0-9]{12}")
_CODE = re.compile(r"[0-9A-Z]{18}|[0-9]{15}")


def _written(raw: object, name: str) -> str:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) >= EXACT_IN_EXCEL:
        raise BadValue(f"{name}要按文字填写：当作数字时，后几位会被改成 0")
    return compact(typed(raw, 60)).replace("-", "").upper()


def _parse_id_number(_entry: Field, raw: object) -> str:
    text = _written(raw, "身份证号")
    if not _ID.fullmatch(text):
        raise BadValue("身份证号是 18 位，前 17 位是数字，末位是数字或 X")
    return text


def _parse_credit_code(_entry: Field, raw: object) -> str:
    text = _written(raw, "统一社会信用代码")
    if not _CODE.fullmatch(text):
        raise BadValue("统一社会信用代码是 18 位数字和大写字母")
    return text


def id_number_doubt(number: str) -> str:
    """Return what looks wrong with a canonical 身份证号; empty if nothing."""
    if len(number) == 15:
        return "是 15 位的旧号码，请核对是否已换成 18 位" if number.isdigit() else ""
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return "身份证号应为 18 位，请再核对一遍"
    if number[:2] not in ID_REGIONS:
        return "身份证号开头的地区码不存在，请再核对一遍"
    if not _is_birthday(number[6:14]):
        return "身份证号里的出生日期不对，请再核对一遍"
    total = sum(int(digit) * weight for digit, weight in zip(number, ID_WEIGHTS, strict=False))
    if ID_CHECKS[total % 11] != number[17]:
        return "身份证号的校验位不对，请再核对一遍；确认无误可以照存"
    return ""


def credit_code_doubt(code: str) -> str:
    """Return what looks wrong with a canonical 统一社会信用代码; empty if nothing."""
    if len(code) == 15 and code.isdigit():
        return "是 15 位的旧注册号，请核对是否已换成 18 位的统一社会信用代码"
    if len(code) != 18:
        return "统一社会信用代码应为 18 位，请再核对一遍"
    strange = sorted(set(code) - set(CODE_ALPHABET))
    if strange:
        return f"统一社会信用代码里不会有 {'、'.join(strange)}，请再核对一遍"
    total = sum(CODE_ALPHABET.index(c) * w for c, w in zip(code, CODE_WEIGHTS, strict=False))
    if CODE_ALPHABET[-total % 31] != code[17]:
        return "统一社会信用代码的校验位不对，请再核对一遍；确认无误可以照存"
    return ""


def _is_birthday(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return born.year in BIRTH_YEARS


def _doubt_id_number(_entry: Field, value: object) -> str:
    return id_number_doubt(str(value))


def _doubt_credit_code(_entry: Field, value: object) -> str:
    return credit_code_doubt(str(value))


def _id_schema(entry: Field) -> Schema:
    return pattern_schema(entry, r"\d{17}[\dX]|\d{15}|[A-Z]{3}\d{12}")


def _code_schema(entry: Field) -> Schema:
    return pattern_schema(entry, r"[0-9A-Z]{18}|\d{15}")


def _column(entry: Field) -> ExcelColumn:
    return ExcelColumn(width=22, note=entry.help or "按文字填写，18 位")


IDENTITY_KINDS = (
    Kind(
        "id_number",
        _parse_id_number,
        doubt=_doubt_id_number,
        json_schema=_id_schema,
        excel=_column,
    ),
    Kind(
        "credit_code",
        _parse_credit_code,
        doubt=_doubt_credit_code,
        json_schema=_code_schema,
        excel=_column,
    ),
)
