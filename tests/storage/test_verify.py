"""Every altered byte and row is named."""

import os
import time

import pytest
from sqlalchemy import text

from storage.journal import last_entry
from storage.verify import verify_blobs, verify_head, verify_journal


@pytest.fixture
def filled(resources):
    ref = resources.blobs.put("买卖合同正文".encode(), "application/pdf")
    with resources.work() as uow:
        uow.keep(ref)
        for n in range(4):
            uow.journal(1, "record.edit", "record", n)
        uow.commit()
    return ref


def findings(resources):
    with resources.reading() as uow:
        return [*verify_blobs(uow, resources.blobs), *verify_journal(uow)]


def alter(resources, statement):
    with resources.database.writer.begin() as connection:
        connection.execute(text(statement))


def test_a_whole_instance_has_no_findings(resources, filled):
    assert findings(resources) == []


def test_an_altered_blob_is_named(resources, filled):
    path = resources.blobs._path(filled.sha256)
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(bytes(content))
    assert [(one.kind, one.subject) for one in findings(resources)] == [("damaged", filled.sha256)]


def test_a_lost_blob_and_an_ownerless_one_are_named(resources, filled):
    resources.blobs.delete(filled.sha256)
    orphan = resources.blobs.put(b"nobody's", "text/plain")
    resources.blobs.put(b"fresh: its row may be on the way", "text/plain")
    days_ago = time.time() - 3 * 24 * 3600
    os.utime(resources.blobs._path(orphan.sha256), (days_ago, days_ago))
    assert {(one.kind, one.subject) for one in findings(resources)} == {
        ("missing", filled.sha256),
        ("orphan", orphan.sha256),
    }


@pytest.mark.parametrize(
    "statement, seqs",
    [
        ("UPDATE journal_entry SET actor_id = 9 WHERE seq = 2", {"2"}),
        ("UPDATE journal_entry SET detail = '[]' WHERE seq = 3", {"3"}),
        ("UPDATE journal_entry SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 1", {"1"}),
        ("DELETE FROM journal_entry WHERE seq = 2", {"2"}),
        ("UPDATE journal_entry SET hash = 'f' || substr(hash, 2) WHERE seq = 2", {"2", "3"}),
    ],
)
def test_any_altered_journal_row_is_named(resources, filled, statement, seqs):
    alter(resources, statement)
    found = findings(resources)
    assert {one.kind for one in found} == {"journal"}
    assert seqs & {one.subject for one in found}


def test_a_journal_whose_end_was_cut_off_is_found_by_its_head(resources, filled):
    with resources.reading() as uow:
        head = last_entry(uow.session)
    alter(resources, "DELETE FROM journal_entry WHERE seq = 4")
    assert findings(resources) == []
    with resources.reading() as uow:
        assert [one.subject for one in verify_head(uow, *head)] == ["4"]
