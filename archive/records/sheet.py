"""The sheet on the screen: the printed layout of a form, made ready for the entry page.

Same order, same grouping, same labels as on paper, from the definition alone. Pure: no Flask,
no database. Called by this station's pages.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from doc_templates import Field, Form
from doc_templates.definition import Block
from doc_templates.layout import BREAK, Cell, GridRow, Piece, read_grid, read_pieces
from doc_templates.plain_layout import plain_layout

SIGNING = frozenset({"signature", "signed_on"})
NUMBER_TAGS = frozenset({"编号", "档号", "版本"})
CM_PER_LINE = 0.85
FULL_WIDTH = 24
PAGE_WIDTH, PAGE_HEIGHT = 170.0, 220.0  # mm between the margins of an A4 page
# Which entries of a form a customer's register facts fill in, when they are still empty.
KNOWN_FACTS: Mapping[str, str] = {
    "公司地址": "address",
    "地址": "address",
    "客户地址": "address",
    "公司电话": "phone",
    "电话": "phone",
    "电话号码": "phone",
    "工厂地址": "factory_address",
    "工厂电话": "factory_phone",
    "客户编号": "number",
    "法定代表人": "legal_person",
    "统一社会信用代码": "credit_code",
    "乙方地址": "address",
    "乙方代表": "legal_person",
}


@dataclass(frozen=True)
class SheetPiece:
    """A stretch of a cell: words as printed, an entry, its echo, the number, a signature."""

    shown: str  # words | break | entry | echo | number | signature | signed_on
    words: str = ""
    entry: Field | None = None
    lines: int = 1


@dataclass(frozen=True)
class SheetCell:
    """One cell of the grid with the columns and rows it takes."""

    pieces: tuple[SheetPiece, ...]
    columns: int
    rows: int
    is_label: bool = False
    is_upright: bool = False
    align: str = ""

    @property
    def is_mixed(self) -> bool:
        """Whether words and entries stand in one line of the cell."""
        return len(self.pieces) > 1 and not self.is_label

    @property
    def signing(self) -> str:
        """`signature` or `signed_on` for a cell that is kept for a signer alone; else empty."""
        shown = {piece.shown for piece in self.pieces}
        return shown.pop() if len(shown) == 1 and shown <= SIGNING else ""


@dataclass(frozen=True)
class SheetLine:
    """A line of running text with entries in it."""

    pieces: tuple[SheetPiece, ...]
    is_heading: bool = False
    align: str = ""


@dataclass(frozen=True)
class SheetBlock:
    """A block of the sheet: a grid, a table of rows, running text, or the signatures."""

    kind: str  # grid | table | text | signatures
    rows: tuple[tuple[SheetCell, ...], ...] = ()
    columns: int = FULL_WIDTH
    is_framed: bool = True
    table: Field | None = None
    lines: tuple[SheetLine, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """The whole form: entries that stand above the grid, the blocks, and what is not printed."""

    above: tuple[Field, ...]
    blocks: tuple[SheetBlock, ...]
    below: tuple[Field, ...]


def sheet_of(form: Form) -> Sheet:
    """Lay a form out for the screen."""
    drawing = _Drawing(form)
    blocks = tuple(drawing.blocks())
    left = [entry for entry in form.fields if entry.key not in drawing.placed]
    printed = [entry for entry in left if entry.printed and entry.kind != "rows"]
    tables = tuple(
        SheetBlock("table", table=entry) for entry in left if entry.kind == "rows" and entry.printed
    )
    hidden = tuple(entry for entry in left if not entry.printed)
    return Sheet(tuple(printed), blocks + tables, hidden)


def known_facts(form: Form) -> dict[str, str]:
    """Return which entry takes which fact of the customer picked: 公司地址 → address."""
    facts = {entry.key: KNOWN_FACTS[entry.key] for entry in form.fields if entry.key in KNOWN_FACTS}
    facts |= {key: fact for fact, key in form.effects.customer_facts.items() if fact != "owner"}
    return facts


def row_facts(form: Form) -> dict[str, dict[str, str]]:
    """Return, by table, which column takes which fact of the customer picked in its row."""
    return {
        table.key: {
            column.key: KNOWN_FACTS[column.key]
            for column in table.columns
            if column.key in KNOWN_FACTS and not column.is_computed
        }
        for table in form.fields
        if any(column.kind == "customer" for column in table.columns)
    }


class _Drawing:
    """Walks the printed layout once; an entry is typed where it first stands."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.placed: set[str] = set()

    def blocks(self) -> Iterator[SheetBlock]:
        layout = self.form.layout or plain_layout(self.form, PAGE_WIDTH, PAGE_HEIGHT)
        for at, block in enumerate(layout, 1):
            place = f"{self.form.code} 第 {at} 个 layout，"
            if block.text:
                yield SheetBlock("text", lines=tuple(self.lines(block, place)))
            elif block.signatures:
                yield SheetBlock("signatures", roles=block.signatures)
            else:
                yield from self.grid_blocks(block, place)

    def grid_blocks(self, block: Block, place: str) -> Iterator[SheetBlock]:
        table = self.form.find_field(block.rows) if block.rows else None
        if table is not None and table.key not in self.placed:
            self.placed.add(table.key)
            yield SheetBlock("table", table=table)
        rows = read_grid(block.grid, block, place)
        if rows:
            cells = tuple(tuple(self.cells(rows, at)) for at in range(len(rows)))
            framed = block.border != "none"
            yield SheetBlock("grid", rows=cells, columns=block.columns, is_framed=framed)

    def lines(self, block: Block, place: str) -> Iterator[SheetLine]:
        for line in block.text.strip("\n").splitlines():
            pieces = tuple(self.piece(one, 0.85) for one in read_pieces(line.lstrip(">#"), place))
            yield SheetLine(pieces, line.startswith("#"), "right" if line.startswith(">") else "")

    def cells(self, rows: tuple[GridRow, ...], at: int) -> Iterator[SheetCell]:
        row = rows[at]
        for cell in row.cells:
            if cell.continued:
                continue
            pieces = tuple(self.piece(one, row.height) for one in cell.pieces if one != Piece())
            yield SheetCell(
                pieces,
                cell.span,
                1 + _rows_below(rows, at, cell),
                is_label=cell.is_label,
                is_upright=cell.upright,
                align=cell.align,
            )

    def piece(self, piece: Piece, height: float) -> SheetPiece:
        if not piece.key:
            return SheetPiece("break" if piece == BREAK else "words", words=piece.words)
        if piece.shown in SIGNING:
            return SheetPiece(piece.shown, words=piece.key)
        entry = self.form.find_field(piece.key)
        if entry is None:
            return SheetPiece("number", words=piece.key)
        first = piece.key not in self.placed
        self.placed.add(piece.key)
        lines = max(2, min(12, round(height / CM_PER_LINE)))
        return SheetPiece("entry" if first else "echo", entry=entry, lines=lines)


def _rows_below(rows: tuple[GridRow, ...], at: int, cell: Cell) -> int:
    """Count the rows in which the cell is continued."""
    column = _column_of(rows[at], cell)
    count = 0
    for row in rows[at + 1 :]:
        if not any(one.continued and _column_of(row, one) == column for one in row.cells):
            break
        count += 1
    return count


def _column_of(row: GridRow, wanted: Cell) -> int:
    column = 0
    for cell in row.cells:
        if cell is wanted:
            break
        column += cell.span
    return column
