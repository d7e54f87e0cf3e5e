"""Restore drills: what was backed up while people worked comes back whole, to the last entry."""

import threading

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from archive.app import create_app
from archive.core.errors import ArchiveError, Conflict
from archive.jobs import drain_all
from archive.models import metadata
from archive.records import drafts
from archive.records.models import Record
from archive.search.answers import cli_search
from archive.signing.keys import find_standing, open_authority, renew_authority
from archive.signing.verdicts import judge_stranger
from archive.trust.backup.restoring import drill
from archive.trust.backup.source import find_source
from archive.trust.checking import verify_instance
from doc_templates import sample_values
from storage import journal
from storage.errors import StorageError

pytestmark = [pytest.mark.slow]
PASSWORD = "档案台-测试-2026"


def rows_of(resources):
    with resources.reading() as uow:
        return {
            table.name: list(map(repr, uow.session.execute(select(table)).all()))
            for table in metadata.sorted_tables
        }


def test_everything_comes_back(kept):
    """Row by row; then signing in, opening the paper, verifying its signatures, finding it."""
    before = rows_of(kept.resources)
    made = kept.to_file()
    received = kept.back(made.path)
    assert received.findings == () and made.missing == () and made.blobs > 0
    again = kept.opened()
    after = rows_of(again)
    for name in set(before) - {"journal_entry", "outbox"}:
        assert after[name] == before[name], name
    assert after["journal_entry"][:-1] == before["journal_entry"]
    assert "backup.restore" in after["journal_entry"][-1]
    assert {path.stat().st_mode & 0o77 for path in again.settings.keys.rglob("*")} == {0}
    drain_all(again)  # the restored outbox asks for the index
    assert list(verify_instance(again)) == []
    assert cli_search(again, None, sample_values("E01")["客户名称"])["total"] > 0
    app = create_app(again)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    clerk = app.test_client()
    entries = {"username": "sales_clerk", "password": PASSWORD}
    assert clerk.post("/login", data=entries).status_code == 302
    paper = clerk.get(f"/records/{kept.record_id}/document.pdf")
    assert paper.status_code == 200
    verdict = judge_stranger(again, paper.data)
    assert verdict.ours and verdict.intact
    assert all(one.valid for one in verdict.signatures) and len(verdict.signatures) >= 3
    again.database.dispose()


def test_renewed_certificates_come_back(kept):
    kept.resources.clock.advance(days=8 * 365)
    assert renew_authority(kept.resources)
    received = kept.back(kept.to_file().path)
    assert received.findings == ()
    again = kept.opened()
    assert find_standing(again.settings) == find_standing(kept.resources.settings)
    assert open_authority(again).issuing_pem == open_authority(kept.resources).issuing_pem
    again.database.dispose()


def test_backed_up_while_a_clerk_goes_on_writing(kept):
    """A draft is in the backup whole or not at all, and the chain ends where the list says."""
    stop, written, wrong = threading.Event(), [], []

    def write():
        while not stop.is_set():
            try:
                with kept.resources.work() as uow:
                    blob = kept.resources.blobs.put(f"附件 {len(written)}".encode(), "text/plain")
                    uow.keep(blob)
                    draft = drafts.create_draft(uow, kept.clerk, "E01", sample_values("E01"))
                    uow.commit()
                written.append(draft.id)
            except (ArchiveError, StorageError, SQLAlchemyError) as error:
                wrong.append(error)
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 3:
            stop.wait(0.01)
        made = kept.to_folder()
        during = len(written)
        while len(written) <= during:
            stop.wait(0.01)
    finally:
        stop.set()
        writer.join()
    assert wrong == [] and made.missing == ()
    received = kept.back(kept.place / "仓")
    assert received.findings == ()
    again = kept.opened()
    with again.reading() as uow:
        seq, _ = journal.last_entry(uow.session)
        ids = set(uow.session.scalars(select(Record.id)))
    assert seq == made.seq + 1, "all entries up to the list's head, and the restoring itself"
    assert set(written[:3]) <= ids
    assert list(verify_instance(again, with_index=False)) == []
    again.database.dispose()


def test_a_drill_leaves_nothing_and_changes_nothing(kept):
    made = kept.to_file()
    before = rows_of(kept.resources)
    received = drill(kept.resources, find_source(made.path, None), lambda *_: None)
    assert received.findings == () and received.contents.seq == made.seq
    assert rows_of(kept.resources) == before
    assert not (kept.resources.settings.run / "drill").exists()


def test_damage_from_before_the_backup_is_told_and_the_rest_comes_back(kept):
    lost, bent = sorted(kept.resources.blobs.digests())[:2]
    kept.resources.blobs.delete(lost)
    path = kept.resources.settings.blobs / bent[:2] / bent[2:4] / bent
    path.write_bytes(b"x" + path.read_bytes()[1:])
    made = kept.to_file()
    assert set(made.missing) == {lost, bent}
    received = kept.back(made.path)
    assert {(one.kind, one.subject) for one in received.findings} == {
        ("missing", lost),
        ("missing", bent),
    }
    again = kept.opened()
    assert len(list(verify_instance(again, with_index=False))) == 2
    again.database.dispose()


def test_restored_into_a_used_place_or_twice_nothing_is_touched(kept):
    made = kept.to_file()
    used = kept.settings("用过").data
    used.mkdir()
    (used / "合同.txt").write_text("不能丢", encoding="utf-8")
    with pytest.raises(Conflict, match="不是空的"):
        kept.back(made.path, name="用过")
    assert [path.name for path in used.iterdir()] == ["合同.txt"]
    kept.settings("空的").data.mkdir()
    kept.back(made.path, name="空的")
    with pytest.raises(Conflict, match="不是空的"):
        kept.back(made.path, name="空的")
