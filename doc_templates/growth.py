"""How high a row may grow: one that may outgrow the page has to run over it, line by line.

A row that is kept whole and yet is higher than a page loses its end in an office. Knows the
limits of entries, not their values. Called by scaffold.py.
"""

import math
from collections.abc import Mapping

from doc_templates.definition import Field
from doc_templates.kinds.base import TEXT_LIMIT
from doc_templates.kinds.text import LONGTEXT_LIMIT
from doc_templates.layout import Cell, GridRow

LETTER, LINE = 3.9, 5.5
LEAST_LETTERS = 4  # of a line that the writer ends
LIMITS = {"text": TEXT_LIMIT, "longtext": LONGTEXT_LIMIT}
OTHER_KINDS = 60  # names, numbers, dates


def grown_height(row: GridRow, width: float, entries: Mapping[str, Field]) -> float:
    """Return the height in mm that a row may reach, its cells filled to their limits."""
    columns = sum(cell.span for cell in row.cells)
    return max(_grown(cell, width * cell.span / columns, entries) for cell in row.cells)


def _grown(cell: Cell, width: float, entries: Mapping[str, Field]) -> float:
    in_line = max(1, int(width / LETTER))
    return sum(_most_lines(entries[key], in_line) for key in cell.keys if key in entries) * LINE


def _most_lines(entry: Field, in_line: int) -> int:
    letters = entry.max_length or LIMITS.get(entry.kind, OTHER_KINDS)
    if entry.max_lines:
        return letters // in_line + entry.max_lines
    return math.ceil(
        letters / (min(in_line, LEAST_LETTERS) if entry.kind == "longtext" else in_line)
    )
