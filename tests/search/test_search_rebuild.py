"""The index is disposable: lost, damaged, old or cut off in the middle, it comes back whole."""

import json
import shutil
import threading
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from archive.search import indexing
from archive.search.indexing import (
    REBUILDING,
    UPGRADING,
    drain_index,
    mend_index,
    rebuild_index,
    verify_index,
)
from archive.search.models import SearchEntry
from archive.search.store import load_entries, open_index
from indexer import IndexerError
from storage.outbox import OutboxItem, OutboxRow


@pytest.fixture
def papers(take_in, drain):
    ids = [
        take_in(f"巡检记录{number}", text="锅炉房巡检正常", department="销售部", id=f"P{number}")
        for number in range(5)
    ]
    drain()
    return ids


def jobs(resources, kind="reindex"):
    with resources.reading() as uow:
        return list(uow.session.scalars(select(OutboxRow.key).where(OutboxRow.kind == kind)))


def generation(resources):
    folder = resources.settings.index
    return folder / (folder / "CURRENT").read_text().strip()


def test_fresh_instance_mends_itself(resources, find, drain):
    found = find("合同")
    assert (found.total, found.rebuilding, found.notes) == (0, REBUILDING, (REBUILDING,))
    assert jobs(resources) == ["index"]
    drain()
    found = find("合同")
    assert (found.total, found.rebuilding, found.notes) == (0, "", ())


def test_lost_index_says_so_asks_once_and_comes_back(resources, find, drain, papers):
    shutil.rmtree(resources.settings.index)
    resources.settings.index.mkdir()
    for _ in range(3):
        assert find("巡检").notes == (REBUILDING,)
    assert jobs(resources) == ["index"]
    drain()
    assert find("巡检").total == 5
    assert find("巡检").rebuilding == ""


def test_whole_folder_gone_is_no_error(resources, find, drain, papers, client_for, company):
    shutil.rmtree(resources.settings.index)
    answer = client_for(company.sales_clerk).get("/search?q=巡检")
    assert answer.status_code == 200
    assert REBUILDING in answer.get_data(as_text=True)
    drain()
    assert find("巡检").total == 5


def test_index_of_an_old_version_is_rebuilt(resources, find, drain, papers):
    meta = generation(resources) / "META.json"
    meta.write_text(json.dumps({"schema": "0 someone else's", "complete": True}))
    assert find("巡检").rebuilding == REBUILDING
    assert jobs(resources) == ["index"]
    drain()
    assert find("巡检").total == 5


def test_index_of_a_schema_before_serves_while_the_new_one_is_built(
    resources, find, drain, papers, take_in, monkeypatch
):
    meta = generation(resources) / "META.json"
    said = json.loads(meta.read_text())
    meta.write_text(json.dumps({**said, "schema": "4 " + said["schema"].partition(" ")[2]}))
    found = find("巡检")
    assert (found.total, found.rebuilding, found.notes) == (5, UPGRADING, (UPGRADING,))
    take_in("锅炉巡检大修", department="销售部")
    seen = []
    real = indexing._every_entry

    def watched(parts):
        for entry in real(parts):
            if not seen:
                drain_index(resources, [OutboxItem(1, "index", "item:6", {}, 1)])
            seen.append((find("巡检").total, find("巡检").rebuilding))
            yield entry

    monkeypatch.setattr(indexing, "_every_entry", watched)
    drain()
    assert {total for total, _ in seen} == {6}
    assert all(said.startswith(UPGRADING) for _, said in seen)
    assert (find("巡检").total, find("巡检").rebuilding) == (6, "")


def test_how_far_the_rebuild_is_stands_on_the_page(
    resources, papers, client_for, company, monkeypatch
):
    meta = generation(resources) / "META.json"
    meta.write_text(json.dumps({"schema": "0 someone else's", "complete": True}))
    pages = []
    client = client_for(company.sales_clerk)
    monkeypatch.setattr("indexer.index._PROGRESS_EVERY", 2)
    real = indexing._every_entry

    def watched(parts):
        for entry in real(parts):
            pages.append(client.get("/search?q=巡检").get_data(as_text=True))
            yield entry

    monkeypatch.setattr(indexing, "_every_entry", watched)
    rebuild_index(resources)
    assert "（已完成 4 / 5 条）" in pages[-1]
    assert "已完成" not in client.get("/search?q=巡检").get_data(as_text=True)


def test_index_whose_tokens_meant_something_else_is_not_asked(resources, find, drain, papers):
    meta = generation(resources) / "META.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "rights": "0"}))
    found = find("巡检")
    assert (found.total, found.rebuilding) == (0, REBUILDING)
    drain()
    assert find("巡检").total == 5


def test_cut_files_are_noticed_and_the_index_rebuilt(resources, find, drain, papers):
    for path in generation(resources).glob("*.seg"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    indexing.store._opened.clear()  # as a server that starts anew
    assert find("巡检").total == 0
    assert find("巡检").rebuilding == REBUILDING
    assert [one.kind for one in verify_index(resources)] == ["index"]
    drain()
    assert find("巡检").total == 5
    assert list(verify_index(resources)) == []


def test_changes_while_damaged_are_not_lost(resources, find, drain, papers, take_in):
    meta = generation(resources) / "META.json"
    meta.write_text("{")
    take_in("锅炉大修报告", department="销售部")
    drain()
    assert find("锅炉大修").total == 1
    assert find("巡检").total == 5


def test_killed_between_row_and_index_catches_up(resources, find, drain, papers, take_in):
    item_id = take_in("锅炉大修报告", department="销售部")
    with indexing._one_at_a_time(resources):
        indexing._settle(resources, [f"item:{item_id}"])  # killed here: the index knows nothing
    assert find("大修").total == 0
    drain()  # the job is still there
    assert find("大修").total == 1


def test_rebuild_drops_what_the_rows_no_longer_have(resources, find, papers):
    with resources.work() as uow:
        uow.session.add(
            SearchEntry(
                id="item:9999",
                title="幽灵巡检",
                body="",
                description={"readers": ["all"]},
                updated_at=uow.now(),
            )
        )
        uow.commit()
    assert [one.subject for one in verify_index(resources)] == ["item:9999"]
    seen = []
    assert rebuild_index(resources, lambda done, total: seen.append((done, total))) == 5
    assert seen[-1] == (5, 5)
    assert list(verify_index(resources)) == []


def test_changes_during_a_rebuild_are_in_the_new_index(
    resources, find, drain, papers, take_in, monkeypatch
):
    taken = []
    real = indexing._every_entry

    def interrupted(parts):
        for entry in real(parts):
            if not taken:
                taken.append(take_in("锅炉大修报告", department="销售部"))
                drain_index(resources, [OutboxItem(1, "index", f"item:{taken[0]}", {}, 1)])
            yield entry

    monkeypatch.setattr(indexing, "_every_entry", interrupted)
    rebuild_index(resources)
    assert find("锅炉大修").total == 1
    assert find("巡检").total == 5


def test_old_index_serves_while_a_new_one_is_built(resources, find, papers, monkeypatch):
    seen = []
    real = indexing._every_entry

    def watched(parts):
        for entry in real(parts):
            seen.append(find("巡检").total)
            yield entry

    monkeypatch.setattr(indexing, "_every_entry", watched)
    rebuild_index(resources)
    assert seen == [5] * 5


def test_two_writers_at_once_agree_with_the_rows(resources, find, papers):
    work = [OutboxItem(1, "index", f"item:{item_id}", {}, 1) for item_id in papers]
    failures = []

    def run():
        try:
            for _ in range(3):
                drain_index(resources, work)
        except (OSError, IndexerError, SQLAlchemyError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert find("巡检").total == 5
    assert list(verify_index(resources)) == []


def test_verify_names_what_is_missing_and_what_is_stale(resources, papers):
    open_index(resources).apply([], [f"item:{papers[0]}"])
    with resources.work() as uow:
        uow.session.execute(
            update(SearchEntry).where(SearchEntry.id == f"item:{papers[1]}").values(body="改过的话")
        )
        uow.commit()
    findings = {one.subject: one.message for one in verify_index(resources)}
    assert set(findings) == {f"item:{papers[0]}", f"item:{papers[1]}"}
    assert "缺少" in findings[f"item:{papers[0]}"]
    assert "不是最新" in findings[f"item:{papers[1]}"]
    rebuild_index(resources)
    assert list(verify_index(resources)) == []


def test_verify_tells_an_entry_the_index_holds_in_an_older_version(resources, papers):
    index = open_index(resources)
    entry_id = f"item:{papers[2]}"
    with resources.reading() as uow:
        entry = load_entries(uow, [entry_id])[entry_id]
    index.apply([replace(entry, body="旧的内容")])
    assert [one.subject for one in verify_index(resources)] == [entry_id]
    index.apply([replace(entry, readers=entry.readers | {"all"})])
    assert [one.message for one in verify_index(resources)] == [
        f"索引里 {entry_id} 的内容不是最新的"
    ]
    rebuild_index(resources)
    assert list(verify_index(resources)) == []


def test_what_still_waits_in_the_outbox_is_no_finding(resources, papers, take_in):
    take_in("锅炉大修报告", department="销售部")
    assert list(verify_index(resources)) == []


def test_sound_index_is_left_alone(resources, papers):
    before = generation(resources)
    assert mend_index(resources) == ""
    indexing.drain_reindex(resources, [OutboxItem(1, "reindex", "index", {}, 1)])
    assert generation(resources) == before
