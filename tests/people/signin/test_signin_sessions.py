"""Sign-ins and tokens: how long they hold, how they are seen, and that they end at once."""

import re

import pytest
from sqlalchemy import select

from archive.people import access
from archive.people.models import ApiToken, LoginSession
from archive.people.signin.models import OutsideIdentity, RecoveryCode, SecondFactor, SignInStep
from storage.journal import JournalEntry
from tests.conftest import PASSWORD


def sessions_of(resources, person):
    with resources.reading() as uow:
        mine = select(LoginSession).where(LoginSession.user_id == person.id)
        found = uow.session.scalars(mine.order_by(LoginSession.id)).all()
        uow.session.expunge_all()
    return found


def test_a_sign_in_not_used_for_four_hours_is_over(company, clock, door):
    browser = door(company.sales_clerk)
    for _ in range(2):
        clock.advance(hours=3)
        assert browser.get("/account").status_code == 200
    clock.advance(hours=4, minutes=1)
    assert browser.get("/account").status_code == 302


@pytest.mark.slow
def test_a_sign_in_ends_after_twelve_hours_however_much_it_is_used(company, clock, door):
    browser = door(company.sales_clerk)
    for _ in range(11):
        clock.advance(hours=1)
        assert browser.get("/account").status_code == 200
    clock.advance(hours=1)
    assert browser.get("/account").status_code == 302


@pytest.mark.slow
def test_use_is_noted_every_five_minutes_only(resources, company, clock, door):
    browser = door(company.sales_clerk)
    first = sessions_of(resources, company.sales_clerk)[0].seen_at
    clock.advance(minutes=4)
    browser.get("/account")
    assert sessions_of(resources, company.sales_clerk)[0].seen_at == first
    clock.advance(minutes=1)
    browser.get("/account")
    assert sessions_of(resources, company.sales_clerk)[0].seen_at == clock()


def test_a_server_notes_use_a_moment_later(resources, company, clock, door):
    browser = door(company.sales_clerk)
    resources.afterwards.put_off()
    clock.advance(minutes=5)
    browser.get("/account")
    resources.afterwards.settle()
    assert sessions_of(resources, company.sales_clerk)[0].seen_at == clock()


def test_one_lookup_reads_session_and_person(resources, company, client_for, count_statements):
    token = client_for(company.sales_clerk).get_cookie("archive_session").value
    with resources.reading() as uow, count_statements() as sent:
        assert access.find_session(uow, token) is not None
    selects = [one for one in sent if one.startswith("SELECT")]
    assert len(selects) == 2, "the person with the roles, the grants"


def test_other_devices_are_ended_one_by_one_and_all_at_once(resources, company, door, clock):
    first, second, third = (door(company.sales_clerk) for _ in range(3))
    clock.advance(minutes=1)
    page = first.get("/account").text
    assert page.count("/sessions/") == 4 and "本机" in page
    doomed = sessions_of(resources, company.sales_clerk)[1].id
    assert first.post(f"/account/sessions/{doomed}/end").status_code == 302
    assert second.get("/account").status_code == 302
    assert first.post(f"/account/sessions/{doomed}/end").status_code == 404, "a second time"
    assert first.post("/account/sessions/end").status_code == 302
    assert third.get("/account").status_code == 302 and first.get("/account").status_code == 200


@pytest.mark.slow
def test_ending_ones_own_sign_in_signs_out(resources, company, door):
    browser = door(company.sales_clerk)
    mine = sessions_of(resources, company.sales_clerk)[0].id
    assert browser.post(f"/account/sessions/{mine}/end").location == "/login"
    assert browser.get("/account").status_code == 302


@pytest.mark.slow
def test_anothers_sign_in_and_token_do_not_exist_for_one(resources, company, client_for, api_for):
    client_for(company.leader)
    api_for(company.leader)
    theirs = sessions_of(resources, company.leader)[0].id
    with resources.reading() as uow:
        token = uow.session.scalars(select(ApiToken.id)).one()
    mine, program = client_for(company.sales_clerk), api_for(company.sales_clerk)
    assert mine.post(f"/account/sessions/{theirs}/end").status_code == 404
    assert mine.post(f"/account/tokens/{token}/end").status_code == 404
    assert program.delete(f"/api/v1/me/sessions/{theirs}").status_code == 404
    assert program.delete(f"/api/v1/me/tokens/{token}").status_code == 404
    assert program.delete("/api/v1/me/tokens/99999999999999999999").status_code in (404, 422)


def test_a_token_is_made_with_ones_password_and_shown_once(resources, company, client_for, app):
    client = client_for(company.sales_clerk)
    sent = {"name": "报表程序", "scope": "read", "days": "30", "password": PASSWORD}
    page = client.post("/account/tokens", data=sent)
    token = re.search(r'id="token" value="([^"]+)"', page.text)[1]
    assert page.headers["Cache-Control"] == "no-store"
    listed = client.get("/account").text
    assert "报表程序" in listed and "没有用过" in listed and token not in listed
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    assert program.get("/api/v1/me").json["scope"] == "read"
    assert "没有用过" not in client.get("/account").text


def test_a_token_is_not_made_twice_under_one_name(company, client_for):
    client = client_for(company.sales_clerk)
    sent = {"name": "报表程序", "scope": "read", "days": "30", "password": PASSWORD}
    assert client.post("/account/tokens", data=sent).status_code == 200
    again = client.post("/account/tokens", data={**sent, "name": " 报表程序 "})
    assert again.status_code == 422 and "您已有一个令牌叫“报表程序”" in again.text
    assert client.post("/account/tokens", data={**sent, "name": "月报"}).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": ""}, "name"), ({"name": "x" * 61}, "name"), ({"name": "a\u202eb"}, "name"),
     ({"scope": "sign"}, "scope"), ({"scope": ""}, "scope"), ({"days": "0"}, "days"),
     ({"days": "367"}, "days"), ({"days": "很多"}, "days"), ({"days": ""}, "days"),
     ({"password": "不对的密码"}, "password"), ({"password": ""}, "password")],
)  # fmt: skip
def test_a_wrong_token_form_comes_back_with_what_was_typed(
    resources, company, client_for, changes, field
):
    sent = {"name": "报表程序", "scope": "read", "days": "30", "password": PASSWORD} | changes
    page = client_for(company.sales_clerk).post("/account/tokens", data=sent)
    assert page.status_code == 422 and "is-invalid" in page.text
    assert PASSWORD not in page.text
    with resources.reading() as uow:
        assert uow.session.scalars(select(ApiToken)).all() == []


@pytest.mark.slow
def test_nobody_has_more_than_twenty_tokens(resources, company, client_for):
    with resources.work() as uow:
        for _ in range(20):
            access.issue_token(uow, company.sales_clerk.id, 5)
        uow.commit()
    sent = {"name": "第二十一个", "scope": "read", "days": "30", "password": PASSWORD}
    page = client_for(company.sales_clerk).post("/account/tokens", data=sent)
    assert page.status_code == 422 and "至多 20 个" in page.text


@pytest.mark.slow
def test_a_reading_token_acts_nowhere(resources, company, app):
    with resources.work() as uow:
        token = access.issue_token(uow, company.sales_clerk.id, 5, scope="read")
        uow.commit()
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    assert program.get("/api/v1/records").status_code == 200
    tried = 0
    for rule in app.url_map.iter_rules():
        guard = getattr(app.view_functions[rule.endpoint], "__guard__", "public")
        if not rule.rule.startswith("/api/") or guard == "public":
            continue
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}:
            values = dict.fromkeys(rule.arguments, 1)
            values |= {n: min(c.items) for n, c in rule._converters.items() if hasattr(c, "items")}
            url = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
            answer = program.open(url, method=method, json={})
            assert answer.status_code == 403 and "只能读" in answer.json["error"]["message"], url
            tried += 1
    assert tried > 40


def test_a_token_lists_and_ends_itself_but_makes_no_other(company, api_for):
    program = api_for(company.sales_clerk)
    mine = program.get("/api/v1/me/tokens").json["items"]
    assert [one["is_this"] for one in mine] == [True] and mine[0]["scope"] == "write"
    assert program.post("/api/v1/me/tokens", json={"days": 5}).status_code == 405
    assert program.delete(f"/api/v1/me/tokens/{mine[0]['id']}").status_code == 204
    assert program.get("/api/v1/me").status_code == 401


@pytest.mark.slow
def test_a_token_ends_on_its_day(resources, company, api_for, clock):
    program = api_for(company.sales_clerk)
    clock.advance(hours=23)
    assert program.get("/api/v1/me").status_code == 200
    clock.advance(hours=2)
    assert program.get("/api/v1/me").status_code == 401


@pytest.mark.slow
@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer " + "x" * 9000])
def test_what_is_no_token_is_refused(company, app, sent):
    assert app.test_client().get("/api/v1/me", headers={"Authorization": sent}).status_code == 401


def test_leaving_ends_everything_at_once(resources, company, door, api_for, set_up, client_for):
    leaver = company.sales_clerk
    browser, program = door(leaver), api_for(leaver)
    set_up(browser)
    assert (
        browser.post(
            "/me/desk-pin", data={"pin": "4711", "again": "4711", "password": PASSWORD}
        ).status_code
        == 302
    )
    browser.post("/loans/calendar/new")
    half_in = door(leaver)
    assert half_in.answer.location.startswith("/login/code")
    client_for(company.admin).post(f"/admin/users/{leaver.id}/left")
    assert browser.get("/account").status_code == 302
    assert program.get("/api/v1/me").status_code == 401
    assert half_in.post("/login/code", data={"code": "123456"}).location.startswith("/login")
    from archive.lending.confirming.models import DeskPin
    from archive.lending.models import LoanFeed

    tables = (
        LoginSession, ApiToken, SignInStep, SecondFactor, RecoveryCode, OutsideIdentity,
        DeskPin, LoanFeed,
    )  # fmt: skip
    with resources.reading() as uow:
        for table in tables:
            mine = select(table).where(table.user_id == leaver.id)
            assert uow.session.scalars(mine).all() == [], table


@pytest.mark.slow
def test_an_administrator_ends_all_of_somebodys_sign_ins(resources, company, door, client_for):
    browser, admin = door(company.sales_clerk), client_for(company.admin)
    page = f"/admin/users/{company.sales_clerk.id}/sign-in"
    assert "登录中的设备 1 处" in admin.get(page).text
    assert admin.post(f"{page}/end").status_code == 302
    assert browser.get("/account").status_code == 302
    assert admin.get("/admin/users/999/sign-in").status_code == 404
    assert admin.post("/admin/users/999/sign-in/end").status_code == 404
    with resources.reading() as uow:
        acts = select(JournalEntry.action).where(JournalEntry.action == "session.end_all")
        assert len(uow.session.scalars(acts).all()) == 1
