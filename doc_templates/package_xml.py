"""The XML inside a Word package: parsed without entities, network or depth.

Called by package.py and package_text.py; knows no zip.
"""

import re

from lxml import etree

from doc_templates.errors import UnsafeDocument

CONTENT_TYPES = "[Content_Types].xml"
ENCODING = re.compile(rb"""^\s*(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=["']([^"']+)""")


def parse_part(name: str, content: bytes) -> etree._Element:
    """Return a part's XML tree; a DTD, broken XML or absurd nesting is refused."""
    head = content[:4096]
    declared = ENCODING.match(head)
    is_utf8 = b"\x00" not in head and (declared is None or declared[1].lower() == b"utf-8")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or not is_utf8:
        raise UnsafeDocument(f"文件里的 {name} 带有 DTD 声明或不是 UTF-8，不能使用")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        if "depth" in str(error):
            raise UnsafeDocument(f"文件里的 {name} 嵌套太深，不能使用") from error
        raise UnsafeDocument(f"文件里的 {name} 已经损坏，请用 Word 另存一次再试") from error


def attribute(node: etree._Element, name: str) -> str:
    """Return an attribute's value by its local name, whatever its namespace; empty if none."""
    for key, value in node.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""
