"""The page to fill a form in, and the picture of its print beside it: what the server takes.

Asked for through the application as a browser asks, signed in, warm, with a real office. The
page is CPU time of the process; the preview is wall time, the office works in a process of its
own: autosave of a changed word, Word, PDF, and the page as a picture.
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
from archive.forms.publishing import publish_form
from archive.instance import install_forms, migrate
from archive.people import access
from archive.people.gate import COOKIE
from archive.people.rights import Actor
from archive.records import service
from bench.archive_filling import PASSWORD, settle
from bench.word import large_form
from doc_templates import sample_values
from doc_templates.catalogue import read_form
from doc_templates.pdf import OfficeConverter
from doc_templates.scaffold import scaffold

PAGE_MS, PREVIEW_MS = 100, 1000
ROUNDS, LONG = 15, 300
WIDTH = 700  # pixels of the picture, as a browser with two dots a pixel asks for


def run() -> str:
    """Return the table."""
    with tempfile.TemporaryDirectory() as folder, OfficeConverter() as office:
        settings = Settings(data=Path(folder), database_url=f"sqlite:///{folder}/archive.db")
        resources = open_resources(settings, office)
        try:
            migrate(resources.database)
            install_forms(resources)
            quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
            actor = settle(resources, quick.hash(PASSWORD))["clerk"]
            return _report(_measure(resources, actor))
        finally:
            resources.database.dispose()


def _measure(resources: Resources, actor: Actor) -> dict[str, tuple[float, float, float]]:
    app = create_app(resources)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    with resources.work() as uow:
        client.set_cookie(COOKIE, access.open_session(uow, actor.id, "127.0.0.1", "bench"))
        uow.commit()
    figures = {}
    for name, code, values in _cases(resources):
        with resources.work() as uow:
            record = service.create_draft(uow, actor, code, values)
            uow.commit()
        page = _taken(time.process_time, lambda id=record.id: _get(client, f"/records/{id}/edit"))
        shown = _previews(client, record.id, values)
        figures[name] = (statistics.median(page), statistics.median(shown), max(shown))
    return figures


def _cases(resources: Resources) -> list[tuple[str, str, dict[str, Any]]]:
    definition, large = large_form()
    _publish(resources, definition)
    long = dict(sample_values("E08"))
    long["交易"] = [long["交易"][n % 4] for n in range(LONG)]
    return [
        ("E01", "E01", sample_values("E01")),
        ("E05", "E05", sample_values("E05")),
        ("40+15×7", "X40", large),
        (f"E08 with {LONG} rows", "E08", long),
    ]


def _publish(resources: Resources, definition: str) -> None:
    form = read_form(definition, scaffold(read_form(definition, b"", "")), "{}")
    with resources.work() as uow:
        publish_form(uow, None, form, definition, ())
        uow.commit()


def _previews(client: Any, record_id: int, values: dict[str, Any]) -> list[float]:
    """Return the milliseconds from a changed word sent to its picture, each time another word."""
    key = next(key for key, value in values.items() if isinstance(value, str) and "司" in value)
    saved = client.get(f"/records/{record_id}/entries.json").get_json()
    state = {"values": saved["values"], "version": saved["version"], "turn": 0}

    def type_and_look() -> None:
        state["turn"] += 1
        state["values"][key] = f"第{state['turn']}次改过的公司"
        sent = {"values": state["values"], "version": state["version"]}
        answer = client.post(f"/records/{record_id}/autosave", json=sent)
        if answer.status_code != 200:
            raise RuntimeError(answer.get_data(as_text=True))
        state["version"] = answer.get_json()["version"]
        _get(client, f"/records/{record_id}/preview.png?width={WIDTH}")

    return _taken(time.perf_counter, type_and_look)


def _get(client: Any, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")


def _taken(clock: Callable[[], float], act: Callable[[], object]) -> list[float]:
    """Return the milliseconds of each time, without the first, which warms up."""
    times = []
    for _ in range(ROUNDS + 1):
        began = clock()
        act()
        times.append((clock() - began) * 1e3)
    return times[1:]


def _report(figures: dict[str, tuple[float, float, float]]) -> str:
    rows = [
        f"| {name} | {page:.1f} | {median:.0f} | {most:.0f} |"
        for name, (page, median, most) in figures.items()
    ]
    return "\n".join(
        [
            "## The page to fill in, and its preview (server time, ms)",
            "",
            f"Allowed on the first three: {PAGE_MS} ms for the page, {PREVIEW_MS} ms for the "
            "preview. The browser waits 0.4 s for a pause before it saves.",
            "",
            "| form | page, CPU | save and preview, wall: median | at most |",
            "|---|---|---|---|",
            *rows,
        ]
    )
