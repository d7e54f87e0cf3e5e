"""A real ClamAV daemon with one rule of our own; skipped where it is not installed."""

import hashlib
import io
import shutil
import subprocess
import time

import pytest

from archive.filing.checks.clamd import scan_stream
from archive.filing.checks.facts import Scan

VIRUS = b"this text stands for a virus in the tests of the archive\n"
CLAMD = shutil.which("clamd") or "/usr/sbin/clamd"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which(CLAMD) is None, reason="clamd is not installed"),
]


@pytest.fixture(scope="module")
def clamd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clamd")
    rules, socket = folder / "rules", folder / "clamd.sock"
    rules.mkdir()
    digest = hashlib.md5(VIRUS, usedforsecurity=False).hexdigest()
    (rules / "own.hdb").write_text(f"{digest}:{len(VIRUS)}:Archive.Test\n", encoding="ascii")
    lines = (
        "Foreground yes",
        f"DatabaseDirectory {rules}",
        f"LocalSocket {socket}",
        "StreamMaxLength 1M",
        "MaxThreads 2",
    )
    config = folder / "clamd.conf"
    config.write_text("\n".join(lines) + "\n", encoding="ascii")
    daemon = subprocess.Popen(
        [CLAMD, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(600):
        if socket.exists() or daemon.poll() is not None:
            break
        time.sleep(0.1)
    yield str(socket)
    daemon.terminate()
    daemon.wait(30)


@pytest.mark.parametrize(
    ("content", "found", "away"),
    [
        (b"a contract", "", ""),
        (b"", "", ""),
        (VIRUS, "Archive.Test", ""),
        (b"x" * (2 << 20), "", "size limit exceeded"),
    ],
)
def test_the_daemon_tells(clamd, content, found, away):
    scan = scan_stream(clamd, io.BytesIO(content))
    assert scan.found.startswith(found) and bool(scan.found) is bool(found)
    assert away in scan.away and bool(scan.away) is bool(away)
    assert content != b"a contract" or scan == Scan()
