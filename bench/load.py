"""Two hundred people at once, each acting every eight seconds, on `archive serve` on loopback.

``python -m bench.load [--seconds 600] [--people 200]``: an instance is made with that many clerks
and some thousand filed papers, the server is started as it is for everybody, and each person is a
thread with a connection, a session and a token. What they do is mixed: look at pages, search,
fill in a form, look at its preview, submit and sign it, ask for a loan. At the end the queue of
the worker must run empty. The threads share the machine with the server.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
from sqlalchemy import func, select

from archive.filing import service as filing
from archive.filing.import_rows import batch_of
from archive.instance import open_instance
from archive.people import access, service
from archive.people.gate import COOKIE
from bench.server import _free_port, _wait
from bench.timing import percentile
from doc_templates import sample_values
from storage.outbox import OutboxRow

PASSWORD = "压力-测试-2026-档案"
WHY = {"purpose": "客户续签合同前核对资质", "business_reference": "青岛海信"}
PAPERS = 2_000
EVERY = 8.0
LONGEST = 20.0
WORDS = ("青岛海信", "采购合同", "龙井茶 包装机", "HT-2024-0017", "编号:E01", "2026年11月", "验收")
PAGES = ("/", "/records", "/items", "/customers", "/loans", "/signing", "/volumes")
# What one act is, in a hundred.
MIX = {"page": 35, "search": 25, "fill": 15, "preview": 5, "sign": 10, "lend": 10}


@dataclass
class Person:
    """Someone at work: how the server knows them, and the drafts they have made."""

    name: str
    session: str
    token: str
    drafts: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Tally:
    """What was measured: seconds by kind, and what went wrong."""

    began: float = field(default_factory=time.monotonic)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    minutes: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, status: int, seconds: float) -> None:
        """Count one answer."""
        with self.lock:
            self.seconds[kind].append(seconds)
            self.minutes[int((time.monotonic() - self.began) / 60)].append(seconds)
            if status >= 500 or status in (0, 429):
                self.wrong[f"{kind} {status}"] += 1
            elif status >= 400:
                self.refused[f"{kind} {status}"] += 1


def prepare(folder: Path, people: int) -> tuple[list[Person], list[int]]:
    """Make the instance: departments with heads, clerks, filed papers."""
    os.environ["ARCHIVE_DATA"] = str(folder)
    archive = str(Path(sys.executable).with_name("archive"))
    subprocess.run([archive, "init"], check=True, capture_output=True)
    resources = open_instance()
    hashed = access.hash_password(PASSWORD)
    found: list[Person] = []
    with resources.work() as uow:
        unit = service.add_department(uow, "XSB", "销售部", 1)
        everyone = [("head", {"head"}), ("leader", {"leader"}), ("archivist", {"archivist"})]
        everyone += [(f"clerk{n:03d}", {"clerk"}) for n in range(people)]
        for number, (name, roles) in enumerate(everyone, start=2):
            fields = service.UserFields(
                username=name,
                staff_no=f"{number:04d}",
                name=f"员工{number}",
                department_id=unit,
                roles=frozenset(roles),
                clearance=3 if roles != {"clerk"} else 1,
            )
            user_id = service.add_user(uow, None, fields, hashed, must_change_password=False)
            if roles == {"clerk"}:
                session = access.open_session(uow, user_id, "127.0.0.1", "load")
                found.append(Person(name, session, access.issue_token(uow, user_id, 1)))
            if roles == {"archivist"}:
                archivist = service.get_actor(uow, user_id)
        uow.commit()
    ids: list[int] = []
    for start in range(0, PAPERS, 500):
        rows = [
            {
                "title": f"青岛海信采购合同与验收单 {n}",
                "customer": "青岛海信电器股份有限公司",
                "number": f"HT-2024-{n:04d}",
                "text": f"龙井茶包装机第 {n} 台，金额 {n * 13}.50 元。" * 20,
                "department": "销售部",
                "year": 2024,
                "form": "E01",
            }
            for n in range(start, start + 500)
        ]
        with resources.work() as uow:
            done = filing.import_batch(uow, archivist, batch_of(rows))
            uow.commit()
        assert not done.failed, done.failed[:1]
    with resources.reading() as uow:
        ids = [row.id for row in filing.list_items(uow, archivist, per_page=100).items]
    resources.database.dispose()
    return found, ids


class Worker(threading.Thread):
    """One person's day."""

    def __init__(self, port: int, person: Person, items: list[int], tally: Tally, ends: float):
        super().__init__(daemon=True)
        self.person, self.items, self.tally, self.ends = person, items, tally, ends
        self.chance = random.Random(person.name)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def run(self) -> None:
        """Act until the time is up."""
        time.sleep(self.chance.uniform(0, EVERY))
        while time.monotonic() < self.ends:
            began = time.monotonic()
            kind = self.chance.choices(list(MIX), list(MIX.values()))[0]
            getattr(self, kind)()
            pause = EVERY * self.chance.uniform(0.7, 1.3) - (time.monotonic() - began)
            time.sleep(max(0.0, pause))

    def ask(self, kind: str, method: str, path: str, sent: object = None) -> object:
        """Send a request, time it, and return the JSON of a call that was done."""
        headers = {"Cookie": f"{COOKIE}={self.person.session}"}
        body = None
        if path.startswith("/api/"):
            headers = {"Authorization": f"Bearer {self.person.token}"}
        if sent is not None:
            body, headers["Content-Type"] = json.dumps(sent).encode(), "application/json"
        began = time.perf_counter()
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            content, status = answer.read(), answer.status
        except (OSError, http.client.HTTPException):
            self.connection.close()
            content, status = b"", 0
        self.tally.note(kind, status, time.perf_counter() - began)
        is_json = status in (200, 201) and path.startswith("/api/")
        return json.loads(content) if is_json else None

    def page(self) -> None:
        """Look at a list."""
        self.ask("page", "GET", self.chance.choice(PAGES))

    def search(self) -> None:
        """Look for something."""
        self.ask("search", "GET", f"/search?q={quote(self.chance.choice(WORDS))}")

    def fill(self) -> None:
        """Fill in a form."""
        sent = {"form": "E01", "values": sample_values("E01")}
        made = self.ask("fill", "POST", "/api/v1/records", sent)
        if isinstance(made, dict):
            self.person.drafts.append((made["id"], made["version"]))

    def preview(self) -> None:
        """Look at how it will print."""
        if not self.person.drafts:
            return self.fill()
        record_id, _ = self.person.drafts[-1]
        self.ask("preview", "GET", f"/records/{record_id}/preview.png")
        return None

    def sign(self) -> None:
        """Submit and sign."""
        if not self.person.drafts:
            return self.fill()
        record_id, version = self.person.drafts.pop()
        self.ask("submit", "POST", f"/api/v1/records/{record_id}/submit", {"version": version})
        self.ask("sign", "POST", f"/api/v1/records/{record_id}/sign", {"password": PASSWORD})
        return None

    def lend(self) -> None:
        """Ask for a loan."""
        wanted = {"item_id": self.chance.choice(self.items), "mode": "original"}
        self.ask("lend", "POST", "/api/v1/loans", wanted | WHY)


class Watcher(Worker):
    """One more person, who saves a paper and looks until it is found, then with other words."""

    appeared: list[float]
    gone: list[float]

    def run(self) -> None:
        """Save, look, change, look, until the time is up."""
        self.appeared, self.gone = [], []
        number = 0
        while time.monotonic() < self.ends:
            number += 1
            old, new = f"先写QZ{number}W", f"后改QZ{number}V"
            made = self._save("POST", "/api/v1/records", {"form": "E01"}, old)
            if made and self._until(old, 1, self.appeared):
                version = {"version": made["version"]}
                if self._save("PUT", f"/api/v1/records/{made['id']}", version, new):
                    self._until(old, 0, self.gone)
            time.sleep(2.0)

    def _save(self, method: str, path: str, sent: dict[str, Any], word: str) -> dict[str, Any]:
        values = sample_values("E01") | {"备注": word}
        made = self.ask("watched", method, path, sent | {"values": values})
        return made if isinstance(made, dict) else {}

    def _until(self, word: str, total: int, taken: list[float]) -> bool:
        """Look every tenth of a second until so many are found; note how long it took."""
        began = time.monotonic()
        while time.monotonic() - began < LONGEST:
            answer = self.ask(
                "watching", "GET", f"/api/v1/search?q={quote(chr(34) + word + chr(34))}"
            )
            if isinstance(answer, dict) and answer["total"] == total:
                taken.append(time.monotonic() - began)
                return True
            time.sleep(0.1)
        taken.append(LONGEST)
        return False


def drained(folder: Path, seconds: float) -> float | None:
    """Return how long the queue took to run empty, or None when it did not."""
    os.environ["ARCHIVE_DATA"] = str(folder)
    resources = open_instance()
    began = time.monotonic()
    try:
        while time.monotonic() - began < seconds:
            with resources.reading() as uow:
                if not uow.session.scalar(select(func.count()).select_from(OutboxRow)):
                    return time.monotonic() - began
            time.sleep(0.5)
    finally:
        resources.database.dispose()
    return None


def table(tally: Tally) -> str:
    lines = ["| | times | median ms | p95 | p99 | most |", "|---|---|---|---|---|---|"]
    for kind, seconds in sorted(tally.seconds.items()):
        marks = [1000 * percentile(seconds, part) for part in (0.5, 0.95, 0.99, 1)]
        cells = " | ".join(f"{one:.0f}" for one in marks)
        lines.append(f"| {kind} | {len(seconds)} | {cells} |")
    return "\n".join(lines)


def work_done(server: int) -> dict[str, float]:
    """Return the seconds of CPU of the server's processes so far, by what they do, and our own."""
    parent = psutil.Process(server)
    found: Counter[str] = Counter()
    for one in parent.children(recursive=True):
        words = " ".join(one.cmdline())
        kind = "worker" if "archive.cli worker" in words else "web" if " serve " in words else "PDF"
        spent = one.cpu_times()
        found[kind] += spent.user + spent.system
    own = psutil.Process().cpu_times()
    found["people"] += own.user + own.system
    return dict(found)


def by_minute(tally: Tally) -> str:
    """Return the median and the 99th percentile of every minute: whether it holds, or piles up."""
    told = [
        f"{minute}: {1000 * percentile(seconds, 0.5):.0f}/{1000 * percentile(seconds, 0.99):.0f}"
        for minute, seconds in sorted(tally.minutes.items())
    ]
    return "Median/p99 ms by minute: " + ", ".join(told) + "."


def _shown(seconds: list[float]) -> str:
    marks = [percentile(seconds, part) for part in (0.5, 0.99, 1)]
    shown = " / ".join(f"{one:.2f}" for one in marks)
    return f"{shown} s (median, p99, most of {len(seconds)})"


def run(seconds: float = 600, people: int = 200) -> str:
    """Return the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "instance"
        everyone, items = prepare(folder, people)
        port = _free_port()
        archive = str(Path(sys.executable).with_name("archive"))
        server = subprocess.Popen(
            [archive, "serve", "--port", str(port)], stderr=subprocess.DEVNULL
        )
        try:
            _wait(f"http://127.0.0.1:{port}/healthz")
            before = drained(folder, 300)
            tally, spent = Tally(), work_done(server.pid)
            ends = tally.began + seconds
            workers = [Worker(port, one, items, tally, ends) for one in everyone]
            watcher = Watcher(port, everyone[0], items, Tally(), ends)
            for worker in (watcher, *workers):
                worker.start()
            for worker in (watcher, *workers):
                worker.join(seconds + 120)
            spent = {
                kind: round(one - spent.get(kind, 0), 1)
                for kind, one in work_done(server.pid).items()
            }
            after = drained(folder, 300)
        finally:
            server.terminate()
            server.wait(60)
    acts = sum(len(one) for one in tally.seconds.values())
    queue = "did not run empty" if after is None else f"ran empty {after:.1f} s after the end"
    return "\n".join(
        [
            f"## {people} people, each acting every {EVERY:.0f} s, for {seconds:.0f} s",
            "",
            table(tally),
            "",
            by_minute(tally),
            f"Found after it was saved: {_shown(watcher.appeared)}; with its old words no more"
            f" after it was changed: {_shown(watcher.gone)}, looked for every tenth of a second.",
            f"CPU seconds: {spent}; offices that were renewed in between are not counted.",
            f"{acts} requests, {sum(tally.wrong.values())} errors {dict(tally.wrong)}; refused by"
            f" the rules: {dict(tally.refused)}. The worker's queue {queue}"
            f" (indexing {PAPERS} papers before the start: {before or 0:.0f} s).",
            "The people are threads of one process on the same two cores as the server.",
        ]
    )


if __name__ == "__main__":
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--seconds", type=float, default=600)
    wanted.add_argument("--people", type=int, default=200)
    asked = wanted.parse_args()
    print(run(asked.seconds, asked.people))
