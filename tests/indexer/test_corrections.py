"""Did you mean: one wrong sign is put right, and only with what the asker may see."""

import pytest

FINANCE = frozenset({"dept:finance"})
SALES = frozenset({"dept:sales"})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("海新", "海信"),
        ("海信店子", "海信电子"),
        ("海芯电子元件", "海信电子元件"),
        ("长红电视机", "长虹电视机"),
        ("绿原食品", "绿源食品"),
        ("信海电子", "海信电子"),
        ("重庆银行机戒设备", "重庆银行机械设备"),
        ("海新 合同", "海信 合同"),
        ("海新合同", "海信合同"),
        ("買賣合桐", "买卖合同"),
        ("张三风", "张三丰"),
        ("HT-2024-0071", "ht-2024-0017"),
        ("CW-2024-9099", "cw-2024-0999"),
        ("purchese", "purchase"),
        ("haixni", "haixin"),
        ("changhonng", "changhong"),
        ("客户:海新", "客户:海信"),
        ("海新 -报告", "海信 -报告"),
    ],
)
def test_one_wrong_sign_is_put_right(ask, typed, meant):
    results = ask(typed)
    assert meant in results.did_you_mean
    assert ask(meant).total > 0
    assert len(results.did_you_mean) <= 3


@pytest.mark.parametrize(
    "typed", ["海信", "合同", "", "！", "魑魅魍魉", "x" * 60, "海" * 60, "0" * 40]
)
def test_what_finds_something_or_resembles_nothing_is_left_alone(ask, typed):
    assert ask(typed).did_you_mean == ()


def test_what_one_may_not_see_is_not_offered(ask):
    assert "凤凰山" in ask("风凰山", FINANCE).did_you_mean
    assert ask("风凰山", SALES).did_you_mean == ()
    assert ask("CW-2024-9099", SALES).did_you_mean == ()
    assert ask("风凰山", frozenset()).did_you_mean == ()


def test_corrections_find_something_under_the_same_filters(ask):
    assert "海信" in ask("海新", filters={"year": ("2023",)}).did_you_mean
    assert ask("海新", filters={"year": ("1999",)}).did_you_mean == ()


def test_digits_of_identity_cards_and_telephones_are_not_offered(ask):
    assert ask("310101199003071235").did_you_mean == ()
    assert ask("13800138001").did_you_mean == ()
