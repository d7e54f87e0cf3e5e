"""Reading form.toml: every fault is told with its line, and no text whatever gets through."""

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doc_templates import BadDefinition, Form, check_values, list_forms, load_folder, read_form
from doc_templates.reading import read_definition, read_text
from doc_templates.toml_lines import TomlLines

HEAD = """code = "T01"
title = "试验表"
pack = "test"
title_rule = "{名称}"
[filing]
item_class = "客户开发"
[[field]]
key = "名称"
"""


def fault(text):
    with pytest.raises(BadDefinition) as caught:
        read_text(text, Path("T01"))
    return caught.value.message


def field(*lines):
    return "\n".join([HEAD, "[[field]]", *lines])


@pytest.mark.parametrize(
    ("text", "line", "meant"),
    [
        (HEAD + 'kindd = "date"\n', 9, "不认识：kindd（是不是“kind”？）"),
        (HEAD.replace("item_class", "item_clas"), 5, "缺少 item_class"),
        (field('key = "金额"', 'kind = "mony"'), 12, "是不是“money”"),
        (field('key = "金额"', 'required = "true"'), 12, "true 或 false"),
        (field('key = "名称"'), 11, "写了不止一次"),
        (field('key = "甲"', 'kind = "computed"', 'formula = "名 × 2"'), 13, "是不是“名称”"),
        (field('key = "甲"', 'kind = "computed"', 'formula = "名称 × 2"'), 13, "不是数字栏"),
        (field('key = "甲"', 'kind = "computed"', 'formula = "甲 + 1"'), 13, "用到了“甲”自己"),
        (field('key = "甲"', 'kind = "computed"', 'formula = "(1 + 2"'), 13, "少了“)”"),
        (field('key = "甲"', 'kind = "computed"', 'formula = "求和(1)"'), 13, "没有“求和”"),
        (field('key = "甲"', 'kind = "date"', 'default = "昨天"'), 13, "日期的写法不明确"),
        (field('key = "甲"', 'default = "@todai"'), 12, "是不是“@today”"),
        (field('key = "甲"', "tick = true"), 12, "选项栏"),
        (field('key = "甲"', 'last_year = "乙"'), 12, "表格的栏"),
        (field('key = "甲"', 'signer = "经理"'), 12, "没有“经理”这个签字人"),
        (field('key = "甲"', 'kind = "money"', 'minimum = "5"', 'maximum = "1"'), 14, "不能小于"),
        (field('key = "甲"', 'choices = ["一", "一"]'), 12, "写了不止一次"),
        (field('key = "甲"', 'label = "a\\u0000b"'), 12, "不能打印的控制符"),
        (field('key = "甲"', "max_length = -1"), 12, "不小于 0 的整数"),
        (field('key = "甲"', "min_rows = 99999999999"), 12, "最大是 1000"),
        (field('key = "甲"', "decimals = 40"), 12, "最大是 8"),
        (field('key = "甲 乙"'), 11, "不能以数字开头"),
        (field('key = "签名"'), 11, "系统用的名字"),
        (HEAD.replace("{名称}", "{名称"), 4, "花括号不成对"),
        (HEAD.replace("{名称}", "{名称!r:>99}"), 4, "只能写一个名字"),
        (HEAD.replace("{名称}", "{名}"), 4, "是不是“名称”"),
        (HEAD + '[number]\npattern = "{年}-{序列}"\n', 10, "是不是“序号”"),
        (HEAD + '[number]\npattern = "{序号}"\n', 10, "会重号"),
        (HEAD + '[number]\npattern = "{年}{序号}"\nrestarts = "month"\n', 10, "没有 {月}"),
        (HEAD + '[number]\npattern = "{年}{序号}"\nseries = "首字母"\n', 11, "用到的一项"),
        (HEAD + '[number]\npattern = "{年}{序号}"\nround = "名称"\n', 11, "没有 {轮次}"),
        (HEAD + "[number]\nwidth = 500\n", 10, "最大是 12"),
        (HEAD + '[number]\npattern = "{年}{序号}-{轮次}"\n', 9, "没有“轮次”这一栏"),
        (HEAD + '[number]\npattern = "{年}{序号}-{轮次}"\nround = "名称"\n', 9, "required = true"),
        (HEAD + '[owed]\nby = "销售部"\nwithin = "soon"\n', 11, "within 应如"),
        (HEAD + '[owed]\nby = "销售部"\nwithin = "month+31"\n', 11, "within 应如"),
        (HEAD + '[effects]\ncreates_customer = "名称"\n', 9, "应是客户栏"),
        (HEAD + '[page]\nstamp = "no"\n', 10, "true 或 false"),
        (HEAD + "[[layout]]\nrow_height = inf\n", 10, "数字"),
        (HEAD + '[[layout]]\nrows = "名称"\n', 9, "不是表格栏"),
        (HEAD + '[[signer]]\nrole = "甲"\n', 9, "缺少 candidate"),
        (HEAD + '[[check]]\nrule = "名称"\n', 10, "一个比较符"),
        (HEAD + '[[check]]\nrule = "1 = 1"\n', 10, "没有栏目"),
    ],
)
def test_every_fault_is_told_with_its_line_and_what_is_meant(text, line, meant):
    message = fault(text)
    assert message.startswith("T01/form.toml")
    assert meant in message
    assert f"第 {line} 行" in message


def test_a_circle_among_computed_fields_is_shown_as_it_runs():
    def computed(key, formula):
        return f'[[field]]\nkey = "{key}"\nkind = "computed"\nformula = "{formula}"\n'

    text = HEAD + computed("丁", "甲") + computed("甲", "乙 + 1") + computed("乙", "甲 × 2")
    message = fault(text)
    assert "互相依赖" in message
    assert "甲 → 乙 → 甲" in message


def test_a_whole_column_outside_a_sum_is_refused():
    table = '[[field]]\nkey = "货品"\nkind = "rows"\n[[field.column]]\nkey = "价"\nkind = "money"\n'
    total = '[[field]]\nkey = "总"\nkind = "computed"\nformula = "货品.价 × 2"\n'
    assert "一整列" in fault(HEAD + table + total)
    good = total.replace("货品.价 × 2", "合计(货品.价) × 2")
    form = read_text(HEAD + table + good, Path("T01"))
    assert check_values(form, {"货品": [{"价": "2"}, {"价": "3"}]}).values["总"] == "10"


def test_names_that_printing_takes_for_places_are_refused():
    amount = '[[field]]\nkey = "甲"\nkind = "computed"\nformula = "1"\nresult = "capital"\n'
    assert "印成格子" in fault(HEAD + amount + '[[field]]\nkey = "甲格"\n')


def test_preset_rows_have_to_fit_their_columns():
    table = '[[field]]\nkey = "表"\nkind = "rows"\npreset_rows = [{ "数" = "多" }]\n'
    column = '[[field.column]]\nkey = "数"\nkind = "integer"\n'
    assert "应填写数字" in fault(HEAD + table + column)
    assert "没有的栏" in fault(HEAD + table.replace('"数"', '"量"') + column)


def test_last_year_needs_a_month_preset_rows_and_numbers():
    month = '[[field]]\nkey = "月份"\nkind = "month"\n'
    table = '[[field]]\nkey = "表"\nkind = "rows"\npreset_rows = [{ "项" = "收款" }]\n'
    columns = (
        '[[field.column]]\nkey = "项"\n[[field.column]]\nkey = "数"\nkind = "money"\n'
        '[[field.column]]\nkey = "去年"\nkind = "money"\nlast_year = "数"\n'
    )
    form = read_text(HEAD + month + table + columns, Path("T01"))
    assert form.find_field("表").columns[2].last_year == "数"
    assert "年月栏" in fault(HEAD + table + columns)
    assert "preset_rows" in fault(HEAD + month + table.replace("preset_rows", "#") + columns)
    assert "数字栏" in fault(
        HEAD
        + month
        + table
        + columns.replace('"数"\n[', '"项"\n[').replace('last_year = "数"', 'last_year = "项"')
    )
    assert "是不是“数”" in fault(
        HEAD + month + table + columns.replace('last_year = "数"', 'last_year = "数目"')
    )


def test_lines_are_found_behind_long_texts_lists_and_comments():
    text = (
        'a = 1\n[[field]] # 一\nkey = "甲" # [[field]]\nhelp = """\n[[field]]\nkey = "假"\n"""\n'
        'choices = [\n  "x = 1", # ]\n  "]",\n]\nkind = \'a"\'\n[[field]]\n"key" = "乙"\n'
        "[[field.column]]\nkey = 1\n[x.y]\nz.w = 2\n"
    )
    tomllib.loads(text)
    lines = TomlLines(text)
    assert lines.find(("a",)) == 1
    assert lines.find(("field", 0, "key")) == 3
    assert lines.find(("field", 0, "kind")) == 12
    assert lines.find(("field", 1)) == 13
    assert lines.find(("field", 1, "key")) == 14
    assert lines.find(("field", 1, "column", 0, "key")) == 16
    assert lines.find(("field", 1, "column", 0, "nothing")) == 15
    assert lines.find(("x", "y", "z", "w")) == 18
    assert lines.find(("nothing",)) == 0


HUGE = {
    "deep lists": "x = " + "[" * 50_000,
    "deep tables": "[" + ".".join(["a"] * 20_000) + "]",
    "long number": "code = " + "9" * 10_000,
    "NUL": "code = \"E\x0001\"",
    "many fields": HEAD + '[[field]]\nkey = "甲"\n' * 5_000,
    "many columns": HEAD
    + '[[field]]\nkey = "表"\nkind = "rows"\n'
    + "".join(f'[[field.column]]\nkey = "c{at}"\n' for at in range(2_000)),
    "many presets": HEAD
    + '[[field]]\nkey = "表"\nkind = "rows"\npreset_rows = ['
    + '{ "c" = "1" },' * 5_000
    + ']\n[[field.column]]\nkey = "c"\n',
    "many choices": HEAD
    + 'kind = "choice"\nchoices = ['
    + ",".join(f'"{at}"' for at in range(30_000))
    + "]\n",
    "long text": HEAD + f'help = "{"字" * 390_000}"\n',
    "too long": HEAD + "#" * 500_000,
    "long title rule": HEAD.replace("{名称}", "{" * 100_000),
    "long formula": field('key = "甲"', 'kind = "computed"', f'formula = "{"1+" * 9_000}1"'),
    "long rule": HEAD + f'[[check]]\nrule = "{"(" * 9_000} = 1"\n',
    "long key": field(f'key = "{"甲" * 10_000}"'),
    "quotes without end": HEAD + "help = '''" + '"' * 300_000,
    "wrong escape": HEAD + 'help = "\\q"',
    "dates": HEAD + "default = 1979-05-27T07:32:00Z\n",
    "nan": HEAD + "max_length = nan\n",
}  # fmt: skip


@pytest.mark.parametrize("what", HUGE)
def test_hostile_text_is_refused_quickly(what):
    began = time.process_time()
    assert len(fault(HUGE[what])) < 400
    assert time.process_time() - began < 2


def test_definition_that_is_no_text_or_too_large_on_disk(tmp_path):
    folder = tmp_path / "T01"
    folder.mkdir()
    (folder / "form.toml").write_bytes('title = "试验"'.encode("gbk"))
    with pytest.raises(BadDefinition, match="UTF-8"):
        load_folder(folder)
    (folder / "form.toml").write_bytes(b"#" * 2_100_000)
    with pytest.raises(BadDefinition, match="太大"):
        load_folder(folder)


def test_form_from_three_texts_equals_only_itself():
    form = read_form(HEAD, b"template", '{"名称": "甲"}', 4)
    assert (form.code, form.version, form.read_template()) == ("T01", 4, b"template")
    again = read_form(HEAD, b"template", '{"名称": "甲"}', 4)
    assert form != again
    assert len({form, again}) == 2
    with pytest.raises(BadDefinition, match="第 1 行"):
        read_form("code = [", b"", "")


WORDS = st.sampled_from(
    [
        "code",
        "title",
        "pack",
        "version",
        "paper",
        "field",
        "key",
        "kind",
        "rows",
        "column",
        "formula",
        "computed",
        "choices",
        "check",
        "rule",
        "message",
        "at",
        "level",
        "owed",
        "by",
        "within",
        "number",
        "pattern",
        "width",
        "restarts",
        "series",
        "round",
        "signer",
        "role",
        "candidate",
        "filing",
        "item_class",
        "effects",
        "customer_facts",
        "page",
        "stamp",
        "layout",
        "grid",
        "facets",
        "title_rule",
        "preset_rows",
        "min_rows",
        "max_rows",
        "tick",
        "last_year",
        "minimum",
        "maximum",
        "default",
        "decimals",
        "signatures",
    ]
)
ODD = st.sampled_from(
    [
        "T01",
        "test",
        "名称",
        "甲",
        "表",
        "money",
        "rows",
        "choice",
        "computed",
        "甲 + 1",
        "甲 = 1",
        "{名称}",
        "合计(表.甲)",
        "{",
        "\x00",
        "",
        "1",
        "5d",
        "head",
        "客户开发",
        "表.甲",
        "名称 < 甲",
        "-1",
        "@today",
    ]
)
LEAF = ODD | st.text(max_size=6) | st.integers() | st.floats() | st.booleans() | st.dates()
TOML = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)
FIELD = st.dictionaries(WORDS, TOML, max_size=5)
TABLE = st.fixed_dictionaries(
    {
        "code": st.just("T01"), "title": st.just("表"), "pack": st.just("test"),
        "title_rule": st.sampled_from(["表", "{名称}"]),
        "filing": st.just({"item_class": "客户开发"}),
        "field": st.lists(FIELD.map(lambda more: {"key": "名称"} | more), min_size=1, max_size=3),
    },
    optional={
        "number": FIELD, "owed": FIELD, "check": st.lists(FIELD, max_size=2), "page": FIELD,
        "signer": st.lists(FIELD, max_size=2), "layout": st.lists(FIELD, max_size=2),
        "effects": FIELD, "facets": TOML, "version": TOML,
    },
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(table=TABLE | st.dictionaries(WORDS, TOML))
def test_any_table_gives_a_form_or_a_bad_definition(table):
    try:
        form = read_definition(table, Path("T01"), HEAD)
    except BadDefinition as error:
        assert error.message.startswith("T01/form.toml")
        return
    assert isinstance(form, Form)
    check_values(form, {})
    check_values(form, {"名称": "1"}, draft=True)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="[]{}=\"'.#\n\\ a1甲,\t", max_size=60))
def test_any_text_gives_a_form_or_a_bad_definition(text):
    for whole in (text, HEAD + text):
        try:
            read_text(whole, Path("T01"))
        except BadDefinition:
            continue
        TomlLines(whole)


@pytest.mark.parametrize("form", list_forms(), ids=lambda form: form.code)
def test_every_shipped_form_starts_empty_and_keeps_its_rules(form):
    empty = check_values(form, {}, draft=True)
    assert empty.errors == {}
    assert empty.warnings == {}
