"""The fast way of filling gives what docxtpl itself gives, on every form and every hostile word."""

import zipfile
from io import BytesIO

import pytest
from lxml import etree

from doc_templates import (
    BadTemplate,
    check_values,
    document_text,
    list_forms,
    load_form,
    sample_values,
)
from doc_templates.package import read_package
from doc_templates.word import Compiled, compile_form, print_tags

pytestmark = pytest.mark.slow  # many cases, each a whole instance

CODES = [form.code for form in list_forms()]
PLAIN = ["平常", "两\n行\t制表", "\n", "行尾\n", "甲\n\n\n乙", "\t", "长" * 10_000]
STORIES = ("word/document.xml", "word/header", "word/footer", "word/footnotes")


def stories(docx):
    with zipfile.ZipFile(BytesIO(docx)) as archive:
        return {
            name: etree.tostring(etree.fromstring(archive.read(name)), method="c14n")
            for name in archive.namelist()
            if name.startswith(STORIES) and name.endswith(".xml")
        }


def both(compiled, tags):
    return stories(compiled.render(tags)), stories(compiled._render_with_docxtpl(tags, {}))


def in_every_text(form, word):
    """Fill a word into every entry and column, whatever its kind; the tags are made from it."""
    values = {}
    for entry in form.fields:
        columns = {column.key: word for column in entry.columns}
        values[entry.key] = [columns, dict(columns)] if entry.kind == "rows" else word
    return values


@pytest.mark.parametrize("code", CODES)
def test_sample_and_blank_are_filled_alike(code):
    form = load_form(code)
    compiled = compile_form(form)
    assert compiled.fallback == ""
    for values in (check_values(form, sample_values(code)).values, {}):
        fast, slow = both(compiled, print_tags(form, values))
        assert fast == slow


@pytest.mark.parametrize("code", CODES)
def test_hostile_words_in_every_text_are_filled_alike(code, hostile_words, fill):
    form = load_form(code)
    compiled = compile_form(form)
    for word in [*PLAIN, *hostile_words]:
        raw = fill(form, sample_values(code), word)
        tags = print_tags(form, check_values(form, raw, draft=True).values)
        fast, slow = both(compiled, tags)
        assert fast == slow, word


@pytest.mark.parametrize("code", CODES)
def test_what_a_draft_holds_in_entries_of_any_kind_is_filled_alike(code):
    form = load_form(code)
    for word in ("客户&合同\nA<B & C\t{{7*7}}", "𠮷{% for %}🧧"):
        tags = print_tags(form, check_values(form, in_every_text(form, word), draft=True).values)
        fast, slow = both(compile_form(form), tags)
        assert fast == slow


def test_page_breaks_and_paragraph_breaks_are_filled_alike(template):
    tags = print_tags(load_form("E01"), {}, draft=True)
    for word in ("前页\f后页", "前段\a后段\n一行\t制表", "\f", "甲\n\f\a\t乙"):
        fast, slow = both(Compiled(template), tags | {"备注": word, "客户名称": word})
        assert fast == slow, repr(word)
    body = fast["word/document.xml"].decode()
    assert 'w:type="page"' in body and "<w:br>" in body and "<w:tab>" in body


def grid(repack, template, body, relations=None):
    """Return the template with this body, beside header, footer and footnotes of its own."""
    old = read_package(template)["word/document.xml"].decode()
    head, tail = old[: old.index("<w:body>")], old[old.rindex("<w:sectPr") :]
    changes = {"word/document.xml": f"{head}<w:body>{body}{tail}".encode()}
    return repack(template, changes | (relations or {}))


def cell(text, properties=""):
    width = '<w:tcW w:w="2000" w:type="dxa"/>'
    return (
        f"<w:tc><w:tcPr>{width}{properties}</w:tcPr><w:p><w:r><w:rPr><w:b/></w:rPr>"
        f"<w:t>{text}</w:t></w:r></w:p></w:tc>"
    )


def table(*rows):
    lines = "".join(f"<w:tr>{''.join(cells)}</w:tr>" for cells in rows)
    columns = '<w:gridCol w:w="2000"/>' * max(len(cells) for cells in rows)
    return f"<w:tbl><w:tblPr/><w:tblGrid>{columns}</w:tblGrid>{lines}</w:tbl>"


ROWS = [{"名": "壳<&>", "价": "1\n2"}, {"名": "芯\t", "价": "3"}, {"名": "𠮷", "价": ""}]
LOOP = ([cell("{%tr for 行 in 货品 %}"), cell("")], [cell("{%tr endfor %}"), cell("")])


@pytest.mark.parametrize(
    "body",
    [
        table(LOOP[0], [cell("{{ 行.名 }}"), cell("{{行.价}}")], LOOP[1]),
        table(LOOP[0], [cell("{% vm %}一格"), cell("{{ 行.价 }}")], LOOP[1]),
        table(LOOP[0], [cell("{% colspan 宽 %}{{ 行.名 }}"), cell("{{ 行.价 }}")], LOOP[1]),
        table(LOOP[0], [cell("{% cellbg 色 %}{{ 行.名 }}"), cell("{{ 行.价 }}")], LOOP[1]),
        table([cell("合", '<w:vMerge w:val="restart"/>'), cell("{{ 甲 }}")],
              [cell("", "<w:vMerge/>"), cell("{{ 乙 }}", '<w:gridSpan w:val="1"/>')]),
        table([cell("{% if 甲 %}有{{ 甲 }}{% else %}无{% endif %}"), cell("{{ 乙 }}")]),
        "<w:p><w:r><w:t>{%p for 行 in 货品 %}</w:t></w:r></w:p><w:p><w:r><w:t>{{ 行.名 }}、"
        "</w:t></w:r></w:p><w:p><w:r><w:t>{%p endfor %}</w:t></w:r></w:p>",
        "<w:p><w:r><w:t>{% for 行 in 货品 %}{{ 行.名 }}{% if not loop.last %}、{% endif %}"
        "{% endfor %}</w:t></w:r></w:p>",
        "<w:p><w:r><w:t>{</w:t></w:r><w:proofErr w:type='x'/><w:r><w:t>{ 甲</w:t></w:r><w:r>"
        "<w:t xml:space='preserve'> }</w:t></w:r><w:r><w:t>}尾</w:t></w:r></w:p>",
    ],
)  # fmt: skip
def test_loops_merged_cells_and_split_tags_are_filled_alike(body, repack, template):
    compiled = Compiled(grid(repack, template, body))
    assert compiled.fallback == ""
    tags = print_tags(load_form("E01"), {}, draft=True) | {
        "货品": ROWS, "甲": "A<B & C\n二", "乙": "", "宽": "2", "色": "FF0000",
    }  # fmt: skip
    fast, slow = both(compiled, tags)
    assert fast == slow


@pytest.mark.parametrize(
    "row",
    [
        [cell("{%tc for 行 in 货品 %}"), cell("{{ 行.名 }}"), cell("{%tc endfor %}")],
        [cell("{%tc for 行 in 货品 %}"), cell("{% hm %}共{{ 行.名 }}"), cell("{%tc endfor %}")],
    ],
)
def test_loops_over_columns_go_the_slow_way_and_are_right(row, repack, template):
    compiled = Compiled(grid(repack, template, table(row)))
    assert "要重算表格的列" in compiled.fallback
    tags = print_tags(load_form("E01"), {}, draft=True) | {"货品": ROWS}
    made = compiled.render(tags)
    assert "壳<&>" in document_text(made)
    body = etree.fromstring(read_package(made)["word/document.xml"])
    columns = len(body.findall(".//{*}gridCol"))
    spans = [int(one.get(next(iter(one.keys())))) for one in body.iter("{*}gridSpan")]
    assert columns == 3 if not spans else sum(spans) >= 1


def test_headers_footnotes_and_drawings_are_filled_alike(repack, template):
    kinds = ("header", "footnotes")
    parts = read_package(template)
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml."
    relations = parts["word/_rels/document.xml.rels"].decode()
    types = parts["[Content_Types].xml"].decode()
    root = parts["word/document.xml"].decode().split("<w:body>")[0]
    paragraph = "<w:p><w:r><w:t>{{ 客户名称 }}|{{ 备注 }}</w:t></w:r></w:p>"
    changes = {}
    for kind, tag in zip(kinds, ("w:hdr", "w:footnotes"), strict=True):
        inner = paragraph if kind == "header" else f'<w:footnote w:id="1">{paragraph}</w:footnote>'
        xml = f"{root.replace('<w:document', f'<{tag}')}{inner}</{tag}>"
        changes[f"word/{kind}9.xml"] = xml.encode()
        one = f'<Relationship Id="r{kind}" Type="{office}/{kind}" Target="{kind}9.xml"/>'
        relations = relations.replace("</Relationships>", f"{one}</Relationships>")
        kept = f'<Override PartName="/word/{kind}9.xml" ContentType="{word}{kind}+xml"/>'
        types = types.replace("</Types>", f"{kept}</Types>")
    drawing = '<w:p><w:r><w:drawing><wp:inline><wp:docPr id="1" name="章"/></wp:inline></w:drawing>'
    body = parts["word/document.xml"].decode().replace("<w:body>", f"<w:body>{drawing}</w:r></w:p>")
    changes |= {
        "word/_rels/document.xml.rels": relations.encode(),
        "[Content_Types].xml": types.encode(),
        "word/document.xml": body.encode(),
    }
    form = load_form("E01")
    compiled = Compiled(repack(template, changes))
    tags = print_tags(form, {"客户名称": "A<B & C", "备注": "一\n二\t三"}, draft=True)
    fast, slow = both(compiled, tags)
    assert {"word/header9.xml", "word/footnotes9.xml"} <= fast.keys()
    assert fast == slow
    assert "A&lt;B &amp; C" in fast["word/header9.xml"].decode()


def test_the_slow_way_prints_hostile_words_too(hostile_words, template):
    form = load_form("E01")
    compiled = Compiled(template)
    compiled.fallback = "试验"
    for word in hostile_words:
        values = check_values(form, sample_values("E01") | {"备注": word}).values
        assert word in document_text(compiled.render(print_tags(form, values)))


def test_docxtpl_cannot_be_made_to_run_what_stands_in_a_value(template):
    compiled = Compiled(template)
    compiled.fallback = "试验"
    form = load_form("E01")
    values = check_values(form, sample_values("E01") | {"备注": "{{ 7*7 }}{{ 客户名称 }}"}).values
    assert "{{ 7*7 }}{{ 客户名称 }}" in document_text(compiled.render(print_tags(form, values)))


def test_many_empty_tags_beside_each_other_do_not_end_the_paper(repack, template):
    body = f"<w:p><w:r><w:t>头{'{{ 甲 }}' * 200}尾</w:t></w:r></w:p>"
    compiled = Compiled(grid(repack, template, body))
    tags = print_tags(load_form("E01"), {}, draft=True) | {"甲": ""}
    assert "头尾" in document_text(compiled.render(tags))


def test_template_that_never_stops_printing_is_stopped(repack, template, monkeypatch):
    monkeypatch.setattr("doc_templates.word.MAX_OUTPUT", 100_000)
    body = "<w:p><w:r><w:t>{% for 行 in 货品 %}很多很多很多的字{% endfor %}</w:t></w:r></w:p>"
    compiled = Compiled(grid(repack, template, body))
    tags = print_tags(load_form("E01"), {}, draft=True) | {"货品": ROWS * 10_000}
    with pytest.raises(BadTemplate, match="太大"):
        compiled.render(tags)
