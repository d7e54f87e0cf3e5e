"""What a reader may not see does not exist: not in counts, facets, passages or suggestions."""

from dataclasses import replace

import pytest

from indexer import Entry, Index, SearchRequest

SALES = frozenset({"dept:sales"})
FINANCE = frozenset({"dept:finance"})


def entry(number: str, readers: frozenset[str], **more: object) -> Entry:
    values = {"title": "海信密约", "body": "海信密约的内容", "customer": "青岛海信", "year": 2024}
    return Entry(id=number, readers=readers, **(values | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "海信", "hx", "-长虹", "CW-2024-0999", "客户:凤凰山", "凤*"])
def test_no_tokens_see_nothing_at_all(filled, text):
    results = filled.search(SearchRequest(text, frozenset()))
    assert results.total == 0
    assert results.hits == ()
    assert not any(results.facets.values())
    assert filled.suggest(text or "海", frozenset()) == []


@pytest.mark.parametrize(
    "text",
    ["凤凰山", "fhs", "fenghuangshan", "凤fenghuang", "CW-2024-0999", "0999", "丙等", "CW*",
     "客户:凤凰山", "年度:1999", "状态:绝密流转", '"专项资金"', "凤凰山 OR 凤凰", "题名:凤凰山"],
)  # fmt: skip
def test_other_departments_records_leave_no_trace(ask, filled, text):
    mine, theirs = ask(text, SALES), ask(text, FINANCE)
    assert theirs.total >= 1
    assert mine.total == 0
    assert mine.hits == ()
    assert not any(mine.facets.values())
    assert filled.suggest(text, SALES) == []


def test_facets_count_visible_records_only(ask):
    mine = ask("", SALES)
    values = {value for counts in mine.facets.values() for value, _ in counts}
    assert values.isdisjoint({"凤凰山投资有限公司", "1999", "绝密流转", "K05", "财务部"})
    assert sum(count for _, count in mine.facets["form"]) == mine.total
    seen_by_finance = dict(ask("海信", FINANCE).facets["customer"])
    assert seen_by_finance["青岛海信电子技术有限公司"] == 3
    assert dict(ask("海信", SALES).facets["customer"])["青岛海信电子技术有限公司"] == 2


def test_a_record_without_readers_is_found_by_nobody(ask):
    for readers in (SALES, FINANCE, SALES | FINANCE, frozenset({""}), frozenset({"admin"})):
        assert "orphan" not in {hit.id for hit in ask("银行", readers).hits}


def test_a_filter_that_fits_nothing_gives_nothing(ask):
    assert ask("海信", filters={"customer": ("不存在",)}).total == 0
    assert ask("海信", filters={"customer": ()}).total == 3
    assert ask("海信", filters={"made_up": ("x",)}).total == 0


def test_texts_of_hidden_records_are_never_loaded(tmp_path, records):
    asked: list[str] = []

    def load(ids):
        asked.extend(ids)
        return {one: records[one] for one in ids if one in records}

    index = Index.open(tmp_path, load)
    index.rebuild(records.values())
    index.search(SearchRequest("海信", SALES))
    index.suggest("海信", SALES, 20)
    assert "hisense-contract" in asked
    assert not {"finance-secret", "orphan", "finance-only-customer"} & set(asked)


def test_rights_taken_away_in_the_database_hold_before_the_index_follows(tmp_path):
    rows = {"1": entry("1", SALES), "2": entry("2", SALES)}
    index = Index.open(tmp_path, lambda ids: {one: rows[one] for one in ids if one in rows})
    index.rebuild(rows.values())
    rows["1"] = replace(rows["1"], readers=FINANCE)
    results = index.search(SearchRequest("海信", SALES))
    assert [hit.id for hit in results.hits] == ["2"]
    assert results.total == 1
    assert [one.id for one in index.suggest("密约", SALES)] == ["2"]


def test_rights_follow_an_update(tmp_path):
    rows = {"1": entry("1", SALES)}
    index = Index.open(tmp_path, lambda ids: {one: rows[one] for one in ids if one in rows})
    index.rebuild(rows.values())
    rows["1"] = replace(rows["1"], readers=FINANCE)
    index.apply(rows.values())
    assert index.search(SearchRequest("海信", SALES)).total == 0
    assert index.search(SearchRequest("海信", FINANCE)).total == 1
    assert index.suggest("海信", SALES) == []
