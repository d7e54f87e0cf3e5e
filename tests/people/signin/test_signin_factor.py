"""The second factor: set up, asked for, lost, required; no code counts twice."""

import re

import pytest
from sqlalchemy import select

from archive.people.signin.models import RecoveryCode, SecondFactor, SignInStep
from archive.people.signin.sealing import Sealer
from tests.conftest import PASSWORD

SECRET_SHOWN = '<span class="numeric-code text-break">'


@pytest.fixture
def with_factor(company, door, set_up):
    """A clerk whose second factor is on: browser, telephone, recovery codes."""
    browser = door(company.sales_clerk)
    return browser, *set_up(browser)


def give(browser, code, target=""):
    return browser.post("/login/code", query_string={"next": target}, data={"code": code})


def test_a_person_sets_it_up_and_is_asked_for_a_code(
    company, clock, door, with_factor, log_of, told
):
    _, telephone, codes = with_factor
    assert len(set(codes)) == 10 and "已开启两步验证" in told(company.sales_clerk)[0]
    clock.advance(minutes=1)
    browser = door(company.sales_clerk)
    assert browser.answer.location == "/login/code?next=/"
    assert browser.get("/account").status_code == 302, "not in yet"
    assert "验证码" in browser.get("/login/code").text
    answer = give(browser, telephone.code(), "/items")
    assert answer.status_code == 302 and answer.location == "/items"
    assert "＋两步验证" in browser.get("/account").text
    assert log_of()[-1] == (company.sales_clerk.id, "password", "")


def test_a_code_counts_once(company, clock, door, with_factor, log_of):
    _, telephone, _ = with_factor
    clock.advance(minutes=1)
    first, second = door(company.sales_clerk), door(company.sales_clerk)
    code = telephone.code()
    assert give(first, code).status_code == 302
    again = give(second, code)
    assert again.status_code == 401 and "已经用过" in again.text
    assert log_of()[-1] == (company.sales_clerk.id, "password", "replayed")
    assert give(second, telephone.code(-1)).status_code == 401, "an older one neither"
    clock.advance(seconds=30)
    assert give(second, telephone.code()).status_code == 302


@pytest.mark.slow
def test_the_code_that_set_it_up_does_not_sign_in(company, door, with_factor):
    _, telephone, _ = with_factor
    assert give(door(company.sales_clerk), telephone.code()).status_code == 401


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 302), (0, 302), (1, 302), (2, 401)])
def test_a_telephone_may_be_half_a_minute_off(company, clock, door, with_factor, steps, status):
    _, telephone, _ = with_factor
    clock.advance(minutes=5)
    assert give(door(company.sales_clerk), telephone.code(steps)).status_code == status


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    ["", "000000000000", "１２３４５６", "abcdef", "' OR 1=1", "x" * 5000, "12345", "-12345"],
)
def test_what_is_no_code_is_refused(company, clock, door, with_factor, code):
    browser = door(company.sales_clerk)
    assert give(browser, code).status_code == 401
    assert browser.get("/account").status_code == 302


@pytest.mark.slow
def test_a_code_may_be_typed_in_two_halves(company, clock, door, with_factor):
    _, telephone, _ = with_factor
    clock.advance(minutes=1)
    code = telephone.code()
    assert give(door(company.sales_clerk), f" {code[:3]} {code[3:]} ").status_code == 302


@pytest.mark.slow
def test_a_recovery_code_counts_once_however_it_is_typed(company, door, with_factor, told):
    _, _, codes = with_factor
    assert give(door(company.sales_clerk), codes[0].upper().replace("-", " ")).status_code == 302
    assert give(door(company.sales_clerk), codes[0]).status_code == 401
    assert "还剩 9 个" in told(company.sales_clerk)[-1]
    assert give(door(company.other_clerk), codes[1]).location.startswith("/login?"), "no step there"


@pytest.mark.slow
def test_eight_wrong_codes_lock_even_though_the_password_is_right(
    company, clock, door, client_for, with_factor, told
):
    _, telephone, _ = with_factor
    for _ in range(8):
        assert give(door(company.sales_clerk), "000000").status_code == 401
    clock.advance(minutes=1)
    assert give(door(company.sales_clerk), telephone.code()).status_code == 429
    assert "马上修改密码" in told(company.sales_clerk)[-1]
    page = f"/admin/users/{company.sales_clerk.id}/sign-in"
    admin = client_for(company.admin)
    assert "锁定到" in admin.get(page).text
    admin.post(f"{page}/unlock")
    assert give(door(company.sales_clerk), telephone.code()).status_code == 302


@pytest.mark.slow
def test_the_step_between_is_short_for_one_browser_and_good_once(
    resources, company, clock, door, with_factor
):
    _, telephone, _ = with_factor
    late, stranger = door(company.sales_clerk), door(company.other_clerk)
    clock.advance(minutes=5)
    assert give(late, telephone.code()).location.startswith("/login?")
    assert give(stranger, telephone.code()).location.startswith("/login?")
    here = door(company.sales_clerk)
    step = here.get_cookie("archive_step", path="/login").value
    assert give(here, telephone.code()).status_code == 302
    here.set_cookie("archive_step", step, path="/login")
    clock.advance(minutes=1)
    assert give(here, telephone.code()).location.startswith("/login?"), "used"
    with resources.reading() as uow:
        assert uow.session.scalars(select(SignInStep)).all() == []


@pytest.mark.slow
@pytest.mark.parametrize("step", ["", "x", "x" * 3000, "' OR 1=1 --"])
def test_a_made_up_step_leads_back_to_the_door(app, company, step):
    client = app.test_client()
    client.set_cookie("archive_step", step, path="/login")
    assert give(client, "123456").location.startswith("/login?")
    assert app.test_client().get("/login/code").location.startswith("/login?")


@pytest.mark.slow
def test_the_secret_is_kept_sealed_and_the_codes_hashed(resources, company, door, clock):
    browser = door(company.sales_clerk)
    browser.post("/account/second-factor/start", data={"password": PASSWORD})
    page = browser.get("/account/second-factor").text
    shown = page.partition(SECRET_SHOWN)[2].partition("<")[0].replace(" ", "")
    assert "<svg" in page and len(shown) == 32
    sealer = Sealer.of(resources.settings)
    with resources.reading() as uow:
        row = uow.session.get_one(SecondFactor, company.sales_clerk.id)
        assert shown.encode() not in row.sealed_secret
        assert sealer.open(row.sealed_secret, f"second factor of {row.user_id}") == shown.encode()
        assert sealer.open(row.sealed_secret, "second factor of 2") is None, "bound to its row"
        assert Sealer(b"another").open(row.sealed_secret, f"second factor of {row.user_id}") is None
        assert sealer.open(b"", "x") is None


@pytest.mark.slow
def test_recovery_codes_are_kept_as_keyed_hashes(resources, company, with_factor):
    _, _, codes = with_factor
    with resources.reading() as uow:
        kept = set(uow.session.scalars(select(RecoveryCode.code_hash)))
    bare = codes[0].replace("-", "")
    assert len(kept) == 10 and not kept & set(codes)
    assert Sealer.of(resources.settings).hash(f"{company.sales_clerk.id}:{bare}") in kept
    assert Sealer(b"another").hash(f"{company.sales_clerk.id}:{bare}") not in kept


@pytest.mark.slow
def test_it_is_changed_only_with_ones_password(company, door, with_factor, clock):
    browser, _telephone, codes = with_factor
    for act in ("codes", "drop"):
        refused = browser.post(f"/account/second-factor/{act}", data={"password": "不对的密码"})
        assert refused.status_code == 422 and "密码不对" in refused.text
    assert (
        browser.post("/account/second-factor/start", data={"password": PASSWORD}).status_code == 409
    )
    page = browser.post("/account/second-factor/codes", data={"password": PASSWORD}).text
    fresh = re.findall(r'<li class="numeric-code">([^<]+)</li>', page)
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    assert give(door(company.sales_clerk), codes[0]).status_code == 401, "the old ones are void"
    dropped = browser.post("/account/second-factor/drop", data={"password": PASSWORD})
    assert dropped.status_code == 302
    assert door(company.sales_clerk).answer.location == "/"


@pytest.mark.slow
def test_a_wrong_first_code_keeps_it_off_and_the_picture_shown(company, door):
    browser = door(company.sales_clerk)
    assert (
        browser.post("/account/second-factor/start", data={"password": "不对"}).status_code == 422
    )
    browser.post("/account/second-factor/start", data={"password": PASSWORD})
    page = browser.post("/account/second-factor/confirm", data={"code": "000000"})
    assert page.status_code == 422 and SECRET_SHOWN in page.text
    assert door(company.sales_clerk).answer.location == "/"


def test_who_must_have_one_does_nothing_else_before(company, door, set_up, with_settings, clock):
    with_settings(second_factor_roles=frozenset({"archive_head"}))
    browser = door(company.archive_head)
    for page in ("/", "/items", "/account", "/filing"):
        assert browser.get(page).location == "/account/second-factor", page
    assert "必须用两步验证" in browser.get("/account/second-factor").text
    telephone, _ = set_up(browser)
    assert browser.get("/items").status_code == 200
    assert (
        browser.post("/account/second-factor/drop", data={"password": PASSWORD}).status_code == 403
    )
    assert door(company.sales_clerk).get("/items").status_code == 200, "others are not asked"
    clock.advance(minutes=1)
    again = door(company.archive_head)
    assert give(again, telephone.code()).status_code == 302
    assert again.get("/items").status_code == 200


@pytest.mark.slow
def test_a_sign_in_from_before_the_rule_gives_its_code_now(
    company, door, set_up, with_settings, clock, client_for
):
    set_up(door(company.archive_head))
    with_settings(second_factor_roles=frozenset({"archive_head"}))
    old = client_for(company.archive_head)
    assert old.get("/items").location == "/account/second-factor"
    wrong = old.post("/account/second-factor/code", data={"code": "000000"})
    assert wrong.status_code == 422 and "验证码不对" in wrong.text


@pytest.mark.slow
def test_an_administrator_takes_it_away_and_its_person_hears(
    company, door, client_for, with_factor, told
):
    admin, page = client_for(company.admin), f"/admin/users/{company.sales_clerk.id}/sign-in"
    assert admin.post(f"{page}/drop-factor").status_code == 302
    assert "管理员停用了" in told(company.sales_clerk)[-1].replace("系统管理员（管理员）", "管理员")
    assert door(company.sales_clerk).answer.location == "/"
    assert admin.post(f"{page}/drop-factor").status_code == 404, "a second time"
    own = f"/admin/users/{company.admin.id}/sign-in/drop-factor"
    assert admin.post(own).status_code == 422, "nor round their own password"


@pytest.mark.slow
def test_with_another_instance_key_it_says_so_instead_of_failing(
    resources, company, door, with_factor
):
    (resources.settings.keys / "secret").write_text("ein-anderer-schluessel")
    answer = give(door(company.sales_clerk), "123456")
    assert answer.status_code == 503 and "系统管理员" in answer.text
