"""What people type, bent at random: readers of words answer or refuse, and never fall.

A few tries each in the slow suite; ``make fuzz`` takes minutes (``FUZZ_EXAMPLES``). What was once
found stands as an example above its test.
"""

import contextlib
import os
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archive.core.errors import ArchiveError
from archive.customers import rules as customers
from archive.filing import codes
from archive.filing.rules import parse_place
from archive.lending.viewing.rules import parse_pages
from archive.records.schema import form_schema
from doc_templates import Form, check_values, list_forms
from doc_templates.capital import UnspeakableAmount, amount_of, capital_amount, capital_grid
from doc_templates.catalogue import read_form
from doc_templates.condition import holds, parse_condition, unknown_names
from doc_templates.errors import BadFormula, FormError
from indexer import amounts, days, folding
from indexer.query import parse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
house = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
TODAY = date(2026, 11, 23)

# ---------------------------------------------------------------- what is typed

CODE = "Z109-HT·01-2026-D30-XSB-L0001"
PIECES = [
    *('"', "“", "”", "-", "—", "NOT", "OR", "AND", "(", ")", "（", "：", ":", "*", "?", "^", "~"),
    *("客户:", "年度:2026", "编号:HT-2024-0017", "金额>1000", "1,409.50", "壹仟肆佰", "万元", "％"),
    *(
        "2026年11月",
        "去年",
        "上个月",
        "2026-13-45",
        "银行",
        "行",
        "龙井茶",
        "lj",
        "HT",
        CODE,
        "\u200b",
    ),
    *(
        "\x00",
        "\ud800",
        "\U0001f600",
        "ﬁ",
        "İ",
        "ß",
        "\u202e",
        "９",
        "²",
        "٣",
        "\\",
        "%",
        "_",
        "[",
        "{{",
    ),
]
typed = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=20).map(" ".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 3000)).map(lambda one: one[0] * one[1]),
)


@house
@given(typed)
@example("(" * 3000)
@example("NOT " * 2000)
@example('"' * 1001)
def test_every_question_is_read(text):
    parse(text, TODAY, ((("银行", "行"),)))


@house
@given(typed)
def test_amounts_and_days_are_found_in_anything(text):
    folded = folding.fold(text)
    for found in amounts.amounts_in(folded):
        assert found is not None
    amounts.money_in(folded)
    amounts.read_amount(folded)
    days.days_in(folded)
    days.spans_in(folded, TODAY)
    days.read_span(folded, TODAY)


SPELLED = [
    *("近", "最近", "过去", "前", "上", "本", "去", "今", "这", "半", "三", "两", "十二", "三十一"),
    *(
        "个",
        "天",
        "日",
        "周",
        "星期",
        "月",
        "季度",
        "年",
        "上半年",
        "下半年",
        "第",
        "一",
        "四",
        "季",
    ),
    *("2026", "二〇二六", "二零二六", "20261123", "20261399", "13", "0", "9" * 400, "-", "/", "."),
    *("年度", "至", "到", "以来", "以前", "年11月", "号", "0001年", "9999年12月31日", "〇"),
]


@house
@given(st.lists(st.sampled_from(SPELLED), max_size=8).map("".join), st.dates())
def test_days_spelled_in_any_way_are_spans_or_none(text, today):
    folded = folding.fold(text)
    read = days.read_span(folded, today)
    for span in [*days.spans_in(folded, today), *([read] if read else [])]:
        assert 0 < span.first <= span.last <= 99991231 + 8000
    days.days_in(folded)


@house
@given(st.one_of(typed, st.from_regex(re.compile(r"[A-Z0-9·\-. ]{0,60}"), fullmatch=True)))
@example("Z109-HT-2026-D30-³")
@example("z109 ht·01 ٢٠٢٦ d30 xsb 1")
def test_a_code_is_one_or_none(text):
    found = codes.find_reference(text)
    if found is not None:
        assert codes.find_reference(str(found)) == found
    codes.find_tail(text)
    barcode = codes.clean_barcode(text)
    assert barcode == "" or codes.clean_barcode(barcode) == barcode
    with contextlib.suppress(ArchiveError):
        parse_place(text)


@house
@given(typed)
def test_what_is_typed_of_a_customer_is_judged(text):
    fields = customers.CustomerFields(name=text, credit_code=text, phone=text, number=text)
    customers.clean_fields(fields)
    customers.credit_code_warning(text)
    customers.phone_keys(text, text)
    customers.name_initials(text)
    customers.match_key(text)
    customers.search_key(text)
    with contextlib.suppress(ValueError):
        customers.parse_day(text)


@house
@given(st.decimals(allow_nan=True, allow_infinity=True))
@example(Decimal("1E+1000000"))
@example(Decimal("-0"))
@example(Decimal("sNaN"))
def test_an_amount_is_spelt_and_read_back(amount):
    try:
        spelt = capital_amount(amount)
    except UnspeakableAmount:
        return
    assert amount_of(spelt) == amount.quantize(Decimal("0.01"))
    capital_grid(amount)


SAID = ["金额", "客户", "明细", "明细.金额", "明细.没有", "sum(明细.金额)", "密级"]
SIGNS = ["=", "≠", "<", "≤", ">", "≥", "含", "且", "或", "+", "-", "*", "/", "(", ")", ","]
VALUES = st.one_of(st.none(), st.booleans(), st.decimals(), st.integers(), typed)
COLUMNS = st.sampled_from(["金额", "数量"])
WORDS_OF_A_CONDITION = st.sampled_from(
    [
        *SAID,
        *SIGNS,
        "0",
        "100",
        "1e999",
        "“海信”",
        "'",
        '"内部"',
        "min(",
        "round(金额, 2)",
        "9" * 60,
    ]
)


@house
@given(
    st.one_of(
        typed,
        st.lists(WORDS_OF_A_CONDITION, max_size=14).map(" ".join),
        st.tuples(*(st.sampled_from(one) for one in (SAID, SIGNS[:7], ["0", "100", *SAID]))).map(
            " ".join
        ),
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "金额": VALUES,
            "客户": VALUES,
            "明细": st.lists(st.dictionaries(COLUMNS, VALUES)),
        },
    ),
)
def test_a_condition_holds_or_not_or_is_refused(text, told):
    try:
        condition = parse_condition(text)
    except BadFormula as refusal:
        assert str(refusal)
        return
    assert holds(condition, told, {"密级": "内部"}) in (True, False)
    unknown_names(condition, told)


@house
@given(st.text(alphabet="零壹贰叁肆伍陆柒捌玖拾佰仟万亿兆元角分整正负人民币 圆貳萬億", max_size=40))
def test_a_line_in_capitals_means_one_amount_or_none(text):
    try:
        amount = amount_of(text)
    except UnspeakableAmount:
        return
    assert amount_of(capital_amount(amount)) == amount


# ---------------------------------------------------------------- form.toml and what is sent

FORMS = list_forms()
DEFINITIONS = [(form.folder / "form.toml").read_text("utf-8") for form in FORMS]
WORDS = [
    *("0", "-1", "1e999", "nan", "true", '""', "[]", "{}", "[[]]", '"金额 * 金额"', '"../../x"'),
    *('"{{ 1 }}"', '"sum(明细.金额)"', '"rows"', '"money"', "9" * 30, '"' + "字" * 999 + '"'),
    *('"a" = 1', "[field]", "[[field]]", "[[field.column]]", "2026-11-23", '"(((((((((("', "'''"),
]


@st.composite
def bent_definition(draw):
    """A shipped definition with some lines changed, doubled, moved or taken away."""
    lines = draw(st.sampled_from(DEFINITIONS)).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        how = draw(st.sampled_from("cut double value word move"))
        key, _, _ = lines[at].partition("=") if lines else ("", "", "")
        if how == "c":
            del lines[at]
        elif how == "d":
            lines.insert(at, lines[at])
        elif how == "m":
            lines.insert(draw(st.integers(0, len(lines))), lines.pop(at))
        else:
            lines[at] = f"{key}= {draw(st.sampled_from(WORDS))}"
        if not lines:
            break
    return "\n".join(lines)


@house
@given(st.one_of(bent_definition(), st.text(max_size=200)))
@example("a = " + "[" * 5000)
@example("x" + "." + ".".join("y" * 2000) + " = 1")
def test_a_definition_is_a_form_or_is_refused_with_a_word(text):
    try:
        form = read_form(text, b"", "{}")
    except FormError as refusal:
        assert refusal.message
        return
    form_schema(form)
    check_values(form, {entry.key: "1" for entry in form.fields})


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from(
            ["true", "是", "1e999", "-0", "1409.50", "2026-02-30", "\ud800", "9" * 400]
        ),
        typed,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(typed, inner, max_size=4)),
    max_leaves=12,
)


@house
@given(st.data())
def test_whatever_is_sent_for_a_form_is_judged(data):
    form: Form = data.draw(st.sampled_from(FORMS))
    keys = [entry.key for entry in form.fields]
    sent = data.draw(
        st.one_of(values, st.dictionaries(st.sampled_from(keys), values, max_size=len(keys)))
    )
    for draft in (True, False):
        checked = check_values(form, sent, draft=draft)
        assert all(isinstance(why, str) and why for why in checked.errors.values())


@house
@given(typed, st.integers(0, 2000))
def test_pages_are_read_or_refused(text, most):
    with contextlib.suppress(ArchiveError):
        parse_pages(text, most)
