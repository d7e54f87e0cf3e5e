"""A flow is run once to learn its points, and again to be killed with SIGKILL at each.

Where bytes were kept, in the middle of the rows, where the journal was written, before and after a
commit and a rename. What is left must be a state the whole run went through, in which every check
is content, and no act that was committed is gone; the same act done again must end where the whole
run ended, with nothing noted, told or numbered twice. Used by the ``test_killed_*`` modules.
"""

import os
import shutil
import signal
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine.default import DefaultDialect

from archive.core.errors import ArchiveError
from archive.core.numbering import Serial
from archive.jobs import ORPHAN_AGE, drain_all, sweep_orphans
from archive.models import metadata
from archive.tasks import service as tasks
from archive.tasks.models import Task
from archive.trust.checking import verify_instance
from storage.blobs import LocalBlobStore
from storage.journal import JournalEntry
from storage.work import UnitOfWork
from tests.conftest import FrozenClock, QuickConverter, _opened

# What a second try may leave more of: the tries themselves, and jobs for the worker.
TRIES = {"journal_entry", "outbox", "stored_file", "blob_check"}
MANY = 4  # of one kind of point: then one in the middle is taken, too
ROW, COMMITTED = "a row written", "after a commit"
COUNTS = select(
    *(
        select(func.count()).select_from(table).scalar_subquery().label(table.name)
        for table in metadata.sorted_tables
    )
)


@dataclass
class World:
    """A small company in the middle of its day, the ids of what lies about, what is wrong in it."""

    folder: Path
    company: object
    ids: dict
    wrong: frozenset = frozenset()


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        found = act(uow, *args, **kwargs)
        uow.commit()
    return found


def begin_once(r, c, start_task, *told):
    """Begin long work as a person does who sees in 任务 whether it is begun; let it be done."""
    with r.reading() as uow:
        is_begun = tasks.list_tasks(uow, c.archivist).total > 0
    if not is_begun:
        do(r, start_task, c.archivist, *told)
    drain_all(r)


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
        execute = DefaultDialect.do_execute

        def executed(dialect, cursor, statement, *args, **kwargs):
            execute(dialect, cursor, statement, *args, **kwargs)
            if statement.startswith(("INSERT", "UPDATE", "DELETE")):
                self.pass_by(ROW)

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
            self.pass_by(COMMITTED)

        patch.setattr(DefaultDialect, "do_execute", executed)
        patch.setattr(Path, "replace", renamed)
        for way in ("put", "put_file"):
            patch.setattr(LocalBlobStore, way, keeping(getattr(LocalBlobStore, way)))
        patch.setattr(UnitOfWork, "journal", noted)
        patch.setattr(UnitOfWork, "commit", committed)


def state(resources):
    """How many rows each table has, what the journal and the tasks tell, the last numbers."""
    with resources.reading() as uow:
        rows = dict(uow.session.execute(COUNTS).mappings().one())
        told = tuple(uow.session.scalars(select(JournalEntry.action).order_by(JournalEntry.seq)))
        numbers = dict(uow.session.execute(select(Serial.series, Serial.last)).all())
        work = {
            f"task {one.id}": (one.state, one.done, one.total, one.message, str(one.result))
            for one in uow.session.scalars(select(Task))
        }
    return rows, told, numbers, work


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


def check_whole(resources, point, before):
    wrong = [one for one in verify_instance(resources) if one not in before]
    assert wrong == [], (point, wrong)


def check_swept(resources, point, before):
    """What was kept in vain is told in words once it is old, and the worker takes it away."""
    old = time.time() - 2 * ORPHAN_AGE.total_seconds()
    for digest in resources.blobs.digests():
        os.utime(resources.blobs.folder / digest[:2] / digest[2:4] / digest, (old, old))
    told = [one for one in verify_instance(resources) if one not in before]
    assert all("没有任何记录引用" in one.message for one in told), point
    assert sweep_orphans(resources) == len(told), point
    if told:
        check_whole(resources, point, before)


def points_of(passed):
    """Where to kill: after every commit of few, at the last of each kind, in the middle of many."""
    points = {(kind, count) for kind, count in passed.items() if kind != ROW}
    points |= {(kind, 1) for kind in passed if "commit" in kind}
    if passed[COMMITTED] <= 2 * MANY:
        points |= {(COMMITTED, place) for place in range(1, passed[COMMITTED] + 1)}
    return points | {
        (kind, max(1, count // 2)) for kind, count in passed.items() if count > MANY or kind == ROW
    }


def kill_everywhere(start, tmp_path, act, tries=frozenset()):
    """Kill the act at each of its points, from the same start; fail where any is not whole.

    ``tries``: tables of which the act, done once more, rightly leaves another row, and what the
    journal then says of it.
    """
    company, ids = start.company, start.ids
    whole = copy_of(start, tmp_path / "whole")
    states = [state(whole)]
    watch = Watch(on_commit=lambda: states.append(state(whole)))
    with pytest.MonkeyPatch.context() as patch:
        watch.set_up(patch)
        act(whole, company, ids)
    drain_all(whole)
    end = state(whole)
    whole.database.dispose()
    points = points_of(watch.passed)
    assert len(points) >= 2, watch.passed
    assert "task.failed" not in end[1], "the flow is to be a good one"
    last = (COMMITTED, watch.passed[COMMITTED])
    for number, point in enumerate(sorted(points)):
        resources = copy_of(start, tmp_path / str(number))
        run_and_be_killed(resources, act, company, ids, point)
        left = state(resources)
        assert left in states, (point, "a state the whole run never had")
        if point[0] == COMMITTED:
            assert left == states[point[1]], (point, "what was committed is gone")
        check_whole(resources, point, start.wrong)
        try:
            act(resources, company, ids)
        except ArchiveError:  # it was done, and is not done twice
            assert point == last, point
        resources.clock.advance(minutes=10)  # what the dead process had claimed comes free
        drain_all(resources)
        otherwise = done_otherwise(state(resources), end) - TRIES - tries
        assert otherwise == set(), (point, otherwise)
        check_swept(resources, point, start.wrong)
        resources.database.dispose()
        shutil.rmtree(tmp_path / str(number))


def done_otherwise(again, end):
    """In which tables, acts of the journal, series of numbers and tasks two ends differ."""
    return {
        key
        for now, then in zip(again, end, strict=True)
        for one, other in [(Counter(now), Counter(then))]
        for key in one.keys() | other.keys()
        if one[key] != other[key]
    }
