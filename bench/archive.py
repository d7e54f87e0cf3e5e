"""The archive at 100,000 items and 3,000 volumes: server time of every list, count and page.

Pages are asked for through the application as a browser asks, signed in, warm; beside each list
stands the bare SQL that reads the same rows without rights, views and HTML (its floor). Time is
CPU time of the process, SQLite's in it, so that a busy machine does not count.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from archive.app import create_app
from archive.config import Settings
from archive.core.resources import Resources, open_resources
from archive.filing import service
from archive.instance import install_forms, migrate
from archive.people import access
from archive.people.gate import COOKIE
from archive.people.rights import Actor
from bench.archive_filling import CUSTOMERS, ITEMS, PASSWORD, VOLUMES, fill, settle

LIMIT_MS = 200
ROUNDS = 5
PAGES = {
    "items, newest": "/items",
    "items, middle page": "/items?page={middle}",
    "items, last page": "/items?page={last}",
    "items by 档号": "/items?sort=code",
    "items by 档号, last page": "/items?sort=code&page={last}",
    "items of a customer": "/items?customer=5",
    "items of a year and class": "/items?year=2020&class=合同",
    "items with a word in the title": "/items?text=信用评估",
    "items with a 档号": "/items?text=z109－kh.2020－d30－xsb－1",
    "items with the tail of a 档号": "/items?text=XSB-0001",
    "items with a word nobody wrote": "/items?text=没有这个词",
    "volumes": "/volumes",
    "volumes, last page": "/volumes?page={last_volume}",
    "volumes of a class": "/volumes?class=合同",
    "class tree with counts": "/filing/plan",
    "what is late": "/filing/late",
    "a volume of 500": "/volumes/1",
    "a volume of 500, last page": "/volumes/1?page=5",
    "an item": "/items/501",
    "filing desk": "/filing",
    "customer": "/customers/5",
    "customers": "/customers",
    "workbench": "/",
}


def run() -> str:
    """Return the table."""
    with tempfile.TemporaryDirectory() as folder:
        resources = _open(Path(folder))
        try:
            return _measure(resources)
        finally:
            resources.database.dispose()


def _open(folder: Path) -> Resources:
    settings = Settings(data=folder, database_url=f"sqlite:///{folder / 'archive.db'}")
    resources = open_resources(settings, _NoConverter())
    migrate(resources.database)
    install_forms(resources)
    return resources


class _NoConverter:
    def to_pdf(self, docx: bytes) -> bytes:
        raise RuntimeError("nothing is printed here")


def _measure(resources: Resources) -> str:
    began = time.process_time()
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    actors = settle(resources, quick.hash(PASSWORD))
    volume_id = fill(resources, actors)
    filled = time.process_time() - began
    app = create_app(resources)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    asked = {key: _client(app, resources, actors[key]) for key in ("archivist", "clerk")}
    times = {key: _pages(client, resources, actors[key]) for key, client in asked.items()}
    floor = _floor(resources)
    sealing = _sealing(resources, app, actors, volume_id)
    return _report(filled, times, floor, sealing)


def _client(app: Any, resources: Resources, actor: Actor) -> Any:
    client = app.test_client()
    with resources.work() as uow:
        token = access.open_session(uow, actor.id, "127.0.0.1", "bench")
        uow.commit()
    client.set_cookie(COOKIE, token)
    return client


def _pages(client: Any, resources: Resources, actor: Actor) -> dict[str, float]:
    with resources.reading() as uow:
        items = service.list_items(uow, actor)
        volumes = service.list_volumes(uow, actor)
    places = {"middle": items.pages // 2, "last": items.pages, "last_volume": volumes.pages}
    times = {}
    for name, address in PAGES.items():
        url = address.format(**places)
        answer = client.get(url)
        if answer.status_code in (403, 404):
            continue
        if answer.status_code != 200:
            raise RuntimeError(f"{url}: {answer.status_code}")
        times[name] = _median(lambda url=url: client.get(url))
    return times


def _median(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        taken.append((time.process_time() - began) * 1e3)
    return statistics.median(taken)


def _floor(resources: Resources) -> dict[str, float]:
    """Return what the bare rows take, read by SQLite alone."""
    connection = resources.database.engine.raw_connection()
    queries = {
        "items, newest": "select * from item order by id desc limit 20",
        "items, last page": f"select * from item order by id desc limit 20 offset {ITEMS - 20}",
        "items with a word in the title": "select count(*) from item where title like '%信用评估%'",
        "volumes": "select v.*, count(*), sum(i.pages) from volume v join item i on i.volume_id ="
        " v.id group by v.id order by v.year desc limit 20",
        "a volume of 500": "select * from item where volume_id = 1 order by serial limit 100",
    }
    try:
        cursor = connection.cursor()
        return {
            name: _median(lambda sql=sql: cursor.execute(sql).fetchall())
            for name, sql in queries.items()
        }
    finally:
        connection.close()


def _sealing(
    resources: Resources, app: Any, actors: dict[str, Actor], volume_id: int
) -> tuple[float, float]:
    first = _client(app, resources, actors["archivist"])
    second = _client(app, resources, actors["archive_head"])
    began = time.process_time()
    answer = first.post(f"/volumes/{volume_id}/seal", data={"password": PASSWORD})
    prepared = time.process_time() - began
    if answer.status_code != 302:
        raise RuntimeError(answer.text)
    with resources.reading() as uow:
        seal = service.get_seal(uow, actors["archivist"], volume_id)
    told = {"password": PASSWORD, "digest": seal.digest}
    began = time.process_time()
    answer = second.post(f"/volumes/{volume_id}/seal/confirm", data=told)
    if answer.status_code != 302:
        raise RuntimeError(answer.text)
    return prepared, time.process_time() - began


def _report(
    filled: float,
    times: dict[str, dict[str, float]],
    floor: dict[str, float],
    sealing: tuple[float, float],
) -> str:
    worst = max(max(one.values()) for one in times.values())
    lines = [
        f"## The archive ({ITEMS:,} items, {VOLUMES:,} volumes, {CUSTOMERS:,} customers)",
        "",
        f"Slowest page {worst:.0f} ms ({worst / LIMIT_MS:.2f} of the {LIMIT_MS} ms allowed); a "
        f"volume of 500 is proposed in {sealing[0]:.2f} s and sealed in {sealing[1]:.2f} s (5 s "
        "allowed), passwords and the four-property check in it.",
        f"Filled in {filled:.0f} s; CPU time of the whole answer through the application, warm, "
        f"median of {ROUNDS}; bare SQL reads the same rows without rights, views and HTML.",
        "",
        "| page | archivist, ms | clerk, ms | bare SQL, ms |",
        "|---|---|---|---|",
    ]
    for name in PAGES:
        shown = [times[key].get(name) for key in ("archivist", "clerk")] + [floor.get(name)]
        cells = ["—" if one is None else f"{one:.1f}" for one in shown]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(run())
