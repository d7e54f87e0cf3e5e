"""The server at rest: from the command to the first answer, and memory of each process."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path


def run() -> str:
    """Return the table."""
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"ARCHIVE_DATA": str(Path(folder) / "instance")}
        archive = str(Path(sys.executable).with_name("archive"))
        subprocess.run([archive, "init"], env=env, check=True, capture_output=True)
        port = _free_port()
        began = time.perf_counter()
        server = subprocess.Popen(
            [archive, "serve", "--port", str(port)], env=env, stderr=subprocess.DEVNULL
        )
        try:
            _wait(f"http://127.0.0.1:{port}/healthz")
            started = time.perf_counter() - began
            time.sleep(5)
            family = _family(server.pid)
            memory = {(n, _command(pid)): _proportional_mb(pid) for n, pid in enumerate(family)}
        finally:
            server.terminate()
            server.wait(30)
    rows = [f"| {_name(member)} | {mb:.0f} |" for member, mb in memory.items()]
    return "\n".join(
        [
            "## The server",
            "",
            f"From `archive serve` to the first answer of /healthz: {started:.1f} s.",
            "",
            "| process at rest (5 s after the start, no document converted yet) | MB (PSS) |",
            "|---|---|",
            *rows,
        ]
    )


def _name(member: tuple[int, str]) -> str:
    position, command = member
    if position == 0:
        return "the first process, which keeps the others"
    if " serve" in command:
        return "web process"
    return "worker" if " worker" in command else "LibreOffice and its bridge"


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _proportional_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer")
