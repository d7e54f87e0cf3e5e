"""The WordprocessingML that scaffold.py puts together: runs, cells, tables, fixed parts.

Strings in, strings out; sizes in mm and points. No form is known here.
"""

from collections.abc import Collection, Iterable, Mapping
from xml.sax.saxutils import escape

BODY_FONT, TITLE_FONT, ENTRY_FONT = "宋体", "黑体", "仿宋"
LATIN = {"宋体": "Times New Roman", "黑体": "Arial", "仿宋": "Times New Roman"}
BODY_SIZE = 10.5
OUTER, INNER = 12, 4
JOINED = {"top": 2, "bottom": 3}  # together as thick as a line inside, and no hair between
SIDES = ("top", "left", "bottom", "right")
FOOTER_HEIGHT = 16
TOP_MARGIN, BOTTOM_MARGIN, FOOTER_GAP = 12, 24, 7
# Word and LibreOffice make one table of two that touch: this keeps them apart, too low to be seen
JOINT = '<w:p><w:pPr><w:spacing w:line="1" w:lineRule="exact"/></w:pPr></w:p>'
NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
)
XML_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def twips(mm: float) -> int:
    """Return millimetres as twentieths of a point."""
    return round(mm * 56.6929)


def run_xml(
    text: str, font: str, size: float, *,
    spacing: float = 0, underline: bool = False, colour: str = "",
) -> str:  # fmt: skip
    """Return a run of escaped text in one face; spacing between letters in points.

    What the paper's defaults say already is not said again: filling and printing cost by length.
    """
    marks = f'<w:color w:val="{colour}"/>' if colour else ""
    marks += f'<w:spacing w:val="{round(spacing * 20)}"/>' if spacing else ""
    if size != BODY_SIZE:
        marks += f'<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/>'
    marks += '<w:u w:val="single"/>' if underline else ""
    marks = _face(font) + marks
    look = f"<w:rPr>{marks}</w:rPr>" if marks else ""
    return f'<w:r>{look}<w:t xml:space="preserve">{text}</w:t></w:r>'


def _face(font: str) -> str:
    """Return what a face has that the default face has not."""
    latin, faces = LATIN[font], ""
    if latin != LATIN[BODY_FONT]:
        faces += f' w:ascii="{latin}" w:hAnsi="{latin}" w:cs="{latin}"'
    if font != BODY_FONT:
        faces += f' w:eastAsia="{font}"'
    return f"<w:rFonts{faces}/>" if faces else ""


def paragraph_xml(
    runs: str, *, align: str = "left", before: float = 0, after: float = 0, line: float = 0,
    indent: float = 0, size: float = 0, page_break: bool = False, exact: bool = False,
    keep_next: bool = False,
) -> str:  # fmt: skip
    """Return a paragraph; before, after and line in points, indent on both sides in mm."""
    rule = "exact" if exact else "atLeast"
    spacing = f' w:before="{round(before * 20)}"' if before else ""
    spacing += f' w:after="{round(after * 20)}"' if after else ""
    if size:
        spacing += f' w:line="{round(size * 20)}" w:lineRule="exact"'
    elif line:
        spacing += f' w:line="{round(line * 20)}" w:lineRule="{rule}"'
    marks = "<w:keepNext/>" if keep_next else ""
    marks += "<w:pageBreakBefore/>" if page_break else ""
    marks += f"<w:spacing{spacing}/>" if spacing else ""
    if indent:
        marks += f'<w:ind w:left="{twips(indent)}" w:right="{twips(indent)}"/>'
    marks += f'<w:jc w:val="{align}"/>' if align != "left" else ""
    if size:
        marks += f'<w:rPr><w:sz w:val="{round(size * 2)}"/></w:rPr>'
    look = f"<w:pPr>{marks}</w:pPr>" if marks else ""
    return f"<w:p>{look}{runs}</w:p>"


def cell_xml(
    content: str, width: float, *, columns: int = 1, valign: str = "center",
    merge: str = "", top_pad: float = 0, lines: Mapping[str, int] | None = None,
) -> str:  # fmt: skip
    """Return a table cell; `lines` gives sides a line of their own, in eighths of a point."""
    marks = f'<w:tcW w:w="{twips(width)}" w:type="dxa"/>'
    marks += f'<w:gridSpan w:val="{columns}"/>' if columns > 1 else ""
    if merge:
        marks += '<w:vMerge w:val="restart"/>' if merge == "restart" else "<w:vMerge/>"
    if lines:
        sides = "".join(_line(side, lines[side]) for side in SIDES if side in lines)
        marks += f"<w:tcBorders>{sides}</w:tcBorders>"
    if top_pad:
        marks += f'<w:tcMar><w:top w:w="{twips(top_pad)}" w:type="dxa"/></w:tcMar>'
    return f'<w:tc><w:tcPr>{marks}<w:vAlign w:val="{valign}"/></w:tcPr>{content}</w:tc>'


def row_xml(
    cells: str, height: float, *, head: bool = False, keep: bool = False, exact: bool = False
) -> str:
    """Return a table row at least (or exactly) so high; `keep` keeps it on one page."""
    rule = "exact" if exact else "atLeast"
    marks = "<w:cantSplit/>" if keep else ""
    marks += f'<w:trHeight w:val="{twips(height)}" w:hRule="{rule}"/>'
    marks += "<w:tblHeader/>" if head else ""
    return f"<w:tr><w:trPr>{marks}</w:trPr>{cells}</w:tr>"


def table_xml(
    rows: str, widths: Iterable[float], border: str = "full", joined: Collection[str] = ()
) -> str:
    """Return a table of fixed column widths; the frame is 1.5 pt, the lines inside 0.5 pt.

    A side in `joined` touches another part of the same frame; both together draw its line.
    """
    columns = [twips(width) for width in widths]
    lines = ""
    if border == "full":
        outer = "".join(_line(side, JOINED[side] if side in joined else OUTER) for side in SIDES)
        inner = "".join(_line(side, INNER) for side in ("insideH", "insideV"))
        lines = f"<w:tblBorders>{outer}{inner}</w:tblBorders>"
    sides = "".join(f'<w:{side} w:w="0" w:type="dxa"/>' for side in ("left", "right"))
    grid = "".join(f'<w:gridCol w:w="{column}"/>' for column in columns)
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(columns)}" w:type="dxa"/><w:jc w:val="center"/>{lines}'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{sides}</w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"
    )


def _line(side: str, eighths: int) -> str:
    if not eighths:
        return f'<w:{side} w:val="nil"/>'
    return f'<w:{side} w:val="single" w:sz="{eighths}" w:space="0" w:color="000000"/>'


def document_xml(body: str, paper: tuple[int, int], margins: tuple[int, int]) -> str:
    """Return word/document.xml for a page of this size and these side margins, mm."""
    width, height = paper
    turned = ' w:orient="landscape"' if width > height else ""
    left, right = margins
    end = paragraph_xml("", size=1)
    return (
        f"{XML_HEAD}<w:document {NAMESPACES}><w:body>{body}{end}<w:sectPr>"
        f'<w:footerReference w:type="default" r:id="rIdFooter1"/>'
        f'<w:pgSz w:w="{twips(width)}" w:h="{twips(height)}"{turned}/>'
        f'<w:pgMar w:top="{twips(TOP_MARGIN)}" w:right="{twips(right)}" '
        f'w:bottom="{twips(BOTTOM_MARGIN)}" w:left="{twips(left)}" '
        f'w:header="{twips(8)}" w:footer="{twips(FOOTER_GAP)}" w:gutter="0"/>'
        f"</w:sectPr></w:body></w:document>"
    )


def footer_xml(width: float, tags: str) -> str:
    """Return the footer: the form's tags, page of pages, and room for the QR code."""
    pages = (
        run_xml("第", BODY_FONT, 9) + _field("PAGE") + run_xml("页\u3000共", BODY_FONT, 9)
        + _field("NUMPAGES") + run_xml("页", BODY_FONT, 9)
    )  # fmt: skip
    code = run_xml("{{ 核验码 }}", BODY_FONT, 9)
    shares = (width - 68, 50.0, 18.0)
    cells = (
        cell_xml(paragraph_xml(run_xml(tags, BODY_FONT, 9)), shares[0], valign="bottom")
        + cell_xml(paragraph_xml(pages, align="center"), shares[1], valign="bottom")
        + cell_xml(paragraph_xml(code, align="right"), shares[2], valign="bottom")
    )
    table = table_xml(row_xml(cells, FOOTER_HEIGHT, exact=True), shares, "none")
    return f"{XML_HEAD}<w:ftr {NAMESPACES}>{table}{paragraph_xml('', size=1)}</w:ftr>"


def _field(instruction: str) -> str:
    face = run_xml("", BODY_FONT, 9).split("<w:t ")[0]
    begin = f'{face}<w:fldChar w:fldCharType="begin"/></w:r>'
    asked = f'{face}<w:instrText xml:space="preserve"> {instruction} </w:instrText></w:r>'
    middle = f'{face}<w:fldChar w:fldCharType="separate"/></w:r>'
    return (
        begin
        + asked
        + middle
        + run_xml("1", BODY_FONT, 9)
        + (f'{face}<w:fldChar w:fldCharType="end"/></w:r>')
    )


def fixed_parts(title: str) -> dict[str, str]:
    """Return the parts that are alike in every template."""
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    overrides = "".join(
        f'<Override PartName="/{part}" ContentType="{kind}+xml"/>'
        for part, kind in (
            ("word/document.xml", f"{word}.document.main"),
            ("word/styles.xml", f"{word}.styles"),
            ("word/settings.xml", f"{word}.settings"),
            ("word/footer1.xml", f"{word}.footer"),
            ("docProps/core.xml", "application/vnd.openxmlformats-package.core-properties"),
        )
    )
    root = _relationships(
        package,
        ("rId1", f"{office}/officeDocument", "word/document.xml"),
        ("rId2", f"{package}/relationships/metadata/core-properties", "docProps/core.xml"),
    )
    document = _relationships(
        package,
        ("rIdStyles", f"{office}/styles", "styles.xml"),
        ("rIdSettings", f"{office}/settings", "settings.xml"),
        ("rIdFooter1", f"{office}/footer", "footer1.xml"),
    )
    return {
        "[Content_Types].xml": (
            f'{XML_HEAD}<Types xmlns="{package}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>'
            f'<Default Extension="png" ContentType="image/png"/>{overrides}</Types>'
        ),
        "_rels/.rels": root,
        "word/_rels/document.xml.rels": document,
        "word/styles.xml": _styles(),
        "word/settings.xml": _settings(),
        "docProps/core.xml": (
            f'{XML_HEAD}<cp:coreProperties xmlns:cp="{package}/metadata/core-properties" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title>'
            f"<dc:language>zh-CN</dc:language></cp:coreProperties>"
        ),
    }


def _relationships(package: str, *rows: tuple[str, str, str]) -> str:
    lines = "".join(f'<Relationship Id="{i}" Type="{kind}" Target="{to}"/>' for i, kind, to in rows)
    return f'{XML_HEAD}<Relationships xmlns="{package}/relationships">{lines}</Relationships>'


def _styles() -> str:
    latin, half_points = LATIN[BODY_FONT], round(BODY_SIZE * 2)
    face = (
        f'<w:rFonts w:ascii="{latin}" w:hAnsi="{latin}" w:eastAsia="{BODY_FONT}" w:cs="{latin}"/>'
    )
    lang = '<w:lang w:val="en-US" w:eastAsia="zh-CN"/>'
    return (
        f"{XML_HEAD}<w:styles {NAMESPACES}><w:docDefaults><w:rPrDefault><w:rPr>{face}"
        f'<w:sz w:val="{half_points}"/><w:szCs w:val="{half_points}"/>{lang}</w:rPr>'
        f"</w:rPrDefault><w:pPrDefault/></w:docDefaults>"
        f'<w:style w:type="paragraph" w:default="1" w:styleId="Normal">'
        f'<w:name w:val="Normal"/><w:pPr><w:widowControl w:val="0"/></w:pPr></w:style>'
        f'<w:style w:type="table" w:default="1" w:styleId="TableNormal">'
        f'<w:name w:val="Normal Table"/></w:style></w:styles>'
    )


def _settings() -> str:
    return (
        f'{XML_HEAD}<w:settings {NAMESPACES}><w:zoom w:percent="100"/>'
        f'<w:characterSpacingControl w:val="doNotCompress"/><w:compat>'
        f'<w:compatSetting w:name="compatibilityMode" '
        f'w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat>'
        f'<w:themeFontLang w:val="en-US" w:eastAsia="zh-CN"/></w:settings>'
    )
