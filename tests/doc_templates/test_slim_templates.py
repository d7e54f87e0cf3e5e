"""Slimming a template takes away what never shows and nothing else."""

import io
import zipfile

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from lxml import etree

from doc_templates import document_text
from doc_templates.package import read_package
from doc_templates.slim import slim_parts
from doc_templates.word import Compiled

STYLES = "word/styles.xml"


@pytest.fixture
def fat():
    """A template as Word would save it: all its styles, some used, one leaning on another."""
    document = docx.Document()
    base = document.styles.add_style("底样式", WD_STYLE_TYPE.PARAGRAPH)
    base.font.bold = True
    own = document.styles.add_style("条目样式", WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = base
    document.add_paragraph("{{ 客户名称 }}", style="条目样式")
    document.add_paragraph("标题", style="Heading 1")
    table = document.add_table(1, 1, style="Table Grid")
    table.cell(0, 0).text = "{{ 备注 }}"
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def style_names(parts):
    root = etree.fromstring(parts[STYLES])
    return {
        one.find("{*}name").get(next(iter(one.find("{*}name").keys())))
        for one in root.iter("{*}style")
    }


def test_used_styles_and_what_they_lean_on_stay(fat):
    before, after = read_package(fat), slim_parts(read_package(fat))
    kept = style_names(after)
    assert {"底样式", "条目样式", "heading 1", "Table Grid", "Normal"} <= {
        "heading 1" if name == "Heading 1" else name for name in kept
    }
    assert "Light Shading Accent 3" in style_names(before)
    assert "Light Shading Accent 3" not in kept
    assert len(after[STYLES]) < len(before[STYLES]) / 3


def test_no_pointer_leads_to_a_style_that_is_gone(fat):
    root = etree.fromstring(slim_parts(read_package(fat))[STYLES])
    word = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
    ids = {one.get(word + "styleId") for one in root.iter(word + "style")}
    for kind in ("basedOn", "link", "next"):
        assert {one.get(word + "val") for one in root.iter(word + kind)} <= ids


def test_thumbnail_goes_with_its_relationship_and_the_text_stays(fat):
    before = read_package(fat)
    assert any("thumbnail" in name for name in before)
    compiled = Compiled(fat)
    assert not any("thumbnail" in name for name in compiled.parts)
    assert b"thumbnail" not in compiled.parts["_rels/.rels"]
    assert compiled.parts["word/document.xml"] == before["word/document.xml"]
    made = compiled.render({"客户名称": "甲公司", "备注": "乙"})
    assert "甲公司" in document_text(made)
    opened = docx.Document(io.BytesIO(made))
    assert opened.paragraphs[0].style.base_style.font.bold
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None


def test_template_with_a_table_of_contents_keeps_all_its_styles(fat, repack):
    parts = read_package(fat)
    field = b"<w:r><w:instrText> TOC \\o </w:instrText></w:r></w:p>"
    body = parts["word/document.xml"].replace(b"</w:p>", field, 1)
    kept = slim_parts(read_package(repack(fat, {"word/document.xml": body})))
    assert kept[STYLES] == parts[STYLES]


def test_slim_template_is_left_as_it_is(template):
    parts = read_package(template)
    assert slim_parts(parts) == parts
