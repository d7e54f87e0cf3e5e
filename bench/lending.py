"""The lending desk: fifty people at once on SQLite, and a register of a million past loans.

The first part posts to a real web server on the loopback from fifty threads, at first with a
pause before each act, then all in the same second; time is what the server took for each answer,
waiting for the database's one writer in it. The second
asks the same of a register of a hundred past loans (what the pages show fills them) and of a full
one; time is CPU time of the process.
"""

import http.client
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from waitress import create_server

from archive.app import create_app
from archive.cli.processes import THREADS
from archive.config import Settings
from archive.core.resources import Resources, open_resources
from archive.filing.models import ItemCopy
from archive.instance import install_forms, migrate
from archive.lending.chores import do_loan_chores
from archive.lending.models import Loan
from archive.people import access
from archive.people.gate import COOKIE
from archive.people.rights import Actor
from bench.lending_filling import Clock, approve, fill_past, settle, shelve
from bench.timing import percentile

PEOPLE, EACH = 50, 4
PAUSE_S = 1.5
PACED, RUSH = "with a pause", "all in the same second"
FEW, PAST = 100, 1_000_000
LIMIT_MS = 150
ROUNDS = 15
LIMIT_RATIO = 1.5


def run() -> str:
    """Return the section."""
    with tempfile.TemporaryDirectory() as folder:
        resources = _open(Path(folder))
        try:
            actors = settle(resources)
            crowd = _crowd(resources, actors)
            fill_past(resources, FEW, first=800_000)
            few = _desk_times(resources, actors, first=500_000)
            began = time.perf_counter()
            fill_past(resources, PAST)
            filled = time.perf_counter() - began
            full = _desk_times(resources, actors, first=600_000)
        finally:
            resources.database.dispose()
    return _report(crowd, few, full, filled)


class _NoConverter:
    def to_pdf(self, docx: bytes) -> bytes:
        raise RuntimeError("nothing is printed here")


def _open(folder: Path) -> Resources:
    settings = Settings(data=folder, database_url=f"sqlite:///{folder / 'archive.db'}")
    resources = open_resources(settings, _NoConverter(), Clock())
    migrate(resources.database)
    install_forms(resources)
    return resources


@dataclass
class Crowd:
    """What came of fifty people at once: times by act, answers by status, what the rows say."""

    phase: str = PACED
    seconds: float = 0.0
    loads: tuple[float, ...] = ()
    times: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    locked: int = 0
    lost: int = 0
    doubled: int = 0
    races_won: Counter[int] = field(default_factory=Counter)


def _crowd(resources: Resources, actors: dict[str, Actor]) -> Crowd:
    """Hand out and take back at fifty places at once; every second copy is fought over by two."""
    papers = shelve(resources, PEOPLE * EACH)
    ids = approve(resources, actors["clerk0"], papers)
    jobs = [(code, request_id) for (_, code), request_id in zip(papers, ids, strict=True)]
    raced = shelve(resources, PEOPLE // 2, first=10_000)
    raced_ids = approve(resources, actors["clerk1"], raced)
    races = [(code, one) for (_, code), one in zip(raced, raced_ids, strict=True)]
    with resources.work() as uow:
        token = access.issue_token(uow, actors["archivist"].id, 1)
        uow.commit()
    found = Crowd()
    with _served(resources, found) as port:
        _act(port, token, "/api/v1/loans/hand-out", {"barcode": "A"}, Counter(), None)  # warm
        found.times.clear()
        found.statuses.clear()
        began = time.perf_counter()
        paced, rush = jobs[PEOPLE:], jobs[:PEOPLE]
        each = EACH - 1
        _together(
            lambda place: _one_desk(port, token, paced[place * each :][:each], found, PAUSE_S)
        )
        found.seconds = time.perf_counter() - began
        found.phase = RUSH
        _together(lambda place: _one_desk(port, token, [rush[place]], found))
        found.phase = "raced"
        _together(lambda place: _race(port, token, races[place // 2], found))
    found.loads = os.getloadavg()
    _count(resources, found, [code for _, code in papers])
    return found


@contextmanager
def _served(resources: Resources, found: Crowd) -> Iterable[int]:
    app = create_app(resources)
    inner = app.wsgi_app

    def timed(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        began = time.perf_counter()
        try:
            return inner(environ, start)
        finally:
            took = (time.perf_counter() - began) * 1e3
            act = environ["PATH_INFO"].rsplit("/", 1)[1]
            found.times.setdefault(f"{act}, {found.phase}", []).append(took)

    server = create_server(timed, host="127.0.0.1", port=0, threads=THREADS)
    threading.Thread(target=server.run, daemon=True).start()
    yield server.effective_port  # a daemon; it ends with the measuring


def _together(act: Callable[[int], None]) -> None:
    gate = threading.Barrier(PEOPLE)

    def begin(place: int) -> None:
        gate.wait()
        act(place)

    threads = [threading.Thread(target=begin, args=(place,)) for place in range(PEOPLE)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def _one_desk(
    port: int, token: str, jobs: list[tuple[str, int]], found: Crowd, pause: float = 0.0
) -> None:
    for code, request_id in jobs:
        time.sleep(random.uniform(0, 2 * pause))
        out = {"barcode": code, "request_id": request_id, "pages": 3}
        _act(port, token, "/api/v1/loans/hand-out", out, found.statuses, found)
        time.sleep(random.uniform(0, 2 * pause))
        back = {"barcode": code, "pages": 3}
        _act(port, token, "/api/v1/loans/return", back, found.statuses, found)


def _race(port: int, token: str, job: tuple[str, int], found: Crowd) -> None:
    out = {"barcode": job[0], "request_id": job[1], "pages": 3}
    _act(port, token, "/api/v1/loans/hand-out", out, found.races_won, found)


def _act(
    port: int, token: str, path: str, body: object, statuses: Counter[int], found: Crowd | None
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    told = answer.read().decode()
    connection.close()
    statuses[answer.status] += 1
    if found is not None and ("locked" in told or answer.status >= 500):
        found.locked += 1


def _count(resources: Resources, found: Crowd, barcodes: list[str]) -> None:
    with resources.reading() as uow:
        rows = uow.session.execute(
            select(ItemCopy.barcode, func.count(Loan.id), func.count(Loan.returned_at))
            .outerjoin(Loan, Loan.copy_id == ItemCopy.id)
            .where(ItemCopy.barcode.in_(barcodes))
            .group_by(ItemCopy.barcode)
        ).all()
    found.lost = sum(lent < 1 or back < lent for _, lent, back in rows)
    found.doubled = sum(lent > 1 for _, lent, _ in rows)


def _desk_times(resources: Resources, actors: dict[str, Actor], first: int) -> dict[str, float]:
    """Return the CPU milliseconds of each act at the desk, one at a time, warm."""
    app = create_app(resources)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    archivist, clerk, head = (
        _client(app, resources, actors[key]) for key in ("archivist", "clerk2", "head")
    )
    papers = shelve(resources, ROUNDS + 2, first=first)
    ids = approve(resources, actors["clerk2"], papers)
    jobs = [(code, one, item) for (item, code), one in zip(papers, ids, strict=True)]
    acts: dict[str, Callable[[Any], Any]] = {
        "asking, four decisions": lambda job: clerk.get(f"/loans/new?item={job[2]}"),
        "scan at the desk": lambda job: archivist.get(f"/loans/desk?barcode={job[0]}"),
        "hand-out": lambda job: archivist.post(
            "/loans/desk/hand-out", data={"barcode": job[0], "request_id": job[1], "pages": 3}
        ),
        "my loans": lambda job: clerk.get("/loans"),
        "return": lambda job: archivist.post(
            "/loans/desk/return", data={"barcode": job[0], "pages": 3}
        ),
        "register, last 30 days": lambda job: archivist.get("/loans/register?view=lent"),
        "register, who has what": lambda job: archivist.get("/loans/register"),
        "approvals, the head's": lambda job: head.get("/loans/approvals"),
        "offline snapshot": lambda job: archivist.get("/loans/desk/offline"),
        "the worker's chores": lambda job: do_loan_chores(resources),
    }
    return {name: _median(act, jobs) for name, act in acts.items()}


def _client(app: Any, resources: Resources, actor: Actor) -> Any:
    client = app.test_client()
    with resources.work() as uow:
        token = access.open_session(uow, actor.id, "127.0.0.1", "bench")
        uow.commit()
    client.set_cookie(COOKIE, token)
    return client


def _median(act: Callable[[Any], Any], jobs: list[tuple[str, int, int]]) -> float:
    taken = []
    for job in jobs:
        began = time.process_time()
        answer = act(job)
        taken.append((time.process_time() - began) * 1e3)
        if getattr(answer, "status_code", 200) >= 400:
            raise RuntimeError(f"{answer.request.path}: {answer.status_code}")
    return statistics.median(taken[len(jobs) - ROUNDS :])


def _report(crowd: Crowd, few: dict[str, float], full: dict[str, float], filled: float) -> str:
    acts = sum(map(len, crowd.times.values()))
    statuses = ", ".join(f"{count} × {status}" for status, count in sorted(crowd.statuses.items()))
    races = ", ".join(f"{count} × {status}" for status, count in sorted(crowd.races_won.items()))
    worst = max(full[name] / few[name] for name in few)
    lines = [
        f"## Lending ({PEOPLE} people at once; {PAST:,} past loans)",
        "",
        f"{PEOPLE} people hand out and take back {EACH} copies each at one server ({THREADS} "
        f"threads, SQLite, clients on the same machine), three with {PAUSE_S} s before each act on "
        f"average ({crowd.seconds:.1f} s), the last all in the same second: {acts} answers with "
        f"the races below; {statuses}; lost {crowd.lost}, doubled "
        f"{crowd.doubled}, “database is locked” or a failure shown {crowd.locked}. Two desks at "
        f"one copy, {PEOPLE // 2} times: {races}. Load of the machine (1, 5, 15 min): "
        f"{', '.join(f'{one:.1f}' for one in crowd.loads)}.",
        "",
        f"| act, server time | median, ms | p99, ms | p99 of the {LIMIT_MS} ms allowed |",
        "|---|---|---|---|",
    ]
    for name, times in sorted(crowd.times.items()):
        p99 = percentile(times, 0.99)
        middle = statistics.median(times)
        lines.append(f"| {name} | {middle:.0f} | {p99:.0f} | {p99 / LIMIT_MS:.2f} |")
    lines += [
        "",
        f"With {PAST:,} past loans in the register (written in {filled:.0f} s) the desk takes at "
        f"most {worst:.2f} times as long as with {FEW} ({LIMIT_RATIO} allowed). CPU time of the "
        f"whole answer, warm, median of {ROUNDS}.",
        "",
        f"| act | {FEW} past loans, ms | {PAST:,}, ms | ratio |",
        "|---|---|---|---|",
    ]
    for name, before in few.items():
        lines.append(f"| {name} | {before:.1f} | {full[name]:.1f} | {full[name] / before:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(run())
