"""The table of neighbouring units: many texts cut at once as one by one, and phrases by places."""

import io
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.analysis import cut_text, each_unit, run_shape
from indexer.bulk import Runs, cut_many
from indexer.folding import fold
from indexer.pair_table import (
    PairTable,
    _sorted_apart,
    _sorted_pairs,
    adjoining,
    pair_key,
    unit_code,
    write_pairs,
)

SIGNS = st.text("中文字 a1Ｂ，\n·-/🧧._GB'", max_size=40)


def table_of(rows, bases):
    file = io.BytesIO()
    file.close = lambda: None
    write_pairs(file, rows, np.array(bases, np.uint32))
    return file.getvalue()


def cut_one_by_one(texts, place):
    """What the plain cutting gives: pairs with places, and the first place of each text."""
    pairs: dict[int, list[int]] = {}
    bases = []
    for text in texts:
        units = list(each_unit(text, place))
        bases.append(place)
        for first, second in pairwise(units):
            if first.place + 1 == second.place:
                pairs.setdefault(pair_key(first.code, second.code), []).append(first.place)
        place = units[-1].place + 2 if units else place
    return pairs, bases


@settings(deadline=None)
@given(st.lists(SIGNS, max_size=6), st.integers(0, 9))
def test_many_texts_are_cut_as_one_by_one(typed, place):
    texts = [fold(text) for text in typed]
    runs = Runs()
    cut = cut_many(texts, runs, place)
    pairs, bases = cut_one_by_one(texts, place)
    raw = table_of([cut.pairs], cut.bases)
    table = PairTable(raw, len(texts))
    assert {key: table.places(*table.positions([key]).tolist()).tolist() for key in pairs} == pairs
    assert len(table.rows().places) == sum(map(len, pairs.values()))
    for key, position in zip(pairs, table.positions(list(pairs)).tolist(), strict=True):
        own = table.docs_of(np.array(pairs[key], np.uint32)).tolist()
        postings = table.postings(position)
        assert postings.docs.tolist() == sorted(set(own))
        assert postings.counts.tolist() == [own.count(doc) for doc in sorted(set(own))]
        assert table.documents(np.array([position])).tolist() == [len(set(own))]
    assert [b for b, t in zip(cut.bases.tolist(), texts, strict=True) if cut_text(t).units] == [
        b for b, t in zip(bases, texts, strict=True) if cut_text(t).units
    ]
    for number, text in enumerate(texts):
        units = {chr(code) for code in cut.signs[cut.sign_docs == number].tolist()}
        for run in cut.runs[cut.run_docs == number].tolist():
            units.update(runs.terms[run])
        units.update(term for term, doc in cut.glued if doc == number)
        assert units == set(cut_text(text).units)


def test_phrases_are_found_across_many_documents_and_not_across_their_borders():
    texts = ["海信电子", "信电海信", "电子海", "信电子", "", "海信，电子", "合同海信电子合同"]
    cut = cut_many(texts, Runs(), 1)
    table = PairTable(table_of([cut.pairs], cut.bases), len(texts))

    def found(phrase):
        units = list(each_unit(phrase))
        pairs = [(pair_key(a.code, b.code), a.place) for a, b in pairwise(units)]
        return adjoining(table, pairs).tolist()

    assert found("海信电子") == [0, 6]
    assert found("信电子") == [0, 3, 6]
    assert found("海信电子合") == [6]
    assert found("子海信") == []
    assert table.postings(
        *table.positions([pair_key(ord("海"), ord("信"))]).tolist()
    ).docs.tolist() == [0, 1, 5, 6]
    assert table.seconds(ord("信"), 9) == [ord("电")]


def test_numbers_too_large_for_one_sort_are_sorted_all_the_same():
    texts = [fold(f"海信电子合同{n}，GB/T {n} 号A{n % 7}") for n in range(300)]
    rows = [cut_many(texts[:100], Runs(), 1).pairs, cut_many(texts[100:], Runs(), 5000).pairs]
    together, apart = _sorted_pairs(rows), _sorted_apart(rows)
    for one, other in zip(together, apart, strict=True):
        assert one.tolist() == other.tolist()


def test_what_stands_very_often_is_counted_up_to_255_and_what_stands_nowhere_is_told():
    cut = cut_many(["海信" * 400, "海信"], Runs(), 1)
    table = PairTable(table_of([cut.pairs], cut.bases), 2)
    positions = table.positions([pair_key(ord("海"), ord("信")), pair_key(ord("海"), ord("海"))])
    assert positions.tolist()[1] == -1
    assert table.postings(positions.tolist()[0]).counts.tolist() == [255, 1]
    assert table.documents(positions).tolist() == [2, 0]
    assert table.postings(-1).docs.tolist() == table.places(-1).tolist() == []
    assert table.postings(positions.tolist()[0]).counts_in(np.array([1, 0]), 2).tolist() == [1, 255]
    nothing = PairTable(table_of([], [1, 1]), 2)
    assert nothing.positions([7, 8]).tolist() == [-1, -1]
    assert nothing.documents(nothing.positions([7])).tolist() == [0]


def test_two_spellings_of_a_run_are_one_unit():
    assert unit_code(run_shape("HT-2024"), is_run=True) == unit_code("HT2024", is_run=True)


@pytest.mark.parametrize("harm", [lambda raw: raw[:-1], lambda _: b"", lambda raw: raw[::-1]])
def test_a_table_cut_or_overwritten_is_refused(harm):
    cut = cut_many(["海信电子"], Runs(), 1)
    raw = table_of([cut.pairs], cut.bases)
    with pytest.raises((ValueError, struct.error)):
        PairTable(harm(raw), 1)
    with pytest.raises(ValueError, match="cut"):
        PairTable(raw, 2)
