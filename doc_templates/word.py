"""Filling a Word template: the only module that knows docxtpl.

A template is compiled once (docxtpl's own reading of the tags, then a sandboxed Jinja
template that may only show values, choose and loop over rows); a document then costs about
a millisecond. Parts without tags are copied as they lie in the zip. What the compiled way
cannot do is left to docxtpl itself (`Compiled.fallback` says why). Plain values only.
Called through `render_word`; no database, no web, no PDF.
"""

import functools
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from docx.shared import Mm
from docxtpl.inline_image import InlineImage
from docxtpl.template import DocxTemplate
from jinja2 import Template, TemplateError
from markupsafe import Markup, escape

from doc_templates.definition import Form
from doc_templates.docx_zip import pack_member, write_package
from doc_templates.errors import BadTemplate, InvalidValues
from doc_templates.images import Picture, drawing_xml, qr_picture, signature_picture
from doc_templates.package import read_package
from doc_templates.tags import TagEnvironment, read_tags
from doc_templates.values import check_values, describe_path, printed_values

FILLED_PART = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
NEEDS_DOCXTPL = {
    "列循环": re.compile(r"\{%-?\s*tc\s"),
    "合并单元格的循环": re.compile(r"\{%\s*(colspan|cellbg|hm|vm)\b"),
    "段落页码以外的对象": re.compile(r"\{\{(p|r|tr)\s"),
}
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
    tags = print_tags(form, checked.values, context, draft=draft)
    return compile_form(form).render(tags, _pictures(form, context))


def print_tags(
    form: Form,
    values: Mapping[str, object],
    context: PrintContext = NO_CONTEXT,
    *,
    draft: bool = False,
) -> dict[str, object]:
    """Return every tag of the form as plain printed text, for values that were checked."""
    return printed_values(form, values) | _printed_context(form, context, draft)


def compile_form(form: Form) -> "Compiled":
    """Return the compiled template of a form; compiled again only when its bytes changed."""
    try:
        template = form.template_path.read_bytes()
    except OSError as error:
        raise BadTemplate(f"表单 {form.code} 缺少 Word 模板 template.docx") from error
    return compile_template(template)


@functools.lru_cache(maxsize=256)
def compile_template(template: bytes) -> "Compiled":
    """Return the compiled form of a template's bytes; the same bytes are compiled once."""
    return Compiled(template)


def tags_of(template: bytes) -> frozenset[str]:
    """Return every tag the template reads, columns as `表.栏`; raise BadTemplate."""
    compiled = compile_template(template)
    return frozenset().union(*(names for names in compiled.names.values()))


def _printed_context(form: Form, context: PrintContext, draft: bool) -> dict[str, object]:
    """Return the tags that belong to every form: numbers, version, signatures."""
    signers = {signer.role: context.signatures.get(signer.role) for signer in form.signers}
    open_box = {
        s.role: "" if draft or not s.is_electronic else f"[sig:{s.role}]" for s in form.signers
    }
    shown = {role: _shown_name(mark) for role, mark in signers.items()}
    blank_day = "\u3000\u3000年\u3000月\u3000日"
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


LINE_BREAKER = DocxTemplate(io.BytesIO())  # its way with line breaks needs no document


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
        self._kept = {name: pack_member(name, self.parts[name]) for name in kept}

    def _compile_part(self, reader: DocxTemplate, name: str, content: bytes) -> None:
        source = content.decode("utf-8")
        plain = re.sub(r"<[^>]+>", "", source)
        for why, pattern in NEEDS_DOCXTPL.items():
            if pattern.search(plain):
                self.fallback = why
        patched = str(reader.patch_xml(source))  # type: ignore[no-untyped-call]
        if "{{" not in patched and "{%" not in patched and "{#" not in patched:
            return
        self.fills[name], self.names[name] = read_tags(patched)

    def render(self, tags: Mapping[str, object], pictures: Mapping[str, Picture]) -> bytes:
        """Return the filled document; raise BadTemplate if a tag has no value."""
        try:
            if self.fallback:
                return self._render_with_docxtpl(tags, pictures)
            return self._render_compiled(tags, pictures)
        except TemplateError as error:
            raise BadTemplate(f"模板里有标签填不上：{error.message}") from error

    def _render_compiled(
        self, tags: Mapping[str, object], pictures: Mapping[str, Picture]
    ) -> bytes:
        relations = {tag: f"rIdPicture{at}" for at, tag in enumerate(pictures, 1)}
        drawings = {
            tag: _as_runs(drawing_xml(picture, relations[tag], 9000 + at))
            for at, (tag, picture) in enumerate(pictures.items())
        }
        filled: dict[str, bytes] = {}
        context = _with_pictures(tags, drawings)
        for name, fill in self.fills.items():
            text = _break_lines(_within_limit(fill.generate(context)))
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
        order = dict.fromkeys(["[Content_Types].xml", *self.parts, *filled])
        return write_package(
            pack_member(name, filled[name]) if name in filled else self._kept[name]
            for name in order
        )

    def _render_with_docxtpl(
        self, tags: Mapping[str, object], pictures: Mapping[str, Picture]
    ) -> bytes:
        document = DocxTemplate(io.BytesIO(self.template))
        shown = {
            tag: InlineImage(  # type: ignore[no-untyped-call]
                document, io.BytesIO(picture.png), Mm(picture.width), Mm(picture.height)
            )
            for tag, picture in pictures.items()
        }
        document.render(_with_pictures(_spelled(tags), shown), jinja_env=TagEnvironment())
        stream = io.BytesIO()
        document.save(stream)
        return stream.getvalue()


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


def _within_limit(pieces: Iterable[str]) -> str:
    """Join the pieces as they are made; stop a template that never stops."""
    kept, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_OUTPUT:
            raise BadTemplate("按这个模板填好的文件太大，请减少内容或修改模板")
        kept.append(piece)
    return "".join(kept)


def _as_runs(drawing: str) -> Markup:
    """Close the run the tag stands in, show the drawing in its own, open another."""
    text = '<w:t xml:space="preserve">'
    return Markup(f"</w:t></w:r><w:r>{drawing}</w:r><w:r>{text}")  # noqa: S704 (our own XML)


def _break_lines(xml: str) -> str:
    """Turn line breaks and tabs inside shown text into Word's, as docxtpl does."""
    if not re.search(r"<w:t(?: [^>]*)?>[^<]*[\n\t]", xml):
        return xml
    return str(LINE_BREAKER.resolve_listing(xml))  # type: ignore[no-untyped-call]


def _with_png_type(types: bytes) -> bytes:
    if b'Extension="png"' in types:
        return types
    return _before_end(
        types.decode("utf-8"), '<Default Extension="png" ContentType="image/png"/>'
    ).encode()


def _before_end(xml: str, added: str) -> str:
    """Insert XML before the end of the root, which may be written as an empty element."""
    if "</" in xml:
        head, _, tail = xml.rpartition("</")
        return f"{head}{added}</{tail}"
    head, _, _ = xml.rpartition("/>")
    root = re.search(r"<([A-Za-z][\w:]*)[^<]*$", head)
    return f"{head}>{added}</{root[1] if root else ''}>"
