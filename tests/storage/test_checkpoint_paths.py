"""A proof's path is made from the entries around one and what the checkpoints kept."""

from datetime import UTC, datetime

import pytest

from storage import checkpoints, journal
from storage.checkpoints import JournalCheckpoint, path_of
from storage.merkle import Frontier, inclusion_path, leaf_hash

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = 20
SIZE = 9 * DAY + 7


@pytest.fixture
def session(resources, monkeypatch):
    """A journal of ten days, a checkpoint after each."""
    monkeypatch.setattr(checkpoints, "_BLOCK", 4)
    with resources.work() as uow:
        session = uow.session
        frontier, leaves = Frontier(), []
        for number in range(1, SIZE + 1):
            journal.append(
                session, at=NOW, actor_id=None, action="看", object_type="件",
                object_id=str(number), detail={},
            )  # fmt: skip
            leaves.append(leaf_hash(bytes.fromhex(_hash(session, number))))
            frontier.add(leaves[-1])
            if number % DAY == 0 or number == SIZE:
                session.add(_checkpoint(frontier))
        session.flush()
        session.info["leaves"] = leaves
        yield session


def _hash(session, number):
    session.flush()
    return session.get_one(journal.JournalEntry, number).hash


def _checkpoint(frontier):
    return JournalCheckpoint(
        tree_size=frontier.size,
        day="2026-11-23",
        root=frontier.root().hex(),
        peaks=" ".join(peak.hex() for peak in frontier.peaks),
        told="",
        signature=b"",
        certificate_pem="",
        made_at=NOW,
    )


@pytest.fixture
def read(monkeypatch):
    """How many entries were read."""
    numbers, whole = [], checkpoints._hashes

    def counting(*args):
        for row in whole(*args):
            numbers.append(row[0])
            yield row

    monkeypatch.setattr(checkpoints, "_hashes", counting)
    return numbers


def whole_path(session, seq, size):
    return [one.hex() for one in inclusion_path(session.info["leaves"][:size], seq - 1)]


def test_path_is_the_one_over_everything_but_reads_a_few_days(session, read):
    for size in (DAY, 4 * DAY, SIZE):
        for seq in {1, 2, 13, DAY, size // 2, size - 1, size}:
            read.clear()
            assert path_of(session, seq, size) == whole_path(session, seq, size)
            assert len(read) <= 3 * DAY


def test_tampered_checkpoint_is_not_built_on(session, read):
    for row in session.query(JournalCheckpoint):
        row.peaks = " ".join("ff" * 32 for _ in row.peaks.split())
    session.flush()
    assert path_of(session, SIZE, SIZE) == whole_path(session, SIZE, SIZE)
    assert len(read) >= SIZE - 1
