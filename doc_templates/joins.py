"""How the cells of a grid hang together: merged over rows, tied to a page, without a line between.

Called by scaffold.py.
"""

from collections.abc import Mapping

from doc_templates.layout import GridRow
from doc_templates.word_parts import INNER

BRACKET_SIDES: Mapping[str, tuple[str, ...]] = {
    "restart": ("top", "left"),
    "continue": ("left", "bottom"),
    "": ("top", "left", "bottom"),
}


def merge_of(rows: tuple[GridRow, ...], at: int, begin: int) -> str:
    """Return whether a cell begins, continues or has nothing to do with a merged one."""
    cell = rows[at].find_at(begin)
    if cell is not None and cell.continued:
        return "continue"
    below = rows[at + 1].find_at(begin) if at + 1 < len(rows) else None
    return "restart" if below is not None and below.continued else ""


def is_tied(rows: tuple[GridRow, ...], at: int, line: int) -> bool:
    """Whether a row stays on the page of the next: a box with its date, cells that run on.

    ``line`` is the row that repeats, -1 for none: the head above is tied to it, the line itself
    is free, or no table could run over a page.
    """
    if at == line:
        return False
    runs_on = at + 1 < len(rows) and any(cell.continued for cell in rows[at + 1].cells)
    return at == line - 1 or runs_on or any(cell.shows("signature") for cell in rows[at].cells)


def sides_of(
    rows: tuple[GridRow, ...], at: int, begin: int, merge: str
) -> tuple[tuple[str, int], ...]:
    """Return the sides of a cell with a line of their own: brackets, and dates under boxes."""
    cell = rows[at].find_at(begin)
    if cell is None:
        return ()
    above = [row.find_at(begin) for row in reversed(rows[:at])]
    opened = next((one for one in above if one is None or not one.continued), None)
    if cell.bracket or (cell.continued and opened is not None and opened.bracket):
        return tuple((side, INNER) for side in BRACKET_SIDES[merge])
    below = rows[at + 1].find_at(begin) if at + 1 < len(rows) else None
    if below is not None and below.shows("signed_on") and cell.shows("signature"):
        return (("bottom", 0),)
    if cell.shows("signed_on") and above and above[0] is not None and above[0].shows("signature"):
        return (("top", 0),)
    return ()
