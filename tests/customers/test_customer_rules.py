"""What names, credit codes and phones amount to."""

from datetime import date

import pytest

from archive.customers import rules
from archive.customers.views import CustomerFields

GOOD_CODE = "91350100M000100Y43"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("青岛海信电器有限公司", "青岛海信电器股份有限公司"),
        ("海信集团", "海信集团有限公司"),
        ("青岛海信電器有限公司", "青岛海信电器有限公司"),
        ("青岛 海信\u3000电器有限公司", "青岛海信电器"),
        ("青岛\u200b海信电器有限公司", "青岛海信电器有限公司"),
        ("ＡＢＣ（中国）有限公司", "abc(中国)公司"),
        ("Acme Co., Ltd.", "ACME"),
    ],
)
def test_names_of_likely_the_same_company_have_one_match_key(one: str, other: str) -> None:
    assert rules.match_key(one) == rules.match_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("青岛海信电器有限公司", "青岛海信医疗有限公司"),
        ("大成一店", "大成二店"),
        ("𠮷野家", "吉野家"),
    ],
)
def test_names_of_different_companies_have_different_match_keys(one: str, other: str) -> None:
    assert rules.match_key(one) != rules.match_key(other)


def test_a_name_that_is_only_a_legal_shape_keeps_a_key() -> None:
    assert rules.match_key("公司") == "公司"


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("海信", "HX"),
        ("青岛海信电器有限公司", "QDHXDQ"),
        ("重庆长安汽车股份有限公司", "CQCAQC"),
        ("厦门银行", "XMYH"),
        ("TCL科技集团", "TCLKJ"),
        ("3M中国有限公司", "3MZG"),
        ("🧧", ""),
        ("", ""),
    ],
)
def test_initials_are_read_from_the_name(name: str, initials: str) -> None:
    assert rules.name_initials(name) == initials


def test_initials_never_outgrow_their_column() -> None:
    assert len(rules.name_initials("海" * 10_000)) <= rules.LIMITS["initials"]


def test_a_right_credit_code_passes_and_every_changed_digit_is_noticed() -> None:
    assert rules.credit_code_warning(GOOD_CODE) == ""
    for place, char in enumerate(GOOD_CODE):
        other = "1" if char != "1" else "2"
        changed = GOOD_CODE[:place] + other + GOOD_CODE[place + 1 :]
        assert rules.credit_code_warning(changed), changed


@pytest.mark.parametrize("code", ["9135", GOOD_CODE + "1", "91350100I000100Y43", "🧧" * 18])
def test_an_impossible_credit_code_is_named(code: str) -> None:
    assert "核对营业执照" in rules.credit_code_warning(code)


def test_a_pasted_credit_code_is_brought_into_shape() -> None:
    assert rules.normal_code(" ９１３５-0100 m000\u3000100y43\n") == GOOD_CODE


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("0532-8888 0000", ("053288880000",)),
        ("+86 139 1234 5678", ("13912345678",)),
        ("0086-13912345678", ("13912345678",)),
        ("0532-88880000转801 / 13912345678", ("053288880000", "13912345678")),
        ("12345", ()),
        ("没有", ()),
    ],
)
def test_phones_are_compared_by_their_digits(typed: str, keys: tuple[str, ...]) -> None:
    assert rules.phone_keys(typed) == keys


@pytest.mark.parametrize(
    "typed", ["2026-11-23", "2026.11.23", "2026/11/23", "20261123", "２０２６年11月23日"]
)
def test_a_day_is_read_in_every_usual_spelling(typed: str) -> None:
    assert rules.parse_day(typed) == date(2026, 11, 23)


@pytest.mark.parametrize("typed", ["11/12/26", "2026-02-30", "明天", "2026-11", "🧧"])
def test_an_unclear_day_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        rules.parse_day(typed)


@pytest.mark.parametrize(
    ("entered", "wrong"),
    [
        (CustomerFields(name=""), {"name"}),
        (CustomerFields(name="\u3000 \u200b"), {"name"}),
        (CustomerFields(name="🧧"), {"name"}),
        (CustomerFields(name="海" * 121), {"name"}),
        (CustomerFields(name="海\x00信"), {"name"}),
        (CustomerFields(name="海\u202e信"), {"name"}),
        (CustomerFields(name="海\n信"), {"name"}),
        (CustomerFields(name="海信", status="飞走了"), {"status"}),
        (CustomerFields(name="海信", initials="海"), {"initials"}),
        (CustomerFields(name="海信", address="长" * 10_000, phone="1" * 61), {"address", "phone"}),
        (CustomerFields(name="海信", first_contact=date(1, 1, 1)), {"first_contact"}),
    ],
)
def test_wrong_entries_are_each_named(entered: CustomerFields, wrong: set[str]) -> None:
    assert set(rules.clean_fields(entered)[1]) == wrong


@pytest.mark.parametrize(
    "name", ["客户&合同", "A<B & C", "{{7*7}}", "{% for %}", "𠮷野家", "红包🧧"]
)
def test_odd_names_stay_as_typed(name: str) -> None:
    clean, wrong = rules.clean_fields(CustomerFields(name=f"  {name}\t"))
    assert (clean.name, wrong) == (name, {})


def test_facts_from_a_paper_are_made_to_fit_the_register() -> None:
    fitted = rules.fitting(
        CustomerFields(name="海信", address="长" * 300, region="山\x00东", phone="123")
    )
    assert fitted.address == "长" * 200
    assert (fitted.region, fitted.phone) == ("", "123")
