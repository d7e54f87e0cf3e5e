"""Names of files that leave the house: good on every file system, no two the same in one place.

Called wherever files are put side by side: ZIPs of papers, packages of items.
"""

import re
import unicodedata
from urllib.parse import quote

LONGEST_NAME = 120
LONGEST_SUFFIX = 8
_UNPLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_FORBIDDEN = '<>:"/\\|?*%'


def safe_name(text: str) -> str:
    """Return a name without a path that is good on every file system and in a manifest."""
    kept = "".join(
        "_" if char in _FORBIDDEN or unicodedata.category(char)[0] == "C" else char
        for char in unicodedata.normalize("NFC", text)
    )
    stem, dot, suffix = kept.strip().rstrip(" .").rpartition(".")
    if dot and len(suffix) <= LONGEST_SUFFIX:
        return f"{stem.strip(' .')[: LONGEST_NAME - len(suffix) - 1] or '文件'}.{suffix}"
    return kept.strip(" .")[:LONGEST_NAME] or "文件"


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
    stem, _, ending = name.rpartition(".")
    plain = _UNPLAIN.sub("", stem.split("-")[0]) or "document"
    kind = "".join(sign for sign in ending if sign.isascii() and sign.isalnum()) or "bin"
    way = "inline" if inline else "attachment"
    whole = quote(name, safe="", errors="replace")
    return f"{way}; filename=\"{plain}.{kind}\"; filename*=UTF-8''{whole}"
