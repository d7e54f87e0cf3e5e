"""What a template's tags alone say: fields, columns, signers, all of them only proposed."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.core.errors import Invalid
from archive.forms.guesses import guess_candidate, guess_kind
from archive.forms.posted import read_version
from archive.forms.proposals import blank_definition, propose, without_fields
from archive.forms.rules import bundle_digest, changes_between
from archive.forms.texts import clean_code, parse_definition, parse_sample
from archive.forms.toml_text import toml_text
from doc_templates import check_form, document_text, list_forms, load_form, read_form
from doc_templates.inspection import inspect_template


@pytest.mark.parametrize("code", [form.code for form in list_forms()])
def test_the_tags_of_a_shipped_template_alone_make_a_form_that_works(code):
    shipped = load_form(code)
    template = shipped.read_template()
    tags = inspect_template(template).tags
    blank = blank_definition(code, shipped.title, "sales", "合同")
    made = propose(blank, {}, tags, document_text(template))
    form = read_form(toml_text(made.definition), template, json.dumps(made.sample))
    assert [str(one) for one in check_form(form) if one.serious] == []
    assert {entry.key for entry in shipped.fields if entry.printed} <= set(made.fields)
    assert {one.role for one in form.chain} >= {one.role for one in shipped.chain}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("签订日期", "date"),
        ("预计金额", "money"),
        ("单价", "money"),
        ("首回交易额", "money"),
        ("联系电话", "phone"),
        ("达成率", "percent"),
        ("占比", "percent"),
        ("客户名称", "customer"),
        ("报告月份", "month"),
        ("主办人", "person"),
        ("法定代表人", "text"),
        ("情况说明", "longtext"),
        ("开拓经过", "longtext"),
        ("备注", "longtext"),
        ("统一社会信用代码", "credit_code"),
        ("身份证号", "id_number"),
        ("是否盖章", "check"),
        ("规格", "text"),
    ],
)
def test_a_name_tells_its_kind(name, kind):
    assert guess_kind(name) == kind


@pytest.mark.parametrize(
    ("role", "who"),
    [
        ("填表人", "submitter"),
        ("部门主管", "head"),
        ("总经理", "leader"),
        ("财务", "role:finance"),
        ("法务单位", "role:legal"),
        ("客户代表", "external"),
        ("谁也不是", "leader"),
    ],
)
def test_a_role_tells_who_signs(role, who):
    assert guess_candidate(role) == who


def test_signers_of_a_new_form_sign_from_the_bottom_up():
    tags = ("签名.总经理", "签名.主管", "签名.填表人", "签日.填表人", "签名人.主管")
    made = propose(blank_definition("E11", "走访", "sales", "合同"), {}, tags)
    assert [one["role"] for one in made.definition["signer"]] == ["填表人", "主管", "总经理"]


def test_an_amount_in_capitals_is_worked_out_from_its_amount():
    tags = ("合计", "合计大写", "合计大写格.千万", "合计大写格.分")
    made = propose(blank_definition("E11", "走访", "sales", "合同"), {}, tags)
    assert made.definition["field"][1] == {
        "key": "合计大写",
        "kind": "computed",
        "result": "capital",
        "formula": "合计",
    }


def test_what_is_known_is_left_as_it_is():
    before = parse_definition(load_form("E05").folder.joinpath("form.toml").read_text("utf-8"))
    tags = inspect_template(load_form("E05").read_template()).tags
    made = propose(before, {}, tags)
    assert made.definition == before and made.fields == () and made.signers == ()
    again = propose(before, {}, (*tags, "货品.产地", "开票日期"))
    assert again.fields == ("货品.产地", "开票日期")


def test_a_field_taken_out_leaves_no_name_behind():
    text = load_form("E01").folder.joinpath("form.toml").read_text("utf-8")
    table, sample = without_fields(
        parse_definition(text),
        {"客户名称": "甲", "备注": "乙"},
        frozenset({"客户名称", "主办人员"}),
    )
    written = toml_text(table)
    assert "{客户名称}" not in written and "主办人员 " not in written
    assert sample == {"备注": "乙"}
    form = read_form(written, b"PK", "{}")
    assert form.effects.creates_customer == "" and form.facets == ()


def test_every_shipped_definition_is_the_same_when_written_again():
    for form in list_forms():
        table = parse_definition(form.folder.joinpath("form.toml").read_text("utf-8"))
        assert parse_definition(toml_text(table)) == table, form.code


LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PLAIN = st.one_of(LETTERS, st.booleans(), st.integers(-(2**62), 2**62), st.lists(LETTERS))
TABLES = st.dictionaries(LETTERS, st.one_of(PLAIN, st.dictionaries(LETTERS, PLAIN)), max_size=5)


@given(TABLES)
def test_whatever_is_written_reads_the_same(table):
    assert tomllib.loads(toml_text(table)) == table


@given(st.lists(LETTERS.map(lambda text: f"栏{text}"), max_size=6))
def test_strange_tags_are_proposed_without_a_crash(tags):
    made = propose(blank_definition("E11", "走访", "sales", "合同"), {}, tags)
    assert parse_definition(toml_text(made.definition))["code"] == "E11"


@pytest.mark.parametrize(
    "text",
    ["a = ", "field = 5", "signer = [1]", "[[field]]\ncolumn = 1", "filing = 1", "effects = []"],
)
def test_a_definition_of_the_wrong_shape_is_refused_with_its_place(text):
    with pytest.raises(Invalid):
        parse_definition(text)


@pytest.mark.parametrize("text", ["{", "[]", "1", '"客户"', "[" * 100_000])
def test_a_sample_that_is_no_object_is_refused(text):
    with pytest.raises(Invalid):
        parse_sample(text)


def test_codes_are_taken_in_capitals():
    assert clean_code(" e11 ") == "E11"
    for wrong in ("", "E", "EEEEE1", "E-1", "Ｅ１", "E1\n2"):
        with pytest.raises(Invalid):
            clean_code(wrong)


def test_parts_are_not_confused_in_the_digest():
    assert bundle_digest("ab", b"c", "d") != bundle_digest("a", b"bc", "d")
    assert bundle_digest("a", b"b", "c") == bundle_digest("a", b"b", "c")


def test_only_plain_numbers_are_versions():
    assert [read_version(text) for text in ("7", "-1", "", "７", "9" * 30)] == [7, 0, 0, 0, 0]


def test_changes_are_told_in_sentences():
    form = load_form("E01")
    text = form.folder.joinpath("form.toml").read_text("utf-8")
    new = text.replace('kind = "phone"', 'kind = "text"', 1).replace(
        'key = "备注"\nkind = "longtext"', 'key = "附注"\nrequired = true'
    )
    other = read_form(new.replace("{备注}", "{附注}"), form.read_template(), "{}")
    assert changes_between(form, other) == (
        "增加栏目“附注”（文字（一行），必填）",
        "去掉栏目“备注”（旧文件里填过的仍然保留，新文件不再有这一栏）",
        "栏目“公司电话”由电话改为文字（一行）",
    )
    assert changes_between(form, form) == ()
