"""axe-core over every page there is, as every person of the demo company comes to it by links.

Everybody's pages are walked as they are served, one of a kind each; a page goes into the browser
when something stands on it that did not stand on the same kind of page before. No finding that axe
calls serious or critical, and no address of ``doors.txt`` that shows a page is left out.
"""

import io
import shutil
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from pprint import pformat
from urllib.parse import urljoin, urlsplit

import pytest
from PIL import Image, ImageDraw

from archive.app import create_app
from archive.demo.staff import PEOPLE
from archive.people import access
from archive.people import service as people
from archive.people.gate import COOKIE
from archive.people.rights import ROLES
from archive.people.signin.door_routes import STEP_COOKIE
from archive.signing.outside import edge as outside
from tests.served_here import ServedHere
from tests.test_every_door import doors
from tests.web.laid_out import MORE, invite_other_party, lay_out
from tests.web.pages import is_page, kind_of, open_demo

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="没有安装 Chromium，跳过浏览器测试"),
]
SERIOUS = {"serious", "critical"}


@dataclass(frozen=True)
class Served:
    """The demo company as it is served: where people begin, and the other party's link."""

    resources: object
    app: object
    address: str
    begin: list
    invited: object


def demo_password(username):
    return f"demo-{username}"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axe")
    resources = open_demo(folder)
    begin, invited = lay_out(resources, demo_password), invite_other_party(resources, demo_password)
    app = create_app(resources)
    server = ServedHere(app)
    yield Served(resources, app, server.address, begin, invited)
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


class Walk:
    """Walks everybody's pages, judges those with something new, and keeps what is wrong."""

    def __init__(self, served, browser):
        from axe_playwright_python.sync_playwright import Axe

        self.resources, self.app, self.address = served.resources, served.app, served.address
        self.browser, self.axe = browser, Axe()
        self.parts, self.wrong, self.dead = defaultdict(set), {}, []

    def go(self, username, begin):
        """Walk as one person (nobody for an empty name) from their pages along every link."""
        page = self.browser.new_context(viewport={"width": 1280, "height": 860}).new_page()
        for name, value in self._cookies(username).items():
            page.context.add_cookies([{"name": name, "value": value, "url": self.address}])
        waiting, seen = deque([*begin, "/"]), set()
        while waiting:
            path = waiting.popleft()
            kind = kind_of(self.app, path)
            if kind is None or kind in seen:
                continue
            seen.add(kind)
            answer = page.request.get(self.address + path, max_redirects=0)
            if answer.status >= 400:
                self.dead.append((username, path, answer.status))
            elif answer.status in (302, 303):
                waiting.append(urljoin(path, answer.headers["location"]))
            elif answer.headers["content-type"].startswith("text/html"):
                told = _Parts(answer.text())
                waiting.extend(urljoin(path, link) for link in told.links)
                if not told.parts <= self.parts[kind]:
                    self.parts[kind] |= told.parts
                    page.goto(self.address + path)
                    self.judge(page, path)
        page.context.close()

    def judge(self, page, path):
        told = self.axe.run(page, options={"resultTypes": ["violations"]}).response
        for one in told["violations"]:
            if one["impact"] in SERIOUS:
                nodes = [node["html"][:160] for node in one["nodes"][:2]]
                self.wrong.setdefault(one["id"], []).append((path, nodes))

    def _cookies(self, username):
        if not username:
            return {STEP_COOKIE: "asked"}  # the page for the code waits for it
        with self.resources.work() as uow:
            person = people.find_actor_by_username(uow, username)
            token = access.open_session(uow, person.id, "127.0.0.1", "axe")
            uow.commit()
        return {COOKIE: token}


class _Parts(HTMLParser):
    """What stands on a page, apart from its words: each element and in which it stands; links."""

    def __init__(self, text):
        super().__init__()
        self.parts, self.links, self._inside = set(), [], [""]
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        kinds = " ".join(told.get(name) or "" for name in ("class", "type", "role", "scope"))
        part = f"{tag} {kinds} {' '.join(sorted(told))}"
        self.parts.add((self._inside[-1], part))
        if tag not in ("input", "img", "br", "hr", "meta", "link", "source", "col", "wbr"):
            self._inside.append(part)
        if tag == "a" and told.get("href", "").startswith("/"):
            self.links.append(told["href"])

    def handle_endtag(self, tag):
        places = [at for at, part in enumerate(self._inside) if part.split(" ", 1)[0] == tag]
        if places:
            del self._inside[places[-1] :]


def test_no_page_of_anybody_has_a_serious_finding(served, browser):
    roles = {role for person in PEOPLE for role in person.roles} | set(MORE.values())
    assert roles == set(ROLES), "somebody of every role walks"
    walk = Walk(served, browser)
    for username in ("", *(person.username for person in PEOPLE), *MORE):
        walk.go(username, [path for who, path in served.begin if who == username])
    walk_as_other_party(walk, served)
    pages = {
        rule.endpoint: rule.rule for method, rule in doors(served.app) if is_page(method, rule)
    }
    left_out = {rule for endpoint, rule in pages.items() if not walk.parts[endpoint]}
    found = {"findings": walk.wrong, "dead links": walk.dead, "nobody came to": left_out}
    assert not any(found.values()), pformat(found)


def walk_as_other_party(walk, served):
    """The link's page before the code, the paper after it, and the page that thanks."""
    path = urlsplit(served.invited.url).path
    page = walk.browser.new_context().new_page()
    page.goto(walk.address + path)
    walk.judge(page, f"{path} before the code")
    page.fill("[name=code]", served.invited.code)
    page.click("form .btn-primary")
    page.wait_for_selector("[name=phone]")
    walk.judge(page, f"{path} after the code")
    stranger = {"name": "何守信", "phone": "13800138000", "address": "-", "browser": "-"}
    with ThreadPoolExecutor(1) as hand:  # the browser's own loop runs in this thread
        token = path.rpartition("/")[2]
        hand.submit(
            outside.sign_outside, served.resources, token, drawn_png=drawn(), **stranger
        ).result()
    page.goto(f"{walk.address}{path}/done")
    walk.judge(page, f"{path}/done")
    for endpoint in (kind_of(walk.app, path), kind_of(walk.app, f"{path}/done")):
        walk.parts[endpoint].add(("", "seen"))


def drawn():
    picture, out = Image.new("RGBA", (480, 180), (0, 0, 0, 0)), io.BytesIO()
    ImageDraw.Draw(picture).line([(30, 120), (230, 40), (440, 130)], "black", 6)
    picture.save(out, "PNG")
    return out.getvalue()
