"""Thousands found: other ways of counting, scoring and ordering than for a few, the same answers.

Held against what plain Python counts over the same records.
"""

import random
from collections import Counter
from dataclasses import replace

import pytest

from indexer import Entry, Index, SearchRequest

ALL, SOME = frozenset({"all"}), frozenset({"some"})
RECORDS, SHOWN = 6000, 100
WORDS = ("设备", "运输", "仓储", "保险", "检验")


@pytest.fixture(scope="module")
def rows():
    chance = random.Random(3)
    made = {}
    for number in range(RECORDS):
        several = chance.sample(WORDS, chance.randint(1, 4))
        body = "合同" + "，".join(several * chance.randint(1, 3)) + "。" * chance.randint(0, 40)
        one = str(number)
        made[one] = Entry(
            one,
            f"第{number}号" + chance.choice(("合同", "报告", "运输合同")),
            body,
            customer=f"客户{int(700 * chance.random() ** 3):03d}",
            form=chance.choice(("E01", "E05", "E10")),
            year=chance.randint(2015, 2026),
            department=chance.choice(("销售部", "财务部", "")),
            date=f"{chance.randint(2015, 2026)}-{chance.randint(1, 12):02d}-15",
            readers=ALL | SOME if number % 150 == 0 else ALL,
        )
    return made


@pytest.fixture(scope="module")
def index(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    index = Index.open(folder, lambda ids: {one: rows[one] for one in ids if one in rows})
    index.rebuild(list(rows.values())[: RECORDS - 500])
    index.apply(list(rows.values())[RECORDS - 500 :])  # a second part
    return index


def having(rows, *words):
    return [one for one in rows.values() if all(word in one.body + one.title for word in words)]


def most(values):
    counted = Counter(filter(None, values))
    return sorted(counted.values(), reverse=True)[:SHOWN]


@pytest.mark.parametrize("words", [("合同",), ("运输",), ("设备", "保险")])
def test_facets_of_thousands_are_counted_right(index, rows, words):
    found = having(rows, *words)
    assert len(found) > 1000
    results = index.search(SearchRequest(" ".join(words), ALL))
    assert results.total == len(found)
    for name in ("form", "department", "customer"):
        counted = Counter(getattr(one, name) for one in found)
        shown = results.facets[name]
        assert [number for _, number in shown] == most(getattr(one, name) for one in found)
        assert all(counted[value] == number for value, number in shown), name
    years = Counter(one.date[:4] for one in found)
    assert dict(results.facets["date"]) == years


CHOSEN = [
    {"form": ("E05",)},
    {"customer": ("客户000", "客户003")},
    {"form": ("E01",), "year": ("2020",), "date": ("2019",)},
]


@pytest.mark.parametrize("chosen", CHOSEN, ids=["form", "customers", "three"])
def test_a_filter_narrows_all_but_its_own_counts(index, rows, chosen):
    def fits(one, but):
        said = {"form": one.form, "customer": one.customer, "year": str(one.year)}
        said["date"] = one.date[:4]
        return all(said[name] in values for name, values in chosen.items() if name != but)

    results = index.search(SearchRequest("合同", ALL, filters=chosen))
    found = having(rows, "合同")
    assert results.total == sum(fits(one, "") for one in found)
    for name in ("form", "department", "customer"):
        counted = Counter(getattr(one, name) for one in found if fits(one, name))
        shown = results.facets[name]
        assert [n for _, n in shown] == most(counted.elements())
        assert all(counted[value] == number for value, number in shown), name


def test_what_scores_most_of_thousands_comes_first_on_every_page(index, rows):
    whole = index.search(SearchRequest("运输 OR 保险", ALL, limit=RECORDS)).hits
    assert len(whole) == len({*having(rows, "运输"), *having(rows, "保险")})
    order = [(-hit.score, -int(rows[hit.id].date.replace("-", ""))) for hit in whole]
    assert order == sorted(order)
    for offset in (0, 7, 500, len(whole) - 5):
        page = index.search(SearchRequest("运输 OR 保险", ALL, offset=offset, limit=10)).hits
        assert [one.id for one in page] == [one.id for one in whole[offset : offset + 10]]


@pytest.mark.parametrize("text", ["运输", "设备 保险", "运输 OR 保险", '"合同设备"'])
def test_a_record_scores_the_same_among_thousands_and_among_a_few(index, text):
    many = {one.id: one.score for one in index.search(SearchRequest(text, ALL, limit=RECORDS)).hits}
    few = index.search(SearchRequest(text, SOME, limit=RECORDS)).hits
    assert len(many) > 1000 > 45 > len(few) > 0
    assert [many[one.id] for one in few] == pytest.approx([one.score for one in few], abs=2e-4)


@pytest.mark.parametrize("order", ["date", "customer"])
def test_pages_in_another_order_hold_each_record_once(index, rows, order):
    def page(offset):
        return index.search(SearchRequest("合同", ALL, sort=order, offset=offset, limit=100)).hits

    seen = [hit.id for offset in range(0, RECORDS, 100) for hit in page(offset)]
    assert len(seen) == len(set(seen)) == RECORDS
    keys = [getattr(rows[one], order) for one in seen]
    assert keys == sorted(keys, reverse=order == "date")


def test_a_record_of_the_same_text_scores_the_same_in_the_small_part(index, rows):
    """What was added since lies in a part of its own; of equals the newer comes first."""
    old = rows["17"]
    rows["again"] = replace(old, id="again", date="2026-12-15")
    index.apply([rows["again"]])
    try:
        for text in ("合同", "运输 OR 设备 OR 仓储 OR 保险 OR 检验", old.title):
            hits = index.search(SearchRequest(text, ALL, limit=RECORDS + 1)).hits
            scores = {hit.id: hit.score for hit in hits}
            assert scores["17"] == scores["again"], text
            assert [hit.id for hit in hits if hit.id in {"17", "again"}] == ["again", "17"]
    finally:
        index.apply([], [rows.pop("again").id])
