"""Names of files that leave the house: good on every file system, no two the same in one place.

Called wherever files are put side by side: ZIPs of papers, packages of items.
"""

import re
import unicodedata
from urllib.parse import quote

LONGEST_NAME = 120
MOST_BYTES = 240  # of the 255 a Linux file system allows; the rest is for " (2)"
LONGEST_SUFFIX = 8
_UNPLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_FORBIDDEN = '<>:"/\\|?*%'
_UNSEEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")  # control, direction, line ends, unknown
_EDGES = "." + "".join(filter(str.isspace, map(chr, range(0x3001))))  # every blank there is
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *(\.|$)", re.IGNORECASE)


def safe_name(text: str) -> str:
    """Return a name without a path that is good on every file system and in a manifest."""
    kept = "".join(
        "_" if char in _FORBIDDEN or unicodedata.category(char) in _UNSEEN else char
        for char in unicodedata.normalize("NFC", text)
    )
    stem, dot, suffix = kept.strip().rstrip(_EDGES).rpartition(".")
    if not dot or len(suffix) > LONGEST_SUFFIX:
        return _shortened(kept, "")
    return _shortened(stem, f".{suffix}")


def _shortened(stem: str, ending: str) -> str:
    """Return stem and ending as one name: short enough for every disk, no device of Windows."""
    stem = (stem.strip(_EDGES) or "文件")[: LONGEST_NAME - len(ending) - 1]
    room = MOST_BYTES - len(ending.encode()) - 1
    stem = stem.encode()[:room].decode(errors="ignore").rstrip(_EDGES)
    return f"{_no_device(stem)}{ending}"


def _no_device(stem: str) -> str:
    return f"_{stem}" if _DEVICE.match(stem) else stem


def unique_name(name: str, taken: set[str]) -> str:
    """Return a name that is not taken yet, and take it; Windows does not tell A from a."""
    stem, dot, suffix = name.rpartition(".")
    tries, found = 1, name
    while found.casefold() in taken:
        tries += 1
        found = f"{stem} ({tries}){dot}{suffix}" if dot else f"{name} ({tries})"
    taken.add(found.casefold())
    return found


def content_disposition(name: str, *, inline: bool = False) -> str:
    """Return the header value that gives a download its (Chinese) name, after RFC 6266.

    All of it is ASCII, whatever the name: a header that is not never leaves the server.
    """
    name = safe_name(name)
    stem, _, ending = name.rpartition(".")
    first = stem if not _UNPLAIN.search(stem) else _UNPLAIN.sub("", stem.split("-")[0])
    plain = _no_device(first.strip(".") or "document")
    kind = "".join(sign for sign in ending if sign.isascii() and sign.isalnum()) or "bin"
    way = "inline" if inline else "attachment"
    whole = quote(name, safe="")
    return f"{way}; filename=\"{plain}.{kind}\"; filename*=UTF-8''{whole}"
