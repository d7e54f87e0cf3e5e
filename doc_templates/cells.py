"""How much room a tag has: the size of the table cell it stands in.

A picture that is an entry shrinks to this room. Called by word.py.
"""

import re

from lxml import etree

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
TAG = re.compile(r"\{\{-?([^{}|]+?)-?\}\}")
TWIPS_PER_MM = 1440 / 25.4
SIDE_MARGINS, HEIGHT_MARGINS = 4.0, 2.0
LEAST_ROOM = 5.0
FRAME_HEIGHT, FREE_HEIGHT = 20.0, 100.0

Room = tuple[float, float]


def rooms_of(root: etree._Element) -> dict[str, Room]:
    """Return width and height in mm of the smallest cell each tag stands in."""
    rooms: dict[str, Room] = {}
    for cell in root.iter(WORD + "tc"):
        text = "".join(node.text or "" for node in cell.iter(WORD + "t"))
        for tag in map(str.strip, TAG.findall(text)):
            width, height = _room(cell)
            before = rooms.get(tag, (width, height))
            rooms[tag] = (min(width, before[0]), min(height, before[1]))
    return rooms


def _room(cell: etree._Element) -> Room:
    """Return the room in a cell; a low row that may grow does not bound the height."""
    width = _number(cell.find(f"{WORD}tcPr/{WORD}tcW"), "w") / TWIPS_PER_MM
    row = cell.getparent()
    rule = row.find(f"{WORD}trPr/{WORD}trHeight") if row is not None else None
    height = _number(rule, "val") / TWIPS_PER_MM
    is_exact = rule is not None and rule.get(WORD + "hRule") == "exact"
    bounds = height if is_exact or height >= FRAME_HEIGHT else FREE_HEIGHT
    return (
        max(LEAST_ROOM, (width or 160.0) - SIDE_MARGINS),
        max(LEAST_ROOM, bounds - HEIGHT_MARGINS),
    )


def _number(node: etree._Element | None, name: str) -> float:
    text = node.get(WORD + name, "") if node is not None else ""
    return float(text) if text.isdigit() else 0.0
