"""A real provider process (OpenID Connect): whom it names comes in, what does not fit does not."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from archive.config_signin import OidcSettings
from archive.people.models import User
from archive.people.signin import provider as asking
from archive.people.signin.models import OutsideIdentity
from tests.conftest import PASSWORD

pytestmark = pytest.mark.slow
CLIENT, SECRET = "archive-desk", "geheim/+ 1"
SCRIPT = Path(__file__).with_name("provider_process.py")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


class Provider:
    """The provider's process, and a person's browser that says yes there."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, SCRIPT], stdout=subprocess.PIPE, text=True
        )
        self.issuer = self._process.stdout.readline().strip()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()

    def lie(self, **control: object) -> None:
        body = json.dumps(control).encode()
        with urllib.request.urlopen(f"{self.issuer}/control", body, timeout=10):
            pass

    def settings(self, **changes: object) -> OidcSettings:
        values = {"issuer": self.issuer, "client_id": CLIENT, "secret": SECRET} | changes
        return OidcSettings(**values)


def say_yes(address: str) -> str:
    """Open the provider's page and return where it sends the browser."""
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(address, timeout=10) as answer:
            return answer.headers["Location"]
    except urllib.error.HTTPError as redirect:
        redirect.close()
        return redirect.headers["Location"]


@pytest.fixture(scope="module")
def process():
    server = Provider()
    yield server
    server.stop()


@pytest.fixture
def provider(process, clock, with_settings):
    clock.now = datetime.now(UTC)
    process.lie()
    asking._DISCOVERED.clear()
    with_settings(oidc=process.settings())
    return process


@pytest.fixture
def go(app):
    """Return a browser that goes through the provider; ``change`` bends the way back."""

    def through(target="", change=lambda back: back, client=None):
        browser = client or app.test_client()
        sent = browser.get("/login/outside", query_string={"next": target} if target else {})
        if sent.status_code != 302:
            browser.answer = sent
            return browser
        browser.back = urlsplit(say_yes(sent.location))
        browser.answer = browser.get(change(f"{browser.back.path}?{browser.back.query}"))
        return browser

    return through


def test_whom_the_provider_names_comes_in(resources, company, provider, go, log_of, app, told):
    assert provider.settings().label in app.test_client().get("/login").text
    browser = go("/items?page=2")
    assert browser.answer.status_code == 302 and browser.answer.location == "/items?page=2"
    page = browser.get("/account").text
    assert "统一登录" in page and company.sales_clerk.name in page
    assert log_of() == [(company.sales_clerk.id, "oidc", "")]
    assert "已与统一登录对应" in told(company.sales_clerk)[0]
    assert go("//evil.example").answer.location == "/"


def test_the_question_carries_state_nonce_and_a_challenge(provider, app, company):
    sent = app.test_client().get("/login/outside").location
    asked = parse_qs(urlsplit(sent).query)
    assert asked["code_challenge_method"] == ["S256"] and len(asked["code_challenge"][0]) == 43
    assert len(asked["state"][0]) >= 43 and len(asked["nonce"][0]) >= 43
    assert asked["response_type"] == ["code"] and "openid" in asked["scope"][0]
    assert asked["redirect_uri"] == ["http://127.0.0.1:8000/login/outside/back"]
    again = parse_qs(urlsplit(app.test_client().get("/login/outside").location).query)
    assert not set(again["state"]) & set(asked["state"])


@pytest.mark.parametrize(
    "lie",
    [
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"aud": "another-program"}},
        {"claims": {"aud": ["archive-desk", "another"]}},
        {"claims": {"aud": ["archive-desk", "another"], "azp": "another"}},
        {"claims": {"azp": "another"}},
        {"claims": {"nonce": "of another sign-in"}},
        {"claims": {"nonce": ["x"]}},
        {"shift": {"exp": -3600}},
        {"claims": {"exp": "tomorrow"}},
        {"shift": {"iat": 3600}},
        {"shift": {"nbf": 3600}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": ["s-1"]}},
        {"claims": {"preferred_username": ""}},
        {"claims": {"preferred_username": ["sales_clerk"]}},
        {"claims": {"preferred_username": {"x": 1}}},
        {"drop": ["nonce"]},
        {"drop": ["exp"]},
        {"drop": ["iss"]},
        {"drop": ["aud"]},
        {"drop": ["sub"]},
        {"drop": ["preferred_username"]},
        {"sign": "none"},
        {"sign": "hmac"},
        {"sign": "stranger"},
    ],
    ids=str,
)
def test_an_answer_that_does_not_fit_lets_nobody_in(provider, company, go, lie, log_of):
    provider.lie(**lie)
    browser = go()
    assert browser.answer.status_code == 401 and "请重新登录" in browser.answer.text
    assert browser.get("/account").status_code == 302
    assert log_of() == [(None, "oidc", "provider")]


@pytest.mark.parametrize(
    ("lie", "status"),
    [
        ({"discovery": {"issuer": "https://evil.example"}}, 503),
        ({"discovery": {"token_endpoint": "http://evil.example/token"}}, 503),
        ({"discovery": {"jwks_uri": "file:///etc/passwd"}}, 503),
        ({"discovery": {"authorization_endpoint": "javascript:alert(1)"}}, 503),
        ({"discovery": {"authorization_endpoint": 7}}, 503),
    ],
    ids=str,
)
def test_addresses_that_are_none_are_not_gone_to(provider, company, go, lie, status):
    provider.lie(**lie)
    assert go().answer.status_code == status


@pytest.mark.parametrize(
    "change",
    [
        lambda back: back.replace("state=", "state=x"),
        lambda back: back.partition("&state")[0],
        lambda back: back.replace("code=", "code=x"),
        lambda back: "/login/outside/back?error=access_denied&" + back.partition("&")[2],
        lambda back: "/login/outside/back",
        lambda back: back + "&iss=https://evil.example",
        lambda back: back.replace("code=", "code=" + "x" * 4000),
    ],
)
def test_a_bent_answer_lets_nobody_in(provider, company, go, change):
    browser = go(change=change)
    assert browser.answer.status_code == 401
    assert browser.get("/account").status_code == 302


def test_an_answer_counts_once_and_in_its_own_browser(provider, company, go, app, clock):
    browser = go()
    again = f"{browser.back.path}?{browser.back.query}"
    assert browser.get(again).status_code == 401, "a second time"
    assert app.test_client().get(again).status_code == 401, "in another browser"
    late = app.test_client()
    back = urlsplit(say_yes(late.get("/login/outside").location))
    clock.advance(minutes=11)
    assert late.get(f"{back.path}?{back.query}").status_code == 401, "after ten minutes"


def test_one_browsers_answer_does_not_sign_another_in(provider, company, app):
    mine, victim = app.test_client(), app.test_client()
    back = urlsplit(say_yes(mine.get("/login/outside").location))
    victim.get("/login/outside")
    assert victim.get(f"{back.path}?{back.query}").status_code == 401
    assert victim.get("/account").status_code == 302


def test_nobody_is_made_an_account_unasked(resources, provider, company, go, with_settings, log_of):
    provider.lie(claims={"sub": "s-9", "preferred_username": "newcomer", "name": "新同事"})
    stranger = go()
    assert stranger.answer.status_code == 401 and "还没有账号" in stranger.answer.text
    assert log_of() == [(None, "oidc", "no_account")]
    with_settings(oidc=provider.settings(create_in="XSB"))
    assert go().answer.status_code == 302
    with resources.reading() as uow:
        row = uow.session.scalars(select(User).where(User.username == "newcomer")).one()
        assert row.name == "新同事" and {one.role for one in row.roles} == {"clerk"}
    with_settings(oidc=provider.settings(create_in="没有这个部门"))
    provider.lie(claims={"sub": "s-10", "preferred_username": "another"})
    assert go().answer.status_code == 401


def test_a_name_given_to_somebody_else_opens_nothing(provider, company, go, log_of):
    assert go().answer.status_code == 302
    provider.lie(claims={"sub": "s-2"})
    other = go()
    assert other.answer.status_code == 401 and "另一个身份" in other.answer.text
    provider.lie(claims={"preferred_username": "leader"})
    renamed = go()
    assert company.sales_clerk.name in renamed.get("/account").text, "the subject decides"


def test_an_account_is_found_by_the_field_that_is_set(
    resources, provider, company, go, with_settings
):
    with_settings(oidc=provider.settings(claim="email", field_name="email"))
    with resources.work() as uow:
        uow.session.get_one(User, company.leader.id).email = "zhou@example.com"
        uow.commit()
    provider.lie(claims={"email": "zhou@example.com", "sub": "s-3"})
    assert go().answer.status_code == 401, "an address nobody checked"
    provider.lie(claims={"email": "zhou@example.com", "email_verified": "true", "sub": "s-3"})
    assert go().answer.status_code == 401, "a word for true is not true"
    provider.lie(claims={"email": "zhou@example.com", "email_verified": True, "sub": "s-3"})
    assert company.leader.name in go().get("/account").text
    with resources.work() as uow:
        uow.session.get_one(User, company.sales_head.id).email = "zwei@example.com"
        uow.session.get_one(User, company.other_head.id).email = "zwei@example.com"
        uow.commit()
    provider.lie(claims={"email": "zwei@example.com", "email_verified": True, "sub": "s-4"})
    assert go().answer.status_code == 401, "an address two have"


def test_whoever_has_a_second_factor_gives_its_code_here_too(
    provider, company, go, door, set_up, clock
):
    telephone, _ = set_up(door(company.sales_clerk))
    clock.advance(minutes=1)
    browser = go()
    assert browser.answer.location.startswith("/login/code")
    assert browser.get("/account").status_code == 302
    assert browser.post("/login/code", data={"code": telephone.code()}).status_code == 302
    assert "＋两步验证" in browser.get("/account").text
    provider.lie(claims={"amr": ["pwd", "otp"]})
    assert go().get("/account").status_code == 200, "the provider asked for one already"


def test_who_comes_from_outside_comes_in_by_our_password_no_more(
    provider, company, go, door, with_settings, resources
):
    from archive.signing.edge import confirm

    assert door(company.sales_clerk).answer.status_code == 302
    go()
    refused = door(company.sales_clerk).answer
    assert refused.status_code == 401 and provider.settings().label in refused.text
    confirm(resources, company.sales_clerk, PASSWORD, "127.0.0.1")
    with_settings(oidc=None)
    assert door(company.sales_clerk).answer.status_code == 302, "while there is no such door"


def test_who_has_no_password_sets_one_to_sign_with_just_after_coming_in(
    provider, company, go, with_settings, clock
):
    with_settings(oidc=provider.settings(create_in="XSB"))
    late = int(time.time()) + 3600
    provider.lie(claims={"sub": "s-9", "preferred_username": "newcomer", "exp": late})
    browser = go()
    page = browser.get("/account/password").text
    assert "签字时用" in page and 'name="current"' not in page
    new = {"new": "xkcd-lantern-moss-7", "again": "xkcd-lantern-moss-7"}
    clock.advance(minutes=11)
    late = browser.post("/account/password", data=new)
    assert late.status_code == 422 and "重新登录" in late.text
    assert go(client=browser).answer.status_code == 302
    assert browser.post("/account/password", data=new).status_code == 302
    assert 'name="current"' in browser.get("/account/password").text


def test_a_leaver_does_not_come_back_by_the_provider(
    resources, provider, company, go, client_for, log_of
):
    assert go().answer.status_code == 302
    client_for(company.admin).post(f"/admin/users/{company.sales_clerk.id}/left")
    gone = go()
    assert gone.answer.status_code == 401
    with resources.reading() as uow:
        assert uow.session.scalars(select(OutsideIdentity)).all() == []


def test_without_the_setting_there_is_no_such_door(company, app):
    assert app.test_client().get("/login/outside").status_code == 404
    assert app.test_client().get("/login/outside/back?code=x&state=y").status_code == 404
    assert "用公司账号登录" not in app.test_client().get("/login").text


@pytest.mark.parametrize("cookie", ["", "x", "AAAA", "%00", "é"])
def test_a_made_up_question_is_none(provider, company, app, cookie):
    client = app.test_client()
    client.set_cookie("archive_door", cookie, path="/login")
    assert client.get("/login/outside/back?code=x&state=y").status_code == 401


def test_a_provider_that_is_away_is_said_to_be(provider, company, app, with_settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with_settings(oidc=provider.settings(issuer=f"http://127.0.0.1:{port}"))
    answer = app.test_client().get("/login/outside")
    assert answer.status_code == 503 and "连不上" in answer.text


MOCK = """
const { OAuth2Server } = require('oauth2-mock-server');
const server = new OAuth2Server();
server.issuer.keys.generate('RS256').then(() => server.start(0, '127.0.0.1')).then(() => {
  server.service.on('beforeTokenSigning', (token) => {
    token.payload.preferred_username = 'sales_clerk';
    token.payload.sub = 'mock-1';
  });
  server.issuer.url = `http://127.0.0.1:${server.address().port}`;
  console.log(server.issuer.url);
});
"""
MODULES = Path(__file__).parents[3] / "instance" / "oidc-mock" / "node_modules"


@pytest.mark.skipif(
    not (shutil.which("node") and (MODULES / "oauth2-mock-server").is_dir()),
    reason="没有 oauth2-mock-server（npm install --prefix instance/oidc-mock oauth2-mock-server）",
)
def test_another_makers_provider_lets_people_in_too(company, clock, with_settings, go, tmp_path):
    clock.now = datetime.now(UTC)
    script = tmp_path / "mock.cjs"
    script.write_text(MOCK)
    node = subprocess.Popen(
        ["node", script], stdout=subprocess.PIPE, text=True, env={"NODE_PATH": str(MODULES)},
        executable=shutil.which("node"),
    )  # fmt: skip
    try:
        issuer = node.stdout.readline().strip()
        with_settings(oidc=OidcSettings(issuer=issuer, client_id=CLIENT, secret=SECRET))
        browser = go()
        assert browser.answer.status_code == 302, browser.answer.text
        assert company.sales_clerk.name in browser.get("/account").text
    finally:
        node.terminate()
        node.wait(10)
        node.stdout.close()
