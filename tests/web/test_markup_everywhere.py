"""Markup in all that people write, and in all that is asked for: no page makes it markup.

Whatever people write in the demo company is written over past all checks (``written_by_people``),
so that nothing but the way a page is made stands between the words and the browser. The pages are
walked by their links as those who see most, and read as a browser reads them.
"""

import ast
import re
from collections import deque
from email.message import Message
from functools import cache
from pathlib import Path
from urllib.parse import urlencode, urljoin

import pytest
from lxml import html
from sqlalchemy import JSON, select, text, update

from archive.app import create_app
from archive.models import metadata
from archive.people import access
from archive.people import service as people
from archive.people.gate import COOKIE
from archive.search.indexing import rebuild_index
from tests.test_every_door import doors
from tests.test_house import ROOT
from tests.web.laid_out import ARCHIVIST, CLERK, HEAD, KEEPER, lay_out
from tests.web.laid_out_more import lay_out_more
from tests.web.pages import is_page, kind_of, open_demo
from tests.web.written_by_people import text_columns, why_not_written, written

MARKUP = "-->\"'><xss-mark onxss=1></xss-mark> onxss=1 </script></textarea>"
WALKERS = ("admin", ARCHIVIST, KEEPER, HEAD, CLERK)
HAN = re.compile("[\u4e00-\u9fff]")
FOLLOWED = {"href", "src", "action", "formaction", "data-url"}
OURS = ("/", "?", "#")  # how an address of ours begins
# For nobody who is signed in, or reached by no link of those who walk.
NOT_REACHED = {
    "/access/mine",
    "/loans/items/<int:item_id>/log",
    "/login",
    "/login/code",
    "/sign/<token>",
    "/sign/<token>/done",
    "/verify",
    "/verify/<token>",
}
# Nothing of it in the demo company, with everything that is laid out over it: not written over.
EMPTY = {
    "disposal_witness.location": "watched three months after the approval, by a real clock",
    "disposal_witness.method": "watched three months after the approval, by a real clock",
    "outside_identity.subject": "signed in by another house's server",
    "own_certificate.issuer": "a certificate bought elsewhere, read from its file",
    "paper_proof.why": "noted when a time-stamping server of others does not answer",
}


def faults(page):
    """Say where the markup became markup on a page."""
    found = [
        f"raw: {page[max(0, at - 60) : at + 20]}" for at in [page.find("<xss-mark")] if at >= 0
    ]
    for element in html.fromstring(page.encode("utf-8")).iter():
        if element.tag == "xss-mark":
            found.append(f"element in {element.getparent().tag}")
        if element.tag in ("script", "style") and "onxss=1>" in (element.text or ""):
            found.append(f"{element.tag}: {element.text[:60]}")
        for name, value in element.attrib.items() if isinstance(element.tag, str) else ():
            is_mine = "onxss" in value and (name.startswith("on") or name == "style")
            if name == "onxss" or is_mine or _is_run(name, value):
                found.append(f"{element.tag} {name}={value[:60]}")
    return found


def _is_run(name, value):
    """Whether an address is theirs from its beginning (``javascript:`` would do as well)."""
    is_theirs = "xss" in value and not value.startswith(OURS)
    return name in FOLLOWED and (is_theirs or value.strip().lower().startswith("javascript:"))


@pytest.mark.parametrize(
    "page",
    [
        "<p>{}</p>",
        "<textarea>{}</textarea>",
        "<p title={}>x</p>",
        '<p title="{}">x</p>',
        "<p>x<!-- {} --></p>",
        "<script>let a = '{}'</script>",
    ],
)
def test_markup_is_seen_where_it_is_not_escaped(page):
    assert faults(page.format(MARKUP))
    assert faults(page.format("javascript:1")) == []


@pytest.mark.parametrize("link", ["{}", "javascript:alert(1)", " JavaScript:1"])
def test_an_address_of_theirs_is_seen(link):
    escaped = link.format(MARKUP).replace('"', "&quot;").replace("<", "&lt;")
    assert faults(f'<a href="{escaped}">x</a>')
    assert faults('<a href="/search?q=xss">x</a>') == []


def test_every_column_is_placed():
    """Think who writes in a new column, and place it in ``written_by_people``."""
    columns = {str(column): column for column in text_columns(metadata)}
    placed = written()
    assert [n for n, one in columns.items() if n not in placed and not why_not_written(one)] == []
    assert placed - set(columns) == set()


# ---------------------------------------------------------------- everything written over


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The demo company with markup in all its words, and what everybody's walk has come to."""
    resources = open_demo(tmp_path_factory.mktemp("written"))
    begin = lay_out(resources, lambda username: f"demo-{username}")
    lay_out_more(resources, lambda username: f"demo-{username}")
    app = create_app(resources)
    clients = {name: _client(app, resources, name) for name in WALKERS}
    empty = write_over(resources.database.engine)
    rebuild_index(resources)
    yield Walk(app, clients, begin), empty
    resources.database.dispose()


def _client(app, resources, username):
    client = app.test_client()
    with resources.work() as uow:
        person = people.find_actor_by_username(uow, username)
        client.set_cookie(COOKIE, access.open_session(uow, person.id, "127.0.0.1", "walk"))
        uow.commit()
    return client


def write_over(engine):
    """Put markup behind all that people write; return the columns that have no row."""
    empty = written()
    with engine.begin() as connection:
        triggers = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in connection.execute(triggers).all():
            connection.execute(text(f'DROP TRIGGER "{name}"'))
        for table in metadata.sorted_tables:
            columns = [one for one in table.columns if str(one) in written()]
            if not columns:
                continue
            for number, row in enumerate(connection.execute(select(table)).mappings().all()):
                mine = [key == row[key.name] for key in table.primary_key.columns]
                changed = {one.name: _marked(row[one.name], one, number) for one in columns}
                connection.execute(update(table).where(*mine).values(changed))
                empty -= {str(one) for one in columns}
    return empty


def _marked(value, column, number):
    if isinstance(column.type, JSON):
        return _in_words(value)
    return (value or str(number)) + MARKUP  # a number, for what may stand only once


def _in_words(value):
    """Mark the words in JSON: what has no Han in it may be a code that is looked up."""
    if isinstance(value, dict):
        return {name: _in_words(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_words(one) for one in value]
    return value + MARKUP if isinstance(value, str) and HAN.search(value) else value


class Walk:
    """Walks as everybody, a page of each kind once; keeps what is wrong and what was seen."""

    def __init__(self, app, clients, begin):
        self.app, self.clients = app, clients
        self.wrong, self.seen, self.escaped, self.files = {}, {}, 0, []
        for username, client in clients.items():
            own = [path for who, path in begin if who == username]
            self.go(client, [*own, "/", "/search?q=合同", "/search?q=xss"])

    def go(self, client, first):
        waiting, done, visited = deque(first), set(), set()
        while waiting:
            path = waiting.popleft()
            kind = kind_of(self.app, path)
            if kind is None or path in visited or (kind in done and path not in first):
                continue
            done.add(kind)
            visited.add(path)
            with client.get(path) as answer:
                waiting.extend(self.look_at(client, kind, path, answer))

    def look_at(self, client, kind, path, answer):
        if answer.status_code >= 500:
            self.wrong[path] = [str(answer.status_code)]
        if answer.status_code in (302, 303):
            return [urljoin(path, answer.headers["Location"])]
        if "Content-Disposition" in answer.headers:
            self.files.append((path, answer.headers["Content-Disposition"]))
        if answer.mimetype != "text/html" or answer.status_code >= 400:
            return []
        self.seen.setdefault(kind, (client, path))
        self.escaped += "&lt;xss-mark" in answer.text
        if found := faults(answer.text):
            self.wrong[path] = found
        links = html.fromstring(answer.data).iter("a")
        return [urljoin(path, one.get("href")) for one in links if one.get("href", "#")[0] in "/?"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_people_write_becomes_markup(walked):
    walk, empty = walked
    assert walk.wrong == {}
    assert walk.escaped > 100, "the words stand on the pages"
    assert empty == EMPTY.keys()
    pages = {rule.endpoint: rule.rule for method, rule in doors(walk.app) if is_page(method, rule)}
    assert {rule for kind, rule in pages.items() if kind not in walk.seen} == NOT_REACHED


@pytest.mark.slow
def test_what_was_found_is_marked_and_no_more(walked):
    """The words around a hit are theirs, the marks are ours."""
    walk, _ = walked
    page = walk.clients[KEEPER].get("/search?q=xss").text
    assert "<mark>xss</mark>" in page and faults(page) == []


@pytest.mark.slow
def test_file_names_are_said_safely(walked):
    """A file comes under its name as one word of one header, and never as a page."""
    walk, _ = walked
    assert any("/files/" in path for path, _ in walk.files)
    for path, said in walk.files:
        message = Message()
        message["Content-Disposition"] = said
        assert said.isascii() and "\n" not in said, path
        assert set(dict(message.get_params(header="Content-Disposition"))) <= {
            *("attachment", "inline", "filename", "filename*"),
        }, (path, said)


# ---------------------------------------------------------------- what is asked for


@cache
def asked_names(folder=ROOT / "archive"):
    """Return the names of what addresses may be asked with, by the file that reads them."""
    found = {}
    for path in sorted(Path(folder).rglob("*.py")):
        names = {
            node.args[0].value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute)
            if node.func.attr in ("get", "getlist") and isinstance(node.args[0], ast.Constant)
            if isinstance(node.args[0].value, str) and node.args[0].value.isidentifier()
        }
        found[path.relative_to(folder.parent).with_suffix("").as_posix()] = names
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_that_is_asked_for_becomes_markup(walked):
    """All names at once, and each that the page's own file reads alone (one may hide another)."""
    walk, _ = walked
    everything = {name for names in asked_names().values() for name in names}
    wrong, escaped = {}, 0
    for kind, (client, path) in walk.seen.items():
        module = walk.app.view_functions[kind].__module__.replace(".", "/")
        own = sorted({*asked_names().get(module, ()), "page", "q", "sort", "next", "as"})
        for names in (sorted(everything - {"as", "page", "sheet"}), *([one] for one in own)):
            asked = urlencode(dict.fromkeys(names, MARKUP))
            with client.get(f"{path.partition('?')[0]}?{asked}") as answer:
                escaped += "&lt;xss-mark" in answer.text if answer.mimetype == "text/html" else 0
                is_bad = answer.status_code >= 500
                found = faults(answer.text) if answer.mimetype == "text/html" else []
            if found or is_bad:
                wrong[f"{path} {names[:2]}"] = found or answer.status
    assert wrong == {}
    assert escaped > 30, "what was asked for stands on the pages"


@pytest.mark.slow
def test_nothing_in_an_address_becomes_markup(walked):
    """Addresses that hold a word hold any word."""
    walk, _ = walked
    bound, wrong = walk.app.url_map.bind("localhost"), {}
    for method, rule in doors(walk.app):
        words = {name for name, one in rule._converters.items() if "Unicode" in type(one).__name__}
        if method != "GET" or not words or rule.rule.startswith("/api/"):
            continue
        values = {name: MARKUP.replace("/", "") if name in words else 1 for name in rule.arguments}
        for name, one in rule._converters.items():
            values |= {name: min(one.items)} if hasattr(one, "items") else {}
        for client in walk.clients.values():
            with client.get(bound.build(rule.endpoint, values)) as answer:
                is_page_ = answer.mimetype == "text/html"
                if answer.status_code >= 500 or (is_page_ and faults(answer.text)):
                    wrong[rule.rule] = answer.status
    assert wrong == {}
