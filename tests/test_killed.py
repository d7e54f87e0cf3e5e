"""The process is killed at the worst moments: nothing lost, nothing half there, the index follows.

Each story runs a real second process over the same instance and kills it with SIGKILL.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from archive.filing import service as filing
from archive.filing.import_rows import batch_of
from archive.filing.models import Item
from archive.jobs import drain_all
from archive.records import drafts
from archive.records import service as records
from archive.search.answers import cli_search
from archive.signing import edge
from archive.trust.checking import verify_instance
from doc_templates import load_form, render_word, sample_values
from storage.files import StoredFile

pytestmark = [pytest.mark.slow]

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from archive.config import Settings
from archive.core.resources import open_resources
from archive.people import service as people
sys.path.insert(0, {tests!r})
from conftest import FrozenClock, QuickConverter

folder = Path({folder!r})
resources = open_resources(
    Settings(data=folder, database_url=f"sqlite:///{{folder / 'archive.db'}}"),
    QuickConverter(),
    FrozenClock(),
)

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

with resources.reading() as uow:
    author = people.get_actor(uow, {author})
{act}
"""


def run_and_be_killed(resources, author, act):
    script = KILLED_AT.format(
        tests=str(Path(__file__).parent),
        folder=str(resources.settings.data),
        author=author.id,
        act=act,
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=120, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.fixture
def draft(resources, company):
    with resources.work() as uow:
        made = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    drain_all(resources)
    return made


def findings(resources, kinds=("missing", "damaged", "journal", "index")):
    return [one for one in verify_instance(resources) if one.kind in kinds]


def found(resources, text):
    return [hit["id"] for hit in cli_search(resources, None, text)["hits"]]


def ownerless(resources):
    with resources.reading() as uow:
        named = set(uow.session.scalars(select(StoredFile.sha256)))
    return set(resources.blobs.digests()) - named


def test_killed_between_bytes_and_row_the_draft_is_still_a_draft(resources, company, draft):
    run_and_be_killed(
        resources,
        company.sales_clerk,
        "from archive.signing import edge, submission\n"
        "submission.record_submission = die\n"
        f"edge.submit(resources, author, {draft.id}, {draft.version})",
    )
    assert findings(resources) == []
    assert len(ownerless(resources)) == 2  # swept a day later; no finding while fresh
    assert list(verify_instance(resources)) == []
    with resources.reading() as uow:
        again = records.load_record(uow, draft.id)
    assert again.state == "draft"
    run = edge.submit(resources, company.sales_clerk, draft.id, again.version)
    assert run.open_task is not None
    with resources.reading() as uow:
        assert records.load_record(uow, draft.id).number == again.number, "the number is kept"


def test_killed_inside_the_transaction_nothing_of_it_is_there(resources, company, draft):
    run_and_be_killed(
        resources,
        company.sales_clerk,
        "from archive.signing import chain, edge\n"
        "chain.start_run = die\n"
        f"edge.submit(resources, author, {draft.id}, {draft.version})",
    )
    assert findings(resources) == []
    with resources.reading() as uow:
        assert records.load_record(uow, draft.id).state == "draft"


@pytest.mark.parametrize("moment", ["before the index", "after the index"])
def test_killed_between_row_and_index_the_index_catches_up(resources, company, draft, moment):
    with resources.work() as uow:
        drafts.save_draft(
            uow,
            company.sales_clerk,
            draft.id,
            sample_values("E01") | {"开拓经过": "经老客户引荐，三次登门，终于谈成龙井茶包装机。"},
            draft.version,
        )
        uow.commit()
    run_and_be_killed(
        resources,
        company.sales_clerk,
        "from archive import jobs\n"
        "from archive.search import indexing\n"
        + (
            "jobs.HANDLERS['index'] = die\n"
            if moment == "before the index"
            else "jobs.outbox.finish = die\n"
        )
        + "jobs.drain_once(resources, 'nobody:1')",
    )
    resources.clock.advance(minutes=5)
    drain_all(resources)
    assert found(resources, "龙井茶包装机") == [f"record:{draft.id}"]
    assert findings(resources) == []


@pytest.mark.parametrize("moment", ["numbering", "the end"])
def test_killed_while_sealing_no_item_has_a_number_and_the_volume_still_waits(
    resources, company, moment
):
    with resources.work() as uow:
        rows = [{"title": f"客户拜访记录{n}", "form": "E01", "pages": 1} for n in range(5)]
        filing.import_batch(uow, company.archivist, batch_of(rows))
        seal = filing.prepare_seal(uow, company.archivist, 1)
        uow.commit()
    place = {
        "numbering": "UnitOfWork.outbox = die\n",
        "the end": "UnitOfWork.commit = lambda uow: (uow.session.flush(), die())\n",
    }[moment]
    run_and_be_killed(
        resources,
        company.archive_head,
        "from archive.filing import service\n"
        "from storage.work import UnitOfWork\n"
        f"{place}"
        "with resources.work() as uow:\n"
        f"    service.confirm_seal(uow, author, 1, {seal.digest!r})\n"
        "    uow.commit()",
    )
    assert findings(resources, ("missing", "damaged", "journal")) == []
    with resources.reading() as uow:
        assert set(uow.session.scalars(select(Item.reference_code))) == {None}
        assert filing.get_volume(uow, company.archivist, 1)[0].state_label == "待核对"
    with resources.work() as uow:
        done = filing.confirm_seal(uow, company.archive_head, 1, seal.digest)
        uow.commit()
    assert (done.first_code[-4:], done.last_code[-4:]) == ("0001", "0005")


@pytest.mark.office
def test_an_office_killed_in_the_middle_of_a_conversion_costs_no_document(office_converter):
    word = render_word(load_form("E01"), sample_values("E01"))
    office_converter.to_pdf(word)
    group = office_converter.process_group
    assert group is not None
    outcome: list[bytes] = []
    asking = threading.Thread(target=lambda: outcome.append(office_converter.to_pdf(word)))
    asking.start()
    time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    asking.join(120)
    assert outcome and outcome[0].startswith(b"%PDF")
    assert office_converter.process_group != group


def test_a_killed_worker_comes_back_and_stops_with_its_server(tmp_path):
    """``archive serve`` keeps a worker beside it: kill -9 it and there is another."""
    env = os.environ | {"ARCHIVE_DATA": str(tmp_path / "served")}
    archive = [sys.executable, "-m", "archive.cli"]
    subprocess.run([*archive, "init"], env=env, check=True, capture_output=True, timeout=120)
    server = subprocess.Popen(
        [*archive, "serve", "--port", "18231"], env=env, stderr=subprocess.DEVNULL
    )
    try:
        first = _worker_of(server.pid)
        first.kill()
        first.wait(10)
        second = _worker_of(server.pid)
        assert second.pid != first.pid
    finally:
        server.terminate()
        assert server.wait(40) == 0, "SIGTERM ends it cleanly"
    assert not psutil.pid_exists(second.pid)


def _worker_of(pid: int) -> psutil.Process:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        for child in psutil.Process(pid).children():
            if child.is_running() and "worker" in child.cmdline():
                return child
        time.sleep(0.1)
    raise AssertionError("no worker was started")
