"""A template without what never shows: thumbnail, spare styles. A third off every PDF.

Word saves hundreds of styles with a document, and LibreOffice reads each of them every time
(measured on one form: 119 against 89 ms). Only what no part refers to goes. Called by word.py
when a template is compiled; the template itself is kept as it was handed in.
"""

import re
from collections.abc import Mapping

from lxml import etree

from doc_templates.package_xml import CONTENT_TYPES, parse_part

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
STYLES = "word/styles.xml"
SPARE = re.compile(r"docProps/thumbnail\.\w+|word/stylesWithEffects\.xml")
NAMED = re.compile(rb'(?:w:val|w:styleId)="([^"]*)"')
LEANS_ON = (WORD + "basedOn", WORD + "link")
POINTS_AT = (WORD + "next", WORD + "link")
GROWS_STYLES = re.compile(rb"instrText[^>]*>\s*TOC\b|w:docPartGallery")


def slim_parts(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the parts without those that never show, and with the styles that are used."""
    kept = {name: content for name, content in parts.items() if not SPARE.fullmatch(name)}
    gone = parts.keys() - kept.keys()
    for name in kept:
        if gone and (name.endswith(".rels") or name == CONTENT_TYPES):
            kept[name] = _without(name, kept[name], gone)
    if STYLES in kept and not any(GROWS_STYLES.search(content) for content in kept.values()):
        kept[STYLES] = _used_styles(kept)
    return kept


def _without(name: str, content: bytes, gone: set[str]) -> bytes:
    """Return relationships or content types without the parts that are gone."""
    root = parse_part(name, content)
    ends = tuple(part.rpartition("/")[2] for part in gone)
    for one in list(root):
        if str(one.get("Target") or one.get("PartName") or "").endswith(ends):
            root.remove(one)
    return _written(root)


def _used_styles(parts: Mapping[str, bytes]) -> bytes:
    """Return the styles that some part names, those they lean on, and the defaults."""
    root = parse_part(STYLES, parts[STYLES])
    styles = {one.get(WORD + "styleId", ""): one for one in root.iterchildren(WORD + "style")}
    named = {
        found.decode("utf-8")
        for name, content in parts.items()
        if name != STYLES and name.endswith(".xml")
        for found in NAMED.findall(content)
    }
    wanted = [key for key, one in styles.items() if key in named or one.get(WORD + "default")]
    used: set[str] = set()
    while wanted:
        key = wanted.pop()
        if key in used or key not in styles:
            continue
        used.add(key)
        wanted += [str(one.get(WORD + "val", "")) for one in styles[key].iterchildren(*LEANS_ON)]
    if len(used) == len(styles):
        return parts[STYLES]
    for key, style in styles.items():
        if key not in used:
            root.remove(style)
    for pointer in list(root.iter(*POINTS_AT)):
        parent = pointer.getparent()
        if parent is not None and pointer.get(WORD + "val", "") not in used:
            parent.remove(pointer)
    return _written(root)


def _written(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
