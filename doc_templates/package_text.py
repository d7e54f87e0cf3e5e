"""The text of a Word document as a reader sees it: a line a paragraph, a line a table row.

For golden tests and comparison. Called through package.py.
"""

from collections.abc import Iterable, Mapping

from lxml import etree

from doc_templates.package_xml import parse_part

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PIECES = {WORD + "tab": "\t", WORD + "br": "\n", WORD + "drawing": "[图]"}


def document_text(parts: Mapping[str, bytes], names: Iterable[str]) -> str:
    """Return the text of these parts, the body first."""
    lines: list[str] = []
    for name in names:
        root = parse_part(name, parts[name])
        body = root.find(WORD + "body")
        lines.extend(_block_lines(root if body is None else body))
    return "\n".join(lines) + "\n"


def _block_lines(container: etree._Element) -> list[str]:
    lines: list[str] = []
    for child in container:
        if child.tag == WORD + "p":
            lines.append(_paragraph_text(child))
        elif child.tag == WORD + "tbl":
            for row in child.iter(WORD + "tr"):
                cells = [_cell_text(cell) for cell in row.iter(WORD + "tc")]
                lines.append(" | ".join(cells))
    return [line.rstrip() for line in lines]


def _cell_text(cell: etree._Element) -> str:
    return "\n".join(_paragraph_text(paragraph) for paragraph in cell.iter(WORD + "p"))


def _paragraph_text(paragraph: etree._Element) -> str:
    return "".join(
        (node.text or "") if node.tag == WORD + "t" else PIECES.get(str(node.tag), "")
        for run in paragraph.iter(WORD + "r")
        for node in run
    )
