"""Whatever is typed, a search answers; wrong syntax becomes words and a remark."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer import SearchRequest
from indexer.nodes import AllOf, AnyOf, Han, InField, Not, Phrase, Run
from indexer.query import parse

READERS = frozenset({"dept:sales", "dept:finance"})

WRONG = [
    "(海信",
    "海信)",
    ")海信(",
    '"海信',
    '海信"',
    "海信 OR",
    "OR 海信",
    "海信 OR OR 合同",
    "海信 AND",
    "AND 海信",
    "海信 NOT",
    "((((海信",
    "(" * 500 + "海信",
    "海信 (OR)",
]


@pytest.mark.parametrize("text", WRONG)
def test_wrong_syntax_is_searched_as_words_and_said(ask, text):
    results = ask(text)
    assert any("普通词语" in note or "太长" in note for note in results.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"海信', "引号没有成对"),
        ("“海信", "引号没有成对"),
        ('海信 ""', "引号里没有要找的字"),
        ("(海信", "括号没有成对"),
        ("海信）", "括号没有成对"),
        ("海信 ()", "括号里没有要找的词"),
        ("(" * 30 + "海信" + ")" * 30, "括号套得太深"),
        ("客户:", "“客户:”后面没有写要找的内容"),
        ("海信 客户：", "“客户:”后面没有写要找的内容"),
        ("客户: 年度:2024", "“客户:”后面没有写要找的内容"),
        ("海信 客户: 金额>1万", "“客户:”后面没有写要找的内容"),
        ('金额:""', "“金额:”后面没有写要找的内容"),
        ("客户:*", "“客户:”后面没有写要找的内容"),
        ("颜色:红 海信", "没有“颜色”这个字段"),
        ("海信 OR", "“OR”前后都要有词"),
        ("且 海信", "“且”前后都要有词"),
        ("海信 NOT", "“NOT”后面没有写不要什么"),
        ("海信 *", "“*”前面没有写开头的字"),
        ("金额>一些 海信", "“金额>一些”看不懂"),
        ("金额>", "“金额>”看不懂"),
        ("金额：甲 海信", "“金额:甲”看不懂"),
        ("年度>明年 海信", "“年度>明年”看不懂"),
        ("日期:2024-13 海信", "“日期:2024-13”看不懂"),
    ],
)
def test_each_wrong_way_of_writing_is_named(text, said):
    query = parse(text)
    assert any(said in note for note in query.notes), query.notes
    assert query.node is not None
    assert len(query.notes) == len(set(query.notes))


def test_signs_alone_are_looked_for_as_words_and_good_syntax_is_not_remarked_on():
    assert parse("或").node == Han("或")
    assert parse("NOT").node == Run("not")
    good = [
        '"买卖合同" -作废',
        "(海信 OR 长虹) 合同",
        "客户:海信 金额>1万",
        "海信 - 合同",
        "备注:",
        "HT*",
    ]
    assert [text for text in good if parse(text).notes] == []


@pytest.mark.parametrize("text", [one for one in WRONG if len(one) < 100 and "合同" not in one])
def test_wrong_syntax_still_finds(ask, text):
    assert "hisense-contract" in {hit.id for hit in ask(text).hits}


@pytest.mark.parametrize(
    "text",
    [
        "客户:",
        ":海信",
        "客户::",
        "年度:abc",
        "年度:-",
        "日期:////",
        "不认识:海信",
        "*",
        "**",
        "-",
        "--",
        "-*",
        "~",
        "\\",
        "'",
        "a:b:c",
        "http://example.com/a?b=c&d",
        "[1 TO 2]",
        "{{7*7}}",
        "{% for %}",
        "'; DROP TABLE records; --",
        "\ud800",
        "\x00",
        "\u202e\u202d\u2066",
        "🧧🧧🧧",
        "㊣①½℃㎡",
        "e\u0301" * 50,
        "\n\t\r ",
        "的" * 10_000,
        "海" * 10_000,
        "a" * 10_000,
        "1" * 10_000,
        "-".join(["1"] * 4000),
        "海信 OR " * 3000,
        "NOT " * 3000,
        "(a" * 300 + ")" * 300,
    ],
)
def test_hostile_queries_answer(ask, filled, text):
    results = ask(text)
    assert results.took_ms < 3000
    assert results.total >= 0
    filled.suggest(text, READERS)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.sampled_from(
            ["海信", "合同", '"', "(", ")", " ", "-", "OR", "NOT", "AND", "客户:", "年度:", "*",
             "HT-2024", "hx", "“", "：", "～", "\x00", "🧧", "\u202e", "，", ":", "!", "|", "\n"]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_any_mixture_of_signs_answers(filled, pieces):
    results = filled.search(SearchRequest("".join(pieces), READERS, limit=3))
    assert results.total >= len(results.hits)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_read(text):
    parse(text)


def test_shapes_of_queries():
    assert parse("海信").node == Han("海信")
    assert parse('"海信"').node == Phrase("海信")
    assert parse("-海信").node == Not(Han("海信"))
    assert parse("海信 或 长虹").node == AnyOf((Han("海信"), Han("长虹")))
    assert parse("客户：海信").node == InField("customer", "海信")
    assert parse("海信 HT-1").node == AllOf((Han("海信"), Run("ht-1")))
    assert parse("").node is None
    assert parse("").has_words
    assert not parse("！").has_words


def test_negated_words_are_no_question_of_marks(ask):
    hit = ask("海信 -报告").hits[0]
    assert not any(is_marked and "报告" in piece for piece, is_marked in hit.title)
