"""Full, read-only and failing disks, kills, lost and damaged files: said in words, nothing half.

The small disks are real ones (tmpfs), mounted where the tests may.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from archive.app import create_app
from archive.config import Settings
from archive.core.resources import open_resources
from archive.people import access
from archive.people.gate import COOKIE
from archive.records.models import Record
from archive.trust.backup.receiving import NO_CONVERTER
from archive.trust.checking import verify_instance
from storage.errors import NoRoom, PlaceTaken
from storage.places import hold_server_place

pytestmark = [pytest.mark.slow]


@contextmanager
def small_disk(place: Path, megabytes: int):
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("这里不能挂载小磁盘（需要 root）")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    path = place / "占满"
    with path.open("wb", buffering=0) as stream:
        for size in (1 << 16, 1 << 9, 1):
            try:
                while stream.write(b"x" * size):
                    pass
            except OSError:
                continue
    return path


class Office:
    """The instance on a disk of its own, and a clerk at a browser."""

    def __init__(self, kept, data: Path) -> None:
        shutil.copytree(kept.resources.settings.data, data)
        settings = Settings(data=data, database_url=f"sqlite:///{data / 'archive.db'}")
        self.resources = open_resources(settings, kept.resources.converter, kept.resources.clock)
        app = create_app(self.resources)
        app.config.update(WTF_CSRF_ENABLED=False)
        with self.resources.work() as uow:
            token = access.open_session(uow, kept.clerk.id, "127.0.0.1", "test")
            uow.commit()
        self.clerk = app.test_client()
        self.clerk.set_cookie(COOKIE, token)
        self.paper = f"/records/{kept.record_id}"

    def write(self, key: str):
        return self.clerk.post("/records/new", data={"form": "E01", "draft_key": key * 16})

    def drafts(self) -> int:
        with self.resources.reading() as uow:
            return uow.session.query(Record).count()

    def is_whole(self) -> bool:
        return list(verify_instance(self.resources, with_index=False)) == []


def test_a_full_disk_is_said_and_nothing_is_lost(kept, tmp_path):
    with small_disk(tmp_path / "小盘", 12) as disk:
        office = Office(kept, disk / "instance")
        assert office.write("a").status_code == 302
        before, filler = office.drafts(), fill(disk)
        answer, tries = office.write("b"), 0
        while answer.status_code == 302 and tries < 50:  # the log of changes had room left
            before, tries = office.drafts(), tries + 1
            answer = office.write(chr(ord("c") + tries))
        assert answer.status_code == 507
        assert (
            "磁盘" in answer.text and "没有保存" in answer.text and "Traceback" not in answer.text
        )
        with pytest.raises(NoRoom, match="磁盘已满"):
            office.resources.blobs.put(b"x" * 100_000, "text/plain")
        assert office.drafts() == before and office.is_whole()
        assert office.clerk.get(office.paper).status_code == 200
        filler.unlink()
        assert office.write("z").status_code == 302
        assert office.drafts() == before + 1 and office.is_whole()
        office.resources.database.dispose()


def test_a_read_only_disk_is_said_and_papers_are_still_read(kept, tmp_path):
    with small_disk(tmp_path / "小盘", 12) as disk:
        office = Office(kept, disk / "instance")
        assert office.write("a").status_code == 302
        office.resources.database.dispose()
        before = office.drafts()
        office.resources.database.dispose()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        answer = office.write("b")
        assert answer.status_code == 507 and "磁盘" in answer.text
        with pytest.raises(NoRoom, match="只读"):
            office.resources.blobs.put(b"new", "text/plain")
        office.resources.database.dispose()
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        assert office.drafts() == before and office.is_whole()
        office.resources.database.dispose()


def test_no_room_for_the_backup_or_for_what_comes_back(kept, tmp_path):
    made = kept.to_file()
    with small_disk(tmp_path / "小盘", 1) as disk:
        old = disk / "旧.tar"
        old.write_bytes(b"")
        kept.place = disk
        with pytest.raises(NoRoom, match="磁盘已满"):
            kept.to_file("旧.tar")
        assert old.read_bytes() == b"" and [path.name for path in disk.iterdir()] == ["旧.tar"]
        with pytest.raises(NoRoom, match="空间不够"):
            kept.back(made.path)
        assert [path.name for path in disk.iterdir()] == ["旧.tar"]


def test_a_lost_file_is_named_on_the_page(kept, client_for, tmp_path):
    office = Office(kept, tmp_path / "另一处")
    for digest in list(office.resources.blobs.digests()):
        office.resources.blobs.delete(digest)
    answer = office.clerk.get(f"{office.paper}/document.pdf")
    assert answer.status_code == 503
    assert "摘要" in answer.text and "archive verify" in answer.text
    office.resources.database.dispose()


def test_a_truncated_database_is_said_in_words(kept):
    path = kept.resources.settings.data / "archive.db"
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)
    (found,) = verify_instance(kept.resources)
    assert found.kind == "database" and "用最近的备份恢复" in found.message
    env = os.environ | {"ARCHIVE_DATA": str(path.parent)}
    for words in (["verify", "--json"], ["backup", str(kept.place / "x.tar")]):
        told = subprocess.run(
            [sys.executable, "-m", "archive.cli", *words],
            capture_output=True,
            text=True,
            env=env,
            check=False,
        )
        assert told.returncode == 1 and "Traceback" not in told.stderr, words
        assert "数据库" in told.stdout + told.stderr
    assert list(kept.place.iterdir()) == []


KILLED = """
import os, signal
from pathlib import Path
from archive.config import Settings
from archive.trust.backup import receiving, restoring
from archive.trust.backup.source import find_source

def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

{place}.{name} = die
folder = Path({folder!r})
settings = Settings(data=folder, database_url=f"sqlite:///{{folder / 'archive.db'}}")
restoring.restore(settings, find_source(Path({source!r}), None), lambda *_: None)
"""


@pytest.mark.parametrize(
    ("place", "name", "is_there"),
    [("receiving", "_bring_up", False), ("restoring", "sync_folder", True)],
)
def test_killed_while_restoring_the_place_is_empty_or_whole(kept, place, name, is_there):
    made = kept.to_file()
    folder = kept.settings().data
    script = KILLED.format(place=place, name=name, folder=str(folder), source=str(made.path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert folder.exists() is is_there
    if not is_there:
        assert kept.back(made.path).findings == ()
    assert [one.name for one in kept.place.iterdir() if one.name.startswith(".")] == []
    again = open_resources(kept.settings(), NO_CONVERTER, kept.resources.clock)
    assert list(verify_instance(again, with_index=False)) == []
    again.database.dispose()


def test_a_second_server_is_refused_and_a_killed_one_blocks_nobody(tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom storage.places import hold_server_place\n"
        f"with hold_server_place(Path({str(tmp_path)!r}), 'http://127.0.0.1:8000'):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as first:
        assert first.stdout.readline() == b"held\n"
        told = f"进程 {first.pid}，http://127.0.0.1:8000"
        for shared in (False, True):
            with (
                pytest.raises(PlaceTaken, match=told),
                hold_server_place(tmp_path, "x", shared=shared),
            ):
                pass
        first.kill()
        first.wait()
    with hold_server_place(tmp_path, "WSGI", shared=True):
        with hold_server_place(tmp_path, "WSGI", shared=True):
            pass
        with pytest.raises(PlaceTaken), hold_server_place(tmp_path, "x"):
            pass
