"""People at the door: a browser that types, a telephone with a generator, an inspected log."""

import re
from collections.abc import Callable
from dataclasses import replace

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from archive.core.resources import Resources
from archive.people.rights import Actor
from archive.people.signin.models import AccountNotice, SignInEntry
from tests.conftest import PASSWORD


@pytest.fixture
def door(app: Flask) -> Callable[..., FlaskClient]:
    """Return a maker of browsers that have typed a name and a password."""

    def come(person: Actor | str, password: str = PASSWORD, **asked: object) -> FlaskClient:
        client = app.test_client()
        name = person if isinstance(person, str) else person.username
        sent = {"username": name, "password": password}
        client.answer = client.post("/login", data=sent, **asked)
        return client

    return come


@pytest.fixture
def with_settings(resources: Resources) -> Callable[..., None]:
    """Return a way to change the settings of signing in while the server stands."""

    def change(**values: object) -> None:
        sign_in = replace(resources.settings.sign_in, **values)
        resources.settings = replace(resources.settings, sign_in=sign_in)

    return change


@pytest.fixture
def log_of(resources: Resources) -> Callable[[], list[tuple[int | None, str, str]]]:
    """Return a reader of the log: whose, how, and why refused, oldest first."""

    def read() -> list[tuple[int | None, str, str]]:
        with resources.reading() as uow:
            rows = uow.session.scalars(select(SignInEntry).order_by(SignInEntry.id))
            return [(row.user_id, row.method, row.refusal) for row in rows]

    return read


@pytest.fixture
def told(resources: Resources) -> Callable[[Actor], list[str]]:
    """Return a reader of what a person was told about their account."""

    def read(person: Actor) -> list[str]:
        with resources.reading() as uow:
            mine = select(AccountNotice.text).where(AccountNotice.user_id == person.id)
            return list(uow.session.scalars(mine.order_by(AccountNotice.id)))

    return read


class Telephone:
    """A code generator, set up from the page like a person does, in step with the clock."""

    def __init__(self, page: str, clock: Callable) -> None:
        key = re.search(r'<span class="numeric-code text-break">([A-Z2-7 ]+)</span>', page)[1]
        self._totp, self._clock = pyotp.TOTP(key.replace(" ", "")), clock

    def code(self, steps: int = 0) -> str:
        return self._totp.at(int(self._clock().timestamp()) + 30 * steps)


@pytest.fixture
def set_up(clock) -> Callable[[FlaskClient], tuple[Telephone, list[str]]]:
    """Return a way to set a second factor up over the pages; gives telephone and recovery codes."""

    def turn_on(client: FlaskClient) -> tuple[Telephone, list[str]]:
        started = client.post("/account/second-factor/start", data={"password": PASSWORD})
        assert started.status_code == 302
        telephone = Telephone(client.get("/account/second-factor").text, clock)
        sent = {"code": telephone.code()}
        page = client.post("/account/second-factor/confirm", data=sent)
        assert page.status_code == 200
        return telephone, re.findall(r'<li class="numeric-code">([^<]+)</li>', page.text)

    return turn_on
