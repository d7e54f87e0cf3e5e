"""Splicing gives, byte for byte, what Jinja gives, and leaves to Jinja what it cannot do."""

import pytest
from markupsafe import Markup

from doc_templates import (
    BadTemplate,
    check_values,
    list_forms,
    load_form,
    sample_values,
)
from doc_templates.package import read_package
from doc_templates.splicing import spliced
from doc_templates.tags import read_tags
from doc_templates.word import Compiled, _break_lines, compile_form, print_tags

ROOM = 10**7
BODY = '<w:p><w:r><w:t xml:space="preserve">{}</w:t></w:r></w:p>'
ROWS = (
    "<w:tbl>{% for 行 in 货品 %}" + BODY.format("{{ 行.名 }}：{{ 行.价 }}") + "{% endfor %}</w:tbl>"
)
WORDS = (
    "",
    "平常",
    "甲&乙<丙>\"丁\"'戊'",
    "一\n二\n",
    "\u3000年\u3000月",
    "𠮷㐀",
    "{{ 7*7 }}",
    "7",
)


def by_jinja(xml, tags):
    return _break_lines("".join(read_tags(xml).fill.generate(tags))).encode()


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "inner",
    [
        "{{ 甲 }}",
        "{{ 甲 }}和{{ 乙 }}{{ 甲 }}",
        "{{ 签名.经理 }}",
        "{% if 甲 %}有{{ 甲 }}{% else %}无{% endif %}",
        "{% if not 甲 and 乙 or 签名.经理 %}{{ 乙 }}{% elif 甲 %}{{ 甲 }}{% endif %}",
    ],
)
def test_values_and_choices_are_filled_as_jinja_fills_them(word, inner):
    tags = {"甲": word, "乙": "乙\n方", "签名": {"经理": word}}
    xml = BODY.format(inner) + f'<w:p w:rsidR="{inner}"/>'
    assert spliced(xml).fill(tags, ROOM) == by_jinja(xml, tags)


@pytest.mark.parametrize("rows", [0, 1, 40])
@pytest.mark.parametrize("word", WORDS)
def test_rows_are_filled_as_jinja_fills_them(rows, word):
    tags = {"货品": [{"名": word, "价": str(n)} for n in range(rows)]}
    assert spliced(ROWS).fill(tags, ROOM) == by_jinja(ROWS, tags)


@pytest.mark.parametrize("form", list_forms(), ids=lambda form: form.code)
def test_every_part_of_every_shipped_form_is_spliced(form):
    compiled = compile_form(form)
    tags = print_tags(form, check_values(form, sample_values(form.code)).values)
    for name in compiled.read:
        assert compiled._splices[name].fill(tags, ROOM) is not None, name


@pytest.mark.parametrize(
    "inner",
    [
        "{% for 行 in 货品 %}{{ loop.index }}{% endfor %}",
        "{% for 行 in 货品 %}{% else %}无{% endfor %}",
        '{% if 甲 == "一" %}{% endif %}',
        "一行\n另一行{{ 甲 }}",
        "一\t二{{ 甲 }}",
    ],
)
def test_other_constructs_and_breaks_of_the_template_are_left_to_jinja(inner):
    assert spliced(BODY.format(inner)) is None


@pytest.mark.parametrize("value", ["左\t右", "前页\f后页", "前段\a后段", Markup("<w:br/>\n")])
def test_values_with_tabs_and_page_breaks_are_left_to_jinja(value):
    assert spliced(BODY.format("{{ 甲 }}")).fill({"甲": value}, ROOM) is None


def test_line_break_where_no_text_can_be_told_is_left_to_jinja():
    xml = "<w:p>{% if 乙 %}<w:t>{% else %}<w:i>{% endif %}{{ 甲 }}</w:p>"
    assert spliced(xml).fill({"甲": "一行", "乙": ""}, ROOM) is not None
    assert spliced(xml).fill({"甲": "一\n二", "乙": ""}, ROOM) is None


@pytest.mark.parametrize("tags", [{}, {"甲": 1, "行": []}, {"甲": "一", "行": "二"}])
def test_tag_without_a_value_is_named_as_before(tags, repack, template):
    body = BODY.format("{{ 甲 }}{{ 行.价 }}").encode()
    xml = read_package(template)["word/document.xml"].replace(b"<w:sectPr", body + b"<w:sectPr")
    compiled = Compiled(repack(template, {"word/document.xml": xml}))
    with pytest.raises(BadTemplate, match="填不上"):
        compiled.render(print_tags(load_form("E01"), {}, draft=True) | tags)


def test_numbers_and_other_plain_things_print_as_jinja_prints_them():
    xml = BODY.format("{{ 甲 }}|{{ 乙 }}|{{ 丙 }}")
    tags = {"甲": 12, "乙": None, "丙": ["<", "\n"]}
    assert spliced(xml).fill(tags, ROOM) == by_jinja(xml, tags)


def test_part_that_grows_beyond_its_limit_is_stopped_before_it_is_whole():
    made = []

    class Endless(list):
        def __iter__(self):
            while True:
                made.append(1)
                yield {"名": "字" * 1000, "价": ""}

    with pytest.raises(BadTemplate, match="太大"):
        spliced(ROWS).fill({"货品": Endless()}, limit=100_000)
    assert len(made) < 200
