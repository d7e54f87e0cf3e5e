"""The small language of computed fields: what it can say, and that it can say nothing else."""

from decimal import Decimal

import pytest

from doc_templates.errors import BadFormula
from doc_templates.formula import Undefined, evaluate, names_in, parse_formula

SCOPE = {
    "单价": Decimal("12.5"),
    "数量": Decimal(4),
    "空": None,
    "零": Decimal(0),
    "货品.总价": [Decimal(1), None, Decimal("2.5")],
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("单价 × 数量", "50.0"),
        ("单价*数量-1", "49.0"),
        ("2 + 3 × 4", "14"),
        ("(2 + 3) × 4", "20"),
        ("10 - 3 - 2", "5"),
        ("合计(货品.总价)", "3.5"),
        ("合计(货品.总价, 单价，数量)", "20.0"),
        ("最大(货品.总价)", "2.5"),
        ("最小(货品.总价)", "1"),
        ("个数(货品.总价)", "2"),
        ("比率(数量, 单价)", "32.00"),
        ("单价 + 空", "12.5"),
    ],
)
def test_formula_is_worked_out(text, value):
    assert evaluate(parse_formula(text), SCOPE) == Decimal(value)


@pytest.mark.parametrize("text", ["单价 × 空", "比率(空, 单价)", "比率(单价, 空)", "空 + 空"])
def test_blank_stays_blank(text):
    assert evaluate(parse_formula(text), SCOPE) is None


@pytest.mark.parametrize("text", ["单价 ÷ 零", "比率(单价, 零)", "零 / 零"])
def test_division_by_zero_has_no_result(text):
    with pytest.raises(Undefined):
        evaluate(parse_formula(text), SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "单价 ×",
        "(单价",
        "单价)",
        "单价 数量",
        "__import__('os')",
        "open(单价)",
        "单价 ** 9",
        "合计()",
        "比率(单价)",
        "'文字'",
        "lambda: 1",
        "1e9",
        "单价.__class__.x",
        "+" * 50,
        "(" * 60 + "1" + ")" * 60,
        "1+" * 300 + "1",
    ],
)
def test_what_is_no_formula_is_refused_with_a_word(text):
    with pytest.raises(BadFormula) as caught:
        evaluate(parse_formula(text), SCOPE)
    assert "算式" in caught.value.message


def test_names_read_by_a_formula():
    assert names_in(parse_formula("合计(货品.总价) - 单价 × 2")) == ("货品.总价", "单价")
