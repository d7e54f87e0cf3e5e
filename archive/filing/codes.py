"""Reference codes (档号), provisional codes and barcodes: parse, canonicalise, compare. Pure.

``全宗号-门类[·二级]·年度-保管期限[-机构]-件号`` after DA/T 13 and DA/T 22 (archive.md 2). Until the
year's class is sealed an item has a provisional code: the same, with ``L`` (临) before the
number, such as ``Z109-KH·2026-D30-XSB-L0001``. The letter makes it impossible to take it for a
final code (whose number is digits only), and it can be typed and searched without a Chinese
keyboard; the number after it counts as the final one will, inside the lowest class.
"""

import re
import unicodedata
from dataclasses import dataclass, replace

MAX_SERIAL = 9999
MAX_BARCODE = 999_999_999
_DASHES = re.compile("[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u30fc\u2500]")
_DOTS = re.compile("[.\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff0e\uff65\u3002]")
_CODE = re.compile(
    r"(?P<fonds>[A-Z0-9]{4})-(?P<category>[A-Z]{2}(?:·[A-Z0-9]{2})?)·(?P<year>\d{4})"
    r"-(?P<retention>Y|D30|D10)(?:-(?P<unit>[A-Z0-9]{3}))?-(?P<mark>L?)(?P<serial>\d{1,4})",
    re.ASCII,
)
_GLUED = re.compile(
    r"([A-Z0-9]{4})([A-Z]{2}(?:[A-Z0-9]{2})?)(\d{4})(Y|D30|D10)([A-Z0-9]{3})?(L?\d{4})", re.ASCII
)
# The parts of a code from its end backwards: name, what it looks like.
_FROM_END = (
    ("serial", re.compile(r"L?\d{1,4}", re.ASCII)),
    ("unit", re.compile(r"[A-Z0-9]{3}", re.ASCII)),
    ("retention", re.compile(r"Y|D30|D10")),
    ("year", re.compile(r"(?:19|2[01])\d{2}", re.ASCII)),
    ("second", re.compile(r"[A-Z0-9]{2}", re.ASCII)),
    ("category", re.compile(r"[A-Z]{2}")),
    ("fonds", re.compile(r"[A-Z0-9]{4}", re.ASCII)),
)
_WHOLE = {"fonds", "category", "year", "retention", "serial"}
_BARCODE = re.compile(r"A(\d{9})(\d)")


@dataclass(frozen=True, order=True)
class ReferenceCode:
    """The parts of a code in the order they sort; ``unit`` may be empty."""

    fonds: str
    category: str
    year: int
    retention: str
    unit: str
    serial: int
    is_provisional: bool = False

    @property
    def lowest_class(self) -> str:
        """The code without its number: the class the number counts in."""
        unit = f"-{self.unit}" if self.unit else ""
        return f"{self.fonds}-{self.category}·{self.year:04d}-{self.retention}{unit}"

    @property
    def order(self) -> str:
        """The code as text that sorts as its parts do, whatever the collation: 24 letters."""
        second = self.category[3:].ljust(2, "0")
        return (
            f"1{self.fonds}{self.category[:2]}{second}{self.year:04d}"
            f"{self.retention.ljust(3, '0')}{self.unit.ljust(3, '0')}{self.serial:04d}"
            f"{'L' if self.is_provisional else 'F'}"
        )

    def __str__(self) -> str:
        mark = "L" if self.is_provisional else ""
        return f"{self.lowest_class}-{mark}{self.serial:04d}"


def find_reference(text: str) -> ReferenceCode | None:
    """Read a code in any spelling people type; None when it is not one.

    Any dash, any middle dot or full stop, blanks (also in place of them, or nothing at all),
    full-width and lower-case letters do, and a number without its leading zeros.
    """
    folded = fold_reference(text)
    match = _CODE.fullmatch(folded) or _CODE.fullmatch(_joined(text, folded))
    if match is None or int(match["serial"]) == 0:
        return None
    return ReferenceCode(
        fonds=match["fonds"],
        category=match["category"],
        year=int(match["year"]),
        retention=match["retention"],
        unit=match["unit"] or "",
        serial=int(match["serial"]),
        is_provisional=bool(match["mark"]),
    )


def find_tail(text: str) -> dict[str, str]:
    """Read the end of a code, such as ``BGS-0001`` or ``2011 0001``, into its parts by name.

    The number is there always, what stands before it in the order of a code, each part at most
    once and any of them left out; empty when the text is no such end. ``second`` is the second
    level of the category. What looks like a unit and a term alike (D30) is taken for a term.
    """
    tokens = _split(text)
    if not 2 <= len(tokens) <= len(_FROM_END) or not _FROM_END[0][1].fullmatch(tokens[-1]):
        return {}
    found = {"serial": tokens[-1]}
    place = 1
    for token in reversed(tokens[:-1]):
        place = _place_of(token, place)
        if place == len(_FROM_END):
            return {}
        found[_FROM_END[place][0]] = token
        place += 1
    if "second" in found and "category" not in found:
        found["category"] = found.pop("second")
    is_number = int(found["serial"].lstrip("L") or 0) > 0
    return found if is_number and found.get("category", "AA").isalpha() else {}


def fold_reference(text: str) -> str:
    """Bring dashes, dots, blanks, width and case of a code (or a part of one) to one form."""
    if len(text) > 200:
        return ""
    wide = "".join(char for char in unicodedata.normalize("NFKC", text) if not _is_blank(char))
    return _DOTS.sub("·", _DASHES.sub("-", wide)).upper()


def is_same_reference(one: str, other: str) -> bool:
    """Say whether two spellings name the same code."""
    left, right = find_reference(one), find_reference(other)
    return left is not None and left == right


def final_of(code: ReferenceCode, serial: int) -> ReferenceCode:
    """Return the final code of a provisional one, under the number sealing gave it."""
    return replace(code, serial=serial, is_provisional=False)


def make_barcode(serial: int) -> str:
    """Return the barcode of the ``serial``-th copy: A, nine digits, check digit."""
    if not 1 <= serial <= MAX_BARCODE:
        raise ValueError(f"barcode serial {serial} out of range")
    digits = f"{serial:09d}"
    return f"A{digits}{check_digit(digits)}"


def clean_barcode(text: str) -> str:
    """Return a scanned or typed barcode in its one form; empty when its check digit is wrong."""
    if len(text) > 40:
        return ""
    folded = "".join(c for c in unicodedata.normalize("NFKC", text) if not _is_blank(c)).upper()
    match = _BARCODE.fullmatch(folded)
    if match is None or not folded.isascii() or check_digit(match[1]) != match[2]:
        return ""
    return folded


def check_digit(digits: str) -> str:
    """ISO 7064 MOD 11,10: catches every single wrong digit and nearly every swapped pair."""
    product = 10
    for digit in digits:
        product = (product + int(digit)) % 10 or 10
        product = product * 2 % 11
    return str((11 - product) % 10)


def _split(text: str) -> list[str]:
    """Return what stands between dashes, dots and blanks, folded."""
    if len(text) > 200:
        return []
    plain = unicodedata.normalize("NFKC", text)
    spaced = "".join(" " if char.isspace() or _is_blank(char) else char for char in plain)
    return _DOTS.sub(" ", _DASHES.sub(" ", spaced)).upper().split()


def _place_of(token: str, start: int) -> int:
    """Return which part of a code a token is, from ``start`` on; past the last when none."""
    if start == 1 and token in ("Y", "D30", "D10"):
        start = 2
    for place in range(start, len(_FROM_END)):
        if _FROM_END[place][1].fullmatch(token):
            return place
    return len(_FROM_END)


def _joined(text: str, folded: str) -> str:
    """Return a whole code typed with blanks, or nothing, between its parts as it is written."""
    parts = find_tail(text)
    if not parts:
        glued = _GLUED.fullmatch(folded)
        if glued is None:
            return ""
        names = ("fonds", "category", "year", "retention", "unit", "serial")
        parts = {name: part for name, part in zip(names, glued.groups(), strict=True) if part}
        if len(parts["category"]) == 4:
            parts["second"], parts["category"] = parts["category"][2:], parts["category"][:2]
    if not set(parts) >= _WHOLE:
        return ""
    second = f"·{parts['second']}" if "second" in parts else ""
    unit = f"-{parts['unit']}" if "unit" in parts else ""
    top = f"{parts['fonds']}-{parts['category']}{second}·{parts['year']}"
    return f"{top}-{parts['retention']}{unit}-{parts['serial']}"


def _is_blank(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) in ("Cf", "Zs")
