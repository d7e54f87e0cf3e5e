"""What every field kind is made of, and the plain reading of typed text they share.

A kind turns what was typed (or came through the API, or from Excel) into a canonical plain
JSON value, or raises BadValue with a Chinese sentence; and shows a canonical value on paper,
on screen, in Excel, and as JSON Schema. Called by the kinds beside this file and fields.py.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from doc_templates.definition import Field

Schema = dict[str, Any]
Cell = str | int | float | Decimal | date | bool | None
ZERO_WIDTH = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
UNSEEN = ZERO_WIDTH + "\u200e\u200f\u061c"
TEXT_FORMAT = "@"
TEXT_LIMIT = 500
WRITABLE = (str, int, float, Decimal)

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNPRINTABLE = re.compile(f"{_FORBIDDEN.pattern}|{_DIRECTION.pattern}")
WITHOUT_ZERO_WIDTH = dict.fromkeys(map(ord, ZERO_WIDTH))


class BadValue(ValueError):
    """An entry that cannot be accepted; its text says why and what to write instead."""


@dataclass(frozen=True, slots=True)
class ExcelColumn:
    """How a column of this entry is set up in a sheet: width in letters, note as a comment."""

    number_format: str = TEXT_FORMAT
    choices: tuple[str, ...] = ()
    width: int = 16
    note: str = ""


Show = Callable[[Field, object], str]


def no_doubt(_entry: Field, _value: object) -> str:
    """Doubt nothing."""
    return ""


def show_text(_entry: Field, value: object) -> str:
    """Show a value as it is written."""
    return "" if value is None else str(value)


def text_cell(entry: Field, value: object) -> Cell:
    """Return the value for a text cell; nothing for a blank."""
    return show_text(entry, value) or None


def is_demanded(entry: Field) -> bool:
    """Whether the author of the paper must fill the entry in; a signer's own may wait."""
    return entry.required and not entry.signer


def limited_schema(limit: int) -> Callable[[Field], Schema]:
    """Describe texts up to a limit, or the entry's own."""

    def describe(entry: Field) -> Schema:
        least = {"minLength": 1} if is_demanded(entry) else {}
        return {"type": "string", **least, "maxLength": entry.max_length or limit}

    return describe


def pattern_schema(entry: Field, pattern: str) -> Schema:
    """Describe a text of this pattern; blank too, where the entry may stay blank."""
    whole = f"^({pattern})$" if is_demanded(entry) else f"^({pattern})?$"
    return {"type": "string", "pattern": whole}


def text_column(entry: Field) -> ExcelColumn:
    """Set a column up for text."""
    return ExcelColumn(width=30 if entry.wide else 16, note=entry.help)


text_schema = limited_schema(TEXT_LIMIT)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry: `parse` raises BadValue, the others never fail, `doubt` only warns.

    `show` is the value on paper; `screen` the value on a page and in lists, where it differs.
    """

    name: str
    parse: Callable[[Field, object], object]
    show: Show = show_text
    doubt: Callable[[Field, object], str] = no_doubt
    numeric: bool = False
    blank: str = ""
    json_schema: Callable[[Field], Schema] = text_schema
    excel: Callable[[Field], ExcelColumn] = text_column
    to_excel: Callable[[Field, object], Cell] = text_cell
    on_screen: Show | None = None

    def screen(self, entry: Field, value: object) -> str:
        """Return the value as a page or a list shows it."""
        return (self.on_screen or self.show)(entry, value)


def is_blank(raw: object) -> bool:
    """Whether nothing was entered: None, an empty list, or only what cannot be seen."""
    if isinstance(raw, str):
        if raw[:1].isalnum():
            return False
        text = raw.strip()
        return not text or (text[0] in UNSEEN and not _seen(text))
    return raw is None or raw == []


def _seen(text: str) -> bool:
    return any(letter not in UNSEEN and not letter.isspace() for letter in text)


def forbidden_mark(text: str) -> str:
    """Return a sentence naming a character that no paper may carry; empty if there is none."""
    if text.isprintable() or not _UNPRINTABLE.search(text):
        return ""
    found = _FORBIDDEN.search(text)
    if found:
        return f"第 {found.start() + 1} 个字是不能打印的控制符，请删去后重新填写"
    found = _DIRECTION.search(text)
    if found:
        return f"第 {found.start() + 1} 个字是看不见的文字方向符，请删去后重新填写"
    return ""


def typed(raw: object, limit: int) -> str:
    """Return what was typed as text, trimmed; a whole number from Excel without its `.0`."""
    if type(raw) is str:
        text = raw.strip()
        if len(text) <= limit and text.isprintable():
            return text
    if isinstance(raw, bool) or not isinstance(raw, WRITABLE):
        raise BadValue("应填写文字")
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = (raw if isinstance(raw, str) else _number_as_text(raw)).strip()
    fault = forbidden_mark(text)
    if fault:
        raise BadValue(fault)
    if len(text) > limit:
        raise BadValue(f"最多 {limit} 个字，现在有 {len(text)} 个字")
    return text


def _number_as_text(raw: int | float | Decimal) -> str:
    if isinstance(raw, int) and raw.bit_length() > 4096:
        raise BadValue("数字过大，请写成文字")
    return str(raw)


def compact(raw: str) -> str:
    """Return what was typed in half width, without any blank or zero-width mark."""
    if raw.isascii() and raw.isprintable() and " " not in raw:
        return raw
    text = unicodedata.normalize("NFKC", raw).translate(WITHOUT_ZERO_WIDTH)
    return "".join(text.split())
