"""Sorting by 档号: the order is kept, a commit only puts its new numbers in."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

import indexer.search
from indexer import Entry, Index, SearchRequest
from indexer.ranks import Ranks

ALL = frozenset({"all"})


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.text("ab01", max_size=3), max_size=8), max_size=5))
def test_growing_step_by_step_is_as_ordering_all_at_once(steps):
    def key_of(value):
        return value.replace("0", "")  # so that several values have the same key

    ranks, values = Ranks(), []
    for step in steps:
        values += [value for value in dict.fromkeys(step) if value not in values]
        ranks = ranks.grown(values, key_of)
    places = {key: at for at, key in enumerate(sorted({*map(key_of, values)}), 1)}
    found = ranks.by_code().tolist()
    assert found[1:] == [places[key_of(value)] for value in values]
    assert all(found[0] > one for one in found[1:])


def test_a_commit_looks_at_its_own_numbers_only(tmp_path, monkeypatch):
    chance = random.Random(4)
    numbers = [f"Z109-KH·2024-D30-XSB-{number:04d}" for number in range(400)]
    chance.shuffle(numbers)
    rows = {}

    def put(count):
        for _ in range(count):
            number = numbers.pop()
            rows[number] = Entry(number, "合同", numbers=(number,), readers=ALL)
        return [rows[number] for number in list(rows)[-count:]]

    index = Index.open(tmp_path, lambda ids: {one: rows[one] for one in ids if one in rows})
    index.rebuild(put(300))
    looked_at = []
    real = indexer.search._number_key
    monkeypatch.setattr(
        indexer.search, "_number_key", lambda number: looked_at.append(number) or real(number)
    )

    def in_order():
        request = SearchRequest("合同", ALL, sort="number", limit=1000)
        return [hit.id for hit in index.search(request).hits]

    assert in_order() == sorted(rows)
    assert len(looked_at) == 300
    for _ in range(9):
        looked_at.clear()
        index.apply(put(3))
        assert in_order() == sorted(rows)
        assert len(looked_at) == 3
    gone = sorted(rows)[::7]
    for number in gone:
        del rows[number]
    looked_at.clear()
    index.apply([], gone)
    assert in_order() == sorted(rows)
    assert looked_at == []
