"""Filling a Word template: the only module that knows docxtpl.

A template is compiled once (docxtpl's own reading of the tags, then a sandboxed Jinja
template that may only show values, choose and loop over rows); a document then costs about
a millisecond. Parts without tags are copied as they lie in the zip. What the compiled way
cannot do is left to docxtpl itself (`Compiled.fallback` says why). Plain values only.
Called through `render_word`; no database, no web, no PDF.
"""

import functools
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from docx.shared import Mm
from docxtpl import DocxTemplate, InlineImage
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from doc_templates.definition import Form
from doc_templates.errors import BadTemplate, InvalidValues
from doc_templates.images import Picture, drawing_xml, qr_picture, signature_picture
from doc_templates.package import read_package
from doc_templates.values import check_values, describe_path, printed_text, printed_values

FILLED_PART = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
NEEDS_DOCXTPL = {
    "列循环": re.compile(r"\{%-?\s*tc\s"),
    "合并单元格的循环": re.compile(r"\{%\s*(colspan|cellbg|hm|vm)\b"),
    "段落页码以外的对象": re.compile(r"\{\{(p|r|tr)\s"),
}
ALLOWED_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.For,
    nodes.If, nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.Const,
)  # fmt: skip
MAX_DEPTH = 3
MAX_OUTPUT = 60 * 1024 * 1024
IMAGE_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships '
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>'
)


@dataclass(frozen=True, slots=True)
class SignatureMark:
    """A signature given: the name and date shown, its picture, and for whom it was given."""

    name: str
    date: str
    image_png: bytes | None = None
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class PrintContext:
    """What is printed beside the values: numbers, version, check address, signatures."""

    number: str = ""
    ref_code: str = ""
    version: str = ""
    verify_url: str = ""
    signatures: Mapping[str, SignatureMark] = field(default_factory=lambda: MappingProxyType({}))


NO_CONTEXT = PrintContext()


def render_word(
    form: Form,
    values: Mapping[str, object],
    context: PrintContext = NO_CONTEXT,
    *,
    draft: bool = False,
) -> bytes:
    """Return the filled form as .docx.

    Refuses missing or wrong values, naming every one (InvalidValues). As a draft it prints
    what is there, without signature marks: with no values at all that is the blank form.
    Raises BadTemplate when the template cannot be used.
    """
    checked = check_values(form, values, draft=draft)
    if checked.errors and not draft:
        errors = {describe_path(form, path): why for path, why in checked.errors.items()}
        raise InvalidValues(form.title, errors)
    tags = printed_values(form, checked.values) | _printed_context(form, context, draft)
    return compile_form(form).render(tags, _pictures(form, context))


def compile_form(form: Form) -> "Compiled":
    """Return the compiled template of a form; compiled again only when its bytes changed."""
    try:
        template = form.template_path.read_bytes()
    except OSError as error:
        raise BadTemplate(f"表单 {form.code} 缺少 Word 模板 template.docx") from error
    return compile_template(template)


def compile_template(template: bytes) -> "Compiled":
    """Return the compiled form of a template's bytes, kept by their digest."""
    return _compile(hashlib.sha256(template).hexdigest(), _Bytes(template))


def tags_of(template: bytes) -> frozenset[str]:
    """Return every tag the template reads, columns as `表.栏`; raise BadTemplate."""
    compiled = compile_template(template)
    return frozenset().union(*(names for names in compiled.names.values()))


def _printed_context(form: Form, context: PrintContext, draft: bool) -> dict[str, object]:
    """Return the tags that belong to every form: numbers, version, signatures."""
    signers = {signer.role: context.signatures.get(signer.role) for signer in form.signers}
    open_box = {s.role: "" if draft or not s.is_electronic else f"[sig:{s.role}]" for s in form.signers}
    shown = {role: _shown_name(mark) for role, mark in signers.items()}
    blank_day = "\u3000\u3000年\u3000\u3000月\u3000\u3000日"
    days = {role: mark.date if mark else blank_day for role, mark in signers.items()}
    boxes = {role: open_box[role] if mark is None else "" for role, mark in signers.items()}
    return {
        "编号": context.number,
        "档号": context.ref_code,
        "版本": context.version or str(form.version),
        "核验码": "",
        "签名": boxes,
        "签名人": shown,
        "签日": days,
    }


def _shown_name(mark: SignatureMark | None) -> str:
    if mark is None:
        return ""
    if mark.on_behalf_of:
        return f"{mark.name} 代 {mark.on_behalf_of}"
    return "" if mark.image_png else mark.name


def _pictures(form: Form, context: PrintContext) -> dict[str, Picture]:
    """Return the pictures by the tag they stand in for: `核验码`, `签名.经理`."""
    pictures = {
        f"签名.{role}": signature_picture(mark.image_png, mark.name)
        for role, mark in context.signatures.items()
        if mark.image_png and any(signer.role == role for signer in form.signers)
    }
    if context.verify_url:
        pictures["核验码"] = qr_picture(context.verify_url)
    return pictures


class _Bytes(bytes):
    """Template bytes told apart by the digest beside them, not by their content."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bytes)


@functools.lru_cache(maxsize=256)
def _compile(_digest: str, template: bytes) -> "Compiled":
    return Compiled(bytes(template))


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja with everything taken out that a form does not need."""

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
        self.globals.clear()
        self.filters.clear()
        self.tests.clear()


ENVIRONMENT = _Environment()


@dataclass(frozen=True, slots=True)
class _Member:
    """A zip member that never changes, compressed once."""

    name: bytes
    method: int
    crc: int
    size: int
    packed: bytes


class Compiled:
    """One template, ready to be filled any number of times, by any number of threads."""

    def __init__(self, template: bytes) -> None:
        self.template = template
        self.parts = read_package(template)
        self.fallback = ""
        self.names: dict[str, frozenset[str]] = {}
        self.fills: dict[str, Template] = {}
        reader = DocxTemplate(io.BytesIO(template))
        for name, content in self.parts.items():
            if FILLED_PART.fullmatch(name):
                self._compile_part(reader, name, content)
        kept = [name for name in self.parts if name not in self.fills]
        self._kept = {name: _pack(name, self.parts[name]) for name in kept}

    def _compile_part(self, reader: DocxTemplate, name: str, content: bytes) -> None:
        source = content.decode("utf-8")
        plain = re.sub(r"<[^>]+>", "", source)
        for why, pattern in NEEDS_DOCXTPL.items():
            if pattern.search(plain):
                self.fallback = why
        patched = reader.patch_xml(source)
        if "{{" not in patched and "{%" not in patched and "{#" not in patched:
            return
        try:
            tree = ENVIRONMENT.parse(patched)
            self.names[name] = frozenset(_names(tree))
            self.fills[name] = ENVIRONMENT.from_string(patched)
        except TemplateSyntaxError as error:
            raise BadTemplate(f"模板的标签写错了：{_tag_fault(patched, error)}") from error

    def render(self, tags: Mapping[str, object], pictures: Mapping[str, Picture]) -> bytes:
        """Return the filled document; raise BadTemplate if a tag has no value."""
        try:
            if self.fallback:
                return self._render_with_docxtpl(tags, pictures)
            return self._render_compiled(tags, pictures)
        except TemplateError as error:
            raise BadTemplate(f"模板里有标签填不上：{error.message}") from error

    def _render_compiled(self, tags: Mapping[str, object], pictures: Mapping[str, Picture]) -> bytes:
        relations = {tag: f"rIdPicture{at}" for at, tag in enumerate(pictures, 1)}
        drawings = {
            tag: _as_runs(drawing_xml(picture, relations[tag], 9000 + at))
            for at, (tag, picture) in enumerate(pictures.items())
        }
        filled: dict[str, bytes] = {}
        context = _with_pictures(tags, drawings)
        for name, fill in self.fills.items():
            text = _break_lines(fill.render(context))
            if len(text) > MAX_OUTPUT:
                raise BadTemplate("填好的文件太大，请减少内容")
            filled[name] = text.encode("utf-8")
            self._relate(filled, name, text, relations)
        for tag, relation in relations.items():
            filled[f"word/media/{relation}.png"] = pictures[tag].png
        if pictures:
            types = self.parts["[Content_Types].xml"]
            filled["[Content_Types].xml"] = _with_png_type(types)
        return self._zip(filled)

    def _relate(
        self, filled: dict[str, bytes], name: str, text: str, relations: Mapping[str, str]
    ) -> None:
        """Add the relationships of the pictures that this part shows."""
        used = [relation for relation in relations.values() if f'"{relation}"' in text]
        if not used:
            return
        folder, _, leaf = name.rpartition("/")
        path = f"{folder}/_rels/{leaf}.rels"
        before = self.parts.get(path, RELATIONS.encode()).decode("utf-8")
        added = "".join(
            f'<Relationship Id="{one}" Type="{IMAGE_TYPE}" Target="media/{one}.png"/>'
            for one in used
        )
        filled[path] = _before_end(before, added).encode("utf-8")

    def _zip(self, filled: Mapping[str, bytes]) -> bytes:
        """Write the package: unchanged members as they were packed, the filled ones anew."""
        stream, directory = io.BytesIO(), []
        order = ["[Content_Types].xml", *self.parts, *filled]
        for name in dict.fromkeys(order):
            member = _pack(name, filled[name]) if name in filled else self._kept[name]
            directory.append(_write_member(stream, member))
        start, listing = stream.tell(), b"".join(directory)
        stream.write(listing)
        count = len(directory)
        end = (b"PK\5\6", 0, 0, count, count, len(listing), start, 0)
        stream.write(struct.pack("<4sHHHHIIH", *end))
        return stream.getvalue()

    def _render_with_docxtpl(
        self, tags: Mapping[str, object], pictures: Mapping[str, Picture]
    ) -> bytes:
        document = DocxTemplate(io.BytesIO(self.template))
        shown = {
            tag: InlineImage(
                document, io.BytesIO(picture.png), Mm(picture.width), Mm(picture.height)
            )
            for tag, picture in pictures.items()
        }
        document.render(_with_pictures(_spelled(tags), shown), jinja_env=_Environment())
        stream = io.BytesIO()
        document.save(stream)
        return stream.getvalue()


def _names(tree: nodes.Template) -> Iterator[str]:
    """Yield every name the template reads; raise BadTemplate for anything but plain showing."""
    for node in _walk(tree, 0):
        if isinstance(node, nodes.For) and not isinstance(node.iter, nodes.Name):
            raise BadTemplate("模板里的循环只能逐行走一张表，例如 {%tr for 行 in 货品 %}")
    yield from _read_names(tree, {})


def _walk(node: nodes.Node, loops: int) -> Iterator[nodes.Node]:
    if not isinstance(node, ALLOWED_NODES):
        kind = type(node).__name__
        raise BadTemplate(f"模板第 {node.lineno} 行用了不允许的写法（{kind}），只能填值、判断和逐行循环")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise BadTemplate(f"模板里的“{node.attr}”不能用")
    loops += isinstance(node, nodes.For)
    if loops > MAX_DEPTH:
        raise BadTemplate("模板里的循环套得太深")
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child, loops)


def _read_names(node: nodes.Node, aliases: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, nodes.For) and isinstance(node.iter, nodes.Name):
        target = node.target.name if isinstance(node.target, nodes.Name) else ""
        yield node.iter.name
        inner = {**aliases, target: node.iter.name}
        for child in [*node.body, *node.else_, *([node.test] if node.test else [])]:
            yield from _read_names(child, inner)
        return
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        yield f"{aliases.get(node.node.name, node.node.name)}.{node.attr}"
        return
    if isinstance(node, nodes.Name) and node.name not in aliases:
        yield node.name
    for child in node.iter_child_nodes():
        yield from _read_names(child, aliases)


def _tag_fault(patched: str, error: TemplateSyntaxError) -> str:
    lines = patched.split("\n")
    line = lines[min(error.lineno, len(lines)) - 1]
    found = re.findall(r"\{[{%][^{}]{0,60}(?:[%}]\}|$)", re.sub(r"<[^>]+>", "", line))
    near = f"，附近的标签：{'、'.join(found[:3])}" if found else ""
    return f"{error.message}{near}"


def _with_pictures(tags: Mapping[str, object], shown: Mapping[str, object]) -> dict[str, object]:
    """Return the tags with pictures put in their places (`签名.经理` is inside `签名`)."""
    merged = dict(tags)
    for tag, picture in shown.items():
        group, _, role = tag.partition(".")
        inner = merged.get(group)
        merged[group] = {**inner, role: picture} if isinstance(inner, dict) else picture
    return merged


def _spelled(tags: Mapping[str, object]) -> dict[str, object]:
    """Keep docxtpl from rewriting `{_{` in values, which it takes for an escaped tag."""

    def spell(value: object) -> object:
        if isinstance(value, str):
            return Markup(str(escape(value)).replace("_", "&#95;"))  # noqa: S704 (escaped here)
        if isinstance(value, Mapping):
            return {key: spell(inner) for key, inner in value.items()}
        return [spell(inner) for inner in value] if isinstance(value, list) else value

    return {tag: spell(value) for tag, value in tags.items()}


def _as_runs(drawing: str) -> Markup:
    """Close the run the tag stands in, show the drawing in its own, open another."""
    text = '<w:t xml:space="preserve">'
    return Markup(f"</w:t></w:r><w:r>{drawing}</w:r><w:r>{text}")  # noqa: S704 (our own XML)


def _break_lines(xml: str) -> str:
    """Turn line breaks and tabs inside shown text into Word's, as docxtpl does."""
    if not re.search(r"<w:t(?: [^>]*)?>[^<]*[\n\t]", xml):
        return xml
    resolved: str = DocxTemplate(None).resolve_listing(xml)
    return resolved


def _with_png_type(types: bytes) -> bytes:
    if b'Extension="png"' in types:
        return types
    return _before_end(types.decode("utf-8"), '<Default Extension="png" ContentType="image/png"/>').encode()


def _before_end(xml: str, added: str) -> str:
    """Insert XML before the end of the root, which may be written as an empty element."""
    if "</" in xml:
        head, _, tail = xml.rpartition("</")
        return f"{head}{added}</{tail}"
    head, _, _ = xml.rpartition("/>")
    root = re.search(r"<([A-Za-z][\w:]*)[^<]*$", head)
    return f"{head}>{added}</{root[1] if root else ''}>"


def _pack(name: str, content: bytes) -> _Member:
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = squeeze.compress(content) + squeeze.flush()
    return _Member(name.encode("utf-8"), 8, zlib.crc32(content), len(content), packed)


def _write_member(stream: io.BytesIO, member: _Member) -> bytes:
    """Write a member, return its line of the central directory."""
    start = stream.tell()
    sizes = (0x800, member.method, 0, 0x21, member.crc, len(member.packed), member.size)
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, *sizes, len(member.name), 0)
    stream.write(head + member.name + member.packed)
    rest = (len(member.name), 0, 0, 0, 0, 0, start)
    return struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, *sizes, *rest) + member.name


def shown_text(form: Form, key: str, value: object) -> str:
    """Return one value of a form as it is printed, for lists and pages."""
    entry = form.find_field(key)
    return printed_text(entry, value) if entry else str(value)
