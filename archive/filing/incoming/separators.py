"""What a separator sheet says: a short text for its QR code, a fixed word for its barcode.

Pure. The sheets are drawn in ``sheets``, and found again in scans by ``splitting``.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from archive.filing.incoming.kinds import Refused

MARK = "DAT-FENJIAN1"  # also the whole of the Code 128, which carries no values
KEYS = ("item_class", "customer", "number")
LIMITS = {"item_class": 40, "customer": 120, "number": 80}


def code_of(values: Mapping[str, str]) -> str:
    """Return the text of a sheet's QR code; values it does not know are left out."""
    told = {key: values[key] for key in KEYS if values.get(key)}
    return f"{MARK}?{urlencode(told)}" if told else MARK


def read_code(text: str) -> dict[str, str] | None:
    """Return the values a code carries; None for a code that is no separator of ours."""
    mark, _, query = text.partition("?")
    if mark != MARK:
        return None
    found: dict[str, str] = {}
    for key, value in parse_qsl(query[:2000], max_num_fields=20):
        if key in KEYS and len(value) <= LIMITS[key] and value.isprintable():
            found[key] = value
    return found


def values_of_page(texts: list[str]) -> tuple[dict[str, str], bool] | None:
    """Return what the codes of one page say, and whether they contradict each other.

    None when no separator is among them. The barcode says nothing beside the QR code.
    """
    read = [found for text in texts if (found := read_code(text)) is not None]
    if not read:
        return None
    different = [found for place, found in enumerate(read) if found and found not in read[:place]]
    if len(different) > 1:
        return {}, True
    return (different[0] if different else {}), False


def cut(pages: list[tuple[dict[str, str], bool] | None]) -> list[tuple[list[int], dict[str, str]]]:
    """Return the parts between separators: their pages from 0, and the values of the sheet.

    Parts without a page are left out. Raises Refused when nothing but separators is there.
    """
    parts: list[tuple[list[int], dict[str, str]]] = [([], {})]
    for number, page in enumerate(pages):
        if page is None:
            parts[-1][0].append(number)
        else:
            parts.append(([], page[0]))
    whole = [part for part in parts if part[0]]
    if not whole:
        raise Refused("这份扫描件里只有分隔页，没有文件。")
    return whole
