"""Reading definitions: the shipped ones are good, and a bad one is named file and place."""

import datetime
import shutil

import pytest

from doc_templates import BadDefinition, FormNotFound, list_forms, load_folder, load_form

GOOD = """
code = "T01"
title = "试验表"
pack = "test"
title_rule = "{名称}"
[filing]
item_class = "客户开发"
[[field]]
key = "名称"
"""


def written(tmp_path, text):
    folder = tmp_path / "T01"
    folder.mkdir(exist_ok=True)
    (folder / "form.toml").write_text(text, "utf-8")
    return folder


def test_shipped_forms_are_listed():
    codes = {form.code for form in list_forms()}
    assert {"E01", "E05", "E10"} <= codes


def test_report_on_a_new_customer_is_as_the_catalogue_says():
    form = load_form("E01")
    assert form.title == "新开发客户报告表"
    assert [signer.role for signer in form.chain] == ["报告人", "主管", "经理"]
    assert form.effects.creates_customer == form.customer_field == "客户名称"
    assert form.filing.item_class == "客户开发"
    assert form.title_of({"客户名称": "启明"}) == "启明新开发客户报告表"
    assert form.title_of({}) == "新开发客户报告表"


def test_counterparty_of_a_contract_signs_outside():
    form = load_form("E05")
    assert [signer.role for signer in form.signers] == ["甲方负责人", "乙方负责人"]
    assert [signer.role for signer in form.chain] == ["甲方负责人"]


def test_numbers_restart_by_year_month_or_series(tmp_path):
    rule = load_form("E05").number
    assert rule.show(7, datetime.date(2026, 11, 23)) == "HT-2026-0007"
    assert rule.counter(datetime.date(2026, 1, 1)) == rule.counter(datetime.date(2026, 12, 31))
    assert rule.counter(datetime.date(2026, 1, 1)) != rule.counter(datetime.date(2027, 1, 1))
    number = '[number]\npattern="{年末两位}{月}{首字母}{序号}-{轮次}"\nwidth=3\nrestarts="month"\n'
    entry = '[[field]]\nkey = "轮次"\nrequired = true\n'
    text = GOOD.replace("[filing]", number + "[filing]") + entry
    sample = load_folder(written(tmp_path, text)).number
    assert sample.round == "轮次"
    day = datetime.date(2008, 9, 1)
    assert sample.show(1, day, initials="HX", sample_round="N") == "0809HX001-N"
    assert sample.counter(day, "HX") != sample.counter(day, "MD")


def test_unknown_form_or_version_is_not_found():
    with pytest.raises(FormNotFound, match="E99"):
        load_form("E99")
    with pytest.raises(FormNotFound, match="第 9 版"):
        load_form("E01", 9)


def test_changed_definition_is_read_again(tmp_path):
    folder = written(tmp_path, GOOD)
    assert load_folder(folder).title == "试验表"
    written(tmp_path, GOOD.replace("试验表", "试验用表"))
    assert load_folder(folder).title == "试验用表"


BAD = {
    "格式不对": ("code = ", "[[["),
    "缺少 title": ('title = "试验表"\n', ""),
    "不是表单代号": ('"T01"', '"t-1"'),
    "不能是“魔法”": ('key = "名称"', 'key = "名称"\nkind = "魔法"'),
    "写了不止一次": ('key = "名称"', 'key = "名称"\n[[field]]\nkey = "名称"'),
    "不认识：requierd": ('key = "名称"', 'key = "名称"\nrequierd = true'),
    "栏目名只能用": ('key = "名称"', 'key = "名称"\n[[field]]\nkey = "S/C No."'),
    "系统用的名字": ('key = "名称"', 'key = "名称"\n[[field]]\nkey = "items"'),
    "互相依赖": (
        'key = "名称"',
        'key = "名称"\n[[field]]\nkey = "甲"\nkind = "computed"\nformula = "乙 + 1"\n'
        '[[field]]\nkey = "乙"\nkind = "computed"\nformula = "甲 + 1"',
    ),
    "没有这一栏": (
        'key = "名称"',
        'key = "名称"\n[[field]]\nkey = "甲"\nkind = "computed"\nformula = "丙 + 1"',
    ),
    "没有“无”这一栏": ("{名称}", "{无}"),
    "要写明可选的项": ('key = "名称"', 'key = "名称"\nkind = "choice"'),
    "要有 column": ('key = "名称"', 'key = "名称"\nkind = "rows"'),
    "应是true 或 false": ('key = "名称"', 'key = "名称"\nrequired = "是"'),
    "要有 {序号}": ("[filing]", '[number]\npattern = "X"\n[filing]'),
    "缺少 item_class": ('item_class = "客户开发"', ""),
    "不小于 0 的整数": ('key = "名称"', 'key = "名称"\nmin_rows = -1'),
}  # fmt: skip


@pytest.mark.parametrize("meant", BAD)
def test_bad_definition_names_file_and_place(tmp_path, meant):
    before, after = BAD[meant]
    assert before in GOOD
    folder = written(tmp_path, GOOD.replace(before, after, 1))
    with pytest.raises(BadDefinition) as caught:
        load_folder(folder)
    assert meant in caught.value.message
    assert "form.toml" in caught.value.message
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "line",
    [
        'code = "../E1"',
        'code = "/etc/E1"',
        'code = "E1/../../x"',
        'code = "E1\\\\..\\\\x"',
        'code = "E01\\n"',
        'template = "../../../etc/passwd"',
        'sample = "/etc/passwd"',
        'folder = "/etc"',
        'include = "../x/form.toml"',
    ],
)
def test_a_definition_names_no_other_file(tmp_path, line):
    """Template and sample lie beside the form.toml under fixed names; nothing in it is a path."""
    name = line.partition(" ")[0]
    rest = "\n".join(one for one in GOOD.splitlines() if not one.startswith(f"{name} ="))
    with pytest.raises(
        BadDefinition, match="不是表单代号" if name == "code" else f"不认识：{name}"
    ):
        load_folder(written(tmp_path, f"{line}\n{rest}"))
