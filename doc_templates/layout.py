"""The layout notation of form.toml, read into cells; scaffold.py draws them.

A grid has a line a row, cells divided by `|`, and after a cell the columns it takes:

    客户名称*4 | {客户名称}*12 | 编号*3 | {编号}*5
    地址*2 | 公司*2 | {公司地址}*20
    ^*2    | 工厂*2 | {工厂地址}*20         ^ continues the cell above
    !开拓经过*2 | {开拓经过}*22 [9]          ! sets the label upright, [9] at least 9 cm high

`{名}` is an entry, `{名:12}` one that leaves 12 letters of room where it is blank (underlined
in running text), `{名#格}` the places of a capital amount, `{名=选项}` a tick where that
option was chosen, `{签:角色}` a signature box, `{签日:角色}` its date (under the box, no line
between them), `{印章}` where the company's seal goes, `//` a new line in a cell. `<` `>` `=`
before a cell align it left, right, centred; a cell of `[` alone is a bracket that gathers the
rows on its right.
"""

import re
from dataclasses import dataclass

from doc_templates.definition import Block
from doc_templates.errors import BadDefinition
from doc_templates.print_context import SEAL_TAG

PIECE = re.compile(r"\{([^{}]*)\}")
HEIGHT = re.compile(r"\[(\d+(?:\.\d+)?)\]\s*$")
SPAN = re.compile(r"\*(\d+)\s*$")
ALIGNS = {"<": "left", ">": "right", "=": "center"}
NEW_LINE = "//"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a cell or line: words as printed, or an entry, with how it is shown.

    `shown` is entry, grid, tick (then `words` is the option), signature, signed_on, seal or break.
    """

    words: str = ""
    key: str = ""
    shown: str = "entry"
    width: int = 0


BREAK = Piece(shown="break")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a grid row."""

    pieces: tuple[Piece, ...]
    span: int
    align: str = ""
    upright: bool = False
    continued: bool = False
    bracket: bool = False

    @property
    def is_label(self) -> bool:
        """Whether the cell holds printed words only."""
        return all(not piece.key for piece in self.pieces)

    @property
    def keys(self) -> frozenset[str]:
        """The entries in the cell."""
        return frozenset(piece.key for piece in self.pieces if piece.key)

    def shows(self, shown: str) -> bool:
        """Whether a piece of the cell is shown in this way."""
        return any(piece.shown == shown for piece in self.pieces)

    def lines(self) -> tuple[tuple[Piece, ...], ...]:
        """Return the pieces line by line; a cell has at least one line."""
        lines: list[list[Piece]] = [[]]
        for piece in self.pieces:
            if piece == BREAK:
                lines.append([])
            else:
                lines[-1].append(piece)
        return tuple(tuple(line) for line in lines)


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row of a grid and its least height in cm."""

    cells: tuple[Cell, ...]
    height: float

    def starts(self) -> tuple[int, ...]:
        """Return the column each cell begins at."""
        begun, column = [], 0
        for cell in self.cells:
            begun.append(column)
            column += cell.span
        return tuple(begun)

    def find_at(self, column: int) -> Cell | None:
        """Return the cell that begins at a column, or None."""
        found = dict(zip(self.starts(), self.cells, strict=True))
        return found.get(column)


def read_grid(text: str, block: Block, place: str) -> tuple[GridRow, ...]:
    """Return the rows of a grid; raise BadDefinition if a row does not fill the columns."""
    return tuple(
        _read_row(line, block, f"{place}第 {at} 行")
        for at, line in enumerate((one for one in text.splitlines() if one.strip()), 1)
    )


def read_pieces(text: str, place: str) -> tuple[Piece, ...]:
    """Return the words and entries of a line of text."""
    pieces: list[Piece] = []
    at = 0
    for match in PIECE.finditer(text):
        if match.start() > at:
            pieces.append(Piece(words=text[at : match.start()]))
        pieces.append(_read_entry(match[1].strip(), place))
        at = match.end()
    if at < len(text) or not pieces:
        pieces.append(Piece(words=text[at:]))
    return tuple(pieces)


def _read_row(line: str, block: Block, place: str) -> GridRow:
    height = block.row_height
    match = HEIGHT.search(line)
    if match:
        height, line = float(match[1]), line[: match.start()]
    cells = tuple(_read_cell(cell.strip(), place) for cell in line.split("|"))
    taken = sum(cell.span for cell in cells)
    if taken != block.columns:
        raise BadDefinition(f"{place}：共占 {taken} 列，应为 {block.columns} 列")
    return GridRow(cells, height)


def _read_cell(text: str, place: str) -> Cell:
    span = 1
    match = SPAN.search(text)
    if match:
        span, text = int(match[1]), text[: match.start()].strip()
    if not span:
        raise BadDefinition(f"{place}：每格至少占 1 列")
    if text == "[":
        return Cell((), span, bracket=True)
    align = ALIGNS.get(text[:1], "")
    text = text[1:] if align else text
    if text == "^":
        return Cell((), span, continued=True)
    upright = text.startswith("!")
    return Cell(_read_lines(text.removeprefix("!"), place), span, align, upright)


def _read_lines(text: str, place: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for at, line in enumerate(text.split(NEW_LINE)):
        pieces += [BREAK] if at else []
        pieces += read_pieces(line.strip() if NEW_LINE in text else line, place)
    return tuple(pieces)


def _read_entry(inside: str, place: str) -> Piece:
    if not inside:
        raise BadDefinition(f"{place}：花括号里没有写栏目")
    for mark, shown in (("签:", "signature"), ("签日:", "signed_on")):
        if inside.startswith(mark):
            return Piece(key=inside.removeprefix(mark), shown=shown)
    if inside == SEAL_TAG:
        return Piece(shown="seal")
    if inside.endswith("#格"):
        return Piece(key=inside.removesuffix("#格"), shown="grid")
    if "=" in inside:
        key, _, option = inside.partition("=")
        return Piece(key=key.strip(), words=option.strip(), shown="tick")
    key, _, width = inside.partition(":")
    if width and not (width.isascii() and width.isdigit()):
        raise BadDefinition(f"{place}：“{inside}”冒号后应是字数")
    return Piece(key=key.strip(), width=int(width or 0))
