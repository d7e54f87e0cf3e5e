"""A backup and a restore say how far they are, and one stopped half way leaves nothing half."""

import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from archive.trust.backup.restoring import drill, restore
from archive.trust.backup.source import find_source
from storage.errors import BackupDamaged

pytestmark = [pytest.mark.slow]


class Told:
    """What a bar was told, step by step."""

    def __init__(self):
        self.steps = []

    def __call__(self, done, total=None):
        self.steps.append((done, total))

    def advances(self) -> bool:
        """Say whether it went on from step to step, never back, and to the very end."""
        done = [one for one, _ in self.steps]
        return len(set(done)) > 3 and done == sorted(done) and done[-1] == self.steps[-1][1]


def test_every_file_and_every_megabyte_moves_the_bar(kept):
    backed, beside, restored, tried = Told(), Told(), Told(), Told()
    made = kept.to_file(on_progress=backed)
    assert backed.advances() and backed.steps[-1] == (made.blobs, made.blobs)
    kept.to_folder(on_progress=beside)
    assert beside.steps == backed.steps
    restore(kept.settings(), find_source(kept.place / "仓", None), restored, kept.resources.clock)
    of_files = [step for step in restored.steps if step[1] == made.blobs]
    assert of_files == beside.steps, "the files beside a snapshot are counted like those going in"
    drill(kept.resources, find_source(made.path, None), tried)
    assert tried.steps[-1][0] == tried.steps[-1][1] == made.size >> 20
    assert [one for one, _ in tried.steps] == sorted(one for one, _ in tried.steps)


def at_a_terminal(words, data) -> str:
    """Run the command with a terminal for its bar; return what the terminal showed."""
    here, there = pty.openpty()
    command = [sys.executable, "-m", "archive.cli", *map(str, words)]
    env = os.environ | {"ARCHIVE_DATA": str(data), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=there) as running:
        os.close(there)
        shown = b""
        try:
            while piece := os.read(here, 4096):
                shown += piece
        except OSError:  # the terminal's other end is gone
            pass
        os.close(here)
        assert running.wait() == 0, shown.decode()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_the_bar_is_seen_at_a_terminal(kept):
    made = kept.to_file()
    data = kept.resources.settings.data
    shown = at_a_terminal(["backup", kept.place / "甲.tar"], data)
    assert re.search(rf"备份文件 \S+ +{made.blobs}/{made.blobs}", shown), shown
    shown = at_a_terminal(["restore", kept.place / "甲.tar"], kept.place / "新")
    assert re.search(r"恢复 \S+ +(\d+)/\1", shown) and "重建索引" in shown, shown


STOPPED = """
import os, sys
from archive.cli import output, root

told = output.Bar.__call__

def stop_at_the_third(bar, done, total=None):
    told(bar, done, total)
    if done == 3:
        os.kill(os.getpid(), {signal})

output.Bar.__call__ = stop_at_the_third
sys.argv = ["archive", "backup", {target!r}]
root.main()
"""


@pytest.mark.parametrize(
    ("by", "where"),
    [
        (signal.SIGINT, "甲.tar"),
        (signal.SIGINT, "仓/"),
        (signal.SIGTERM, "甲.tar"),
        (signal.SIGKILL, "仓/"),
    ],
)
def test_stopped_half_way_nothing_half_looks_whole(kept, by, where):
    """Ctrl-C leaves nothing at all; a killed one at most a hidden part, which no restore takes."""
    before = kept.to_folder().path if where == "仓/" else kept.to_file("甲.tar").path
    content, names = before.read_bytes(), seen_in(kept)
    script = STOPPED.format(signal=int(by), target=f"{kept.place}/{where}")
    env = os.environ | {"ARCHIVE_DATA": str(kept.resources.settings.data)}
    stopped = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert stopped.returncode in (1, -by), stopped.stderr
    assert "Traceback" not in stopped.stderr
    if by == signal.SIGINT:
        assert "已中止" in stopped.stderr
    left = seen_in(kept) - names
    assert not left or (by != signal.SIGINT and all(is_part(name) for name in left)), left
    assert before.read_bytes() == content, "the backup that was there is as it was"
    for name in left:
        with pytest.raises(BackupDamaged):
            kept.back(kept.place / name)
    assert kept.back(kept.place / where.rstrip("/")).findings == ()
    again = kept.to_folder() if where == "仓/" else kept.to_file("甲.tar")
    assert again.missing == () and not any(map(is_part, seen_in(kept)))


def seen_in(kept) -> set[str]:
    return {
        path.relative_to(kept.place).as_posix()
        for path in kept.place.rglob("*")
        if path.is_file() and "恢复" not in path.parts
    }


def is_part(name: str) -> bool:
    last = name.rpartition("/")[2]
    return last.startswith(".") and last.endswith(".part")
