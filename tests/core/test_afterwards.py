"""Notes that nobody waits for: written at once by a command, a moment later by a server."""

import pytest

from archive.core import afterwards
from archive.core.afterwards import PAUSE_SECONDS
from archive.core.profile import ProfileEntry
from archive.search.models import PastSearch


def entry(key):
    return lambda uow: uow.session.add(ProfileEntry(key=key, value="1"))


def kept(resources):
    with resources.reading() as uow:
        found = {row.key for row in uow.session.query(ProfileEntry)}
    return {key for key in found if key.startswith("note")}


def test_a_command_writes_at_once(resources):
    resources.afterwards.do(entry("note1"))
    assert kept(resources) == {"note1"}


def test_a_server_writes_a_moment_later_and_everything(resources):
    resources.afterwards.put_off()
    with resources.work() as uow:  # somebody holds the write lock: the note waits, not its maker
        uow.session.add(ProfileEntry(key="other", value="1"))
        uow.session.flush()
        for number in range(20):
            resources.afterwards.do(entry(f"note{number}"))
        assert kept(resources) == set()
        uow.commit()
    resources.afterwards.settle()
    assert len(kept(resources)) == 20


def test_the_thread_ends_when_nothing_is_left_and_comes_again(resources):
    resources.afterwards.put_off()
    for key in ("note1", "note2"):
        resources.afterwards.do(entry(key))
        writer = resources.afterwards._writer
        assert writer.is_alive()
        resources.afterwards.settle()
        writer.join(20 * PAUSE_SECONDS)
        assert not writer.is_alive()
    assert kept(resources) == {"note1", "note2"}


@pytest.mark.parametrize("is_put_off", [False, True])
def test_one_that_fails_takes_no_other_with_it(resources, company, is_put_off):
    if is_put_off:
        resources.afterwards.put_off()
    gone = PastSearch(user_id=10**9, text="海信", searched_at=resources.clock())
    resources.afterwards.do(entry("note1"))
    resources.afterwards.do(lambda uow: uow.session.add(gone))
    resources.afterwards.do(entry("note2"))
    resources.afterwards.settle()
    assert kept(resources) == {"note1", "note2"}


def test_a_fault_in_a_note_does_not_stop_the_notes(resources):
    resources.afterwards.put_off()
    resources.afterwards.do(lambda _uow: 1 // 0)
    resources.afterwards.settle()
    resources.afterwards.do(entry("note1"))
    resources.afterwards.settle()
    assert kept(resources) == {"note1"}


def test_a_flood_of_notes_is_cut_off(resources, caplog, monkeypatch):
    monkeypatch.setattr(afterwards, "MOST_WAITING", 3)
    resources.afterwards.put_off()
    for number in range(9):
        resources.afterwards.do(entry(f"note{number}"))
    assert "a note was dropped" in caplog.text
    resources.afterwards.settle()
    assert kept(resources) == {"note0", "note1", "note2"}
