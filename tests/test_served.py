"""``archive serve`` is several processes: they answer as one, and stand and fall as one."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psutil
import pytest

from archive.cli.processes import GIVES_WAY
from indexer import Entry, Index

pytestmark = pytest.mark.slow

ARCHIVE = [sys.executable, "-m", "archive.cli"]
TOKEN = "0123456789abcdef0123456789abcdef"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextmanager
def served(folder, **settings):
    """A server of two web processes, as (process, port); gone at the end."""
    env = os.environ | {
        "ARCHIVE_DATA": str(folder),
        "ARCHIVE_WEB_PROCESSES": "2",
        "ARCHIVE_METRICS_TOKEN": TOKEN,
        **settings,
    }
    if not folder.exists():
        subprocess.run([*ARCHIVE, "init"], env=env, check=True, capture_output=True, timeout=120)
    port = free_port()
    server = psutil.Popen(
        [*ARCHIVE, "serve", "--port", str(port)], env=env, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: answer(port, "/healthz")[0] == 200)
        yield server, port
    finally:
        if server.is_running():
            server.terminate()
            server.wait(40)


def wait_until(is_so):
    ends = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.1)


def answer(port, path, **headers):
    """Ask on a connection of its own, so that any of the processes may take it."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=30) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def web_processes(server):
    found = set()
    for one in server.children():
        with suppress(psutil.NoSuchProcess):  # it may end while it is looked at
            if "worker" not in one.cmdline():
                found.add(one)
    return found


def counted(port):
    """How many pages of signing in the measures have counted."""
    _, told = answer(port, "/metrics", Authorization=f"Bearer {TOKEN}")
    series = 'archive_requests_total{method="GET",route="/login",status="2xx"} '
    return sum(int(one.removeprefix(series)) for one in told.splitlines() if series in one)


def test_a_killed_web_process_comes_back_and_its_counts_are_not_lost(tmp_path):
    with served(tmp_path / "served") as (server, port):
        for _ in range(40):
            assert answer(port, "/login")[0] == 200
        first = web_processes(server)
        assert len(first) == 2
        assert {counted(port) for _ in range(20)} == {40}, "whoever is asked tells of all"
        next(iter(first)).kill()
        wait_until(lambda: len(web_processes(server) - first) == 1)
        wait_until(lambda: counted(port) == 40)
        for _ in range(20):
            assert answer(port, "/login")[0] == 200
        assert counted(port) == 60


def test_the_pace_is_one_for_all_processes(tmp_path):
    with served(tmp_path / "served", ARCHIVE_PACE="60") as (_server, port):
        outcomes = [answer(port, "/login")[0] for _ in range(75)]
    assert outcomes.count(200) in range(60, 70), "a bucket of 60, that fills a little meanwhile"
    assert outcomes[-1] == 429


def test_nothing_outlives_a_killed_server_and_another_takes_its_place(tmp_path):
    with served(tmp_path / "served") as (server, port):
        taken = subprocess.run(
            [*ARCHIVE, "serve", "--port", str(port)],
            check=False,
            env=os.environ | {"ARCHIVE_DATA": str(tmp_path / "other")},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert taken.returncode == 1
        assert f"端口 {port} 已被占用" in taken.stderr
        family = server.children(recursive=True)
        server.send_signal(signal.SIGKILL)
        server.wait(10)
        _gone, alive = psutil.wait_procs(family, 20)
        assert not alive
    with served(tmp_path / "served") as (_server, port):
        assert answer(port, "/login")[0] == 200


@pytest.mark.parametrize("host", ["300.1.1.1", "192.0.2.1", "不是地址"])
def test_an_address_that_is_not_ours_is_refused_in_words(host, tmp_path):
    asked = subprocess.run(
        [*ARCHIVE, "serve", "--host", host, "--port", "18233"],
        check=False,
        env=os.environ | {"ARCHIVE_DATA": str(tmp_path / "served")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert asked.returncode == 1
    assert f"不能在 {host} 的端口 18233 上监听" in asked.stderr
    assert "Traceback" not in asked.stderr


def test_web_processes_share_the_index_and_the_first_lets_it_go(tmp_path):
    folder = tmp_path / "data"
    env = os.environ | {"ARCHIVE_DATA": str(folder)}
    subprocess.run([*ARCHIVE, "init"], env=env, check=True, capture_output=True, timeout=120)
    entries = [Entry(f"item:{n}", "巡检记录", readers=frozenset({"all"})) for n in range(50)]
    Index.open(folder / "index", lambda ids: {}).rebuild(entries)
    with served(folder) as (server, _):
        assert all(map(maps_index, web_processes(server)))  # before any search
        assert not maps_index(server)
        next(iter(web_processes(server))).kill()
        wait_until(lambda: [maps_index(one) for one in web_processes(server)] == [True, True])
        assert not maps_index(server)


def maps_index(process):
    """Say whether a process has a file of the index open in its memory."""
    with suppress(psutil.Error):
        return any(one.path.endswith(".seg") for one in process.memory_maps())
    return False


def call(port, token, body):
    """Make a customer over the API."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/customers",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=60) as got:
            return got.status, json.load(got)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_who_looks_does_not_wait_for_acts_and_none_is_lost_with_its_process(tmp_path):
    folder = tmp_path / "served"
    env = os.environ | {"ARCHIVE_DATA": str(folder)}
    subprocess.run([*ARCHIVE, "demo"], env=env, check=True, capture_output=True, timeout=300)
    made = subprocess.run(
        [*ARCHIVE, "token", "xuwenjing"], env=env, check=True, capture_output=True, text=True
    )
    token = made.stdout.strip().splitlines()[-1]
    with served(folder) as (server, port), ThreadPoolExecutor(12) as people:
        front, back = sorted(web_processes(server), key=lambda one: one.nice())
        assert back.nice() == front.nice() + GIVES_WAY
        assert call(port, token, {"name": "试验甲有限公司"})[0] == 201
        back.suspend()
        acts = [people.submit(call, port, token, {"name": f"中断{n}号公司"}) for n in range(12)]
        for _ in range(20):
            assert answer(port, "/login")[0] == 200
        assert not any(one.done() for one in acts), "they wait for the back room"
        back.kill()
        assert {one.result(60)[0] for one in acts} == {201}, "done by the one in its place"
        wait_until(lambda: len(web_processes(server)) == 2)
        assert call(port, token, {"name": "试验乙有限公司"})[0] == 201
