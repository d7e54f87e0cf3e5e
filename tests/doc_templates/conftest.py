"""Hostile values and small Word templates for the form tests."""

import io
import zipfile

import pytest

from doc_templates.catalogue import load_form
from doc_templates.definition import Form
from doc_templates.fields import KINDS
from doc_templates.scaffold import scaffold

HOSTILE = [
    "客户&合同",
    "A<B & C",
    "{{7*7}}",
    "{% for %}",
    "{% endfor %}{{ 客户名称 }}",
    "{_{名}_}",
    "{#注#}",
    "]]>",
    "</w:t></w:r>",
    "&#65;&amp;",
    "🧧👨‍👩‍👧",
    "𠮷㐀",
    "\u200f右\u200e",
    "“引号”‘单’",
    "a\\b$1\\1",
    "[sig:经理]",
]


@pytest.fixture
def template() -> bytes:
    return scaffold(load_form("E01"))


@pytest.fixture
def hostile_words() -> list[str]:
    return HOSTILE


@pytest.fixture
def repack():
    return repacked


@pytest.fixture
def fill():
    return filled_with


def repacked(docx: bytes, changes: dict[str, bytes | None]) -> bytes:
    """Return the package with parts changed, added, or (None) left out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx)) as before, zipfile.ZipFile(stream, "w") as after:
        for info in before.infolist():
            if info.filename not in changes:
                after.writestr(info.filename, before.read(info))
        for name, content in changes.items():
            if content is not None:
                after.writestr(name, content)
    return stream.getvalue()


def filled_with(form: Form, sample: dict[str, object], word: str) -> dict[str, object]:
    """Return the sample with the word in every entry that takes free text."""
    free = {kind for kind in KINDS if kind in ("text", "longtext", "person", "customer")}

    def has_room(entry):
        return not entry.max_length or len(word) <= entry.max_length

    values = dict(sample)
    for entry in form.fields:
        if entry.kind in free and has_room(entry):
            values[entry.key] = word
        if entry.kind == "rows":
            typed = {
                c.key: word
                for c in entry.columns
                if c.kind in free and not c.readonly and has_room(c)
            }
            values[entry.key] = [{**row, **typed} for row in values[entry.key]]
    return values
