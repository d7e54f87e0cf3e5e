"""Capital amounts, after the bank's rules and the hard cases of the trade."""

from decimal import Decimal

import pytest

from doc_templates.capital import UnspeakableAmount, capital_amount, capital_grid


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("1409.50", "壹仟肆佰零玖元伍角"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("10", "壹拾元整"),
        ("100000001", "壹亿零壹元整"),
        ("0", "零元整"),
        ("0.05", "伍分"),
        ("0.5", "伍角"),
        ("1.00", "壹元整"),
        ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("100010000", "壹亿零壹万元整"),
        ("100005000", "壹亿零伍仟元整"),
        ("1010101010", "壹拾亿壹仟零壹拾万壹仟零壹拾元整"),
        ("10000000000000.01", "壹拾兆元零壹分"),
        ("-12.30", "负壹拾贰元叁角"),
        ("20000", "贰万元整"),
        ("10.05", "壹拾元零伍分"),
        ("100100.10", "壹拾万零壹佰元壹角"),
        ("30000003.30", "叁仟万零叁元叁角"),
        ("60036000.03", "陆仟零叁万陆仟元零叁分"),
        ("1000000000000", "壹兆元整"),
        ("500000000000001", "伍佰兆零壹元整"),
        (
            "9999999999999999.99",
            "玖仟玖佰玖拾玖兆玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
        ),
    ],
)
def test_amount_is_written_as_on_a_bank_note(amount, words):
    assert capital_amount(Decimal(amount)) == words


@pytest.mark.parametrize("amount", ["0.001", "1e16", "NaN", "Infinity", "12.345"])
def test_amount_that_cannot_be_written_is_refused(amount):
    with pytest.raises(UnspeakableAmount):
        capital_amount(Decimal(amount))


def test_grid_crosses_out_places_before_the_first_digit():
    grid = capital_grid(Decimal("153640.00"))
    assert "".join(grid.values()) == "⊗⊗壹伍叁陆肆零零零"


def test_grid_of_small_and_largest_amounts():
    assert "".join(capital_grid(Decimal("0.07")).values()) == "⊗⊗⊗⊗⊗⊗⊗零零柒"
    assert "".join(capital_grid(Decimal("99999999.99")).values()) == "玖" * 10


@pytest.mark.parametrize("amount", ["100000000", "-1"])
def test_amount_outside_the_grid_gives_no_grid(amount):
    assert capital_grid(Decimal(amount)) == {}
