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

    def __str__(self) -> str:
        mark = "L" if self.is_provisional else ""
        return f"{self.lowest_class}-{mark}{self.serial:04d}"


def find_reference(text: str) -> ReferenceCode | None:
    """Read a code in any spelling people type; None when it is not one.

    Any dash, any middle dot or full stop, blanks, full-width and lower-case letters do.
    """
    match = _CODE.fullmatch(fold_reference(text))
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


def _is_blank(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) in ("Cf", "Zs")
