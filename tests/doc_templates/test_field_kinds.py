"""Field kinds: what people type becomes one canonical value, or a sentence they understand."""

import datetime
import decimal
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doc_templates.definition import Field
from doc_templates.fields import KINDS, BadValue, from_excel, get_kind
from doc_templates.schema import field_json_schema


def entry(kind, **more):
    return Field(key="栏", label="栏", kind=kind, **more)


def parsed(kind, raw, **more):
    field = entry(kind, **more)
    return get_kind(field).parse(field, raw)


@pytest.mark.parametrize(
    "raw",
    ["2026-11-23", "2026.11.23", "2026/11/23", "20261123", "2026年11月23日", " ２０２６-11-23 ",
     46349, "46349", datetime.date(2026, 11, 23), "2026 年 11 月 23 日"],
)  # fmt: skip
def test_every_usual_spelling_of_a_date(raw):
    assert parsed("date", raw) == "2026-11-23"


@pytest.mark.parametrize(
    "raw",
    ["11/12/26", "2026-02-30", "昨天", "2026-13-01", "1", True, [], {}, float("nan"), "0000-01-01"],
)
def test_unclear_date_is_refused(raw):
    with pytest.raises(BadValue):
        parsed("date", raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("1,234.5", "1234.50"),
        ("￥1，234.50元", "1234.50"),
        ("１２.3", "12.30"),
        (12, "12.00"),
        (12.1, "12.10"),
        ("-3", "-3.00"),
        ("0", "0.00"),
        ("9999999999999999.99", "9999999999999999.99"),
    ],
)
def test_money_is_kept_to_the_cent(raw, value):
    assert parsed("money", raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        "12.345",
        "1e5",
        "abc",
        "NaN",
        "inf",
        "1_000",
        "",
        "--1",
        "1e16",
        "10000000000000000",
        True,
        [],
        10**40,
        1e300,
        "٣",
    ],
)
def test_what_is_no_money_is_refused(raw):
    with pytest.raises(BadValue):
        parsed("money", raw)


def test_bounds_and_places_of_numbers():
    assert parsed("number", "3.50", decimals=4) == "3.5"
    assert parsed("integer", "1,200") == "1200"
    assert parsed("percent", "85％") == "85"
    with pytest.raises(BadValue, match="不能小于 0"):
        parsed("number", "-1", minimum="0")
    with pytest.raises(BadValue, match="不能大于 100"):
        parsed("percent", "101", maximum="100")
    with pytest.raises(BadValue, match="整数"):
        parsed("integer", "1.5")


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("month", "2026年3月", "2026-03"), ("month", "202603", "2026-03"),
        ("phone", "０２０-８３３３１２３４ 转 8", "020-83331234 转 8"),
        ("postcode", "510000", "510000"), ("email", "a.b@example.com", "a.b@example.com"),
        ("check", "是", True), ("check", False, False), ("text", " 客户&合同 ", "客户&合同"),
        ("longtext", "一\r\n二\t三", "一\n二\t三"), ("customer", "𠮷野家", "𠮷野家"),
    ],
)  # fmt: skip
def test_other_kinds(kind, raw, value):
    assert parsed(kind, raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("month", "2026-13"), ("phone", "无"), ("phone", "12"), ("postcode", "51000"),
        ("email", "a@b"), ("check", "也许"), ("text", "一\n二"), ("text", {"a": 1}), ("text", True),
        ("text", "字" * 501), ("longtext", "字" * 20_001), ("text", "\x00"), ("longtext", "a\x0bb"),
        ("text", "假\u202e名"), ("customer", "\ud800"), ("text", "\ufffe"),
    ],
)  # fmt: skip
def test_bad_entries_are_refused_with_a_sentence(kind, raw):
    with pytest.raises(BadValue) as caught:
        parsed(kind, raw)
    assert len(str(caught.value)) > 4


def test_lines_of_a_long_text_may_be_limited():
    assert parsed("longtext", "一\r\n二\n三", max_lines=3) == "一\n二\n三"
    with pytest.raises(BadValue, match="最多分 3 行写，现在有 4 行"):
        parsed("longtext", "一\n二\n\n三", max_lines=3)


def test_choices():
    assert parsed("choice", "甲", choices=("甲", "乙")) == "甲"
    assert parsed("multi", ["乙", "甲"], choices=("甲", "乙")) == ["甲", "乙"]
    assert parsed("multi", "乙、甲", choices=("甲", "乙", "丙")) == ["甲", "乙"]
    with pytest.raises(BadValue, match="只能选：甲、乙"):
        parsed("choice", "丙", choices=("甲", "乙"))
    with pytest.raises(BadValue):
        parsed("multi", 5, choices=("甲",))


def test_odd_mobile_number_is_doubted_not_refused():
    field = entry("phone")
    assert get_kind(field).doubt(field, "12345678901")
    assert not get_kind(field).doubt(field, "13800138000")


def test_values_as_printed():
    def shown(kind, value):
        return get_kind(entry(kind)).show(entry(kind), value)

    assert shown("date", "2026-01-05") == "2026年1月5日"
    assert shown("money", "1234567.50") == "1,234,567.50"
    assert shown("percent", "98.50") == "98.50%"
    assert shown("month", "2026-03") == "2026年3月"
    assert shown("check", True) == "☑"
    assert shown("multi", ["甲", "乙"]) == "甲、乙"
    assert shown("money", "待定") == "待定"


@pytest.mark.parametrize(
    ("kind", "value", "wrong"),
    [
        ("id_number", "11010519491231002X", "110105194912310021"),
        ("credit_code", "91350100M000100Y43", "91350100M000100Y44"),
    ],
)
def test_wrong_check_digit_warns_and_never_blocks(kind, value, wrong):
    field = entry(kind)
    assert parsed(kind, f" {value.lower()} ") == value
    assert not get_kind(field).doubt(field, value)
    assert parsed(kind, wrong) == wrong
    assert get_kind(field).doubt(field, wrong)


EVERY_KIND = {
    "text": "客户&合同", "longtext": "一\n二", "integer": "12", "number": "12.5",
    "decimal": "12.5", "money": "1234.50", "percent": "85", "date": "2026-11-23",
    "month": "2026-11", "choice": "甲", "multi": ["甲", "乙"], "check": True,
    "phone": "0731-88886666", "postcode": "410005", "id_number": "11010519491231002X",
    "credit_code": "91350100M000100Y43", "email": "a.b@example.com", "person": "林晓雨",
    "department": "销售部", "customer": "云渡机械有限公司",
}  # fmt: skip


def test_every_kind_goes_to_paper_screen_excel_and_back_and_fits_its_schema():
    types = {"string": str, "boolean": bool, "array": list, "number": (int, float)}
    assert EVERY_KIND.keys() == KINDS.keys() - {"rows", "image", "capital"}
    for kind, value in EVERY_KIND.items():
        field = entry(kind, choices=("甲", "乙") if kind in ("choice", "multi") else ())
        known = get_kind(field)
        assert known.parse(field, value) == value, kind
        assert known.show(field, value) and known.screen(field, value), kind
        cell = from_excel(field, known.to_excel(field, value), known.excel(field).number_format)
        assert known.parse(field, cell) == value, kind
        schema = field_json_schema(field)
        told = schema.get("type", "string")
        allowed = tuple(types[one] for one in ([told] if isinstance(told, str) else told))
        assert isinstance(value, allowed), kind
        if "pattern" in schema:
            assert re.search(schema["pattern"], value), kind


def test_a_picture_a_computed_entry_and_a_table_are_shown_everywhere_too():
    picture, digest = entry("image"), "a" * 64
    kind = get_kind(picture)
    assert kind.parse(picture, digest) == digest
    assert kind.show(picture, digest) == kind.screen(picture, digest) == "（图片）"
    assert kind.excel(picture).note == "图片请在网页上添加"
    assert re.search(field_json_schema(picture)["pattern"], digest)
    total = entry("computed", formula="1", result="money")
    assert get_kind(total).show(total, "1234.50") == "1,234.50"
    assert get_kind(total).to_excel(total, "1234.50") == decimal.Decimal("1234.50")
    assert field_json_schema(total)["readOnly"]
    table = entry("rows", columns=(entry("money"), total), max_rows=9)
    schema = field_json_schema(table)
    assert (schema["type"], schema["maxItems"]) == ("array", 9)
    assert not schema["items"]["additionalProperties"]
    with pytest.raises(BadValue, match="逐行"):
        get_kind(table).parse(table, "一行")


ANYTHING = st.one_of(
    st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.text()),
    st.dictionaries(st.text(), st.integers()), st.dates(),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), raw=ANYTHING)
def test_nothing_typed_makes_a_kind_fail_otherwise_than_by_refusing(kind, raw):
    field = entry(kind, choices=("甲",))
    try:
        value = KINDS[kind].parse(field, raw)
    except BadValue:
        return
    assert isinstance(KINDS[kind].show(field, value), str)
    assert KINDS[kind].parse(field, value) == value
