"""One ruled frame gathered row by row, whatever columns its parts were drawn in.

Each part of a form divides the width as it likes; here the lines of all of them become the
columns of one Word table, so that the frame is closed and no line is drawn twice; only where
a head is to repeat in the middle do two tables join under a line. Knows no form.
Called by scaffold.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from doc_templates.word_parts import (
    JOINT,
    cell_xml,
    paragraph_xml,
    row_xml,
    run_xml,
    table_xml,
    twips,
)

NEAR = 12  # lines nearer to each other than this (twentieths of a point) are one
FEW_ROWS, FEW_ROWS_HEIGHT = 2, 25.0


@dataclass(frozen=True, slots=True)
class FrameCell:
    """A drawn cell: where it begins and ends as shares of the width, and what it holds."""

    begin: float
    end: float
    content: str
    valign: str = "center"
    merge: str = ""
    top_pad: float = 0
    lines: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FrameRow:
    """A drawn row: at least so high (mm), repeated on each page, not split over pages."""

    cells: tuple[FrameCell, ...]
    height: float
    head: bool = False
    keep: bool = False
    ends_loop: bool = False


class Frame:
    """A table being gathered; width in mm."""

    def __init__(self, width: float, border: str) -> None:
        self.width = width
        self.border = border
        self.rows: list[FrameRow] = []

    def begin_loop(self, tag: str, font: str) -> None:
        """Add the row that holds the tag before a repeated row; filling the form takes it out."""
        self.rows.append(_tag_row(tag, font))

    def end_loop(self, tag: str, font: str) -> None:
        """Add the row that holds the tag after a repeated row; filling the form takes it out."""
        self.rows.append(replace(_tag_row(tag, font), ends_loop=True))

    def xml(self) -> str:
        """Return the frame: one table, or several where a head is to repeat in the middle.

        Only the first rows of a table can repeat on each page. So a table of the form with a few
        rows above its head and below its last line takes them along, and otherwise stands apart.
        """
        edges = self._edges()
        tables = list(_tables(self.rows))
        drawn = []
        for at, rows in enumerate(tables):
            sides = ("top",) * (at > 0) + ("bottom",) * (at < len(tables) - 1)
            drawn.append(self._table(rows, edges, sides))
        return JOINT.join(drawn)

    def _table(self, rows: Sequence[FrameRow], edges: list[int], joined: tuple[str, ...]) -> str:
        widths = [(end - begin) / twips(1000) * 1000 for begin, end in pairwise(edges)]
        lines = "".join(self._row(row, edges) for row in _repeating(rows))
        return table_xml(lines, widths, self.border, joined)

    def _edges(self) -> list[int]:
        whole = twips(self.width)
        wanted = {round(share * whole) for row in self.rows for cell in row.cells
                  for share in (cell.begin, cell.end)} | {0, whole}  # fmt: skip
        edges: list[int] = []
        for edge in sorted(wanted):
            if not edges or edge - edges[-1] > NEAR:
                edges.append(edge)
        edges[-1] = whole
        return edges

    def _row(self, row: FrameRow, edges: list[int]) -> str:
        cells = "".join(self._cell(cell, edges) for cell in row.cells)
        return row_xml(cells, row.height, head=row.head, keep=row.keep)

    def _cell(self, cell: FrameCell, edges: list[int]) -> str:
        whole = edges[-1]
        begin, end = (_nearest(edges, round(share * whole)) for share in (cell.begin, cell.end))
        return cell_xml(
            cell.content,
            (edges[end] - edges[begin]) / twips(1000) * 1000,
            columns=end - begin,
            valign=cell.valign,
            merge=cell.merge,
            top_pad=cell.top_pad,
            lines=dict(cell.lines),
        )


def _tag_row(tag: str, font: str) -> FrameRow:
    return FrameRow((FrameCell(0, 1, paragraph_xml(run_xml(tag, font, 8))),), 5)


def _tables(rows: Sequence[FrameRow]) -> Iterator[list[FrameRow]]:
    """Part the rows where a table of the form must stand apart for its head to repeat."""
    table: list[FrameRow] = []
    for at, row in enumerate(rows):
        begins = row.head and not (at and rows[at - 1].head)
        ended = at > 0 and rows[at - 1].ends_loop and any(one.head for one in table)
        if table and ((begins and not _is_few(table)) or (ended and _parts_below(rows[at:]))):
            yield table
            table = []
        table.append(row)
    yield table


def _parts_below(rows: Sequence[FrameRow]) -> bool:
    """Whether the rows below a loop part from it: too many to go along, and no cell runs on."""
    return not _is_few(rows) and all(cell.merge != "continue" for cell in rows[0].cells)


def _is_few(rows: Sequence[FrameRow]) -> bool:
    return len(rows) <= FEW_ROWS and sum(row.height for row in rows) <= FEW_ROWS_HEIGHT


def _repeating(rows: Sequence[FrameRow]) -> list[FrameRow]:
    """Repeat the first run of head rows, and with it the few rows above."""
    first = next((at for at, row in enumerate(rows) if row.head), -1)
    last = first
    while last >= 0 and last + 1 < len(rows) and rows[last + 1].head:
        last += 1
    return [replace(row, head=at <= last) for at, row in enumerate(rows)]


def _nearest(edges: list[int], wanted: int) -> int:
    return min(range(len(edges)), key=lambda at: abs(edges[at] - wanted))
