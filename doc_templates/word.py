"""Filling a Word template: the only module that knows docxtpl.

A template is compiled once (docxtpl's own reading of the tags, then a sandboxed Jinja
template that may only show values, choose and loop over rows); a document then costs less than
a millisecond. Parts without tags are copied as they lie in the zip. What the compiled way
cannot do is left to docxtpl itself (`Compiled.fallback` says why). Plain values only.
Called through `render_word`; no database, no web, no PDF.
"""

import functools
import io
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from docx.shared import Mm
from docxtpl.inline_image import InlineImage
from docxtpl.template import DocxTemplate
from jinja2 import TemplateError, UndefinedError
from markupsafe import Markup, escape

from doc_templates.cells import Room, rooms_of
from doc_templates.definition import Form
from doc_templates.docx_zip import PackageWriter
from doc_templates.drawings import picture_runs
from doc_templates.errors import BadTemplate, InvalidValues
from doc_templates.images import Picture
from doc_templates.package import TEMPLATE_LIMITS, read_package, story_parts
from doc_templates.package_xml import CONTENT_TYPES, parse_part
from doc_templates.print_context import (
    NO_CONTEXT,
    Pictures,
    PrintContext,
    SealMark,
    SignatureMark,
    TagPath,
    print_pictures,
    print_tags,
)
from doc_templates.relations import (
    relations_path,
    unused_prefix,
    with_picture_types,
    with_pictures,
)
from doc_templates.slim import slim_parts
from doc_templates.splicing import LINE_BREAK, OTHER_BREAKS, TOO_LARGE, Splice, spliced
from doc_templates.tags import ReadTags, TagEnvironment, read_tags
from doc_templates.values import check_values, describe_path

__all__ = [
    "Compiled",
    "PrintContext",
    "SealMark",
    "SignatureMark",
    "compile_form",
    "compile_template",
    "print_pictures",
    "print_tags",
    "render_word",
    "tags_of",
]

PROPERTIES = "docProps/core.xml"
PLACES = {"document": "正文", "header": "页眉", "footer": "页脚", "footnotes": "脚注"}
NEEDS_DOCXTPL = {
    "列循环（{%tc for %}），要重算表格的列": re.compile(r"\{%-?\s*tc\s"),
    "横向合并的循环（{% hm %}），要重算表格的列": re.compile(r"\{%-?\s*hm\b"),
}
NO_OBJECTS = re.compile(r"\{\{-?\s*(?:p|r|tr|tc)\s[^{}]*\}\}")
HAS_TAGS = re.compile(r"\{\{|\{%|\{#")
END_OF_PARAGRAPH = "</w:p>"
DRAWING_ID = re.compile(rb'(<wp:docPr\b[^<>]*?\bid=")[^"]*"')
FIRST_DRAWING, FIRST_PICTURE = 1001, 9001  # docxtpl counts a template's drawings from 1001
MAX_OUTPUT = 60 * 1024 * 1024
PIECES_AT_ONCE = 50

Shown = Callable[[TagPath, Picture], object]


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
    return compile_form(form).render(tags, print_pictures(form, checked.values, context))


def compile_form(form: Form) -> "Compiled":
    """Return the compiled template of a form; compiled again only when its bytes changed."""
    try:
        template = form.read_template()
    except OSError as error:
        raise BadTemplate(f"表单 {form.code} 缺少 Word 模板 template.docx") from error
    return compile_template(template)


@functools.lru_cache(maxsize=256)
def compile_template(template: bytes) -> "Compiled":
    """Return the compiled form of a template's bytes; the same bytes are compiled once."""
    return Compiled(template)


def tags_of(template: bytes) -> frozenset[str]:
    """Return every tag the template reads, columns as `表.栏`; raise BadTemplate."""
    return frozenset(compile_template(template).tags)


class Compiled:
    """One template, ready to be filled any number of times, by any number of threads."""

    def __init__(self, template: bytes) -> None:
        self.template = template
        self.parts = slim_parts(read_package(template, TEMPLATE_LIMITS))
        self.fallback = ""
        self.stories = story_parts(self.parts)
        self.read: dict[str, ReadTags] = {}
        self._splices: dict[str, Splice | None] = {}
        self._drawn: set[str] = set()
        self._reader = DocxTemplate(io.BytesIO(template))
        for name in (*self.stories, PROPERTIES):
            if name in self.parts:
                self._compile_part(name)
        self.parts[CONTENT_TYPES] = with_picture_types(self.parts[CONTENT_TYPES])
        self._ids = unused_prefix("rIdPicture", self.parts.values())
        self._kept = self._pack_kept()

    @functools.cached_property
    def tags(self) -> tuple[str, ...]:
        """Every tag the template reads, in the order of the paper; columns as `表.栏`."""
        return tuple(dict.fromkeys(name for part in self.read.values() for name in part.names))

    @property
    def tables(self) -> tuple[str, ...]:
        """The tags that are walked row by row."""
        return tuple(dict.fromkeys(name for part in self.read.values() for name in part.tables))

    @property
    def names(self) -> dict[str, frozenset[str]]:
        """The tags of every part that has some."""
        return {part: frozenset(read.names) for part, read in self.read.items()}

    @functools.cached_property
    def rooms(self) -> dict[str, Room]:
        """The size of the table cell each tag stands in, as the tag is written (`行.照片`)."""
        rooms: dict[str, Room] = {}
        for name in self.stories:
            rooms.update(rooms_of(parse_part(name, self.parts[name])))
        return rooms

    def render(self, tags: Mapping[str, object], pictures: Pictures | None = None) -> bytes:
        """Return the filled document; raise BadTemplate if a tag has no value."""
        sized = {
            path: self._sized(path, picture)
            for path, picture in (pictures or {}).items()
            if self._reads(path)
        }
        try:
            if self.fallback:
                return self._render_with_docxtpl(tags, sized)
            return self._render_compiled(tags, sized)
        except UndefinedError as error:
            named = re.search(r"attribute '([^']*)'|'([^']*)' is undefined", str(error.message))
            tag = (named[1] or named[2]) if named else ""
            raise BadTemplate(f"模板里的标签“{tag}”填不上：表单没有这一栏") from error
        except TemplateError as error:
            raise BadTemplate("模板里有标签填不上，请检查模板") from error

    def _compile_part(self, name: str) -> None:
        source = self.parts[name].decode("utf-8")
        place = next((word for key, word in PLACES.items() if key in name), "属性")
        plain = re.sub(r"<[^<>]+>", "", source)
        if not HAS_TAGS.search(plain):
            return
        for why, pattern in NEEDS_DOCXTPL.items():
            if pattern.search(plain):
                self.fallback = why
        self._refuse_objects(place, plain)
        patched = str(self._reader.patch_xml(source))  # type: ignore[no-untyped-call]
        self.read[name] = read_tags(patched, place)
        self._splices[name] = spliced(patched)
        if "<wp:docPr" in patched:
            self._drawn.add(name)

    def _refuse_objects(self, place: str, plain: str) -> None:
        found = NO_OBJECTS.search(plain)
        if found:
            shown = found[0][:40]
            raise BadTemplate(f"模板{place}里的标签“{shown}”要填对象，请改为 {{{{ 栏目 }}}}")

    def _reads(self, path: TagPath) -> bool:
        return ".".join(step for step in path if isinstance(step, str)) in self.tags

    def _sized(self, path: TagPath, picture: Picture) -> Picture:
        """Shrink the picture of an entry to the room of its tag."""
        if not picture.fits:
            return picture
        *_, last = path
        fitting = [
            room
            for tag, room in self.rooms.items()
            if (tag.rpartition(".")[2] == last if len(path) > 1 else tag == last)
        ]
        return picture.within(*min(fitting)) if fitting else picture

    def _pack_kept(self) -> PackageWriter:
        """Pack what never changes; relationships of filled parts may gain pictures."""
        relations = {relations_path(name) for name in self.read} & self.parts.keys()
        names = dict.fromkeys([CONTENT_TYPES, *self.parts])
        kept = [name for name in names if name not in self.read and name not in relations]
        return PackageWriter(
            kept={name: self.parts[name] for name in kept},
            usual={name: self.parts[name] for name in relations},
        )

    # --- the compiled way ----------------------------------------------------------------

    def _render_compiled(self, tags: Mapping[str, object], pictures: Pictures) -> bytes:
        media: dict[bytes, str] = {}
        names: dict[str, str] = {}

        def show(_path: TagPath, picture: Picture) -> object:
            relation = media.setdefault(picture.content, f"{self._ids}{len(media) + 1}")
            names[relation] = f"word/media/{relation}.{picture.suffix}"
            return picture_runs(picture, relation, FIRST_PICTURE + len(names))

        context = _with_pictures(tags, pictures, show)
        filled: dict[str, bytes] = {}
        for name in self.read:
            xml = filled[name] = self._fill(name, context, bool(media))
            shown = {one: path for one, path in names.items() if f'"{one}"'.encode() in xml}
            self._relate(filled, name, shown)
        for content, relation in media.items():
            filled[names[relation]] = content
        return self._kept.write(filled)

    def _fill(self, name: str, context: Mapping[str, object], with_pictures: bool) -> bytes:
        """Return a part filled in: spliced, or by Jinja what cannot be spliced."""
        splice = self._splices[name]
        xml = splice.fill(context, MAX_OUTPUT) if splice else None
        if xml is None:
            pieces = self.read[name].fill.generate(context)
            xml = _break_lines(_within_limit(pieces)).encode("utf-8")
        is_drawn = with_pictures or name in self._drawn
        if not is_drawn or b"<wp:docPr" not in xml:
            return xml
        count = itertools.count(FIRST_DRAWING)
        return DRAWING_ID.sub(lambda found: b'%s%d"' % (found[1], next(count)), xml)

    def _relate(self, filled: dict[str, bytes], name: str, media: Mapping[str, str]) -> None:
        """Add the relationships of the pictures that this part shows."""
        path = relations_path(name)
        before = self.parts.get(path)
        if media:
            filled[path] = with_pictures(before, media)
        elif before is not None:
            filled[path] = before

    # --- docxtpl itself ------------------------------------------------------------------

    def _render_with_docxtpl(self, tags: Mapping[str, object], pictures: Pictures) -> bytes:
        document = DocxTemplate(io.BytesIO(self.template))

        def show(_path: TagPath, picture: Picture) -> object:
            return InlineImage(  # type: ignore[no-untyped-call]
                document, io.BytesIO(picture.content), Mm(picture.width), Mm(picture.height)
            )

        context = _with_pictures(_spelled(tags), pictures, show)
        document.render(context, jinja_env=TagEnvironment())
        stream = io.BytesIO()
        document.save(stream)
        return stream.getvalue()


def _with_pictures(
    tags: Mapping[str, object], pictures: Pictures, show: Shown
) -> dict[str, object]:
    """Return the tags with pictures put in their places, copying what changes."""
    merged = dict(tags)
    for path, picture in pictures.items():
        _put(merged, path, show(path, picture))
    return merged


def _put(place: dict[str, Any], path: TagPath, shown: object) -> None:
    """Set one picture; tables and groups on the way to it are copied."""
    inner: Any = place
    for step, following in itertools.pairwise(path):
        deeper = inner[step]
        inner[step] = list(deeper) if isinstance(following, int) else dict(deeper)
        inner = inner[step]
    inner[path[-1]] = shown


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
    flow, kept, size = iter(pieces), [], 0
    while batch := list(itertools.islice(flow, PIECES_AT_ONCE)):
        part = "".join(batch)
        size += len(part)
        if size > MAX_OUTPUT:
            raise BadTemplate(TOO_LARGE)
        kept.append(part)
    return "".join(kept)


LINE_BREAKER = DocxTemplate(io.BytesIO())  # its way with line breaks needs no document


def _break_lines(xml: str) -> str:
    """Turn line breaks, tabs and page breaks in text into Word's, as docxtpl does.

    Line breaks alone are put in here; docxtpl's own way costs a millisecond a document.
    """
    if any(mark in xml for mark in OTHER_BREAKS):
        return _break_paragraphs(xml)
    pieces, done = [], 0
    at = xml.find("\n", max(0, xml.find("<w:p")))
    while at >= 0:
        if xml.startswith(("<w:t>", "<w:t "), xml.rfind("<", 0, at)):
            pieces += [xml[done:at], LINE_BREAK]
            done = at + 1
        at = xml.find("\n", at + 1)
    return "".join((*pieces, xml[done:])) if pieces else xml


def _break_paragraphs(xml: str) -> str:
    """Give every paragraph that holds a break or tab to docxtpl, and no other."""
    marks = [mark for mark in ("\n", *OTHER_BREAKS) if mark in xml]
    pieces, done = [], 0
    at = _next_of(marks, xml, max(0, xml.find("<w:p")))
    while at >= 0:
        before, after = xml.rfind(END_OF_PARAGRAPH, done, at), xml.find(END_OF_PARAGRAPH, at)
        if after < 0:
            break
        start = done if before < 0 else before + len(END_OF_PARAGRAPH)
        end = after + len(END_OF_PARAGRAPH)
        pieces += [xml[done:start], _with_breaks(xml[start:end])]
        done, at = end, _next_of(marks, xml, end)
    return "".join((*pieces, xml[done:])) if pieces else xml


def _next_of(marks: Sequence[str], xml: str, start: int) -> int:
    """Return where the next of the marks stands, -1 if none does; a regex is ten times slower."""
    return min((at for mark in marks if (at := xml.find(mark, start)) >= 0), default=-1)


def _with_breaks(paragraph: str) -> str:
    return str(LINE_BREAKER.resolve_listing(paragraph))  # type: ignore[no-untyped-call]
