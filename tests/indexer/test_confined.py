"""Whoever reads strangers' files reaches nothing: no network, no other file, no one's rights."""

import ast
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from indexer import children
from indexer.children import Room, child_user, read_made, reader, running
from indexer.confined import CHILDREN, Bounds

ROOT = Path(__file__).resolve().parents[2]
FOUND = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for part in ("archive", "doc_templates", "indexer")
    for pattern in ("*child.py", "office_worker.py")
    for path in (ROOT / part).rglob(pattern)
)
STARTERS = {  # whoever starts a process by hand, and why it reads no stranger's file
    "archive/cli/processes.py": "the worker beside the server",
    "archive/filing/incoming/sheets.py": "fc-match",
    "archive/signing/appearance.py": "fc-match",
    "archive/trust/check_proof.py": "given to the auditor, runs on their machine",
    "doc_templates/faces.py": "fc-list",
    "doc_templates/office_profile.py": "asks the system's Python for the bridge",
    "doc_templates/office_worker.py": "inside the confined child: the office itself",
    "doc_templates/pdf.py": "a lasting child, confined as the others",
    "indexer/children.py": "starts them all",
    "indexer/read_pdf.py": "inside the confined child: pdftotext",
}
SYSTEM_PYTHON = "/usr/bin/python3"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="只有 root 才能换成别的用户")


@pytest.fixture
def place():
    """A folder anybody may walk through: pytest's own are closed to another user."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def run(code, bounds=None, room=None, python=SYSTEM_PYTHON):
    """Run code in a confined child; return what it printed."""
    with running([python, "-c", code], bounds or Bounds(1 << 30, 10), room) as child:
        output, complaint = child.communicate(timeout=60)
    return output.decode().strip() or complaint.decode()


def test_every_child_has_its_place_in_the_table():
    assert sorted(CHILDREN) == FOUND
    with pytest.raises(KeyError):
        reader("indexer.nobody_placed_me")


@pytest.mark.parametrize("name", [name for name in CHILDREN if name.endswith("child")])
def test_a_child_confines_itself_before_it_reads(name):
    tree = ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text("utf-8"))
    main = next(one for one in tree.body if getattr(one, "name", "") == "main")
    steps = [
        step for step in main.body if not isinstance(getattr(step, "value", None), ast.Constant)
    ]
    assert ast.unparse(steps[0]) == "confine()", name


def test_nobody_starts_processes_past_the_one_piece():
    found = {
        str(path.relative_to(ROOT))
        for part in ("archive", "doc_templates", "indexer", "storage")
        for path in (ROOT / part).rglob("*.py")
        if any(word in path.read_text("utf-8") for word in ("subprocess.run(", "subprocess.Popen("))
    }
    assert found == set(STARTERS)


def test_a_child_told_nothing_does_not_start():
    done = subprocess.run(
        reader("indexer.extract_child", "/etc/passwd", 1000, "/tmp"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == b""


def test_who_waits_at_a_page_goes_first():
    assert int(run("import os; print(os.nice(0))")) > os.nice(0)


def test_not_even_this_machine_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        told = run(
            "import socket\n"
            f"try: socket.create_connection(('127.0.0.1', {port}), timeout=2); print('reached')\n"
            "except OSError as error: print(type(error).__name__)\n"
        )
    if not children.in_force().has_left_network:
        pytest.skip("这里不允许另开网络空间")
    assert told in ("OSError", "ConnectionRefusedError", "PermissionError")


def test_blobs_keys_and_secrets_stay_closed(place):
    key = place / "keys" / "master.key"
    key.parent.mkdir()
    key.write_bytes(b"secret")
    own = place / "own"
    own.mkdir()
    code = (
        "import json,os\n"
        "def tried(path, how='rb'):\n"
        "    try: return open(path, how).close()\n"
        "    except OSError as error: return error.errno\n"
        f"print(json.dumps([tried({str(key)!r}), tried({str(key)!r}, 'ab'), tried('/etc/shadow'),"
        f" tried('/proc/{os.getpid()}/environ'), tried('new', 'wb')]))"
    )
    with running([SYSTEM_PYTHON, "-c", f"import os;os.chdir({str(own)!r})\n{code}"],
                 Bounds(1 << 30, 10), Room(own)) as child:  # fmt: skip
        told = json.loads(child.communicate(timeout=60)[0])
    assert told[:4] == [13, 13, 13, 13]
    assert told[4] is None
    assert key.read_bytes() == b"secret"


def test_memory_time_and_output_end(place):
    assert "MemoryError" in run("x = 'x' * (1 << 28)", Bounds(1 << 27, 10))
    with running([SYSTEM_PYTHON, "-c", "while True: pass"], Bounds(None, 1)) as child:
        assert child.wait(timeout=60) != 0
    room = Room(place / "own")
    room.folder.mkdir()
    code = "open(__import__('os').environ['HOME'] + '/x', 'wb').write(b'x' * 5000)"
    assert "File too large" in run(code, Bounds(None, 5, output=1000), room) or (
        (room.folder / "x").stat().st_size <= 1000
    )


@as_root
def test_root_hands_its_children_to_nobody():
    uid, gid = child_user()
    assert uid != 0
    told = run(
        "import os; print(os.getresuid(), os.getresgid(), os.getgroups());"
        "print(open('/proc/self/status').read())"
    )
    assert told.startswith(f"{(uid,) * 3} {(gid,) * 3} []")
    assert "CapEff:\t0000000000000000" in told
    assert "NoNewPrivs:\t1" in told


@as_root
def test_a_user_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv(children.USER, "没有这个人")
    with pytest.raises(KeyError):
        child_user()


def open_to_all(folder):
    return all(one.stat().st_mode & 0o001 for one in (folder, *folder.resolve().parents))


@as_root
@pytest.mark.slow
def test_the_real_extractor_reads_as_nobody(place):
    """By the system's own Python, which everybody may run, with our libraries."""
    source = place / "合同.txt"
    source.write_text("运输合同第三条", "utf-8")
    source.chmod(0o600)
    (place / "env").mkdir()
    python = place / "env" / "bin" / "python"
    subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", place / "env"], check=True)
    ours = next(Path(sys.prefix).glob("lib/python*/site-packages"))
    theirs = next((place / "env").glob("lib/python*/site-packages"))
    if ours.parent.name != theirs.parent.name:
        pytest.skip("系统自带的 Python 版本不同")
    if not all(open_to_all(folder) for folder in (ours, ROOT)):
        pytest.skip("程序所在的文件夹不对别的用户开放")
    (theirs / "ours.pth").write_text(f"{ours}\n")
    code = (
        "import json; from pathlib import Path; from indexer import children;"
        "from indexer.extraction import extract;"
        f"found = extract(Path({str(source)!r})).text;"
        "print(json.dumps([children.python_user(), found, children.in_force().uid]))"
    )
    done = subprocess.run(
        [python, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == [list(child_user()), "运输合同第三条", child_user()[0]]


def test_what_a_child_made_is_read_only_if_it_is_a_file(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "out.pdf").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("out.pdf", "pipe", "nothing"):
        with pytest.raises(OSError):
            read_made(tmp_path / name, 100)
    with pytest.raises(OSError):
        read_made(tmp_path / "secret", 3)
    assert read_made(tmp_path / "secret", 100) == b"secret"
