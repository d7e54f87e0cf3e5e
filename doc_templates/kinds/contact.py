"""Kinds for reaching people: phone, postcode, e-mail."""

import re
import unicodedata

from doc_templates.definition import Field
from doc_templates.kinds.base import (
    WITHOUT_ZERO_WIDTH,
    BadValue,
    ExcelColumn,
    Kind,
    Schema,
    compact,
    limited_schema,
    pattern_schema,
    typed,
)

PHONE_LIMIT = 80
EMAIL_LIMIT = 254
_PHONE = re.compile(r"(?=(?:\D*\d){5})[0-9+()（）\-—–－转*#/、,，;； .extEXT分机]{5,80}")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_EMAIL = re.compile(r"[^\s@<>\"'，；,;]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250})\.[A-Za-z]{2,24}")


def _parse_phone(_entry: Field, raw: object) -> str:
    text = typed(raw, PHONE_LIMIT)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(WITHOUT_ZERO_WIDTH)
    if len(text) > PHONE_LIMIT or not _PHONE.fullmatch(text):
        raise BadValue("应填写电话号码，例如 020-83331234 或 13800138000")
    return text


def _doubt_phone(_entry: Field, value: object) -> str:
    digits = str(value)
    if digits.isdigit() and len(digits) == 11 and digits[0] == "1" and not _MOBILE.match(digits):
        return "不像手机号码，请再看一看"
    return ""


def _parse_postcode(_entry: Field, raw: object) -> str:
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 < raw < 1_000_000:
        raw = f"{raw:06d}"
    text = compact(typed(raw, 40))
    if not (text.isascii() and text.isdigit() and len(text) == 6):
        raise BadValue("邮政编码是六位数字")
    return text


def _parse_email(_entry: Field, raw: object) -> str:
    text = compact(typed(raw, EMAIL_LIMIT))
    if len(text) > EMAIL_LIMIT or not _EMAIL.fullmatch(text):
        raise BadValue("应填写电子邮箱，例如 xiaoshou@example.com")
    return text


def _postcode_schema(entry: Field) -> Schema:
    return pattern_schema(entry, r"\d{6}")


def _email_schema(entry: Field) -> Schema:
    return pattern_schema(entry, r"[^\s@]{1,64}@[^\s@]+\.[A-Za-z]{2,24}")


def _narrow_column(entry: Field) -> ExcelColumn:
    return ExcelColumn(width=10, note=entry.help)


def _wide_column(entry: Field) -> ExcelColumn:
    return ExcelColumn(width=22, note=entry.help)


CONTACT_KINDS = (
    Kind(
        "phone",
        _parse_phone,
        doubt=_doubt_phone,
        json_schema=limited_schema(PHONE_LIMIT),
        excel=_wide_column,
    ),
    Kind("postcode", _parse_postcode, json_schema=_postcode_schema, excel=_narrow_column),
    Kind("email", _parse_email, json_schema=_email_schema, excel=_wide_column),
)
