"""A Word file as a package: opened within limits, judged safe, its parts found.

Refuses what is no plain document: broken or lying zips, bombs, DTDs, macros, embedded
programs, fields and relationships that reach outside (web links excepted). Fills nothing in;
the text of a document is read in package_text.py. Called by word.py (templates) and pdf.py
(before a conversion).
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from doc_templates.errors import UnsafeDocument
from doc_templates.package_text import document_text as _text_of_parts
from doc_templates.package_xml import CONTENT_TYPES, attribute, parse_part

__all__ = [
    "DOCUMENT_LIMITS",
    "TEMPLATE_LIMITS",
    "PackageLimits",
    "document_text",
    "judge_parts",
    "parse_part",
    "read_package",
    "story_parts",
]


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """How much a package may hold: bytes unless said; elements are counted over all XML."""

    members: int = 2_000
    total: int = 200 * 1024 * 1024
    part: int = 64 * 1024 * 1024
    elements: int = 4_000_000


DOCUMENT_LIMITS = PackageLimits()
TEMPLATE_LIMITS = PackageLimits(
    members=500, total=48 * 1024 * 1024, part=16 * 1024 * 1024, elements=400_000
)

MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
STORIES = ("header", "footer", "footnotes", "endnotes")
STORY_TYPE = re.compile(
    r"application/vnd\.openxmlformats-officedocument\.wordprocessingml\."
    rf"({'|'.join(STORIES)})\+xml"
)
MAIN_RELATION = "/officeDocument"
HYPERLINK = "/hyperlink"
WEB_LINK = re.compile(r"(https?|mailto|tel):|#", re.IGNORECASE)
FORBIDDEN_RELATIONS = {
    "/aFChunk": "另一种格式的内容",
    "/attachedTemplate": "附加的模板",
    "/control": "控件",
    "/frame": "网页框架",
    "/oleObject": "嵌入的程序",
    "/package": "嵌入的文件",
    "/subDocument": "子文档",
    "/vbaProject": "宏",
}
FORBIDDEN_PART = re.compile(r"vbaproject|vbadata|activex|/embeddings/", re.IGNORECASE)
FORBIDDEN_FIELD = re.compile(
    r"(DDE|DDEAUTO|INCLUDETEXT|INCLUDEPICTURE|INCLUDE|IMPORT|LINK|RD|MACROBUTTON|DATABASE)\b",
    re.IGNORECASE,
)
DANGEROUS_XML = re.compile(rb"instrText|:instr=|\ssrc=|:href=|:control|:altChunk|:object\b")
OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def read_package(docx: bytes, limits: PackageLimits = DOCUMENT_LIMITS) -> dict[str, bytes]:
    """Return every part of a safe Word file by name; raise UnsafeDocument otherwise.

    The inflated size is counted while reading: what the zip says of itself is not believed.
    """
    if not docx.startswith(b"PK"):
        raise UnsafeDocument(_what_it_is(docx))
    try:
        with zipfile.ZipFile(io.BytesIO(docx)) as archive:
            parts = _inflate(archive, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise UnsafeDocument("这不是 Word 文件（.docx），或者文件已经损坏") from error
    except RuntimeError as error:
        raise UnsafeDocument("文件加了密码，请去掉密码后再用") from error
    judge_parts(parts, limits)
    return parts


def judge_parts(parts: Mapping[str, bytes], limits: PackageLimits = DOCUMENT_LIMITS) -> None:
    """Raise UnsafeDocument for macros, outside links, embedded programs, or a DTD."""
    if MAIN_TYPE.encode() not in parts.get(CONTENT_TYPES, b""):
        raise UnsafeDocument("这不是普通的 Word 文件（.docx）；带宏的或旧格式的请另存为 .docx")
    left = limits.elements
    for name, content in parts.items():
        if FORBIDDEN_PART.search(name):
            raise UnsafeDocument(f"文件里有宏或嵌入的程序（{name}），请去掉后再用")
        if not name.endswith((".xml", ".rels")):
            continue
        left -= content.count(b"<")
        if left < 0:
            raise UnsafeDocument("文件里的段落和表格太多，请删去多余的内容（例如大量空行）后再试")
        root = parse_part(name, content)
        if name.endswith(".rels"):
            _judge_relationships(name, root)
        elif DANGEROUS_XML.search(content):
            _judge_content(name, root)
    if not _main_part(parts):
        raise UnsafeDocument("文件里没有正文（document.xml），请用 Word 另存一次再试")


def story_parts(parts: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the parts that hold text to fill in: the body first, then headers, footers, notes.

    Found as Word finds them, by relationship and content type, not by their names.
    """
    main = _main_part(parts)
    related = {
        target
        for source in parts
        if source.endswith(".rels")
        for kind, target in _relations(parts, source)
        if kind.rpartition("/")[2] in STORIES
    }
    typed = {name for name in parts if STORY_TYPE.fullmatch(_content_type(parts, name))}
    return (main, *sorted((related | typed) & (parts.keys() - {main})))


def document_text(docx: bytes) -> str:
    """Return the text of body and footers, a line a paragraph, a line a table row."""
    parts = read_package(docx)
    main, *others = story_parts(parts)
    return _text_of_parts(parts, [main, *(name for name in others if "footer" in name)])


def _what_it_is(docx: bytes) -> str:
    """Say what a file is that is no zip."""
    if not docx:
        return "文件是空的，请重新选择"
    if docx.startswith(OLD_WORD):
        if ENCRYPTED in docx[: 1 << 20]:
            return "文件加了密码，请去掉密码后再用"
        return "这是旧版 Word 文件（.doc），只改后缀没有用；请用 Word 打开后另存为 .docx"
    known = {b"%PDF": "PDF", b"{\\rtf": "RTF", b"<": "网页或 XML"}
    kind = next((word for head, word in known.items() if docx.lstrip()[:8].startswith(head)), "")
    return f"这不是 Word 文件（.docx）{f'，而是 {kind} 文件' if kind else '，或者文件已经损坏'}"


def _inflate(archive: zipfile.ZipFile, limits: PackageLimits) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > limits.members:
        raise UnsafeDocument("文件里的部件太多，不像一份普通的 Word 文件")
    parts: dict[str, bytes] = {}
    seen: set[str] = set()
    left = limits.total
    for info in infos:
        name = info.filename
        _judge_name(name, seen)
        with archive.open(info) as member:
            content = member.read(min(left, limits.part) + 1)
        left -= len(content)
        if left < 0 or len(content) > limits.part:
            raise UnsafeDocument("文件解开后太大，请缩小图片或内容后再试")
        if len(content) != info.file_size:
            raise UnsafeDocument(f"文件里的 {name[:80]} 长度不对，文件已经损坏")
        if not name.endswith("/"):
            parts[name] = content
    return parts


def _judge_name(name: str, seen: set[str]) -> None:
    """Refuse a member that stands twice, or under a name that leads out of the package."""
    if name.casefold() in seen:
        raise UnsafeDocument(f"文件里的 {name[:80]} 出现了两次，文件已经损坏")
    seen.add(name.casefold())
    steps = name.split("/")
    if name.startswith("/") or ".." in steps or re.search(r"[\\:\x00-\x1f]", name):
        raise UnsafeDocument(f"文件里有一个部件的名字不对（{name[:80]!r}），文件不可用")


def _judge_relationships(name: str, root: etree._Element) -> None:
    for relationship in root:
        kind, target = relationship.get("Type", ""), relationship.get("Target", "")
        ending = "/" + kind.rpartition("/")[2]
        if ending in FORBIDDEN_RELATIONS:
            raise UnsafeDocument(f"文件里有{FORBIDDEN_RELATIONS[ending]}（{name}），请去掉后再用")
        if relationship.get("TargetMode", "").lower() != "external":
            continue
        if ending != HYPERLINK:
            raise UnsafeDocument(f"文件引用了外面的内容（{target[:80]}），请改为插入到文件里")
        if not WEB_LINK.match(target):
            raise UnsafeDocument(f"文件里的链接（{target[:80]}）不是网址，请去掉后再用")


def _judge_content(name: str, root: etree._Element) -> None:
    """Refuse fields, pictures and objects that would fetch something from outside."""
    open_fields = [""]
    for node in root.iter(etree.Element):
        leaf = etree.QName(node).localname
        if leaf in ("altChunk", "control", "object", "subDoc"):
            raise UnsafeDocument(f"文件里有嵌入的对象（{name}），请改为图片或文字")
        is_shape = leaf in ("imagedata", "fill", "stroke")
        if is_shape and (attribute(node, "src") or attribute(node, "href")):
            raise UnsafeDocument(f"文件里有一张引用外面的图片（{name}），请改为插入到文件里")
        if leaf == "fldSimple":
            _judge_field(name, attribute(node, "instr"))
        elif leaf == "instrText":
            open_fields[-1] += node.text or ""
        elif leaf == "fldChar" and attribute(node, "fldCharType") == "begin":
            open_fields.append("")
        elif leaf == "fldChar" and len(open_fields) > 1:
            _judge_field(name, open_fields[-1])
            if attribute(node, "fldCharType") == "end":
                open_fields.pop()
    for left_open in open_fields:
        _judge_field(name, left_open)


def _judge_field(name: str, instruction: str) -> None:
    found = FORBIDDEN_FIELD.match(instruction.strip())
    if found:
        raise UnsafeDocument(
            f"文件里有会取外面内容的域（{found[1].upper()}，{name}），请去掉后再用"
        )


def _main_part(parts: Mapping[str, bytes]) -> str:
    """Return the name of the body; empty if the package has none."""
    for kind, target in _relations(parts, "_rels/.rels"):
        if kind.endswith(MAIN_RELATION):
            is_body = target in parts and _content_type(parts, target) == MAIN_TYPE
            return target if is_body else ""
    return ""


def _relations(parts: Mapping[str, bytes], source: str) -> list[tuple[str, str]]:
    """Return type and target part of every inner relationship in a .rels part."""
    if source not in parts:
        return []
    folder = posixpath.dirname(posixpath.dirname(source))
    return [
        (one.get("Type", ""), _target(folder, one.get("Target", "")))
        for one in parse_part(source, parts[source])
        if one.get("TargetMode", "").lower() != "external"
    ]


def _target(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")


def _content_type(parts: Mapping[str, bytes], name: str) -> str:
    """Return the content type that the package gives a part."""
    root = parse_part(CONTENT_TYPES, parts[CONTENT_TYPES])
    for one in root.iter("{*}Override"):
        if one.get("PartName", "").lower() == f"/{name}".lower():
            return str(one.get("ContentType", ""))
    suffix = name.rpartition(".")[2].lower()
    for one in root.iter("{*}Default"):
        if one.get("Extension", "").lower() == suffix:
            return str(one.get("ContentType", ""))
    return ""
