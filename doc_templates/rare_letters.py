"""Rare Chinese letters in runs of their own, so that the PDF reads in the order it was written.

Where a face lacks a letter (𠮷, 㐀, 鿏) LibreOffice draws the letters it borrows after the
others, and whoever copies the line from the PDF gets them in the wrong place. Each goes into a
run with a face that has it. Only what is converted is changed, never the Word file that is
kept. Called by pdf.py.
"""

import copy
import re
from collections.abc import Mapping

from lxml import etree

from doc_templates.docx_zip import PackageWriter
from doc_templates.package import story_parts
from doc_templates.package_xml import parse_part

FACE = "Noto Serif CJK SC"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
RUN, TEXT, PROPERTIES, FONTS = WORD + "r", WORD + "t", WORD + "rPr", WORD + "rFonts"


def with_rare_letters_apart(
    docx: bytes, parts: Mapping[str, bytes], rare: re.Pattern[str]
) -> bytes:
    """Return the document (``parts`` is what it holds) with rare letters in their own runs.

    ``rare`` matches a stretch of them in its only group.
    """
    stories = [name for name in story_parts(parts) if rare.search(parts[name].decode("utf-8"))]
    if not stories:
        return docx
    changed = {name: _set_apart(name, parts[name], rare) for name in stories}
    return PackageWriter({**parts, **changed}).write({})


def _set_apart(name: str, content: bytes, rare: re.Pattern[str]) -> bytes:
    root = parse_part(name, content)
    for run in [run for run in root.iter(RUN) if _has(rare, run)]:
        _split(run, rare)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _has(rare: re.Pattern[str], run: etree._Element) -> bool:
    return any(rare.search(text.text or "") for text in run.iterchildren(TEXT))


def _split(run: etree._Element, rare: re.Pattern[str]) -> None:
    """Put runs in the place of one: each stretch of rare letters gets its own."""
    properties = run.find(PROPERTIES)
    current = _new_run(run, properties)
    for child in [child for child in run if child is not properties]:
        if child.tag != TEXT:
            current.append(child)
            continue
        for at, piece in enumerate(rare.split(child.text or "")):
            if not piece:
                continue
            if at % 2:
                _append_text(_in_face(_new_run(run, properties)), piece)
                current = _new_run(run, properties)
            else:
                _append_text(current, piece)
    parent = run.getparent()
    if parent is not None:
        parent.remove(run)


def _new_run(run: etree._Element, properties: etree._Element | None) -> etree._Element:
    """Return an empty run with the same properties, put before the one that is split."""
    new = etree.Element(RUN)
    if properties is not None:
        new.append(copy.deepcopy(properties))
    run.addprevious(new)
    return new


def _in_face(run: etree._Element) -> etree._Element:
    properties = run.find(PROPERTIES)
    if properties is None:
        properties = etree.SubElement(run, PROPERTIES)
    fonts = properties.find(FONTS)
    if fonts is None:
        fonts = etree.Element(FONTS)
        properties.insert(0, fonts)
    for script in ("ascii", "hAnsi", "eastAsia"):
        fonts.set(WORD + script, FACE)
    fonts.set(WORD + "hint", "eastAsia")
    return run


def _append_text(run: etree._Element, piece: str) -> None:
    text = etree.SubElement(run, TEXT)
    text.set(SPACE, "preserve")
    text.text = piece
