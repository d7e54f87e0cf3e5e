"""A flow is run once to learn its points, and again to be killed with SIGKILL at each.

Where bytes were kept, where the journal was written, before and after a commit and a rename. What
is left must be a state the whole run went through, in which every check is content; the same act
done again must end where the whole run ended. Used by ``test_killed_anywhere`` and
``test_killed_further``.
"""

import os
import shutil
import signal
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from archive.core.errors import ArchiveError
from archive.jobs import drain_all
from archive.models import metadata
from archive.trust.checking import verify_instance
from storage.blobs import LocalBlobStore
from storage.journal import JournalEntry
from storage.work import UnitOfWork
from tests.conftest import FrozenClock, QuickConverter, _opened

# What a second try may leave more of: the tries themselves, and jobs for the worker.
TRIES = {"journal_entry", "outbox", "stored_file", "blob_check"}
MANY = 4  # of one kind of point: then one in the middle is taken, too


@dataclass
class World:
    """A small company in the middle of its day, and the ids of what lies about."""

    folder: Path
    company: object
    ids: dict


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        found = act(uow, *args, **kwargs)
        uow.commit()
    return found


def opened(folder):
    return _opened(folder, QuickConverter(), FrozenClock())


def copy_of(start, folder):
    shutil.copytree(start.folder, folder)
    return opened(folder)


class Watch:
    """Counts the points a run passes, and does something at one of them."""

    def __init__(self, at=None, then=None, on_commit=lambda: None):
        self.passed, self.at, self.then, self.on_commit = Counter(), at, then, on_commit

    def pass_by(self, kind):
        self.passed[kind] += 1
        if self.at == (kind, self.passed[kind]):
            self.then()

    def set_up(self, patch):
        note, commit, rename = UnitOfWork.journal, UnitOfWork.commit, Path.replace

        def renamed(path, target):
            self.pass_by("before a rename")
            found = rename(path, target)
            self.pass_by("after a rename")
            return found

        def keeping(put):
            def kept(store, *args):
                found = put(store, *args)
                self.pass_by("bytes kept")
                return found

            return kept

        def noted(uow, *args, **kwargs):
            found = note(uow, *args, **kwargs)
            self.pass_by("journal written")
            return found

        def committed(uow):
            uow.session.flush()
            self.pass_by("before a commit")
            commit(uow)
            self.on_commit()
            self.pass_by("after a commit")

        patch.setattr(Path, "replace", renamed)
        for way in ("put", "put_file"):
            patch.setattr(LocalBlobStore, way, keeping(getattr(LocalBlobStore, way)))
        patch.setattr(UnitOfWork, "journal", noted)
        patch.setattr(UnitOfWork, "commit", committed)


def state(resources):
    """How many rows each table has, and what the journal tells."""
    with resources.reading() as uow:
        rows = {
            table.name: uow.session.scalar(select(func.count()).select_from(table))
            for table in metadata.sorted_tables
        }
        told = tuple(uow.session.scalars(select(JournalEntry.action).order_by(JournalEntry.seq)))
    return rows, told


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def run_and_be_killed(resources, act, company, ids, point):
    """Run the act in a process of its own that dies at the point."""
    resources.database.dispose()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside a thread
        child = os.fork()
    if child == 0:
        try:
            Watch(point, die).set_up(pytest.MonkeyPatch())
            act(resources, company, ids)
        except BaseException:  # noqa: BLE001 - told to the parent, which fails
            traceback.print_exc()
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, point


def wrong_with(resources):
    kinds = ("missing", "damaged", "journal", "database", "index")
    return [one for one in verify_instance(resources) if one.kind in kinds]


def kill_everywhere(start, tmp_path, act, tries=frozenset()):
    """Kill the act at each of its points, from the same start; fail where any is not whole.

    ``tries``: tables of which the act, done once more, rightly leaves another row.
    """
    company, ids = start.company, start.ids
    whole = copy_of(start, tmp_path / "whole")
    states = [state(whole)]
    watch = Watch(on_commit=lambda: states.append(state(whole)))
    with pytest.MonkeyPatch.context() as patch:
        watch.set_up(patch)
        act(whole, company, ids)
    drain_all(whole)
    end, told = state(whole)
    whole.database.dispose()
    points = {(kind, count) for kind, count in watch.passed.items()}
    points |= {(kind, 1) for kind in watch.passed if "commit" in kind}
    points |= {(kind, count // 2) for kind, count in watch.passed.items() if count > MANY}
    assert len(points) >= 2, watch.passed
    assert "task.failed" not in told, "the flow is to be a good one"
    for number, point in enumerate(sorted(points)):
        resources = copy_of(start, tmp_path / str(number))
        run_and_be_killed(resources, act, company, ids, point)
        assert state(resources) in states, (point, "a state the whole run never had")
        assert wrong_with(resources) == [], point
        try:
            act(resources, company, ids)
        except ArchiveError:  # it was done, and is not done twice
            assert point == ("after a commit", watch.passed["after a commit"]), point
        resources.clock.advance(minutes=10)  # what the dead process had claimed comes free
        drain_all(resources)
        again, _ = state(resources)
        differs = {table for table in again if again[table] != end[table]}
        assert differs <= TRIES | tries, (point, differs)
        assert wrong_with(resources) == [], point
        resources.database.dispose()
        shutil.rmtree(tmp_path / str(number))
