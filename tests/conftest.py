"""What every test may use: a fresh instance, a small company, signed-in clients.

The converter here is a quick stand-in that makes a real PDF; tests marked ``office`` use the
real LibreOffice through ``office_converter``.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from docx import Document as WordDocument
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from PIL import Image, ImageDraw
from sqlalchemy import event

from archive.config import Settings
from archive.core.resources import Resources, open_resources
from archive.instance import install_forms
from archive.models import metadata
from archive.people import access, service
from archive.people.gate import COOKIE
from archive.people.rights import Actor
from archive.signing import authority
from doc_templates.pdf import OfficeConverter
from tests.databases import FILE as DATABASE
from tests.databases import copy_rows, drop_all, url_of

# A slow machine is no finding: properties are judged by their truth, not by their speed.
hypothesis_settings.register_profile("house", deadline=None)
hypothesis_settings.load_profile("house")

PASSWORD = "档案台-测试-2026"
# Stretching is slow on purpose; how strong it is has tests of its own (people, authority).
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
authority.COST = 2**4


class FrozenClock:
    """A clock that stands still until a test moves it (starts on a Monday morning)."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class QuickConverter:
    """Makes a real one-page PDF that carries the Word file's signature markers as text."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def to_pdf(self, docx: bytes) -> bytes:
        text = word_text(docx)
        self.texts.append(text)
        return one_page_pdf(text)


def word_text(docx: bytes) -> str:
    """Return the text of every paragraph of a Word file, tables included."""
    document = WordDocument(io.BytesIO(docx))
    return "\n".join(
        "".join(node.text or "" for node in paragraph.iter() if node.tag.endswith("}t"))
        for paragraph in document.element.body.iter()
        if paragraph.tag.endswith("}p")
    )


def one_page_pdf(text: str) -> bytes:
    """Return a one-page PDF with each ``[sig:…]`` marker of the text as findable text."""
    import re

    markers = re.findall(r"\[sig:[^\]]+\]", text)
    lines = [
        f"BT /F1 1 Tf 1 0 0 1 {60 + 120 * (n % 4)} {120 + 60 * (n // 4)} Tm <{_hex(marker)}> Tj ET"
        for n, marker in enumerate(markers)
    ]
    return _pdf("\n".join(lines))


def _hex(text: str) -> str:
    return "".join(f"{ord(char):04x}" for char in text)


def _pdf(content: str) -> bytes:
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        "1 beginbfrange <0000> <ffff> <0000> endbfrange\n"
        "endcmap end end"
    )
    bodies = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        "/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
        "<</Type/Font/Subtype/Type0/BaseFont/Plain/Encoding/Identity-H"
        "/DescendantFonts[6 0 R]/ToUnicode 7 0 R>>",
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/Plain/CIDSystemInfo"
        "<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 1000>>",
        f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream",
    ]
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    start = len(out)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}".encode()
    out += f"trailer\n<</Size {len(bodies) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return out


@dataclass(frozen=True)
class Company:
    """A small made company; everyone's password is ``PASSWORD``."""

    sales_id: int
    service_id: int
    finance_id: int
    archive_id: int
    sales_clerk: Actor
    sales_clerk2: Actor
    sales_head: Actor
    leader: Actor
    archivist: Actor
    archive_head: Actor
    finance_clerk: Actor
    other_clerk: Actor
    other_head: Actor
    admin: Actor

    def everyone(self) -> dict[str, Actor]:
        return {key: value for key, value in vars(self).items() if isinstance(value, Actor)}


def pytest_sessionfinish() -> None:
    drop_all()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def converter() -> QuickConverter:
    return QuickConverter()


@pytest.fixture
def bare(tmp_path: Path, clock: FrozenClock, converter: QuickConverter) -> Iterator[Resources]:
    """An instance with its tables and nothing in them, not even the shipped forms."""
    opened = _opened(tmp_path / "instance", converter, clock)
    metadata.create_all(opened.database.engine)
    yield opened
    opened.database.dispose()


@pytest.fixture
def resources(
    tmp_path: Path, clock: FrozenClock, converter: QuickConverter, shipped: Path
) -> Iterator[Resources]:
    """An instance with the shipped forms, as a first start leaves it."""
    folder = tmp_path / "instance"
    copy_rows(shipped.parent, folder)
    opened = _opened(folder, converter, clock)
    yield opened
    opened.database.dispose()


@pytest.fixture
def company(resources: Resources, settled: tuple[Path, Company]) -> Company:
    """A small company in the instance, which must be as a first start leaves it."""
    database, people = settled
    with resources.reading() as uow:
        assert not service.departments(uow), "ask for the company before anything is written"
    resources.database.dispose()
    copy_rows(database.parent, resources.settings.data)
    return people


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a first start, made once; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("shipped")
    opened = _opened(folder, QuickConverter(), FrozenClock())
    metadata.create_all(opened.database.engine)
    install_forms(opened)
    opened.database.dispose()
    return folder / DATABASE


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory, shipped: Path) -> tuple[Path, Company]:
    """The database of a first start with a small company in it, made once."""
    folder = tmp_path_factory.mktemp("settled")
    copy_rows(shipped.parent, folder)
    opened = _opened(folder, QuickConverter(), FrozenClock())
    people = _settle(opened)
    opened.database.dispose()
    return folder / DATABASE, people


def _opened(folder: Path, converter: QuickConverter, clock: FrozenClock) -> Resources:
    settings = Settings(data=folder, database_url=url_of(folder))
    return open_resources(settings, converter, clock)


def _settle(resources: Resources) -> Company:
    with resources.work() as uow:
        top = service.add_department(uow, "ZJB", "总经办")
        units = {
            "sales_id": service.add_department(uow, "XSB", "销售部", top),
            "service_id": service.add_department(uow, "KFB", "客服部", top),
            "finance_id": service.add_department(uow, "CWB", "财务部", top),
            "archive_id": service.add_department(uow, "DAS", "档案室", top),
        }
        people = {
            "sales_clerk": ("陈晓东", "sales_id", {"clerk"}, 1),
            "sales_clerk2": ("林美玲", "sales_id", {"clerk"}, 1),
            "sales_head": ("王建国", "sales_id", {"head"}, 2),
            "leader": ("周志远", "", {"leader"}, 3),
            "archivist": ("孙文静", "archive_id", {"archivist"}, 2),
            "archive_head": ("何守正", "archive_id", {"archive_head", "head"}, 3),
            "finance_clerk": ("吴会计", "finance_id", {"finance", "clerk"}, 1),
            "other_clerk": ("赵客服", "service_id", {"clerk"}, 1),
            "other_head": ("钱主任", "service_id", {"head"}, 2),
            "admin": ("管理员", "", {"system_admin", "security_admin"}, 0),
        }
        ids = {}
        for number, (key, (name, unit, roles, clearance)) in enumerate(people.items(), start=1):
            fields = service.UserFields(
                username=key,
                staff_no=f"{number:04d}",
                name=name,
                department_id=units.get(unit, top),
                roles=frozenset(roles),
                clearance=clearance,
            )
            ids[key] = service.add_user(
                uow, None, fields, PASSWORD_HASH, must_change_password=False
            )
        actors = {key: service.get_actor(uow, user_id) for key, user_id in ids.items()}
        uow.commit()
    return Company(**units, **actors)


@dataclass(frozen=True)
class BuiltApp:
    """The application, built once: its routes never change, what it is put over does."""

    app: Flask
    config: dict[str, object]
    extensions: dict[str, object]


@pytest.fixture(scope="session")
def built_app(tmp_path_factory: pytest.TempPathFactory) -> BuiltApp:
    from archive.app import create_app  # pages are loaded only by the tests that want them

    opened = _opened(tmp_path_factory.mktemp("built"), QuickConverter(), FrozenClock())
    application = create_app(opened)
    opened.database.dispose()
    return BuiltApp(application, dict(application.config), dict(application.extensions))


@pytest.fixture
def app(resources: Resources, built_app: BuiltApp) -> Flask:
    """The application over this test's instance, with nothing kept from the test before.

    A test that adds a route builds one of its own (``create_app``).
    """
    from archive.app import configure

    application = built_app.app
    for kept, first in (
        (application.config, built_app.config),
        (application.extensions, built_app.extensions),
    ):
        kept.clear()
        kept.update(first)
    configure(application, resources)
    application.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return application


@pytest.fixture
def client_for(app: Flask, resources: Resources) -> Callable[[Actor | None], FlaskClient]:
    """Return a maker of test clients, each signed in as one person (None = nobody)."""

    def make(person: Actor | None) -> FlaskClient:
        client = app.test_client()
        if person is not None:
            with resources.work() as uow:
                token = access.open_session(uow, person.id, "127.0.0.1", "test")
                uow.commit()
            client.set_cookie(COOKIE, token)
        return client

    return make


@pytest.fixture
def api_for(app: Flask, resources: Resources) -> Callable[[Actor | None], FlaskClient]:
    """Return a maker of API clients, each sending one person's bearer token."""

    def make(person: Actor | None) -> FlaskClient:
        client = app.test_client()
        if person is not None:
            with resources.work() as uow:
                token = access.issue_token(uow, person.id, 1)
                uow.commit()
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return make


@pytest.fixture
def count_statements(resources: Resources) -> Callable[[], AbstractContextManager[list[str]]]:
    """Return a context that lists the SQL statements sent while it is open."""

    @contextmanager
    def count() -> Iterator[list[str]]:
        sent: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            sent.append(statement)

        event.listen(resources.database.engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(resources.database.engine, "before_cursor_execute", note)

    return count


@pytest.fixture(scope="session")
def office_converter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeConverter]:
    """A real warm LibreOffice, one for the whole run."""
    with OfficeConverter(font_folder=tmp_path_factory.mktemp("fonts")) as converter:
        yield converter


@pytest.fixture(scope="session")
def drawn_signature() -> bytes:
    """A drawn signature as the browser's pad sends it: PNG, transparent, some strokes."""
    image = Image.new("RGBA", (480, 180), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.line([(30, 120), (90, 40), (150, 130), (230, 60), (300, 125), (440, 50)], "black", 6)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def zip_names(content: bytes) -> set[str]:
    """Return the member names of a zip (a Word file, for one)."""
    return set(zipfile.ZipFile(io.BytesIO(content)).namelist())
