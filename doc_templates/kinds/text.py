"""Kinds of plain words: text, longtext, and the names of people, departments, customers."""

from doc_templates.definition import Field
from doc_templates.kinds.base import (
    TEXT_LIMIT,
    BadValue,
    ExcelColumn,
    Kind,
    limited_schema,
    typed,
)

LONGTEXT_LIMIT = 20_000
NAME_LIMIT = 120
LINE_ENDS = "\n\r\u2028\u2029"
_OUTER_BLANKS = " \t\n\r\u3000\u00a0\u200b\u2060\ufeff"
_ONE_LINE = str.maketrans(dict.fromkeys(LINE_ENDS, "\n"))


def _parse_text(entry: Field, raw: object) -> str:
    text = typed(raw, entry.max_length or TEXT_LIMIT)
    if text.isprintable():
        return text
    if "\n" in text.translate(_ONE_LINE):
        raise BadValue("这一栏只能写一行，请去掉换行")
    return text.replace("\t", " ")


def _parse_longtext(entry: Field, raw: object) -> str:
    if isinstance(raw, str) and ("\r" in raw or "\u2028" in raw or "\u2029" in raw):
        raw = raw.replace("\r\n", "\n").translate(_ONE_LINE)
    text = typed(raw, entry.max_length or LONGTEXT_LIMIT)
    lines = text.count("\n") + 1
    if entry.max_lines and lines > entry.max_lines:
        raise BadValue(f"最多分 {entry.max_lines} 行写，现在有 {lines} 行")
    return text


def _parse_name(entry: Field, raw: object) -> str:
    text = typed(raw, entry.max_length or NAME_LIMIT)
    if text.isprintable():
        return text
    text = text.strip(_OUTER_BLANKS)
    if "\n" in text.translate(_ONE_LINE) or "\t" in text:
        raise BadValue("名称只能写一行")
    return text


def _longtext_column(entry: Field) -> ExcelColumn:
    return ExcelColumn(width=50, note=entry.help)


def _name_column(entry: Field) -> ExcelColumn:
    return ExcelColumn(width=28 if entry.kind == "customer" else 14, note=entry.help)


_names = limited_schema(NAME_LIMIT)
WORD_KINDS = (
    Kind("text", _parse_text),
    Kind(
        "longtext",
        _parse_longtext,
        json_schema=limited_schema(LONGTEXT_LIMIT),
        excel=_longtext_column,
    ),
    Kind("person", _parse_name, json_schema=_names, excel=_name_column),
    Kind("department", _parse_name, json_schema=_names, excel=_name_column),
    Kind("customer", _parse_name, json_schema=_names, excel=_name_column),
    Kind("capital", _parse_text),
)
