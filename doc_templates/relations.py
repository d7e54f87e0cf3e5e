"""Relationships and content types of a package, as far as pictures need them.

Text in, text out. Called by word.py.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping

IMAGE_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
EMPTY = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships '
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>'
)
MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg"}


def relations_path(part: str) -> str:
    """Return the name of the part that holds another part's relationships."""
    folder, leaf = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{leaf}.rels")


def with_pictures(relations: bytes | None, media: Mapping[str, str]) -> bytes:
    """Return the relationships with pictures added: id → name of the part in the package."""
    added = "".join(
        f'<Relationship Id="{one}" Type="{IMAGE_TYPE}" Target="/{name}"/>'
        for one, name in media.items()
    )
    before = relations.decode("utf-8") if relations is not None else EMPTY
    return _before_end(before, added).encode("utf-8")


def with_picture_types(content_types: bytes) -> bytes:
    """Return the content types with those of pictures, where they are missing."""
    text = content_types.decode("utf-8")
    added = "".join(
        f'<Default Extension="{suffix}" ContentType="{kind}"/>'
        for suffix, kind in MEDIA_TYPES.items()
        if not re.search(rf'Extension="{suffix}"', text, re.IGNORECASE)
    )
    return _before_end(text, added).encode("utf-8")


def unused_prefix(wanted: str, parts: Iterable[bytes]) -> str:
    """Return a prefix for ids that stands nowhere in these parts."""
    kept = list(parts)
    while any(wanted.encode() in part for part in kept):
        wanted += "x"
    return wanted


def _before_end(xml: str, added: str) -> str:
    """Insert XML before the end of the root, which may be written as an empty element."""
    if not added:
        return xml
    root = re.search(r"<(?![?!])([^\s/>]+)", xml)
    name = root[1] if root else ""
    head, ending, tail = xml.rpartition(f"</{name}")
    if ending:
        return f"{head}{_prefixed(added, name)}{ending}{tail}"
    head, _, _ = xml.rpartition("/>")
    return f"{head}>{_prefixed(added, name)}</{name}>"


def _prefixed(added: str, root: str) -> str:
    """Spell the elements in the root's namespace, which may have a prefix."""
    prefix = root.rpartition(":")[0]
    return re.sub(r"<(?=[A-Z])", f"<{prefix}:", added) if prefix else added
