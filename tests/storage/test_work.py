"""The unit of work: all or nothing, said aloud; hooks and the journal go with it."""

import logging
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from storage.errors import NotWritable, StorageError
from storage.journal import JournalEntry, append, check_chain
from storage.outbox import OutboxRow


def count(resources, model):
    with resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


def test_nothing_is_kept_without_commit(resources):
    with resources.work() as uow:
        uow.journal(None, "record.edit", "record", 1)
        uow.outbox("index", "record:1")
    assert count(resources, JournalEntry) == 0
    assert count(resources, OutboxRow) == 0


def test_an_error_rolls_everything_back(resources):
    with pytest.raises(ZeroDivisionError), resources.work() as uow:
        uow.journal(None, "record.edit", "record", 1)
        _ = 1 / 0
    assert count(resources, JournalEntry) == 0


def test_a_failing_hook_cannot_break_the_commit(resources, caplog):
    ran = []
    with caplog.at_level(logging.CRITICAL), resources.work() as uow:
        uow.journal(None, "record.edit", "record", 1)
        uow.after_commit(lambda: 1 / 0)
        uow.after_commit(lambda: ran.append("后一个照做"))
        uow.commit()
    assert count(resources, JournalEntry) == 1
    assert ran == ["后一个照做"]


def test_a_reading_unit_cannot_commit(resources):
    with pytest.raises(NotWritable), resources.reading() as uow:
        uow.commit()


def test_the_journal_is_a_chain_without_gaps(resources):
    for n in range(5):
        with resources.work() as uow:
            uow.journal(n, "record.edit", "record", n, {"sha256": "ab" * 32})
            uow.commit()
    with resources.reading() as uow:
        rows = list(uow.session.scalars(select(JournalEntry).order_by(JournalEntry.seq)))
        assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
        assert all(b.previous_hash == a.hash for a, b in pairwise(rows))
        assert list(check_chain(uow.session)) == []


def test_the_program_itself_cannot_rewrite_the_journal(resources):
    with resources.work() as uow:
        uow.journal(1, "record.edit", "record", 1)
        uow.commit()
    with resources.work() as uow:
        row = uow.session.get_one(JournalEntry, 1)
        row.action = "nothing.happened"
        with pytest.raises(StorageError, match="只能追加"):
            uow.session.flush()
    with resources.work() as uow:
        uow.session.delete(uow.session.get_one(JournalEntry, 1))
        with pytest.raises(StorageError, match="只能追加"):
            uow.session.flush()


def test_two_threads_append_without_gap_or_double(resources):
    from concurrent.futures import ThreadPoolExecutor

    def one(n: int) -> None:
        with resources.work() as uow:
            append(
                uow.session,
                at=uow.now(),
                actor_id=n,
                action="x",
                object_type="y",
                object_id="1",
                detail={},
            )
            uow.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(40)))
    with resources.reading() as uow:
        assert list(check_chain(uow.session)) == []
        assert uow.session.scalar(select(func.max(JournalEntry.seq))) == 40
