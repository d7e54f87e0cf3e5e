"""Checking and computing the values of a form."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doc_templates import (
    check_values,
    describe_path,
    document_text,
    load_form,
    render_word,
    sample_values,
    shown_text,
    starting_values,
)
from doc_templates.values import printed_values


@pytest.fixture
def contract():
    return load_form("E05")


def goods(**more):
    return {"货品名称": "泵壳", "单价": "386", "数量": "2", **more}


def test_contract_totals_follow_from_its_rows(contract):
    checked = check_values(
        contract, {"甲方": "甲", "乙方": "乙", "货品": [goods(), goods(数量="1.5")]}
    )
    assert checked.errors == {}
    assert [row["总价"] for row in checked.values["货品"]] == ["772.00", "579.00"]
    assert checked.values["总价"] == "1351.00"
    assert checked.values["总价大写"] == "壹仟叁佰伍拾壹元整"


def test_computed_entries_cannot_be_forged(contract):
    raw = {"甲方": "甲", "乙方": "乙", "货品": [goods(总价="1")], "总价": "1", "总价大写": "壹元整"}
    checked = check_values(contract, raw)
    assert checked.values["总价"] == "772.00"
    assert checked.values["总价大写"] == "柒佰柒拾贰元整"


def test_every_fault_is_named_at_its_place(contract):
    raw = {"乙方": "乙", "货品": [goods(), goods(单价="贵", 数量="")], "价": "1"}
    errors = check_values(contract, raw).errors
    assert set(errors) == {"甲方", "货品[1].单价", "货品[1].数量", "价"}
    assert describe_path(contract, "货品[1].单价") == "货品 第2行 单价"
    assert errors["甲方"] == "请填写甲方（买方）"


def test_draft_keeps_everything_typed_and_computes_what_it_can(contract):
    raw = {"甲方": "\x00", "货品": [goods(), goods(单价="贵"), {}], "交货期限": "过两天"}
    checked = check_values(contract, raw, draft=True)
    assert checked.values["甲方"] == "\x00"
    assert checked.values["交货期限"] == "过两天"
    assert checked.values["货品"][1]["单价"] == "贵"
    assert len(checked.values["货品"]) == 3
    assert checked.values["总价"] == "772.00"
    assert "请填写" not in "".join(checked.errors.values())


def test_empty_rows_are_dropped_and_an_empty_table_is_missed(contract):
    checked = check_values(contract, {"甲方": "甲", "乙方": "乙", "货品": [{}, {"规格": "\u3000"}]})
    assert checked.values["货品"] == []
    assert checked.errors == {"货品": "货品至少填一行"}


@pytest.mark.parametrize("rows", ["三行", [1, 2], {"a": 1}, [None], 5])
def test_table_of_the_wrong_kind_is_refused(contract, rows):
    errors = check_values(contract, {"甲方": "甲", "乙方": "乙", "货品": rows}).errors
    assert "货品" in errors


def test_too_many_rows_are_refused(contract):
    errors = check_values(contract, {"甲方": "甲", "乙方": "乙", "货品": [goods()] * 201}).errors
    assert "最多 200 行" in errors["货品"]


def test_total_too_large_to_be_an_amount_is_refused(contract):
    rows = [goods(单价="9999999999999999", 数量="9999999999")]
    errors = check_values(contract, {"甲方": "甲", "乙方": "乙", "货品": rows}).errors
    assert set(errors) == {"货品[0].总价"}


def test_ratios_of_the_month_and_division_by_zero():
    values = check_values(load_form("E10"), sample_values("E10")).values
    sales, _, receipts = values["业绩"]
    assert sales["本月达成比率"] == "107.34"
    assert receipts["本月与去年比"] == "—"


def test_preset_rows_are_always_there_and_cannot_be_renamed():
    form = load_form("E10")
    raw = sample_values("E10") | {"业绩": [{"项目": "别的", "本月预定目标": "5"}]}
    rows = check_values(form, raw).values["业绩"]
    assert [row["项目"] for row in rows] == ["营业额", "毛利", "收款"]
    assert rows[0]["本月预定目标"] == "5.00"
    assert form.find_field("业绩").has_fixed_rows


def test_new_record_starts_with_its_defaults():
    form = load_form("E01")
    values = starting_values(form, today="2026-11-23", user="陈立新")
    assert (values["日期"], values["主办人员"], values["客户名称"]) == ("2026-11-23", "陈立新", "")


def test_amount_too_large_for_the_grid_prints_in_one_line(contract):
    raw = {"甲方": "甲", "乙方": "乙", "货品": [goods(单价="123456789", 数量="1")]}
    printed = printed_values(contract, check_values(contract, raw).values)
    assert printed["总价大写格"] == {}
    assert printed["总价大写"] == "壹亿贰仟叁佰肆拾伍万陆仟柒佰捌拾玖元整"
    assert len(printed["货品"]) == 6


def test_shown_text_for_lists(contract):
    assert shown_text(contract, "交货期限", "2026-12-01") == "2026年12月1日"
    assert shown_text(contract, "总价", "1351.00") == "1,351.00"


def test_checking_twice_changes_nothing():
    for code in ("E01", "E05", "E10"):
        form = load_form(code)
        once = check_values(form, sample_values(code)).values
        assert check_values(form, once).values == once


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(draft=st.booleans(), values=st.lists(JSON, min_size=24, max_size=24), whole=JSON)
def test_no_json_whatever_makes_a_check_fail_or_a_draft_unprintable(draft, values, whole):
    form = load_form("E05")
    raw = dict(zip([entry.key for entry in form.fields], values, strict=False))
    for sent in (raw, whole, {**raw, "货品": [whole, raw]}, {"货品": [{"单价": whole}]}):
        checked = check_values(form, sent, draft=draft)
        json.dumps(checked.values)
        document_text(render_word(form, checked.values, draft=True))
