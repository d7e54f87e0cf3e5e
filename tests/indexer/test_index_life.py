"""The index through its life: applied twice, rebuilt beside, killed, cut, opened by others."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import whoosh.index
import whoosh.qparser
import whoosh.query

from indexer import Entry, Index, IndexBusy, IndexDamaged, SearchRequest
from indexer.generations import Generations
from indexer.nodes import Han
from indexer.query import parse
from indexer.scoring import score_parts
from indexer.snapshot import read_snapshot

ALL = frozenset({"all"})


def entry(number: int | str, text: str = "买卖合同", **more: object) -> Entry:
    return Entry(str(number), f"{text}第{number}号", readers=ALL, **more)  # type: ignore[arg-type]


class Rows:
    def __init__(self, *entries: Entry) -> None:
        self.rows = {one.id: one for one in entries}

    def load(self, ids):
        return {one: self.rows[one] for one in ids if one in self.rows}

    def put(self, *entries: Entry) -> tuple[Entry, ...]:
        self.rows |= {one.id: one for one in entries}
        return entries


def total(index: Index, text: str = "合同") -> int:
    return index.search(SearchRequest(text, ALL)).total


def generation_of(folder: Path) -> Path:
    return folder / (folder / "CURRENT").read_text("utf-8")


def test_applying_twice_is_as_once(tmp_path):
    rows = Rows(entry(1), entry(2))
    index = Index.open(tmp_path, rows.load)
    index.rebuild([])
    for _ in range(3):
        index.apply(rows.rows.values())
    assert sorted(index.ids()) == ["1", "2"]
    assert total(index) == 2


def test_an_update_takes_the_place_of_the_older_version(tmp_path):
    rows = Rows(entry(1, "旧借据"))
    index = Index.open(tmp_path, rows.load)
    index.rebuild(rows.rows.values())
    index.apply(rows.put(entry(1, "新合同")))
    assert total(index, "借据") == 0
    assert total(index, "新合同") == 1
    assert list(index.ids()) == ["1"]


def test_deleting_what_is_there_and_what_is_not(tmp_path):
    rows = Rows(entry(1), entry(2))
    index = Index.open(tmp_path, rows.load)
    index.rebuild(rows.rows.values())
    index.apply([], ["1", "1", "no-such-id"])
    index.apply([], ["1"])
    assert list(index.ids()) == ["2"]
    assert total(index) == 1
    index.apply([entry(2)], ["2"])  # put in wins over taken out
    assert list(index.ids()) == ["2"]
    index.apply([], ["2"])
    assert list(index.ids()) == []
    assert index.needs_rebuild == ""


def test_the_same_id_twice_in_one_rebuild_keeps_the_last(tmp_path):
    rows = Rows(entry(1, "后来合同"))
    index = Index.open(tmp_path, rows.load)
    index.rebuild([entry(1, "先前借据"), entry(2), entry(1, "后来合同")])
    assert sorted(index.ids()) == ["1", "2"]
    assert total(index, "借据") == 0
    assert total(index, "后来") == 1


def test_reopened_index_is_the_same(tmp_path):
    rows = Rows(entry(1))
    Index.open(tmp_path, rows.load).rebuild(rows.rows.values())
    index = Index.open(tmp_path, rows.load)
    assert index.needs_rebuild == ""
    assert total(index) == 1


def test_another_reader_sees_a_commit_at_its_next_search(tmp_path):
    rows = Rows(entry(1))
    reader, writer = Index.open(tmp_path, rows.load), Index.open(tmp_path, rows.load)
    writer.rebuild(rows.rows.values())
    assert total(reader) == 1
    writer.apply(rows.put(entry(2)))
    assert total(reader) == 2
    writer.rebuild(rows.rows.values())
    writer.apply([], ["1"])
    assert total(reader) == 1


def test_many_small_commits_do_not_leave_many_segments(tmp_path):
    rows = Rows()
    index = Index.open(tmp_path, rows.load)
    index.rebuild([])
    for number in range(60):
        index.apply(rows.put(entry(number, body=f"编号HT-{number:04d}，海信电子的合同")))
        if number % 3 == 2:
            index.apply([], [str(number - 1)])
            del rows.rows[str(number - 1)]
    assert len(list(generation_of(tmp_path).glob("*.seg"))) <= 16
    assert sorted(index.ids()) == sorted(rows.rows)
    assert total(index) == len(rows.rows) == 40
    assert total(index, '"海信电子的合同"') == 40
    assert total(index, "HT-0003") == 1
    assert total(index, "HT-0001") == 0


def test_merged_segments_rank_as_a_fresh_index(tmp_path):
    chance = random.Random(5)
    words = ["海信", "合同", "银行", "采购", "电子", "归档", "借阅"]
    bodies = ["".join(chance.choices(words, k=chance.randint(3, 60))) for _ in range(40)]
    made = [entry(n, body=body, date="2024-01-01") for n, body in enumerate(bodies)]
    rows = Rows(*made)
    step_by_step = Index.open(tmp_path / "a", rows.load)
    step_by_step.rebuild([])
    for one in made:
        step_by_step.apply([one])
    fresh = Index.open(tmp_path / "b", rows.load)
    fresh.rebuild(made)
    for text in ("海信", "银行 采购", '"电子归档"', "借阅 OR 归档"):
        a, b = (ix.search(SearchRequest(text, ALL, limit=100)) for ix in (step_by_step, fresh))
        assert {h.id: round(h.score, 3) for h in a.hits} == {
            h.id: round(h.score, 3) for h in b.hits
        }
        assert a.total == b.total > 0


def test_a_missing_index_says_so_and_can_be_used_meanwhile(tmp_path):
    rows = Rows(entry(1), entry(2))
    index = Index.open(tmp_path / "deep" / "folder", rows.load)
    assert "重建" in index.needs_rebuild
    results = index.search(SearchRequest("合同", ALL))
    assert results.total == 0
    assert results.notes
    index.apply([rows.rows["1"]])
    assert total(index) == 1
    assert "不完整" in index.needs_rebuild  # until everything was written once
    index.rebuild(rows.rows.values())
    assert index.needs_rebuild == ""
    assert total(index) == 2
    assert index.search(SearchRequest("合同", ALL)).notes == ()


def test_the_old_index_serves_while_a_new_one_is_built(tmp_path):
    rows = Rows(*(entry(n) for n in range(300)))
    index = Index.open(tmp_path, rows.load)
    index.rebuild(rows.rows.values())
    seen: list[int] = []
    progress: list[int] = []

    def slowly():
        for number, one in enumerate(list(rows.rows.values())):
            if number == 150:
                seen.append(total(index))
                index.apply(rows.put(entry("new")))
                index.apply(rows.put(replace(rows.rows["3"], title="改过的借据")))
                del rows.rows["4"]
                index.apply([], ["4"])
                seen.append(total(index))
            yield one

    assert index.rebuild(slowly(), progress.append) == 300
    assert seen == [300, 299]  # one new, one renamed, one deleted, before the swap
    assert total(index) == 299
    assert total(index, "借据") == 1
    assert "4" not in set(index.ids())
    assert progress[-1] == 300
    assert len(list(tmp_path.glob("gen-*"))) == 1


def test_two_rebuilds_at_once_are_refused(tmp_path):
    index = Index.open(tmp_path, Rows().load)

    def entries():
        with pytest.raises(IndexBusy):
            index.rebuild([])
        yield entry(1)

    assert index.rebuild(entries()) == 1


def test_a_failed_rebuild_leaves_the_old_index_and_no_lock(tmp_path):
    rows = Rows(entry(1))
    index = Index.open(tmp_path, rows.load)
    index.rebuild(rows.rows.values())

    def broken():
        yield entry(5)
        raise RuntimeError("database gone")

    with pytest.raises(RuntimeError):
        index.rebuild(broken())
    assert total(index) == 1
    assert list(index.ids()) == ["1"]
    assert index.rebuild(rows.rows.values()) == 1
    assert len(list(tmp_path.glob("gen-*"))) == 1


def test_a_failed_apply_changes_nothing_and_can_be_repeated(tmp_path):
    rows = Rows(entry(1))
    index = Index.open(tmp_path, rows.load)
    index.rebuild(rows.rows.values())
    with pytest.raises((TypeError, AttributeError)):
        index.apply([entry(2), replace(entry(3), body=None)])  # type: ignore[arg-type]
    assert list(index.ids()) == ["1"]
    index.apply([entry(2)])
    assert sorted(index.ids()) == ["1", "2"]


def test_a_second_writer_waits_for_the_first(tmp_path):
    rows = Rows(*(entry(n) for n in range(40)))
    Index.open(tmp_path, rows.load).rebuild([])
    errors: list[Exception] = []

    def write(first: int) -> None:
        try:
            index = Index.open(tmp_path, rows.load)
            for number in range(first, first + 10):
                index.apply([rows.rows[str(number)]])
        except IndexBusy as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert total(Index.open(tmp_path, rows.load)) == 40


def test_waiting_for_a_writer_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("indexer.index.WAIT_SECONDS", 0.1)
    index = Index.open(tmp_path, Rows().load)
    index.rebuild([])
    with Generations(tmp_path).lock("write", 1), pytest.raises(IndexBusy) as refused:
        index.apply([entry(1)])
    assert "稍后再试" in refused.value.message
    index.apply([entry(1)])


def test_readers_search_while_a_writer_writes(tmp_path):
    rows = Rows(entry("base"))
    index = Index.open(tmp_path, rows.load)
    index.rebuild(rows.rows.values())
    counts: list[int] = []
    is_done = threading.Event()
    reader = Index.open(tmp_path, rows.load)

    def read() -> None:
        while not is_done.is_set():
            counts.append(total(reader))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(25):
        index.apply(rows.put(entry(number)))
    is_done.set()
    for thread in threads:
        thread.join()
    assert min(counts) >= 1
    assert total(reader) == 26


def test_an_index_of_another_version_is_not_searched(tmp_path):
    rows = Rows(entry(1))
    index = Index.open(tmp_path, rows.load)
    index.rebuild(rows.rows.values())
    meta = generation_of(tmp_path) / "META.json"
    meta.write_text(json.dumps({"schema": "0 other-tokeniser", "complete": True}), "utf-8")
    assert "旧版本" in index.needs_rebuild
    assert total(index) == 0
    with pytest.raises(IndexDamaged):
        index.apply([entry(2)])
    index.rebuild(rows.rows.values())
    assert total(index) == 1


@pytest.mark.parametrize("how", ["empty", "half", "zeros", "noise", "gone"])
@pytest.mark.parametrize("which", ["*.seg", "*.toc", "META.json", "CURRENT"])
def test_files_cut_by_a_power_failure_are_noticed_and_mended(tmp_path, which, how):
    rows = Rows(*(entry(n, body="海信电子合同" * 20) for n in range(200)))
    Index.open(tmp_path, rows.load).rebuild(rows.rows.values())
    folder = tmp_path if which == "CURRENT" else generation_of(tmp_path)
    path = next(iter(folder.glob(which)))
    data = path.read_bytes()
    damaged = {
        "empty": b"",
        "half": data[: len(data) // 2],
        "zeros": bytes(len(data)),
        "noise": random.Random(1).randbytes(len(data)),
    }
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(damaged[how])
    index = Index.open(tmp_path, rows.load)
    results = index.search(SearchRequest("海信合同", ALL))
    index.suggest("合同", ALL)
    if results.total != 200:
        assert index.needs_rebuild
        assert results.notes
    index.rebuild(rows.rows.values())
    assert index.needs_rebuild == ""
    assert total(index) == 200


@pytest.fixture
def in_pieces(tmp_path, monkeypatch):
    """Return the records of an index of several segments."""
    monkeypatch.setattr("indexer.writer.FULL_AT", 6_000)
    monkeypatch.setattr("indexer.writer._MOST_WAITING", 10)
    made = [entry(n, body="海信电子合同" * 20, customer=f"客户{n // 20}公司") for n in range(200)]
    rows = Rows(*made)
    Index.open(tmp_path, rows.load).rebuild(rows.rows.values())
    assert len(list(generation_of(tmp_path).glob("*.seg"))) >= 5
    return rows


@pytest.mark.parametrize("how", ["empty", "half", "noise", "gone", "middle"])
def test_what_is_whole_of_a_damaged_index_serves_until_it_is_rebuilt(tmp_path, in_pieces, how):
    paths = sorted(generation_of(tmp_path).glob("*.seg"))
    for path in (paths[0], paths[2]):
        data = path.read_bytes()
        third = len(data) // 3
        path.unlink()
        damaged = {
            "empty": b"",
            "half": data[: len(data) // 2],
            "noise": random.Random(1).randbytes(len(data)),
            "middle": data[:third] + random.Random(2).randbytes(third) + data[2 * third :],
        }
        if how != "gone":
            path.write_bytes(damaged[how])
    web, other = Index.open(tmp_path, in_pieces.load), Index.open(tmp_path, in_pieces.load)
    found = web.search(SearchRequest("海信电子", ALL, limit=1000))
    assert 0 < found.total < 200
    assert len(found.hits) == found.total
    assert any("不全" in note for note in found.notes)
    assert sum(count for _, count in found.facets["customer"]) == found.total
    assert "损坏" in other.needs_rebuild
    assert other.search(SearchRequest("海信电子", ALL)).total == found.total
    assert web.suggest("客户", ALL)
    with pytest.raises(IndexDamaged):
        web.apply([entry(1)])
    web.rebuild(in_pieces.rows.values())
    assert total(web) == total(other) == 200
    assert web.search(SearchRequest("海信电子", ALL)).notes == ()


def test_an_index_of_which_nothing_is_whole_says_so_and_finds_nothing(tmp_path, in_pieces):
    for path in generation_of(tmp_path).glob("*.seg"):
        path.write_bytes(b"")
    index = Index.open(tmp_path, in_pieces.load)
    found = index.search(SearchRequest("海信电子", ALL))
    assert (found.total, bool(found.notes)) == (0, True)
    assert index.suggest("客户", ALL) == []


def test_damage_that_cannot_be_written_down_ends_the_search_all_the_same(
    tmp_path, in_pieces, monkeypatch
):
    next(iter(generation_of(tmp_path).glob("*.seg"))).write_bytes(b"")
    monkeypatch.setattr("indexer.generations._DAMAGED", "no/such/folder")
    index = Index.open(tmp_path, in_pieces.load)
    assert index.search(SearchRequest("海信电子", ALL)).total == 0


def test_damage_found_by_a_search_is_known_to_other_processes(tmp_path):
    rows = Rows(*(entry(n, body="海信电子合同" * 20) for n in range(200)))
    Index.open(tmp_path, rows.load).rebuild(rows.rows.values())
    path = next(iter(generation_of(tmp_path).glob("*.seg")))
    path.write_bytes(path.read_bytes()[:500])
    web, worker = Index.open(tmp_path, rows.load), Index.open(tmp_path, rows.load)
    assert web.search(SearchRequest("合同", ALL)).notes
    assert "损坏" in worker.needs_rebuild
    with pytest.raises(IndexDamaged):
        worker.apply([entry(1)])


_WRITER = """
import sys
from indexer import Entry, Index
ALL = frozenset({"all"})
def entry(n): return Entry(str(n), f"买卖合同第{n}号", body="海信电子" * 50, readers=ALL)
index = Index.open(sys.argv[1], lambda ids: {i: entry(i) for i in ids})
if sys.argv[2] == "rebuild":
    print("ready", flush=True)
    index.rebuild(entry(n) for n in range(10**9))
for n in range(int(sys.argv[2]), 10**9):
    index.apply([entry(n)], [str(n - 3)])
    print(n, flush=True)
"""


def start_writer(folder: Path, what: str) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), what],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_sound_index(tmp_path):
    chance = random.Random(2)
    index = Index.open(tmp_path, lambda ids: {one: entry(one) for one in ids})
    index.rebuild([])
    last = 0
    for _ in range(8):
        with start_writer(tmp_path, str(last + 1)) as writer:
            assert writer.stdout is not None
            last = int(writer.stdout.readline())
            time.sleep(chance.random() * 0.15)
            writer.send_signal(signal.SIGKILL)
            last = max([last, *(int(line) for line in writer.stdout.read().split())])
        if index.needs_rebuild:  # allowed, but said
            index.rebuild(entry(n) for n in range(last - 2, last + 1))
        assert str(last) in set(index.ids())  # what was acknowledged is there
        assert total(index) == len(list(index.ids())) <= 4
        index.apply([entry(last)])  # and the lock is free
    assert not [one for one in generation_of(tmp_path).glob("*.tmp*") if one.is_file()]


@pytest.mark.slow
def test_a_rebuild_killed_leaves_the_old_index_serving_and_is_swept(tmp_path):
    index = Index.open(tmp_path, lambda ids: {one: entry(one) for one in ids})
    index.rebuild([entry(1)])
    with start_writer(tmp_path, "rebuild") as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(0.4)
        index.apply([entry(2)])
        writer.send_signal(signal.SIGKILL)
    assert index.needs_rebuild == ""
    assert total(index) == 2
    index.rebuild([entry(1), entry(2)])
    assert total(index) == 2
    assert len(list(tmp_path.glob("gen-*"))) == 1


def test_stock_whoosh_opens_the_same_index(tmp_path, records):
    index = Index.open(tmp_path, lambda ids: {})
    index.rebuild(records.values())
    stock = whoosh.index.open_dir(str(generation_of(tmp_path)), "MAIN")
    with stock.searcher() as searcher:
        assert searcher.doc_count() == len(records)
        found = searcher.search(whoosh.query.Term("words", "采购"), limit=None)
        assert {hit["id"] for hit in found} == {
            one for one in records if one.startswith("made-")
        } | {"uyghur"}
        both = whoosh.query.And([whoosh.query.Term("words", word) for word in ("海信", "电子")])
        assert {hit["id"] for hit in searcher.search(both)} >= {"hisense-contract"}


def test_the_top_ten_of_stock_whoosh_are_ours(tmp_path):
    chance = random.Random(3)
    words = ["合同", "海信", "银行", "付款", "电子", "验收", "客户", "材料"]
    texts = ["，".join(chance.choices(words, k=chance.randint(3, 60))) for _ in range(300)]
    Index.open(tmp_path, lambda ids: {}).rebuild(
        entry(number, "档案", body=text) for number, text in enumerate(texts)
    )
    snapshot = read_snapshot(generation_of(tmp_path))
    stock = whoosh.index.open_dir(str(generation_of(tmp_path)), "MAIN")
    with stock.searcher() as searcher:
        for word in words:
            found = searcher.search(whoosh.query.Term("words", word), limit=10)
            theirs = [searcher.stored_fields(doc)["id"] for _, doc in found.top_n]
            every = [np.arange(300)]
            scores = score_parts(snapshot, parse(word), Han(word), every)[0]
            ids = snapshot.segments[0].view.ids
            ours = sorted(zip(scores.tolist(), ids, strict=True), reverse=True)[:10]
            assert len(theirs) == 10
            worst = ours[-1][0] - 1e-4
            assert all(scores[ids.index(one)] >= worst for one in theirs)


def test_nothing_of_ours_is_pickled_into_the_table_of_contents(tmp_path):
    index = Index.open(tmp_path, lambda ids: {})
    index.rebuild([entry(1)])
    toc = next(iter(generation_of(tmp_path).glob("*.toc"))).read_bytes()
    assert b"indexer" not in toc


def test_texts_are_not_kept_in_the_index_only_ids(tmp_path):
    index = Index.open(tmp_path, lambda ids: {})
    index.rebuild([entry("the-id", body="一段完整的正文内容不应当原样留在索引里")])
    stock = whoosh.index.open_dir(str(generation_of(tmp_path)), "MAIN")
    with stock.searcher() as searcher:
        assert list(searcher.all_stored_fields()) == [{"id": "the-id"}]


@pytest.mark.parametrize(
    "value",
    ["客户&合同", "A<B & C", "{{7*7}}", "{% for %}", "长" * 10_000, "🧧", "甲\x00乙", "\u202e甲",
     "𠮷", "\ud800甲", "a" * 100_000, "\n\n", "1-" * 5000],
    ids=range(13),
)  # fmt: skip
def test_hostile_values_are_indexed_and_found_by_their_neighbours(tmp_path, value):
    one = Entry(
        "1", f"合同{value}", value, value, value, value, (value,), 2024, value, value, value, value,
        value, (value,), ALL,
    )  # fmt: skip
    rows = Rows(one)
    index = Index.open(tmp_path, rows.load)
    index.rebuild([one])
    index.apply([one])
    results = index.search(SearchRequest("合同", ALL, filters={"status": (value,)}))
    assert results.total == 1
    assert results.facets["customer"] == ((value, 1),)
    assert "".join(piece for piece, _ in results.hits[0].title) == one.title
    index.search(SearchRequest(value, ALL))
    index.suggest(value, ALL)
    for sort in ("date", "number", "customer"):
        assert index.search(SearchRequest("合同", ALL, sort=sort)).total == 1
