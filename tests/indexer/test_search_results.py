"""Filters, counts, order, pages, marks, passages and suggestions."""

import pytest

from indexer import Entry, Index, SearchRequest

ALL = frozenset({"all"})


def text_of(marked) -> str:
    return "".join(piece for piece, _ in marked)


def marks_of(marked) -> list[str]:
    return [piece for piece, is_marked in marked if is_marked]


@pytest.fixture
def small(tmp_path):
    def make(*entries: Entry) -> Index:
        rows = {entry.id: entry for entry in entries}
        index = Index.open(tmp_path, lambda ids: {one: rows[one] for one in ids if one in rows})
        index.rebuild(rows.values())
        return index

    return make


def test_filters_cut_hits_and_other_facets_but_not_their_own(ask):
    results = ask("题名:买卖合同", filters={"department": ("市场部",)})
    assert {hit.id for hit in results.hits} == {"changhong-contract"}
    assert dict(results.facets["status"]) == {"审批中": 1}
    assert dict(results.facets["department"]) == {"市场部": 1, "销售部": 1}


def test_several_values_of_a_filter_are_alternatives(ask):
    results = ask("", filters={"year": ("2022", "2023"), "form": ("E01", "E03")})
    assert {hit.id for hit in results.hits} == {"hisense-report", "bank-loan"}


def test_facets_come_most_frequent_first(ask):
    counts = [count for _, count in ask("").facets["form"]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 50


def test_pages_follow_each_other_without_gap_or_repeat(ask):
    whole = [hit.id for hit in ask("采购单").hits]
    paged = [
        hit.id
        for offset in range(0, len(whole), 7)
        for hit in ask("采购单", offset=offset, limit=7).hits
    ]
    assert len(whole) == 50
    assert paged == whole
    assert ask("采购单", offset=10_000).hits == ()
    assert ask("采购单", offset=10_000).total == 50
    assert ask("采购单", offset=-5, limit=3).hits == ask("采购单", limit=3).hits
    assert ask("采购单", limit=0).total == 50


def test_sorting_by_date_number_and_customer(small):
    index = small(
        Entry("a", "合同", customer="长虹", numbers=("HT-10",), date="2024-01-02", readers=ALL),
        Entry("b", "合同", customer="海信", numbers=("HT-9",), date="2024-01-03", readers=ALL),
        Entry("c", "合同", customer="", date="", readers=ALL),
        Entry(
            "d", "合同", customer="重庆银行", numbers=("HT-100",), date="2023-12-31", readers=ALL
        ),
    )

    def order(sort) -> str:
        found = index.search(SearchRequest("合同", ALL, sort=sort))
        return "".join(hit.id for hit in found.hits)

    assert order("date") == "badc"
    assert order("number") == "badc"
    assert order("customer") == "adbc"  # changhong, chongqing, haixin, none


def test_title_and_customer_weigh_more_than_a_mention(small):
    body = "说明文字" * 30
    index = small(
        Entry("mention", "其他", body + "海信", readers=ALL),
        Entry("title", "海信往来", body, readers=ALL),
        Entry("customer", "往来", body, customer="海信", readers=ALL),
    )
    found = [hit.id for hit in index.search(SearchRequest("海信", ALL)).hits]
    assert found[-1] == "mention"


def test_words_that_adjoin_rank_before_words_apart(small):
    index = small(
        Entry("apart", "甲", "电子产品由海信提供，信用电器" + "其他" * 20, readers=ALL),
        Entry("joined", "乙", "海信电子产品提供，信用电器其" + "其他" * 20, readers=ALL),
    )
    assert [h.id for h in index.search(SearchRequest("海信电子", ALL)).hits] == ["joined", "apart"]


@pytest.mark.parametrize(
    ("query", "title", "marks"),
    [
        ("电子", "電子檔案說明", ["電子"]),
        ("電子檔案", "电子档案说明", ["电子档案"]),
        ("abc", "ＡＢＣ产品", ["ＡＢＣ"]),
        ("HT20240017", "合同HT－2024－0017号", ["HT－2024－0017"]),
        ("12500", "金额12,500.00元", ["12,500"]),
        ("海信", "海\u200b信电子", ["海\u200b信"]),
        ("hx", "青岛海信电子", ["海信"]),
        ("haixin", "青岛海信电子", ["海信"]),
        ("海xin", "上海海信电子", ["海信"]),
        ('"海信电子"', "海信电子与海信", ["海信电子"]),
        ("海信 -长虹", "海信而非", ["海信"]),
        ("客户&合同", "<b>客户&合同</b>", ["客户", "合同"]),
        ("二", "①二㈱二", ["二", "二"]),
    ],
)
def test_marks_stand_on_the_text_as_typed(small, query, title, marks):
    index = small(Entry("1", title, readers=ALL))
    hit = index.search(SearchRequest(query, ALL)).hits[0]
    assert text_of(hit.title) == title
    assert marks_of(hit.title) == marks


def test_passage_shows_where_it_was_found(small):
    body = "无关的话。" * 400 + "买卖双方在青岛签订了海信电子的合同。" + "后面的话。" * 400
    index = small(Entry("1", "题", body, readers=ALL))
    snippet = index.search(SearchRequest("海信 合同", ALL)).hits[0].snippet
    assert set(marks_of(snippet)) == {"海信", "合同"}
    assert snippet[0] == ("…", False)
    assert snippet[-1] == ("…", False)
    assert len(text_of(snippet)) < 130


def test_without_a_place_in_the_text_the_passage_is_its_beginning(small):
    index = small(Entry("1", "海信", "开头的话。", readers=ALL))
    assert index.search(SearchRequest("海信", ALL)).hits[0].snippet == (("开头的话。", False),)


def test_suggestions_begin_with_what_begins_so(filled):
    both = frozenset({"dept:sales", "dept:finance"})
    names = [one.text for one in filled.suggest("海信", both, 10)]
    assert names[0] == "青岛海信电子技术有限公司"
    assert "海信电子元件买卖合同" in names
    assert [one.text for one in filled.suggest("qdhx", both, 1)] == ["青岛海信电子技术有限公司"]
    assert filled.suggest("changhong", both)[0].text == "四川长虹电器股份有限公司"
    assert filled.suggest("长虹", both)[0].kind == "customer"
    titles = [one for one in filled.suggest("月份业绩", both) if one.kind == "title"]
    assert [one.id for one in titles] == ["food"]
    assert len(filled.suggest("采购", both, 5)) == 5
    for nothing in ("", "   ", "！", "\x00", "x" * 5000, "没有的客户"):
        assert filled.suggest(nothing, both) == []
    assert filled.suggest("海信", both, 0) == []


def test_dates_are_counted_by_month_and_by_year_and_narrow(small):
    days = ["2024-01-05", "2024-01-31", "2024-03", "2024", "20249901", "不详", "", "2023-12-31"]
    near = small(*(Entry(str(n), "合同", date=day, readers=ALL) for n, day in enumerate(days)))

    def ask(index, *periods):
        filters = {"date": periods} if periods else {}
        return index.search(SearchRequest("合同", ALL, filters))

    assert ask(near).facets["date"] == (("2023-12", 1), ("2024-01", 2), ("2024-03", 1))
    assert {hit.id for hit in ask(near, "2024-01", "2023").hits} == {"0", "1", "7"}
    assert {hit.id for hit in ask(near, "2024").hits} == {"0", "1", "2", "3", "4"}
    assert ask(near, "2024").facets["date"] == (("2024-01", 2), ("2024-03", 1))
    assert ask(near, "2024-03").facets["date"] == (("2024-01", 2), ("2024-03", 1))
    for hostile in ("2024-13", "2024-00", "0000", "二〇二四", "٢٠٢٤", "2024-3", "x" * 300):
        assert ask(near, hostile).total == 0
    assert near.search(SearchRequest("合同", frozenset())).facets["date"] == ()


def test_dates_over_a_long_span_are_counted_by_year(small):
    days = ["1998-05-01", "2024-03-01", "2024-07", "2024", "9999-12-31"]
    index = small(*(Entry(str(n), "合同", date=day, readers=ALL) for n, day in enumerate(days)))
    counted = index.search(SearchRequest("合同", ALL)).facets["date"]
    assert counted == (("1998", 1), ("2024", 3), ("9999", 1))


def test_class_secrecy_and_maker_are_counted_and_narrow(small):
    index = small(
        Entry("a", "合同", class_code="销售合同", secrecy="内部", maker="张三", readers=ALL),
        Entry("b", "合同", class_code="采购合同", secrecy="内部", maker="李四", readers=ALL),
        Entry("c", "合同", readers=ALL),
    )
    found = index.search(SearchRequest("合同", ALL, {"class": ("采购合同",), "maker": ("李四",)}))
    assert [hit.id for hit in found.hits] == ["b"]
    assert dict(found.facets["secrecy"]) == {"内部": 1}
    assert dict(found.facets["maker"]) == {"李四": 1}
