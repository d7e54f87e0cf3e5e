"""Settings of signing in: read once, refused in words; and the account opened on the server."""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from archive.cli import accounts, instance
from archive.config import BadSetting, load_settings
from archive.instance import open_instance
from tests.conftest import PASSWORD

LDAP = {"ARCHIVE_LDAP_URL": "ldaps://dc.example", "ARCHIVE_LDAP_BASE": "dc=example"}
OIDC = {"ARCHIVE_OIDC_ISSUER": "https://sso.example/realms/a", "ARCHIVE_OIDC_CLIENT": "desk"}


def test_without_any_setting_people_sign_in_by_password_for_half_a_day():
    sign_in = load_settings({}).sign_in
    assert (sign_in.idle, sign_in.life) == (timedelta(hours=4), timedelta(hours=12))
    assert sign_in.ldap is sign_in.oidc is None and sign_in.second_factor_roles == frozenset()


def test_all_of_it_is_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("geheim\n")
    sign_in = load_settings(
        LDAP
        | OIDC
        | {
            "ARCHIVE_SESSION_IDLE": "30",
            "ARCHIVE_SESSION_LIFE": "480",
            "ARCHIVE_SECOND_FACTOR_ROLES": "admin， archive_head",
            "ARCHIVE_PROXY": "127.0.0.1",
            "ARCHIVE_LDAP_CREATE": "xsb",
            "ARCHIVE_LDAP_PASSWORD_FILE": str(secret),
            "ARCHIVE_OIDC_SECRET_FILE": str(secret),
            "ARCHIVE_OIDC_FIELD": "staff_no",
        }
    ).sign_in
    assert (sign_in.idle, sign_in.life) == (timedelta(minutes=30), timedelta(hours=8))
    assert sign_in.second_factor_roles == {"admin", "archive_head"}
    assert sign_in.ldap.login == "uid" and sign_in.ldap.create_in == "XSB"
    assert sign_in.ldap.password == sign_in.oidc.secret == "geheim"
    assert "geheim" not in repr(sign_in), "no secret in a log"


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({"ARCHIVE_SESSION_IDLE": "0"}, "ARCHIVE_SESSION_IDLE"),
        ({"ARCHIVE_SESSION_LIFE": "半天"}, "ARCHIVE_SESSION_LIFE"),
        ({"ARCHIVE_SESSION_LIFE": "9" * 50}, "ARCHIVE_SESSION_LIFE"),
        ({"ARCHIVE_SECOND_FACTOR_ROLES": "系统管理员"}, "角色代号"),
        ({"ARCHIVE_PROXY": "proxy.example"}, "ARCHIVE_PROXY"),
        ({"ARCHIVE_LDAP_URL": "http://x"}, "ARCHIVE_LDAP_URL"),
        ({"ARCHIVE_LDAP_URL": "ldaps://"}, "ARCHIVE_LDAP_URL"),
        ({"ARCHIVE_LDAP_URL": "ldaps://[::1"}, "ARCHIVE_LDAP_URL"),
        ({"ARCHIVE_LDAP_URL": "ldap://dc.example", "ARCHIVE_LDAP_BASE": "dc=x"}, "明文"),
        ({"ARCHIVE_LDAP_URL": "ldaps://dc.example"}, "ARCHIVE_LDAP_BASE"),
        (LDAP | {"ARCHIVE_LDAP_LOGIN": "uid=*)("}, "ARCHIVE_LDAP_LOGIN"),
        (LDAP | {"ARCHIVE_LDAP_FILTER": "objectClass=x"}, "括号"),
        (LDAP | {"ARCHIVE_LDAP_PASSWORD_FILE": "/nonexistent"}, "读不了"),
        ({"ARCHIVE_OIDC_ISSUER": "http://sso.example"}, "https"),
        ({"ARCHIVE_OIDC_ISSUER": "https://u:p@sso.example"}, "ARCHIVE_OIDC_ISSUER"),
        ({"ARCHIVE_OIDC_ISSUER": "https://sso.example"}, "ARCHIVE_OIDC_CLIENT"),
        (OIDC | {"ARCHIVE_OIDC_FIELD": "password_hash"}, "ARCHIVE_OIDC_FIELD"),
        (OIDC | {"ARCHIVE_OIDC_SECRET_FILE": "/dev/null"}, "空的"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(env, word):
    with pytest.raises(BadSetting, match=word):
        load_settings(env)


def test_a_role_nobody_can_hold_is_no_rule(resources, with_settings):
    with_settings(second_factor_roles=frozenset({"admim"}))
    with pytest.raises(BadSetting, match="admim"):
        open_instance(resources.settings)


@pytest.fixture
def run(resources, monkeypatch):
    """Run a command over this test's instance."""
    for module in (accounts, instance):
        monkeypatch.setattr(module, "open_instance", lambda: resources)
    return lambda command, *words: CliRunner().invoke(command, words)


@pytest.mark.slow
def test_the_server_opens_an_account_that_no_page_can(company, run, door, set_up, client_for, told):
    set_up(door(company.admin))
    for _ in range(8):
        door(company.admin, "不是这个密码啊")
    assert door(company.admin).answer.status_code == 429
    assert run(accounts.account, "admin", "--unlock", "--drop-factor").exit_code == 0
    browser = door(company.admin)
    assert browser.answer.location == "/"
    reset = run(accounts.account, "admin", "--reset-password", "--end")
    first = reset.stdout.strip()
    assert browser.get("/account").status_code == 302
    assert door(company.admin, PASSWORD).answer.status_code == 401
    assert door(company.admin, first).get("/items").location == "/account/password"
    assert "服务器上重置了" in told(company.admin)[-1]


def test_it_says_what_it_wants(company, run):
    assert run(accounts.account, "admin").exit_code == 2
    assert run(accounts.account, "nobody", "--unlock").exit_code == 1
    assert run(accounts.account, "admin", "--drop-factor").exit_code == 1


def test_the_command_gives_a_whole_token_alone_on_a_line(company, run, app):
    printed = run(instance.token, "sales_clerk", "--days", "2").stdout
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {printed.strip()}"
    assert printed.count("\n") == 1 and program.get("/api/v1/me").json["scope"] == "write"
