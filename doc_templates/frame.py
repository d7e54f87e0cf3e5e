"""One ruled table gathered row by row, whatever columns its parts were drawn in.

Each part of a form divides the width as it likes; here the lines of all of them become the
columns of one Word table, so that the frame is closed and no line is drawn twice. Knows no
form. Called by scaffold.py.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

from doc_templates.word_parts import cell_xml, paragraph_xml, row_xml, run_xml, table_xml, twips

NEAR = 12  # lines nearer to each other than this (twentieths of a point) are one
LETTERHEAD_ROWS, LETTERHEAD_HEIGHT = 2, 25.0


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


class Frame:
    """A table being gathered; width in mm."""

    def __init__(self, width: float, border: str) -> None:
        self.width = width
        self.border = border
        self.rows: list[FrameRow] = []

    def add_tag(self, tag: str, font: str) -> None:
        """Add a row that holds a tag only; filling the form takes it out again."""
        words = paragraph_xml(run_xml(tag, font, 8))
        self.rows.append(FrameRow((FrameCell(0, 1, words),), 5))

    def xml(self) -> str:
        """Return the table."""
        edges = self._edges()
        widths = [(end - begin) for begin, end in pairwise(edges)]
        rows = "".join(self._row(row, edges) for row in self._with_heads())
        return table_xml(rows, [one / twips(1000) * 1000 for one in widths], self.border)

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

    def _with_heads(self) -> list[FrameRow]:
        """Repeat the head rows with the few above them; a head in mid-table cannot repeat."""
        heads = [at for at, row in enumerate(self.rows) if row.head]
        above = self.rows[: heads[0]] if heads else []
        tall = sum(row.height for row in above)
        fits = len(above) <= LETTERHEAD_ROWS and tall <= LETTERHEAD_HEIGHT
        last = heads[0] if heads and fits else -1
        while last >= 0 and last + 1 in heads:
            last += 1
        return [replace(row, head=at <= last) for at, row in enumerate(self.rows)]

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


def _nearest(edges: list[int], wanted: int) -> int:
    return min(range(len(edges)), key=lambda at: abs(edges[at] - wanted))
