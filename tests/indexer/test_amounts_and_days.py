"""How amounts and days are read: what each writing means, and what is neither."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.amounts import amount_shape, money_in, read_amount
from indexer.days import days_in, read_span, spans_in
from indexer.folding import fold

TODAY = date(2024, 6, 18)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("12500", 1_250_000),
        ("12,500.50", 1_250_050),
        ("1.25万", 1_250_000),
        ("3千元", 300_000),
        ("2亿元", 20_000_000_000),
        ("壹万贰仟伍佰元整", 1_250_000),
        ("壹佰零伍元叁角贰分", 10_532),
        ("一百零五元", 10_500),
        ("一万五", 1_500_000),
        ("两万元", 2_000_000),
        ("十二元", 1_200),
        ("拾元", 1_000),
        ("壹亿贰仟万元", 12_000_000_000),
        ("海信", None),
        ("1,2", None),
        ("一一一元", None),
        ("9" * 40, None),
        ("", None),
    ],
)
def test_an_amount_is_read_in_any_writing(text, cents):
    assert read_amount(fold(text)) == cents


def test_money_in_a_paper_is_told_from_other_numbers():
    text = "第3条 2024.03起，电话13800138000，共12台，单价：500，合计6,000.00，押金2万元，尺寸3.5"
    assert money_in(fold(text)) == [50_000, 600_000, 2_000_000]


def test_shape_of_an_amount_is_that_of_its_digits():
    assert [amount_shape(cents) for cents in (1_250_000, 50, 230_050)] == ["12500", "0.5", "2300.5"]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024年3月", 20240300, 20240399),
        ("2024-3-5", 20240305, 20240305),
        ("二〇二四年十二月三十一日", 20241231, 20241231),
        ("2024", 20240000, 20249999),
        ("2024年第四季度", 20241000, 20241299),
        ("上周", 20240610, 20240616),
        ("上个季度", 20240101, 20240331),
        ("最近半个月", 20240604, 20240618),
        ("近两年", 20220619, 20240618),
        ("下半年", 20240701, 20241231),
    ],
)
def test_a_time_is_a_span_of_days(text, first, last):
    span = read_span(fold(text), TODAY)
    assert span is not None
    assert (span.first, span.last) == (first, last)


@pytest.mark.parametrize("text", ["2024年13月", "HT-2024-03-01-7", "2024-0017", "1234年", "上月"])
def test_what_only_looks_like_a_time_is_none(text):
    assert spans_in(fold(text), None) == [] or read_span(fold(text), None) is None


def test_time_counts_from_the_end_of_a_long_month_and_of_the_year():
    assert read_span("近一个月", date(2024, 3, 31)).first == 20240301
    assert read_span("上月", date(2024, 1, 5)).first == 20231201
    assert read_span("上季度", date(2024, 2, 29)).last == 20231231
    assert read_span("最近9999年", TODAY).first >= 10000


def test_days_of_a_paper_are_those_it_names():
    assert days_in("自2022年11月11日至2024-12-31，2023年5月") == ["20221111", "20241231", "202305"]


@given(st.text("0123456789,.万亿千百十元角分壹贰〇零年月日-/近最上个季度半", max_size=30))
def test_any_mixture_of_signs_can_be_read(text):
    folded = fold(text)
    money_in(folded)
    days_in(folded)
    spans_in(folded, TODAY)
