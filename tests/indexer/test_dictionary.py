"""Fields read at once are the same as term by term: a few documents, many, and large counts."""

import numpy as np
import whoosh.index
import whoosh.query

from indexer import Entry, Index
from indexer.schema import FIELD_KEYS
from indexer.snapshot import read_snapshot

ALL = frozenset({"all"})
MANY = 4200


def bodies():
    """`海信` everywhere, `长虹` in one of three, and words in 1 to 30 documents each."""
    for number in range(MANY):
        words = ["海信"] * (1 + number % 3)
        words += ["长虹"] if number % 3 == 0 else []
        words += [f"词{kind:03d}" for kind in range(1, 31) if number % 150 < kind and number < 150]
        yield "，".join(words) if number else "海信，" * 400 + "长虹" + "，稀有" * 300


def test_rows_of_a_field_are_its_postings(tmp_path):
    entries = (Entry(str(n), "", body, readers=ALL) for n, body in enumerate(bodies()))
    Index.open(tmp_path, lambda ids: {}).rebuild(entries)
    folder = tmp_path / (tmp_path / "CURRENT").read_text("utf-8")
    (part,) = read_snapshot(folder).segments
    for name in FIELD_KEYS:
        rows = part.view.rows(name)
        assert rows.names == sorted(rows.names)
        order = np.argsort(rows.terms, kind="stable")
        ends = np.searchsorted(rows.terms[order], np.arange(len(rows.names) + 1))
        step = max(1, len(rows.names) // 50)
        for term in range(0, len(rows.names), step):
            own = order[ends[term] : ends[term + 1]]
            postings = part.view.postings(name, rows.names[term])
            assert rows.docs[own].tolist() == postings.docs.tolist()
            assert rows.counts[own].tolist() == postings.counts.tolist()
    assert part.view.postings("words", "稀有").counts.tolist() == [300]
    assert len(part.view.postings("words", "海信").docs) == MANY
    assert part.view.postings("words", "海信").counts[0] == 400
    assert len(part.view.postings("words", "长虹").docs) == 1 + (MANY - 1) // 3
    assert len(part.view.all_rows().keys) == sum(
        len(part.view.rows(name).keys) for name in FIELD_KEYS
    )
    stock = whoosh.index.open_dir(str(folder), "MAIN")
    with stock.searcher() as searcher:
        for word in ("海信", "长虹"):
            found = searcher.search(whoosh.query.Term("words", word), limit=None)
            ours = part.view.postings("words", word).docs
            assert sorted(hit.docnum for hit in found) == ours.tolist()
            assert {found.score(place) > 0 for place in range(10)} == {True}


def test_what_begins_so_is_read_at_once_like_term_by_term(tmp_path):
    index = Index.open(tmp_path, lambda ids: {})
    numbers = [f"E{1 + n % 3:02d}-2026-{n:04d}" for n in range(400)]
    entries = [
        Entry(str(n), f"海信{n % 7}", "长虹", numbers=(one,), readers=ALL)
        for n, one in enumerate(numbers)
    ]
    index.rebuild(entries[:300])
    for one in entries[300:]:  # segments of one document each, merged now and then
        index.apply([one])
    folder = tmp_path / (tmp_path / "CURRENT").read_text("utf-8")
    parts = read_snapshot(folder).parts
    assert sum(part.view.size for part in parts) >= len(entries)
    found = 0
    for part in parts:
        for name, beginning in [
            *(("tails", one) for one in ("", "e", "e01", "e01202600", "202601", "z", "\udcff")),
            *(("pinyin", one) for one in ("h", "haixin", "x")),
            *(("units", one) for one in ("", "a")),
            ("of no such field", "e"),
        ]:
            for most in (1, 5, 10_000):
                # up to so many terms of each segment
                wanted = np.zeros(part.view.size, bool)
                for view, start in zip(part.view.views, part.view._starts, strict=True):
                    for term in view.terms_from(name, beginning, most):
                        wanted[view.postings(name, term).docs + start] = True
                again = part.view.mask_from(name, beginning, most)
                assert (part.view.mask_from(name, beginning, most) == again).all()
                assert (again == wanted).all(), (name, beginning, most)
                found += int(again.sum())
    assert found > 5 * len(entries)
