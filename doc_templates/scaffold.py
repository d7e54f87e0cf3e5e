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
from doc_templates.frame import Frame, FrameCell, FrameRow
from doc_templates.growth import grown_height
from doc_templates.joins import is_tied, merge_of, sides_of
from doc_templates.layout import (
    Cell,
    GridRow,
    Piece,
    read_grid,
    read_pieces,
)
from doc_templates.plain_layout import SIGNATURES_IN_A_ROW, plain_layout
from doc_templates.print_context import SEAL_TAG
from doc_templates.word_parts import (
    BODY_FONT,
    BOTTOM_MARGIN,
    ENTRY_FONT,
    TITLE_FONT,
    TOP_MARGIN,
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
HEAD_HEIGHT, LOW_HEAD, TITLE_HEIGHT = 16.0, 9.0, 15.0
STAMP_WIDTH = 63.0
SIGNATURES_HEIGHT = 21.0
BOX = 30.8
CROWDED = 8
LETTER = 4.6
TITLE_LETTER, LOOSE, CLOSE = 6.35, 4.0, 1.0
TALL, LONG_FROM_TOP = 2.0, 1.2
HEADS = 60.0  # what stands on a page beside its rows
BLANK, UNBROKEN = "\u3000", "\u00a0"
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def scaffold(form: Form) -> bytes:
    """Return a template.docx for the form; raise BadDefinition if the layout does not fit."""
    return _Drawing(form).document()


class _Drawing:
    """Draws one form; sizes in mm."""

    def __init__(self, form: Form) -> None:
        self.form = form
        short, long = PAPER_SIZES[form.paper]
        self.is_wide = form.orientation == "landscape"
        self.paper = (long, short) if self.is_wide else (short, long)
        self.width = self.paper[0] - MARGIN_LEFT - MARGIN_RIGHT
        self.roles = {signer.role for signer in form.signers}

    def document(self) -> bytes:
        footer = footer_xml(self.width, self.footer_tags())
        margins = (MARGIN_LEFT, MARGIN_RIGHT)
        body = paragraph_xml("", size=1).join([self.head(), *self.parts()])
        parts = fixed_parts(self.form.title) | {
            "word/document.xml": document_xml(body, self.paper, margins),
            "word/footer1.xml": footer,
        }
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), content, zipfile.ZIP_DEFLATED)
        return stream.getvalue()

    def blocks(self) -> Iterable[Block]:
        """Return the blocks as written, or a layout worked out where none is."""
        room = self.paper[1] - TOP_MARGIN - BOTTOM_MARGIN - self.head_height() - 4
        room -= 0 if self.title_beside_code() else TITLE_HEIGHT
        lines = -(-len(self.form.signers) // SIGNATURES_IN_A_ROW)
        return self.form.layout or plain_layout(
            self.form, self.width, room - lines * SIGNATURES_HEIGHT
        )

    def parts(self) -> Iterable[str]:
        """Yield the parts of the page; ruled blocks without a gap between make one table."""
        frame: Frame | None = None
        for at, block in enumerate(self.blocks(), 1):
            place = f"{self.form.folder.name}/form.toml，第 {at} 个 layout，"
            if frame and (not _is_ruled(block) or block.gap or block.page_break):
                yield frame.xml()
                frame = None
            before = self.space_before(block)
            if not _is_ruled(block):
                yield before + self.loose_block(block, place)
                continue
            if before:
                yield before
            frame = frame or Frame(self.width, "full")
            self.fill_frame(frame, block, place)
        if frame:
            yield frame.xml()

    def space_before(self, block: Block) -> str:
        before = paragraph_xml("", size=1, page_break=True) if block.page_break else ""
        return before + (paragraph_xml("", size=1, before=block.gap * 28.35) if block.gap else "")

    def loose_block(self, block: Block, place: str) -> str:
        if block.text:
            return self.text(block, place)
        if block.signatures:
            return self.signatures(block, place)
        frame = Frame(self.width, block.border)
        self.fill_frame(frame, block, place)
        return frame.xml()

    def title_beside_code(self) -> bool:
        """Whether a wide page has room for the title between code and 归档章."""
        letters = len(self.form.title) * (TITLE_LETTER + LOOSE * 0.353)
        return self.is_wide and letters < self.width - 2 * STAMP_WIDTH - 4

    def head_height(self) -> float:
        """The height of the line with the code: enough for the 归档章 where there is to be one."""
        return HEAD_HEIGHT if self.form.stamp else LOW_HEAD

    def head(self) -> str:
        """Code and room for the 归档章, the title, then number and date."""
        code = paragraph_xml(run_xml(escape(self.form.code), BODY_FONT, 10.5))
        letters = len(self.form.title) * (TITLE_LETTER + LOOSE * 0.353)
        spacing = LOOSE if letters < self.width else CLOSE
        spaced = run_xml(escape(self.form.title), TITLE_FONT, 18, spacing=spacing)
        beside = self.title_beside_code()
        title = paragraph_xml(spaced, align="center", after=0 if beside else 5)
        widths = [self.width - STAMP_WIDTH, STAMP_WIDTH]
        cells = [cell_xml(code, widths[0], valign="top"), cell_xml(paragraph_xml(""), widths[1])]
        if beside:
            widths = [STAMP_WIDTH, self.width - 2 * STAMP_WIDTH, STAMP_WIDTH]
            cells[:1] = [cell_xml(code, widths[0], valign="top"), cell_xml(title, widths[1])]
        row = row_xml("".join(cells), self.head_height(), exact=True)
        top = table_xml(row, widths, border="none")
        return top + ("" if beside else title) + self.number_line()

    def number_line(self) -> str:
        number = run_xml(f"{escape(self.form.number.label)} ", BODY_FONT, 10.5) + run_xml(
            "{{ 编号 }}", ENTRY_FONT, 11
        )
        has_date = self.form.date_field == "日期"
        room = BLANK * 6 if has_date else UNBROKEN * 26  # blanks at the end of a line take no room
        line = number + run_xml(f"{{% if not 编号 %}}{room}{{% endif %}}", BODY_FONT, 10.5)
        if has_date:
            line += run_xml(f"{BLANK * 2}日期 ", BODY_FONT, 10.5)
            line += run_xml("{{ 日期 }}", ENTRY_FONT, 11)
        return paragraph_xml(line, align="right", after=3)

    def footer_tags(self) -> str:
        code = escape(self.form.code)
        return (
            f"{code}{BLANK}{{% if 档号 %}}档号 {{{{ 档号 }}}}{BLANK}{{% elif 编号 %}}编号 "
            f"{{{{ 编号 }}}}{BLANK}{{% endif %}}版本 {{{{ 版本 }}}}"
        )

    def text(self, block: Block, place: str) -> str:
        lines = []
        for line in block.text.strip("\n").splitlines():
            align = "right" if line.startswith(">") else "left"
            bold = line.startswith("#")
            runs = self.runs(read_pieces(line.lstrip(">#"), place), place, bold=bold, in_text=True)
            above = 3 if bold else 0
            lines.append(paragraph_xml(runs, align=align, before=above, line=22, keep_next=bold))
        return "".join(lines)

    def fill_frame(self, frame: Frame, block: Block, place: str) -> None:
        """Draw the rows of a block into a frame: head, the repeated row, and the rest."""
        head = read_grid(block.head, block, place)
        table = self.table_of(block, place)
        line = read_grid(block.line, block, place)[:1] if table else ()
        if table and not line:
            raise BadDefinition(f"{place}缺少 line")
        rows = (*head, *line, *read_grid(block.grid, block, place))
        for at, row in enumerate(rows):
            is_line = table is not None and at == len(head)
            tied = block.keep or is_tied(rows, at, len(head) if table else -1)
            drawn = self.row(rows, at, block, place, table if is_line else None, tied)
            if is_line:
                frame.begin_loop(f"{{%tr for 行 in {block.rows} %}}", BODY_FONT)
            frame.rows.append(
                FrameRow(
                    drawn,
                    row.height * 10,
                    at < len(head),
                    self.is_kept(row, table if is_line else None),
                )
            )
            if is_line:
                frame.end_loop("{%tr endfor %}", BODY_FONT)

    def table_of(self, block: Block, place: str) -> Field | None:
        if not block.rows:
            return None
        table = self.form.find_field(block.rows)
        if table is None or table.kind != "rows":
            raise BadDefinition(f"{place}“{block.rows}”不是表格栏")
        return table

    def is_kept(self, row: GridRow, table: Field | None) -> bool:
        """Whether a row stays whole; one that may outgrow the page runs over, or loses its end."""
        entries = {entry.key: entry for entry in (table.columns if table else self.form.fields)}
        return grown_height(row, self.width, entries) < self.paper[1] - HEADS

    def row(
        self, rows: tuple[GridRow, ...], at: int, block: Block, place: str,
        table: Field | None, tied: bool,
    ) -> tuple[FrameCell, ...]:  # fmt: skip
        row, drawn = rows[at], []
        for begin, cell in zip(row.starts(), row.cells, strict=True):
            share = (begin / block.columns, (begin + cell.span) / block.columns)
            merge = merge_of(rows, at, begin)
            sides = sides_of(rows, at, begin, merge)
            drawn.append(self.cell(cell, row, share, block, place, table, merge, sides, tied))
        return tuple(drawn)

    def cell(
        self, cell: Cell, row: GridRow, share: tuple[float, float], block: Block, place: str,
        table: Field | None, merge: str, sides: tuple[tuple[str, int], ...], tied: bool,
    ) -> FrameCell:  # fmt: skip
        width = (share[1] - share[0]) * self.width
        from_top = row.height >= LONG_FROM_TOP and any(self.is_long(key) for key in cell.keys)
        narrow = table is not None and len(row.cells) >= CROWDED
        centred = (cell.is_label and block.border == "full") or _is_date_under_box(cell, width)
        align = cell.align or ("center" if centred else "left")
        indent = 0 if align == "center" else 0.6 if narrow else 1.2
        if cell.upright:  # narrow, not turned: a row with turned text cannot run over a page
            indent = max(0.0, (width - LETTER) / 2)
        elif cell.shows("signature"):
            indent = max(0.0, min(1.2, (width - BOX) / 2))
        tall = from_top and row.height >= TALL
        paragraphs = [
            paragraph_xml(
                self.runs(line, place, table=table, small=narrow),
                align=align, indent=indent, exact=cell.is_label or tall,
                line=14 if cell.is_label else 18 if tall else 0,
                keep_next=tied,
            )
            for line in cell.lines()
        ]  # fmt: skip
        valign = "top" if from_top else "center"
        top_pad = 1.5 if from_top else 0
        return FrameCell(*share, "".join(paragraphs), valign, merge, top_pad, sides)

    def is_long(self, key: str) -> bool:
        """Whether the entry may run over several lines."""
        entry = self.form.find_field(key)
        return entry is not None and entry.kind == "longtext"

    def runs(
        self, pieces: tuple[Piece, ...], place: str, *,
        table: Field | None = None, bold: bool = False, in_text: bool = False,
        small: bool = False,
    ) -> str:  # fmt: skip
        font = TITLE_FONT if bold else BODY_FONT
        drawn = []
        for piece in pieces:
            if piece.shown == "seal":
                drawn.append(run_xml(f"{{{{ {SEAL_TAG} }}}}", BODY_FONT, 1, colour="FFFFFF"))
            elif piece.key:
                drawn.append(self.entry(piece, place, table, in_text, small))
            elif piece.words:
                drawn.append(run_xml(escape(piece.words), font, 10.5))
        return "".join(drawn)

    def entry(
        self, piece: Piece, place: str, table: Field | None, in_text: bool, small: bool
    ) -> str:
        if piece.shown in ("signature", "signed_on"):
            return self.signing(piece, place)
        if table is not None:
            return self.column(piece, place, table, small)
        found = self.form.find_field(piece.key)
        if piece.key not in BUILT_IN and found is None:
            raise BadDefinition(f"{place}没有“{piece.key}”这一栏")
        if piece.shown == "grid":
            return _capital_runs(piece.key)
        if piece.shown == "tick":
            raise BadDefinition(f"{place}“{piece.key}={piece.words}”：打勾的格只能用在表格里")
        tag = f"{{{{ {piece.key} }}}}"
        blank = BLANK * (piece.width or (8 if in_text else 0))
        blank += "%" if found is not None and "percent" in (found.kind, found.result) else ""
        if in_text:
            text = f"{{% if {piece.key} %}} {tag}{UNBROKEN}{{% else %}}{blank}{{% endif %}}"
            return run_xml(text, ENTRY_FONT, 11, underline=True)
        if blank:
            tag = f"{{% if {piece.key} %}}{tag}{{% else %}}{blank}{{% endif %}}"
        return run_xml(tag, ENTRY_FONT, 11)

    def column(self, piece: Piece, place: str, table: Field, small: bool) -> str:
        found = next((column for column in table.columns if column.key == piece.key), None)
        if found is None:
            raise BadDefinition(f"{place}表格“{table.key}”没有“{piece.key}”这一栏")
        if piece.shown == "tick":
            return self.tick(piece, found, place)
        font = BODY_FONT if found.readonly and not found.is_computed else ENTRY_FONT
        size = 9 if small and font == ENTRY_FONT else 10.5
        return run_xml(f"{{{{ 行.{piece.key} }}}}", font, size)

    def tick(self, piece: Piece, column: Field, place: str) -> str:
        """The tick in the place of one option."""
        if piece.words not in column.choices or not column.tick:
            raise BadDefinition(
                f"{place}“{piece.key}={piece.words}”：这一栏没有这个选项，或没有写 tick = true"
            )
        return run_xml(f"{{{{ 行.{piece.key}格.{piece.words} }}}}", BODY_FONT, 10.5)

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
        label = share - BOX
        if label < 10:
            raise BadDefinition(f"{place}一行最多放 {int(self.width // 42)} 个签名")
        upper, lower, widths = "", "", []
        for role in block.signatures:
            words = run_xml(f"{escape(role)}:", BODY_FONT, 10.5)
            name = paragraph_xml(words, align="right", keep_next=True)
            mark = self.signing(Piece(key=role, shown="signature"), place)
            day = self.signing(Piece(key=role, shown="signed_on"), place)
            box = paragraph_xml(mark, indent=0.3, keep_next=True)
            upper += cell_xml(name, label) + cell_xml(box, BOX)
            lower += cell_xml(paragraph_xml(""), label)
            lower += cell_xml(paragraph_xml(day, align="center"), BOX)
            widths += [label, BOX]
        rows = row_xml(upper, 13.5, keep=True) + row_xml(lower, 5.5, keep=True)
        return paragraph_xml("", size=2, before=2) + table_xml(rows, widths, "none")


def _is_ruled(block: Block) -> bool:
    return block.border == "full" and not block.text and not block.signatures


def _is_date_under_box(cell: Cell, width: float) -> bool:
    return cell.shows("signed_on") and not cell.shows("signature") and width < BOX + 10


def _capital_runs(key: str) -> str:
    """The places 仟佰拾万…分 with a digit each, or the whole amount where it does not fit."""
    grid = f"{key}格"
    runs = [run_xml(f"{{% if {grid} %}}", BODY_FONT, 10.5)]
    gap = BLANK
    for place, unit in zip(GRID_PLACES, GRID_UNITS, strict=True):
        runs.append(run_xml(f"{gap}{{{{ {grid}.{place} }}}}", ENTRY_FONT, 12))
        runs.append(run_xml(f"{unit}", BODY_FONT, 10.5))
    runs.append(run_xml("{% else %}", BODY_FONT, 10.5))
    runs.append(run_xml(f"{{{{ {key} }}}}", ENTRY_FONT, 11))
    runs.append(run_xml("{% endif %}", BODY_FONT, 10.5))
    return "".join(runs)
