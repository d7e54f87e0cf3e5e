"""A Word file as a package: opened within limits, judged safe, its parts and text read.

Refuses what is no plain document: broken zips, bombs, DTDs, macros, embedded programs,
relationships that reach outside (hyperlinks excepted). Fills nothing in. Called by word.py
(templates), office.py (before a conversion) and check.py (text for comparison).
"""

import io
import re
import zipfile
import zlib

from lxml import etree

from doc_templates.errors import UnsafeDocument

MAX_MEMBERS = 2_000
MAX_TOTAL = 200 * 1024 * 1024
MAX_PART = 64 * 1024 * 1024
MAIN_TYPE = b"wordprocessingml.document.main+xml"
HYPERLINK = "/relationships/hyperlink"
FORBIDDEN_PART = re.compile(r"vbaproject|vbadata|activex|/embeddings/", re.IGNORECASE)
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def read_package(docx: bytes) -> dict[str, bytes]:
    """Return every part of a safe Word file by name; raise UnsafeDocument otherwise.

    The inflated size is counted while reading: what the zip says of itself is not believed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as archive:
            parts = _inflate(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise UnsafeDocument("这不是 Word 文件（.docx），或者文件已经损坏") from error
    except RuntimeError as error:
        raise UnsafeDocument("文件加了密码，请去掉密码后再用") from error
    judge_parts(parts)
    return parts


def judge_parts(parts: dict[str, bytes]) -> None:
    """Raise UnsafeDocument for macros, outside links, embedded programs, or a DTD."""
    if MAIN_TYPE not in parts.get("[Content_Types].xml", b""):
        raise UnsafeDocument("这不是普通的 Word 文件（.docx）；带宏的或旧格式的请另存为 .docx")
    for name, content in parts.items():
        if FORBIDDEN_PART.search(name):
            raise UnsafeDocument(f"文件里有宏或嵌入的程序（{name}），请去掉后再用")
        if name.endswith((".xml", ".rels")):
            parse_part(name, content)
        if name.endswith(".rels"):
            _judge_relationships(name, content)


def parse_part(name: str, content: bytes) -> etree._Element:
    """Return a part's XML tree; a DTD or broken XML is refused."""
    head = content[:4096]
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\x00" in head:
        raise UnsafeDocument(f"文件里的 {name} 带有 DTD 声明或不是 UTF-8，不能使用")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise UnsafeDocument(f"文件里的 {name} 已经损坏，请用 Word 另存一次再试") from error


def document_text(docx: bytes) -> str:
    """Return the text of body and footers, a line a paragraph, a line a table row."""
    parts = read_package(docx)
    names = ["word/document.xml", *sorted(n for n in parts if re.match(r"word/footer\d*\.xml", n))]
    lines: list[str] = []
    for name in names:
        root = parse_part(name, parts[name])
        lines.extend(_block_lines(root if name != names[0] else root[0]))
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
    pieces = {WORD + "tab": "\t", WORD + "br": "\n", WORD + "drawing": "[图]"}
    return "".join(
        (node.text or "") if node.tag == WORD + "t" else pieces.get(str(node.tag), "")
        for run in paragraph.iter(WORD + "r")
        for node in run
    )


def _inflate(archive: zipfile.ZipFile) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise UnsafeDocument("文件里的部件太多，不像一份普通的 Word 文件")
    parts: dict[str, bytes] = {}
    left = MAX_TOTAL
    for info in infos:
        with archive.open(info) as member:
            content = member.read(min(left, MAX_PART) + 1)
        left -= len(content)
        if left < 0 or len(content) > MAX_PART:
            raise UnsafeDocument("文件解开后太大，请缩小图片或内容后再试")
        if info.filename in parts:
            raise UnsafeDocument(f"文件里的 {info.filename} 出现了两次，文件已经损坏")
        parts[info.filename] = content
    return parts


def _judge_relationships(name: str, content: bytes) -> None:
    for relationship in parse_part(name, content):
        outside = relationship.get("TargetMode", "").lower() == "external"
        if outside and not relationship.get("Type", "").endswith(HYPERLINK):
            target = relationship.get("Target", "")[:80]
            raise UnsafeDocument(f"文件引用了外面的内容（{target}），请改为插入到文件里")
