"""The door: who is let in, who is locked out and told so, and what is written down of it."""

import socket
from dataclasses import replace

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from archive.jobs import drain_all
from archive.people import access
from archive.people.models import LoginSession, PasswordTry, User
from archive.people.signin.models import AccountLock, SignInEntry
from archive.people.signin.rules import device_name, inside, lock_length, name_key
from tests.conftest import PASSWORD

WRONG = "不是这个密码啊"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_eight_wrong_passwords_lock_the_account_and_its_person_is_told(
    resources, company, clock, door, log_of, told
):
    for _ in range(8):
        assert door(company.sales_clerk, WRONG).answer.status_code == 401
    locked = door(company.sales_clerk)
    assert locked.answer.status_code == 429 and "15 分钟" in locked.answer.text
    assert (
        "已锁定到" in told(company.sales_clerk)[0] and "127.0.0.1" in told(company.sales_clerk)[0]
    )
    who = company.sales_clerk.id
    assert log_of() == [(who, "password", "password")] * 8 + [(who, "password", "throttled")]
    clock.advance(minutes=16)
    back = door(company.sales_clerk)
    assert back.answer.status_code == 302
    assert "新的安全提醒" in back.get("/").text
    assert "已锁定到" in back.get("/account").text
    assert "新的安全提醒" not in door(company.sales_clerk).get("/").text


@pytest.mark.slow
def test_a_second_lock_of_a_day_is_twice_as_long_and_an_administrator_ends_it(
    company, client_for, clock, door
):
    for _ in range(8):
        door(company.sales_clerk, WRONG)
    clock.advance(minutes=16)
    for _ in range(8):
        door(company.sales_clerk, WRONG)
    clock.advance(minutes=14)
    still = door(company.sales_clerk)
    assert still.answer.status_code == 429 and "账号已锁定到" in still.answer.text
    page = f"/admin/users/{company.sales_clerk.id}/sign-in"
    admin = client_for(company.admin)
    assert "锁定到" in admin.get(page).text
    assert admin.post(f"{page}/unlock").status_code == 302
    assert door(company.sales_clerk).answer.status_code == 302
    assert [lock_length(n).seconds // 60 for n in range(4)] == [15, 30, 60, 120]
    assert lock_length(1000).days == 1


@pytest.mark.slow
@pytest.mark.parametrize("spelt", ["{} ", " {}", "{}".upper(), "　{}", "{}\t"])
def test_a_name_spelt_otherwise_is_counted_as_the_same(company, door, spelt):
    for _ in range(8):
        door(company.sales_clerk, WRONG)
    assert door(spelt.format("sales_clerk"), WRONG).answer.status_code == 429
    assert name_key("ｓａｌｅｓ＿ＣＬＥＲＫ") == "sales_clerk"


def test_an_unknown_name_looks_like_a_wrong_password_and_is_not_written_down(
    resources, company, door, log_of
):
    typed = door("我的密码不小心打在这里了", PASSWORD)
    known = door(company.sales_clerk, WRONG)
    assert typed.answer.status_code == known.answer.status_code == 401
    assert "用户名或密码不对" in typed.answer.text and "用户名或密码不对" in known.answer.text
    assert log_of()[0] == (None, "password", "unknown")
    with resources.reading() as uow:
        row = uow.session.scalars(select(SignInEntry)).first()
        assert "不小心" not in repr(vars(row))


@pytest.mark.slow
def test_a_leaver_is_not_told_apart_at_the_door_but_in_the_log(
    resources, company, client_for, door, log_of
):
    client_for(company.admin).post(f"/admin/users/{company.sales_clerk.id}/left")
    assert "用户名或密码不对" in door(company.sales_clerk).answer.text
    assert log_of()[-1] == (company.sales_clerk.id, "password", "left")


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [{}, {"username": ""}, {"username": "a" * 81, "password": "x"}, {"password": "x" * 201},
     {"username": ["a", "b"], "password": ""}],
)  # fmt: skip
def test_what_is_no_sign_in_is_refused_without_a_try(app, resources, company, sent):
    assert app.test_client().post("/login", data=sent).status_code == 422
    with resources.reading() as uow:
        assert uow.session.scalars(select(PasswordTry)).all() == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["' OR 1=1 --", "admin\x00", "<script>", "%s%s", "\u202esales"])
def test_a_hostile_name_is_a_wrong_one(company, door, name):
    answer = door(name, "' OR ''='").answer
    assert answer.status_code == 401 and "<script>" not in answer.text.partition("<form")[2][:600]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "place"),
    [("/items?page=2", "/items?page=2"), ("//evil.example", "/"), ("https://evil.example", "/"),
     ("/\\evil.example", "/"), ("javascript:alert(1)", "/"), ("/\n/evil", "/"), ("", "/")],
)  # fmt: skip
def test_one_goes_on_inside_only(app, company, target, place):
    assert inside(target) == place
    sent = {"username": "sales_clerk", "password": PASSWORD}
    answer = app.test_client().post("/login", query_string={"next": target}, data=sent)
    assert answer.status_code == 302 and answer.location == place


def test_the_cookie_is_secure_where_people_come_by_tls(resources, company, door, app):
    plain = door(company.sales_clerk).answer.headers.getlist("Set-Cookie")
    session = next(one for one in plain if one.startswith("archive_session="))
    assert "HttpOnly" in session and "SameSite=Lax" in session and "Secure" not in session
    resources.settings = replace(
        resources.settings, public_url="https://dangan.example", behind_tls=True
    )
    secure = door(company.sales_clerk).answer.headers.getlist("Set-Cookie")
    assert "Secure" in next(one for one in secure if one.startswith("archive_session="))


def test_only_our_own_proxy_is_believed_about_addresses(resources, company, door, with_settings):
    def addresses():
        with resources.reading() as uow:
            return list(uow.session.scalars(select(SignInEntry.address).order_by(SignInEntry.id)))

    told = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
    door(company.sales_clerk, headers=told)
    with_settings(proxy="127.0.0.1")
    door(company.sales_clerk, headers=told)
    door(company.sales_clerk, headers={"X-Forwarded-For": "<script>"})
    door(company.sales_clerk, headers=told, environ_base={"REMOTE_ADDR": "198.51.100.7"})
    assert addresses() == ["127.0.0.1", "203.0.113.9", "127.0.0.1", "198.51.100.7"]


@pytest.mark.slow
def test_many_names_from_one_address_are_slowed_down(resources, company, door, log_of):
    with resources.work() as uow:
        rows = (
            PasswordTry(username=f"人{n}", address="127.0.0.1", at=uow.now()) for n in range(60)
        )
        uow.session.add_all(rows)
        uow.commit()
    for _ in range(3):
        assert door("又一个人").answer.status_code == 429
    assert log_of() == [(None, "password", "throttled")], "a flood is written once a minute"


@pytest.mark.slow
def test_a_lock_is_mailed_once_to_whoever_has_an_address(resources, company, door):
    letters = []

    class Sink:
        async def handle_DATA(self, server, session, envelope):
            letters.append(envelope.content.decode())
            return "250 OK"

    sink = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    sink.start()
    url = f"smtp://127.0.0.1:{sink.port}"
    resources.settings = replace(resources.settings, smtp_url=url, mail_from="a@example.com")
    with resources.work() as uow:
        uow.session.get_one(User, company.sales_clerk.id).email = "chen@example.com"
        uow.commit()
    for person in (company.sales_clerk, company.other_clerk):
        for _ in range(8):
            door(person, WRONG)
    drain_all(resources)
    with resources.work() as uow:
        uow.outbox("account_mail", "notice:1")  # the same job again, as after a killed worker
        uow.outbox("account_mail", "notice:999")
        uow.commit()
    drain_all(resources)
    sink.stop()
    (letter,) = letters
    assert "To: chen@example.com" in letter and "account-notice-1@example.com" in letter


@pytest.mark.slow
def test_confirming_a_signature_counts_and_locks_like_the_door(resources, company, door):
    from archive.core.errors import Throttled, Unauthenticated
    from archive.signing.edge import confirm

    for _ in range(8):
        with pytest.raises(Unauthenticated):
            confirm(resources, company.sales_clerk, WRONG, "127.0.0.1")
    with pytest.raises(Throttled):
        confirm(resources, company.sales_clerk, PASSWORD, "127.0.0.1")
    with resources.reading() as uow:
        assert len(uow.session.scalars(select(AccountLock)).all()) == 1


@pytest.mark.slow
def test_only_hashes_of_cookies_are_kept(resources, company, door):
    browser = door(company.sales_clerk)
    cookie = browser.get_cookie("archive_session").value
    with resources.reading() as uow:
        row = uow.session.scalars(select(LoginSession)).one()
        assert cookie not in repr(vars(row)) and len(row.token_hash) == 64
        assert access.find_session(uow, cookie).actor.id == company.sales_clerk.id


@pytest.mark.parametrize(
    ("agent", "name"),
    [("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130 Safari/537.36", "Chrome · Windows"),
     ("Mozilla/5.0 (Windows NT 10.0) Chrome/130 Safari/537.36 Edg/130", "Edge · Windows"),
     ("Mozilla/5.0 (iPhone; CPU iPhone OS 18) MicroMessenger/8.0", "微信 · 苹果手机或平板"),
     ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0", "Firefox · Linux"),
     ("", "不认识的设备"), ("<script>" * 20, "不认识的设备")],
)  # fmt: skip
def test_devices_are_named_in_words(agent, name):
    assert device_name(agent) == name
