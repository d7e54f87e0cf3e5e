"""Draws a well-laid-out template.docx from a form.toml and its layout.

A4 (or as the form says), 黑体 title, code at the top left, room for the 归档章 at the top
right, grid with a 1.5 pt frame, labels 宋体, entries 仿宋, signature row, footer with number,
page and QR. The outcome is an ordinary Word file with tags, to be finished in Word. The
package is written by hand: it is slim, and the same form gives the same bytes.
Called by the command `archive form new` and by whoever changes a layout.
"""

import io
import zipfile
from collections.abc import Iterable
from xml.sax.saxutils import escape

from doc_templates.capital import GRID_PLACES, GRID_UNITS
from doc_templates.definition import Block, Field, Form
from doc_templates.errors import BadDefinition
from doc_templates.layout import Cell, GridRow, Piece, read_grid, read_pieces
from doc_templates.word_parts import (
    BODY_FONT,
    ENTRY_FONT,
    TITLE_FONT,
    cell_xml,
    document_xml,
    fixed_parts,
    footer_xml,
    paragraph_xml,
    row_xml,
    run_xml,
    table_xml,
)

PAPER_SIZES = {"A3": (297, 420), "A4": (210, 297), "A5": (148, 210)}
MARGIN_LEFT, MARGIN_RIGHT = 20, 15
BUILT_IN = frozenset({"编号", "档号", "版本"})
CROWDED = 8
LETTER = 4.6
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def scaffold(form: Form) -> bytes:
    """Return a template.docx for the form; raise BadDefinition if the layout does not fit."""
    return _Drawing(form).document()


class _Drawing:
    """Draws one form; sizes in mm."""

    def __init__(self, form: Form) -> None:
        self.form = form
        short, long = PAPER_SIZES[form.paper]
        self.paper = (long, short) if form.orientation == "landscape" else (short, long)
        self.width = self.paper[0] - MARGIN_LEFT - MARGIN_RIGHT
        self.roles = {signer.role for signer in form.signers}

    def document(self) -> bytes:
        body = [self.head(), *(self.block(block, at) for at, block in enumerate(self.blocks(), 1))]
        parted = paragraph_xml("", size=1)
        footer = footer_xml(self.width, self.footer_tags())
        margins = (MARGIN_LEFT, MARGIN_RIGHT)
        parts = fixed_parts(self.form.title) | {
            "word/document.xml": document_xml(parted.join(body), self.paper, margins),
            "word/footer1.xml": footer,
        }
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), content, zipfile.ZIP_DEFLATED)
        return stream.getvalue()

    def blocks(self) -> Iterable[Block]:
        """Yield the blocks as written, or a plain two-column grid where none is."""
        if self.form.layout:
            yield from self.form.layout
            return
        for _, entries in self.form.groups():
            yield from _plain_blocks(entries)
        roles = tuple(reversed([signer.role for signer in self.form.signers]))
        for at in range(0, len(roles), 4):
            yield Block(signatures=roles[at : at + 4])

    def head(self) -> str:
        """Code and room for the 归档章, the title, then number and date."""
        code = paragraph_xml(run_xml(escape(self.form.code), BODY_FONT, 10.5))
        stamp = self.width * 0.36
        cells = cell_xml(code, self.width - stamp, "", valign="top")
        cells += cell_xml(paragraph_xml(""), stamp, "")
        spaced = run_xml(escape(self.form.title), TITLE_FONT, 18, spacing=4)
        title = paragraph_xml(spaced, align="center", before=0, after=5)
        return table_xml(
            row_xml(cells, 16, exact=True), [self.width - stamp, stamp], border="none"
        ) + (title + self.number_line())

    def number_line(self) -> str:
        number = run_xml(f"{escape(self.form.number.label)} ", BODY_FONT, 10.5) + run_xml(
            "{{ 编号 }}", ENTRY_FONT, 11
        )
        blank = run_xml(
            "{% if not 编号 %}\u3000\u3000\u3000\u3000\u3000\u3000{% endif %}", BODY_FONT, 10.5
        )
        line = number + blank
        if self.form.date_field == "日期":
            line += run_xml("\u3000\u3000日期 ", BODY_FONT, 10.5)
            line += run_xml("{{ 日期 }}", ENTRY_FONT, 11)
        return paragraph_xml(line, align="right", after=3)

    def footer_tags(self) -> str:
        code = escape(self.form.code)
        return (
            f"{code}\u3000{{% if 档号 %}}档号 {{{{ 档号 }}}}\u3000{{% elif 编号 %}}编号 "
            f"{{{{ 编号 }}}}\u3000{{% endif %}}版本 {{{{ 版本 }}}}"
        )

    def block(self, block: Block, at: int) -> str:
        place = f"{self.form.folder.name}/form.toml，第 {at} 个 layout，"
        before = paragraph_xml("", size=1, page_break=True) if block.page_break else ""
        if block.gap:
            before += paragraph_xml("", size=1, before=block.gap * 28.35)
        if block.text:
            return before + self.text(block, place)
        if block.signatures:
            return before + self.signatures(block, place)
        return before + self.grid(block, place)

    def text(self, block: Block, place: str) -> str:
        lines = []
        for line in block.text.strip("\n").splitlines():
            align = "right" if line.startswith(">") else "left"
            bold = line.startswith("#")
            runs = self.runs(read_pieces(line.lstrip(">#"), place), place, bold=bold, in_text=True)
            lines.append(paragraph_xml(runs, align=align, before=3 if bold else 0, line=22))
        return "".join(lines)

    def grid(self, block: Block, place: str) -> str:
        unit = self.width / block.columns
        rows = [
            self.row(row, unit, block, place, head=True) for row in _grid(block.head, block, place)
        ]
        if block.rows:
            rows.append(self.loop(block, unit, place))
        rows += [self.row(row, unit, block, place) for row in _grid(block.grid, block, place)]
        return table_xml("".join(rows), [unit] * block.columns, block.border)

    def loop(self, block: Block, unit: float, place: str) -> str:
        table = self.form.find_field(block.rows)
        if table is None or table.kind != "rows":
            raise BadDefinition(f"{place}“{block.rows}”不是表格栏")
        (row,) = _grid(block.line, block, place)[:1] or [None]
        if row is None:
            raise BadDefinition(f"{place}缺少 line")
        drawn = self.row(row, unit, block, place, columns=table)
        span = self.width
        opening = paragraph_xml(run_xml(f"{{%tr for 行 in {block.rows} %}}", BODY_FONT, 8))
        closing = paragraph_xml(run_xml("{%tr endfor %}", BODY_FONT, 8))
        whole = [cell_xml(one, span, "", columns=block.columns) for one in (opening, closing)]
        return row_xml(whole[0], 5) + drawn + row_xml(whole[1], 5)

    def row(
        self, row: GridRow, unit: float, block: Block, place: str, *,
        head: bool = False, columns: Field | None = None,
    ) -> str:  # fmt: skip
        cells = "".join(self.cell(cell, unit, row, block, place, columns) for cell in row.cells)
        return row_xml(cells, row.height * 10, head=head, keep=row.height < 4)

    def cell(
        self, cell: Cell, unit: float, row: GridRow, block: Block, place: str,
        columns: Field | None,
    ) -> str:  # fmt: skip
        tall = row.height >= 2.5 and any(self.is_long(key) for key in cell.keys)
        narrow = columns is not None and len(row.cells) >= CROWDED
        runs = self.runs(cell.pieces, place, columns=columns, small=narrow)
        centred = cell.is_label and block.border == "full"
        align = cell.align or ("center" if centred else "left")
        indent = 0 if align == "center" else 0.6 if narrow else 1.2
        if cell.upright:  # narrow, not turned: a row with turned text cannot run over a page
            indent = max(0.0, (cell.span * unit - LETTER) / 2)
        exact = cell.is_label
        merge = self.merge(cell, row, block, place)
        line = 14 if exact else 18 if tall else 0
        return cell_xml(
            paragraph_xml(runs, align=align, indent=indent, line=line, exact=exact),
            cell.span * unit,
            "bracket" if cell.bracket or self.continues_bracket(cell, row, block, place) else "",
            columns=cell.span,
            valign="top" if tall else "center",
            merge=merge,
            top_pad=1.5 if tall else 0,
        )

    def is_long(self, key: str) -> bool:
        """Whether the entry may run over several lines."""
        entry = self.form.find_field(key)
        return entry is not None and entry.kind == "longtext"

    def continues_bracket(self, cell: Cell, row: GridRow, block: Block, place: str) -> bool:
        """Whether a `^` cell stands under a bracket."""
        rows = [*_grid(block.head, block, place), *_grid(block.grid, block, place)]
        brackets = {_column_of(one, it) for one in rows for it in one.cells if it.bracket}
        return cell.continued and _column_of(row, cell) in brackets

    def merge(self, cell: Cell, row: GridRow, block: Block, place: str) -> str:
        """Return whether a cell begins, continues or has nothing to do with a merged one."""
        if cell.continued:
            return "continue"
        rows = [*_grid(block.head, block, place), *_grid(block.grid, block, place)]
        at = next((n for n, one in enumerate(rows) if one is row or one == row), -1)
        if at < 0 or at + 1 >= len(rows):
            return ""
        start = _column_of(row, cell)
        below = {_column_of(rows[at + 1], one): one for one in rows[at + 1].cells}.get(start)
        return "restart" if below is not None and below.continued else ""

    def runs(
        self, pieces: tuple[Piece, ...], place: str, *,
        columns: Field | None = None, bold: bool = False, in_text: bool = False,
        small: bool = False,
    ) -> str:  # fmt: skip
        font = TITLE_FONT if bold else BODY_FONT
        drawn = []
        for piece in pieces:
            if piece.key:
                drawn.append(self.entry(piece, place, columns, in_text, small))
            elif piece.words:
                drawn.append(run_xml(escape(piece.words), font, 10.5))
        return "".join(drawn)

    def entry(
        self, piece: Piece, place: str, columns: Field | None, in_text: bool, small: bool
    ) -> str:
        if piece.shown in ("signature", "signed_on"):
            return self.signing(piece, place)
        if columns is not None:
            return self.column(piece, place, columns, small)
        if piece.key not in BUILT_IN and self.form.find_field(piece.key) is None:
            raise BadDefinition(f"{place}没有“{piece.key}”这一栏")
        if piece.shown == "grid":
            return _capital_runs(piece.key)
        tag = f"{{{{ {piece.key} }}}}"
        if not in_text:
            return run_xml(tag, ENTRY_FONT, 11)
        blank = "\u3000" * (piece.width or 8)
        text = f"{{% if {piece.key} %}} {tag} {{% else %}}{blank}{{% endif %}}"
        return run_xml(text, ENTRY_FONT, 11, underline=True)

    def column(self, piece: Piece, place: str, table: Field, small: bool) -> str:
        found = next((column for column in table.columns if column.key == piece.key), None)
        if found is None:
            raise BadDefinition(f"{place}表格“{table.key}”没有“{piece.key}”这一栏")
        font = BODY_FONT if found.readonly and not found.is_computed else ENTRY_FONT
        size = 9 if small and font == ENTRY_FONT else 10.5
        return run_xml(f"{{{{ 行.{piece.key} }}}}", font, size)

    def signing(self, piece: Piece, place: str) -> str:
        if piece.key not in self.roles:
            raise BadDefinition(f"{place}没有“{piece.key}”这个签字人")
        if piece.shown == "signed_on":
            return run_xml(f"{{{{ 签日.{piece.key} }}}}", ENTRY_FONT, 10.5)
        name = run_xml(f"{{{{ 签名人.{piece.key} }}}}", ENTRY_FONT, 11)
        return name + run_xml(f"{{{{ 签名.{piece.key} }}}}", BODY_FONT, 1, colour="FFFFFF")

    def signatures(self, block: Block, place: str) -> str:
        """Role, box of 30 × 12 mm, and the date under it, side by side under the grid."""
        share = self.width / len(block.signatures)
        box = 30.8
        label = share - box
        if label < 10:
            raise BadDefinition(f"{place}一行最多放 {int(self.width // 42)} 个签名")
        upper, lower, widths = "", "", []
        for role in block.signatures:
            name = paragraph_xml(run_xml(f"{escape(role)}:", BODY_FONT, 10.5), align="right")
            mark = self.signing(Piece(key=role, shown="signature"), place)
            day = self.signing(Piece(key=role, shown="signed_on"), place)
            upper += cell_xml(name, label, "") + cell_xml(paragraph_xml(mark, indent=0.3), box, "")
            lower += cell_xml(paragraph_xml(""), label, "")
            lower += cell_xml(paragraph_xml(day, align="center"), box, "")
            widths += [label, box]
        rows = row_xml(upper, 13.5, keep=True) + row_xml(lower, 5.5, keep=True)
        return paragraph_xml("", size=2, before=2) + table_xml(rows, widths, "none")


def _grid(text: str, block: Block, place: str) -> tuple[GridRow, ...]:
    return read_grid(text, block, place)


def _column_of(row: GridRow, wanted: Cell) -> int:
    column = 0
    for cell in row.cells:
        if cell is wanted:
            break
        column += cell.span
    return column


def _capital_runs(key: str) -> str:
    """The places 仟佰拾万…分 with a digit each, or the whole amount where it does not fit."""
    grid = f"{key}格"
    runs = [run_xml(f"{{% if {grid} %}}", BODY_FONT, 10.5)]
    gap = "\u3000"
    for place, unit in zip(GRID_PLACES, GRID_UNITS, strict=True):
        runs.append(run_xml(f"{gap}{{{{ {grid}.{place} }}}}", ENTRY_FONT, 12))
        runs.append(run_xml(f"{unit}", BODY_FONT, 10.5))
    runs.append(run_xml("{% else %}", BODY_FONT, 10.5))
    runs.append(run_xml(f"{{{{ {key} }}}}", ENTRY_FONT, 11))
    runs.append(run_xml("{% endif %}", BODY_FONT, 10.5))
    return "".join(runs)


def _plain_blocks(entries: tuple[Field, ...]) -> Iterable[Block]:
    """Yield a simple layout: wide entries a row each, the others two to a row."""
    lines: list[str] = []
    half = ""
    for entry in (one for one in entries if one.printed):
        if entry.kind == "rows":
            if lines or half:
                yield Block(grid="\n".join([*lines, f"{half} | *12" if half else ""]))
                lines, half = [], ""
            yield _plain_table(entry)
            continue
        cell = f"{entry.label}*4 | {{{entry.key}}}"
        if entry.wide:
            lines += [f"{half} | *12"] if half else []
            lines.append(f"{cell}*20" + (" [3]" if entry.kind == "longtext" else ""))
            half = ""
        elif half:
            lines.append(f"{half} | {cell}*8")
            half = ""
        else:
            half = f"{cell}*8"
    lines += [f"{half} | *12"] if half else []
    if lines:
        yield Block(grid="\n".join(lines))


def _plain_table(entry: Field) -> Block:
    columns = [column for column in entry.columns if column.printed]
    head = " | ".join(f"{column.label}*1" for column in columns)
    line = " | ".join(f"{{{column.key}}}*1" for column in columns)
    return Block(head=head, rows=entry.key, line=line, columns=len(columns))
