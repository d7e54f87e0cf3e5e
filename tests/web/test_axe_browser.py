"""axe-core over every page people of four offices come to by following links.

The demo company is walked as it is served: from the front page along every link, one page of a
kind each. No finding that axe calls serious or critical.
"""

import shutil
import threading
from collections import deque
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from waitress import create_server
from werkzeug.exceptions import HTTPException

from archive.app import create_app
from archive.config import Settings
from archive.core.resources import open_resources
from archive.demo import make_demo
from archive.models import metadata
from archive.people import access
from archive.people import service as people
from archive.people.gate import COOKIE
from tests.conftest import QuickConverter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="没有安装 Chromium，跳过浏览器测试"),
]
PEOPLE = {
    "archivist": "xuwenjing",
    "clerk": "linxiaoyu",
    "leader": "luhaiping",
    "admin": "admin",
}
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axe")
    settings = Settings(data=folder, database_url=f"sqlite:///{folder / 'archive.db'}")
    resources = open_resources(settings, QuickConverter(), lambda: datetime.now(UTC))
    settings.run.mkdir(exist_ok=True)
    metadata.create_all(resources.database.engine)
    make_demo(resources, lambda *_: None)
    app = create_app(resources)
    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    yield resources, app, f"http://127.0.0.1:{server.effective_port}"
    server.close()
    resources.database.dispose()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.mark.parametrize("office", PEOPLE)
def test_no_page_has_a_serious_finding(served, browser, office):
    playwright_api = pytest.importorskip("playwright.sync_api")
    from axe_playwright_python.sync_playwright import Axe

    resources, app, address = served
    page = _signed_in(resources, browser, address, office)
    axe, wrong, seen = Axe(), {}, set()
    waiting = deque(["/"])
    while waiting:
        path = waiting.popleft()
        kind = _kind(app, path)
        if kind is None or kind in seen:
            continue
        seen.add(kind)
        try:
            answer = page.goto(address + path)
        except playwright_api.Error as error:
            assert "Download is starting" in str(error), path
            continue
        assert answer.status < 400, path
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        waiting.extend(_own(address, link) for link in links if link.startswith(address))
        told = axe.run(page, options={"resultTypes": ["violations"]}).response
        for one in told["violations"]:
            if one["impact"] in SERIOUS:
                nodes = [node["html"][:160] for node in one["nodes"][:2]]
                wrong.setdefault(one["id"], []).append((path, nodes))
    assert wrong == {}
    assert len(seen) > 15


def _signed_in(resources, browser, address, office):
    with resources.work() as uow:
        person = people.find_actor_by_username(uow, PEOPLE[office])
        token = access.open_session(uow, person.id, "127.0.0.1", "axe")
        uow.commit()
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
    return context.new_page()


def _own(address, link):
    parts = urlsplit(link)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _kind(app, path):
    """Return what kind of page an address is: its rule; None for files and other things."""
    parts = urlsplit(path)
    try:
        endpoint, _ = app.url_map.bind("localhost").match(parts.path)
    except HTTPException:
        return None
    last = parts.path.rpartition("/")[2]
    if endpoint.endswith("static") or "." in last or parts.path.startswith("/api/"):
        return None
    if "sheet" in parts.query or "format=" in parts.query:
        return None
    return endpoint
