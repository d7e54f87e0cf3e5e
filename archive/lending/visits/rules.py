"""What an outsider must show to read in the archive, and how their number is covered. Pure.

Source: archive.md 6 (outside person, letter and ID: accompanied, on site only). Which secrecy may
be shown to outsiders, and who approves, is said by the lending matrix.
"""

import re
from dataclasses import dataclass
from datetime import date

ID_CARD = "居民身份证"
ID_KINDS = (ID_CARD, "护照", "港澳居民来往内地通行证", "台湾居民来往大陆通行证", "军官证", "工作证")
MAX_NAME, MAX_UNIT, MAX_LETTER, MAX_ID = 40, 80, 60, 40
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


@dataclass(frozen=True)
class Visitor:
    """An outsider as the decision sees them; ``accompanied_by`` is a colleague's name, or empty."""

    name: str = ""
    unit: str = ""
    letter_number: str = ""
    id_kind: str = ""
    id_number: str = ""
    accompanied_by: str = ""


def clean_id(number: str) -> str:
    """Return a document's number as it is kept: no blanks, letters in upper case."""
    return "".join(number.split()).upper()


def is_good_id(kind: str, number: str) -> bool:
    """Say whether a number can be one of that kind; an ID card's by its check digit (GB 11643)."""
    cleaned = clean_id(number)
    if kind not in ID_KINDS:
        return False
    if kind == ID_CARD:
        return (
            bool(re.fullmatch(r"[1-9]\d{16}[\dX]", cleaned))
            and cleaned.isascii()
            and _adds_up(cleaned)
        )
    return bool(re.fullmatch(r"[A-Z0-9\u4e00-\u9fff()（）\-]{4,40}", cleaned))


def kept_until(ended: date, years: int) -> date:
    """Return the last day on which a document's number is kept, so many years after the visit."""
    try:
        return ended.replace(year=ended.year + years)
    except ValueError:  # 29 February
        return ended.replace(year=ended.year + years, day=28)


def covered(number: str) -> str:
    """Return a document's number with its middle covered, as lists show it."""
    front, back = (3, 4) if len(number) >= 12 else (1, 2)
    if len(number) <= front + back:
        return "*" * len(number)
    return number[:front] + "*" * (len(number) - front - back) + number[-back:]


def _adds_up(number: str) -> bool:
    total = sum(int(sign) * weight for sign, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECK[total % 11] == number[-1]
