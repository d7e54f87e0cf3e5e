"""Field kinds: the list of all there are, and the door to them for everybody else.

Each kind (kinds/) reads a raw entry into a canonical plain JSON value or raises BadValue with
a Chinese sentence, and shows a canonical value on paper, on screen, in Excel, and as JSON
Schema. Rows, computed entries and "required" are the business of values.py.
"""

import math
from collections.abc import Mapping
from decimal import Decimal

from doc_templates.definition import Field
from doc_templates.kinds.base import (
    BadValue,
    Cell,
    ExcelColumn,
    Kind,
    Schema,
    compact,
    forbidden_mark,
    is_blank,
    is_demanded,
    no_doubt,
    show_text,
)
from doc_templates.kinds.choices import CHOICE_KINDS, NO_TICK, TICK, tick_marks
from doc_templates.kinds.contact import CONTACT_KINDS
from doc_templates.kinds.dates import DATE_KINDS, iso_day, iso_month
from doc_templates.kinds.identity import IDENTITY_KINDS, credit_code_doubt, id_number_doubt
from doc_templates.kinds.numbers import NUMBER_KINDS, as_number, plain_decimal, rounded
from doc_templates.kinds.picture import PICTURE_KINDS, is_digest
from doc_templates.kinds.text import WORD_KINDS

__all__ = [
    "KINDS",
    "NO_TICK",
    "RESULT_KINDS",
    "TICK",
    "TYPED_KINDS",
    "BadValue",
    "Cell",
    "ExcelColumn",
    "Kind",
    "Schema",
    "as_number",
    "compact",
    "credit_code_doubt",
    "forbidden_mark",
    "from_excel",
    "get_kind",
    "id_number_doubt",
    "is_blank",
    "is_demanded",
    "is_digest",
    "iso_day",
    "iso_month",
    "no_doubt",
    "plain_decimal",
    "rounded",
    "show_text",
    "tick_marks",
]


def get_kind(entry: Field) -> Kind:
    """Return the kind of an entry; of a computed one, the kind of its result."""
    return KINDS[(entry.result or "decimal") if entry.is_computed else entry.kind]


def from_excel(entry: Field, value: object, number_format: str = "General") -> object:
    """Return a cell's value as `parse` wants it.

    A percentage in a cell that Excel itself shows in percent is stored as a fraction (0.85):
    it comes back as 85. Everything else passes as it is.
    """
    shown_in_percent = "%" in number_format.replace('"%"', "").replace("\\%", "")
    if get_kind(entry).name != "percent" or not shown_in_percent:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    if not math.isfinite(value) or not -(10**12) < value < 10**12:
        return value
    return round(Decimal(str(value)) * 100, 12).normalize()


def _no_rows(_entry: Field, _raw: object) -> object:
    raise BadValue("这一栏是表格，应逐行填写")


_ALL = (
    *WORD_KINDS,
    *NUMBER_KINDS,
    *DATE_KINDS,
    *CHOICE_KINDS,
    *CONTACT_KINDS,
    *IDENTITY_KINDS,
    *PICTURE_KINDS,
    Kind("rows", _no_rows),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
TYPED_KINDS = frozenset(KINDS) - {"capital"} | {"computed"}
RESULT_KINDS = frozenset({"money", "decimal", "number", "integer", "percent", "capital"})
