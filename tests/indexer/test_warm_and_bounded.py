"""What a process reads before the first search, and how much of what it read it keeps."""

import numpy as np
import pytest

from indexer import Entry, Index, SearchRequest, limit_cache
from indexer.joined import JoinedView
from indexer.pinyin import pinyin_terms
from indexer.posting_cache import CACHE, PostingCache
from indexer.segment import SegmentView

ALL = frozenset({"all"})


def entries(count: int) -> list[Entry]:
    return [
        Entry(
            str(number),
            f"买卖合同第{number}号",
            "甲方海信电子，乙方长虹电器。",
            customer="青岛海信",
            date="2024-03-01",
            readers=ALL,
        )
        for number in range(count)
    ]


def test_after_warming_the_first_search_reads_no_more_than_its_own_words(tmp_path, monkeypatch):
    rows = {one.id: one for one in entries(300)}
    Index.open(tmp_path, lambda ids: {}).rebuild(rows.values())
    index = Index.open(tmp_path, lambda ids: {one: rows[one] for one in ids})
    index.warm()

    def refuse(*_):
        raise AssertionError("read only now")

    for view in (SegmentView, JoinedView):
        monkeypatch.setattr(view, "read_column", refuse, raising=False)
    monkeypatch.setattr(SegmentView, "_read_lengths", refuse)
    monkeypatch.setattr("indexer.index.read_snapshot", refuse)
    results = index.search(SearchRequest("海信合同", ALL))
    assert results.total == 300
    assert results.facets["customer"] == (("青岛海信", 300),)
    assert results.facets["date"] == (("2024-03", 300),)
    spelled = pinyin_terms.cache_info().misses
    assert index.suggest("haix", ALL)[0].text == "青岛海信"
    assert pinyin_terms.cache_info().misses == spelled


@pytest.mark.parametrize("what", ["nothing", "cut"])
def test_warming_what_is_missing_or_damaged_is_no_error(tmp_path, what):
    index = Index.open(tmp_path, lambda ids: {})
    if what == "cut":
        index.rebuild(entries(50))
        path = next(tmp_path.glob("gen-*/*.seg"))
        path.write_bytes(path.read_bytes()[:200])
        index = Index.open(tmp_path, lambda ids: {})
    index.warm()
    assert index.needs_rebuild
    assert index.search(SearchRequest("合同", ALL)).notes


def test_a_cache_keeps_no_more_than_its_limit_and_what_was_asked_for_last():
    cache = PostingCache(limit=10_000)
    read = []

    def array_of(number):
        def make():
            read.append(number)
            return np.zeros(500, np.int32)

        return make

    for number in range(20):
        cache.kept(number, array_of(number))
        cache.kept(0, array_of(0))
    assert read == list(range(20))
    cache.kept(19, array_of(19))
    cache.kept(1, array_of(1))
    assert read == [*range(20), 1]
    assert cache._bytes <= 10_000


def test_a_search_answers_the_same_with_hardly_any_cache(filled):
    asked = [
        SearchRequest(text, frozenset({"dept:sales"})) for text in ("采购", "海信 合同", "-采购")
    ]
    roomy = [filled.search(one) for one in asked]
    before = CACHE.limit
    try:
        limit_cache(1)
        tight = [filled.search(one) for one in asked]
    finally:
        limit_cache(before)
    assert [(one.total, one.hits, one.facets) for one in tight] == [
        (one.total, one.hits, one.facets) for one in roomy
    ]
