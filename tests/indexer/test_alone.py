"""Whoever reads strangers' files reaches nothing: every child leaves the network first."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = sorted(
    path.relative_to(ROOT)
    for part in ("archive", "indexer")
    for path in (ROOT / part).rglob("*child.py")
)
TRY = """
import socket, sys
from indexer.alone import leave_network
server = socket.create_server(("127.0.0.1", 0))
if not leave_network():
    sys.exit(3)
try:
    socket.create_connection(server.getsockname(), timeout=2)
except OSError:
    sys.exit(0)
sys.exit(1)
"""


def test_not_even_this_machine_is_reached():
    done = subprocess.run([sys.executable, "-c", TRY], cwd=ROOT, check=False, timeout=60)
    if done.returncode == 3:
        pytest.skip("这里不允许另开网络空间")
    assert done.returncode == 0


@pytest.mark.parametrize("path", CHILDREN, ids=str)
def test_every_child_leaves_and_is_limited(path):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    main = next(one for one in tree.body if getattr(one, "name", "") == "main")
    called = [ast.unparse(one.func) for one in ast.walk(main) if isinstance(one, ast.Call)]
    assert "leave_network" in called, path
    limits = ast.unparse(main)
    assert "RLIMIT_AS" in limits or "RLIMIT_DATA" in limits, path
    assert "RLIMIT_CPU" in limits and "RLIMIT_CORE" in limits, path
