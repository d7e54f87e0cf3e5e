"""The disk fails under a real second process: nothing acknowledged is lost, nothing half is shown.

A small library of ours (``faulty_disk.c``) stands between Python, SQLite and the kernel: an fsync
that fails, a write that goes half way, a rename whose name never reached the disk.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from archive.instance import MIGRATIONS
from archive.jobs import drain_all
from archive.records import drafts
from archive.records import service as records
from archive.search.answers import cli_search
from archive.signing import edge
from archive.trust.backup.making import backup_to_folder
from archive.trust.checking import verify_instance
from doc_templates import sample_values
from storage.blobs import LocalBlobStore
from storage.errors import NoRoom

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("gcc"), reason="没有 gcc，编不出坏磁盘"),
]
HERE = Path(__file__).parent
SCRIPT = """
import sys
from pathlib import Path
from archive.config import Settings
from archive.core.errors import ArchiveError
from archive.core.resources import open_resources
from archive.people import service as people
from storage.errors import StorageError
sys.path.insert(0, {tests!r})
from conftest import FrozenClock, QuickConverter

folder = Path({folder!r})
resources = open_resources(
    Settings(data=folder, database_url=f"sqlite:///{{folder / 'archive.db'}}"),
    QuickConverter(),
    FrozenClock(),
)
with resources.reading() as uow:
    author = people.get_actor(uow, {author})
import os
os.environ["FAULT"] = {fault!r}
try:
    {act}
except (ArchiveError, StorageError) as error:
    sys.exit(error.message)
except Exception as error:
    sys.exit(type(error).__name__)
"""


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """Compile the disk that fails."""
    made = tmp_path_factory.mktemp("disk") / "faulty.so"
    source = HERE / "faulty_disk.c"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture
def draft(resources, company):
    with resources.work() as uow:
        made = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    drain_all(resources)
    return made


@pytest.fixture
def on_faulty_disk(resources, company, disk):
    def run(fault, act):
        script = SCRIPT.format(
            tests=str(HERE),
            folder=str(resources.settings.data),
            author=company.sales_clerk.id,
            fault=fault,
            act=act,
        )
        return subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "LD_PRELOAD": str(disk), "PYTHONPATH": str(HERE.parent)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def state_of(resources, draft):
    with resources.reading() as uow:
        return records.load_record(uow, draft.id).state


def is_whole(resources):
    bad = [one for one in verify_instance(resources) if one.kind != "orphan"]
    return bad == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("fsync:/blobs/:1", "磁盘"),
        ("fsync:/blobs/:4", "磁盘"),
        ("write:/blobs/:1", "磁盘已满"),
        ("lose:/blobs/:1", None),
    ],
)
def test_bytes_that_do_not_reach_the_disk_make_no_paper(
    resources, company, draft, on_faulty_disk, fault, says
):
    act = f"from archive.signing import edge; edge.submit(resources, author, {draft.id}, 1)"
    done = on_faulty_disk(fault, act.replace(", 1)", f", {draft.version})"))
    if says is None:
        assert done.returncode == -signal.SIGKILL
    else:
        assert (done.returncode, says in done.stderr) == (1, True), done.stderr
    assert state_of(resources, draft) == "draft"
    assert is_whole(resources)
    with resources.reading() as uow:
        version = records.load_record(uow, draft.id).version
    edge.submit(resources, company.sales_clerk, draft.id, version)
    assert state_of(resources, draft) != "draft"
    assert is_whole(resources)


@pytest.mark.parametrize("fault", ["write:archive.db-wal:9", "fsync:archive.db-wal:1"])
def test_rows_are_written_whole_or_not_at_all(resources, company, draft, on_faulty_disk, fault):
    done = on_faulty_disk(
        fault,
        f"from archive.signing import edge; "
        f"edge.submit(resources, author, {draft.id}, {draft.version})",
    )
    assert done.returncode in (0, 1), done.stderr
    state = state_of(resources, draft)
    assert state != "draft" if done.returncode == 0 else True  # acknowledged is kept
    assert is_whole(resources)
    if state == "draft":
        with resources.reading() as uow:
            version = records.load_record(uow, draft.id).version
        edge.submit(resources, company.sales_clerk, draft.id, version)
    assert state_of(resources, draft) != "draft"
    assert is_whole(resources)


@pytest.mark.parametrize("fault", ["write:/index/:3", "lose:/index/:1"])
def test_an_index_that_was_not_written_is_made_up_for(
    resources, company, draft, on_faulty_disk, fault
):
    values = sample_values("E01") | {"开拓经过": "经老客户引荐，谈成龙井茶包装机。"}
    with resources.work() as uow:
        drafts.save_draft(uow, company.sales_clerk, draft.id, values, draft.version)
        uow.commit()
    on_faulty_disk(fault, "from archive.jobs import drain_all; drain_all(resources)")
    resources.clock.advance(minutes=30)
    drain_all(resources)
    hits = cli_search(resources, None, "龙井茶包装机")["hits"]
    assert [hit["id"] for hit in hits] == [f"record:{draft.id}"]
    assert is_whole(resources)


@pytest.mark.parametrize("fault", ["write:/盘/:2", "lose:/盘/:1"])
def test_half_a_backup_is_none_and_the_former_one_stays(
    resources, company, draft, on_faulty_disk, tmp_path, fault
):
    with resources.database.engine.begin() as rows:
        rows.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
        rows.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{newest}')")
    place = tmp_path / "盘"
    backup_to_folder(resources, place, None, lambda *_: None)
    kept = sorted(path.name for path in (place / "snapshots").glob("*.tar"))
    resources.blobs.put("新的合同".encode() * 1000, "text/plain")
    done = on_faulty_disk(
        fault,
        "from archive.trust.backup.making import backup_to_folder; "
        f"backup_to_folder(resources, Path({str(place)!r}), None, lambda *_: None)",
    )
    assert done.returncode in (1, -signal.SIGKILL), done.stderr
    shown = sorted(path.name for path in (place / "snapshots").glob("*.tar"))
    assert [name for name in shown if not name.startswith(".")] == kept
    backup_to_folder(resources, place, None, lambda *_: None)
    assert is_whole(resources)


def test_the_same_bytes_again_are_not_believed_to_be_there(tmp_path, monkeypatch):
    """Whoever renamed and could not fsync the folder said no; the next one must fsync it."""
    store = LocalBlobStore(tmp_path)
    kept = store.put("合同".encode(), "text/plain")
    real = os.fsync
    asked = []

    def fails(descriptor):
        asked.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(NoRoom):
        store.put("合同".encode(), "text/plain")
    monkeypatch.setattr(os, "fsync", real)
    assert asked == [str(store._path(kept.sha256).parent)]
