"""Every flow is killed with SIGKILL at every kind of point, and must come out whole.

A flow runs once to its end to learn its points: where bytes were kept, where the journal was
written, before and after each commit. Then it runs again from the same start, once a point, in a
process that dies there. What is left must be a state the whole run went through, in which every
check is content; the same act done again must end where the whole run ended.
"""

import os
import shutil
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from archive.core.errors import ArchiveError
from archive.filing import service as filing
from archive.filing.handover import edge as handing
from archive.filing.handover import service as handover
from archive.filing.import_rows import batch_of
from archive.filing.incoming import edge as intake
from archive.filing.incoming import service as intake_batches
from archive.instance import MIGRATIONS
from archive.jobs import drain_all
from archive.lending import service as lending
from archive.models import metadata
from archive.records import drafts
from archive.records import service as records
from archive.signing import edge
from archive.signing.acts import Asked
from archive.trust.backup.making import backup_to_folder
from archive.trust.checking import verify_instance
from doc_templates import sample_values
from storage.blobs import LocalBlobStore
from storage.journal import JournalEntry
from storage.work import UnitOfWork
from tests.conftest import DATABASE, PASSWORD, FrozenClock, QuickConverter, _opened

pytestmark = [pytest.mark.slow]

PURPOSE = "客户续签合同前核对资质"
DRAFT_KEY = "3f0c8f4e9b7d4c1ea2b65d8f7c1e0a94"
# What a second try may leave more of: the tries themselves, and jobs for the worker.
TRIES = {"journal_entry", "outbox", "stored_file", "blob_check"}


@dataclass
class World:
    """A small company in the middle of its day, and the ids of what lies about."""

    folder: object
    company: object
    ids: dict


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        found = act(uow, *args, **kwargs)
        uow.commit()
    return found


def opened(folder):
    return _opened(folder, QuickConverter(), FrozenClock())


@pytest.fixture(scope="module")
def start(settled, tmp_path_factory):
    database, company = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources, c = opened(folder), company
    ids = {}
    do(resources, lending.seed_rules)
    for key in ("draft", "waiting", "signed", "listed", "filed", "wanted", "lent"):
        made = do(resources, drafts.create_draft, c.sales_clerk, "E01", sample_values("E01"))
        ids[key] = made.id
        if key != "draft":
            edge.submit(resources, c.sales_clerk, made.id, made.version)
        for person in (
            (c.sales_clerk, c.sales_head, c.leader) if key not in ("draft", "waiting") else ()
        ):
            edge.sign(resources, person, made.id, password=PASSWORD, drawn_png=None)
    item = do(resources, filing.file_record, c.archivist, ids["filed"])
    ids |= {"item": item.id, "barcode": item.copies[0].barcode, "pages": item.copies[0].pages}
    for key in ("wanted", "lent"):
        ids |= on_loan(resources, c, key, ids[key])
    rows = [{"title": f"客户拜访记录{n}", "form": "E01", "pages": 1} for n in range(3)]
    do(resources, filing.import_batch, c.archivist, batch_of(rows))
    imported = do(resources, lambda uow: filing.get_item(uow, c.archivist, item.id + 3))
    ids["volume"] = imported.volume_id
    ids["seal"] = do(resources, filing.prepare_seal, c.archivist, imported.volume_id).digest
    papers = do(
        resources, handover.make_list, c.sales_clerk, c.sales_id, "2026-11", [ids["listed"]]
    )
    ids |= {"list": papers.id, "list_digest": papers.digest}
    ids["batch"] = do(resources, intake_batches.make_batch, c.archivist, "扫描", {}).id
    drain_all(resources)
    with resources.database.writer.connect() as rows:  # a backup says which release made it
        rows.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        newest = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
        rows.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{newest}')")
        rows.commit()
    resources.database.dispose()
    return World(folder, company, ids)


def on_loan(resources, c, key, record_id):
    """File a paper whose loan is approved; one that is lent has gone over the desk, too."""
    item = do(resources, filing.file_record, c.archivist, record_id)
    barcode, people = item.copies[0].barcode, {one.id: one for one in c.everyone().values()}
    asked = do(resources, lending.request_loan, c.sales_clerk, item.id, "original", PURPOSE, "海信")
    while step := asked.waits_for:
        asked = do(resources, lending.approve, people[step.approver_id], asked.id, "同意")
    if key == "lent":
        do(resources, lending.hand_out, c.archivist, barcode, asked.id)
    return {key: barcode, f"{key}_pages": item.copies[0].pages}


# ---------------------------------------------------------------- the flows


def create(r, c, ids):
    do(r, drafts.create_draft, c.sales_clerk, "E01", sample_values("E01"), DRAFT_KEY)


def edit(r, c, ids):
    changed = sample_values("E01") | {"开拓经过": "三次登门，终于谈成。"}
    do(r, drafts.save_draft, c.sales_clerk, ids["draft"], changed, 1)


def submit(r, c, ids):
    with r.reading() as uow:
        version = records.load_record(uow, ids["draft"]).version
    edge.submit(r, c.sales_clerk, ids["draft"], version)


def sign(r, c, ids):
    edge.sign(r, c.sales_clerk, ids["waiting"], password=PASSWORD, drawn_png=None)


def withdraw(r, c, ids):
    edge.act(r, c.sales_clerk, ids["waiting"], "withdraw", Asked())


def hand_out(r, c, ids):
    do(r, lending.hand_out, c.archivist, ids["wanted"])


def take_back(r, c, ids):
    do(r, lending.take_back, c.archivist, ids["lent"], ids["lent_pages"])


def file(r, c, ids):
    do(r, filing.file_record, c.archivist, ids["signed"])


def seal(r, c, ids):
    do(r, filing.confirm_seal, c.archive_head, ids["volume"], ids["seal"])


def hand_over(r, c, ids):
    handing.hand_over(
        r, c.sales_clerk, ids["list"], ids["list_digest"], password=PASSWORD, address="-"
    )


def ask(r, c, ids):
    do(r, lending.request_loan, c.sales_clerk, ids["item"], "original", PURPOSE, "海信")


def import_rows(r, c, ids):
    rows = [{"title": f"旧合同{n}", "id": f"old-{n}", "text": "龙井茶"} for n in range(3)]
    do(r, filing.import_batch, c.archivist, batch_of(rows))


def receive(r, c, ids):
    sent = [intake.Upload("一.txt", "第一份".encode()), intake.Upload("二.txt", "第二份".encode())]
    intake.receive(r, c.archivist, ids["batch"], sent)


def back_up(r, c, ids):
    target = r.settings.data.parent / f"{r.settings.data.name}-backup"
    backup_to_folder(r, target, None, lambda *_: None)


FLOWS: dict[str, Callable] = {
    "create a draft": create,
    "edit it": edit,
    "submit": submit,
    "sign": sign,
    "withdraw": withdraw,
    "file": file,
    "seal a volume": seal,
    "hand over": hand_over,
    "ask for a loan": ask,
    "hand out": hand_out,
    "take back": take_back,
    "import": import_rows,
    "receive scans": receive,
    "back up": back_up,
}

# ---------------------------------------------------------------- points


class Watch:
    """Counts the points a run passes, and does something at one of them."""

    def __init__(self, at=None, then=None, on_commit=lambda: None):
        self.passed, self.at, self.then, self.on_commit = Counter(), at, then, on_commit

    def pass_by(self, kind):
        self.passed[kind] += 1
        if self.at == (kind, self.passed[kind]):
            self.then()

    def set_up(self, patch):
        put, note, commit = LocalBlobStore.put, UnitOfWork.journal, UnitOfWork.commit
        rename = Path.replace

        def renamed(path, target):
            self.pass_by("before a rename")
            found = rename(path, target)
            self.pass_by("after a rename")
            return found

        def kept(store, *args):
            found = put(store, *args)
            self.pass_by("bytes kept")
            return found

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
        patch.setattr(LocalBlobStore, "put", kept)
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


def copy_of(start, folder):
    shutil.copytree(start.folder, folder)
    return opened(folder)


def wrong_with(resources):
    kinds = ("missing", "damaged", "journal", "database", "index")
    return [one for one in verify_instance(resources) if one.kind in kinds]


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_leaves_all_or_nothing(start, tmp_path, name):
    act, company, ids = FLOWS[name], start.company, start.ids
    whole = copy_of(start, tmp_path / "whole")
    states = [state(whole)]
    watch = Watch(on_commit=lambda: states.append(state(whole)))
    with pytest.MonkeyPatch.context() as patch:
        watch.set_up(patch)
        act(whole, company, ids)
    drain_all(whole)
    end, _ = state(whole)
    whole.database.dispose()
    points = {(kind, count) for kind, count in watch.passed.items()}
    points |= {(kind, 1) for kind in watch.passed if "commit" in kind}
    assert len(points) >= 2, watch.passed
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
        assert differs <= TRIES, (point, differs)
        assert wrong_with(resources) == [], point
        resources.database.dispose()
        shutil.rmtree(tmp_path / str(number))
