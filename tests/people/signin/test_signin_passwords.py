"""Which passwords people may choose: length, and what is left without what everybody types."""

import pytest

from archive.core.errors import Invalid
from archive.people.signin.passwords import LONGEST, OwnWords, check_choice, weakness
from tests.conftest import PASSWORD

OWN = OwnWords("chenxd", "0101", "陈晓东", "xd.chen@example.com", "深圳市明远科技有限公司")


@pytest.mark.parametrize(
    "password",
    [
        "password123", "P@ssw0rd@2025!!", "woaini1314520", "zhongguo2026", "zhangwei19880912",
        "qwertyuiop123", "1qaz2wsx3edc", "!@#$%^&*()", "admin@2026@admin", "ｐａｓｓｗｏｒｄ１２３",
        "mingyuan2026!", "Mingyuan@2024", "szsmykj2026", "明远科技明远科技2026",
        "gongsi!gongsi!gongsi", "kx8vkx8vkx8v", "20260102abcd", "13579abcdefg",
        "一二三四五六七八九十",
    ],
)  # fmt: skip
def test_what_everybody_types_is_refused(password):
    assert "太容易猜" in weakness(password, OWN) or "种不同的字符" in weakness(password, OWN)


@pytest.mark.parametrize(
    "password",
    ["chenxd-lantern-7k", "xXchenxiaodongXx", "0101-kqz-vbwp-mt", "我是陈晓东你是谁呢呀吗",
     "CHENXD-lantern-7k", "xd.chen-lantern"],
)  # fmt: skip
def test_ones_own_name_and_number_are_refused(password):
    assert "自己的姓名" in weakness(password, OWN)


@pytest.mark.parametrize(
    ("password", "word"),
    [("", "至少 10"), ("太短", "至少 10"), ("x" * (LONGEST + 1), "至多"), ("ab" * 8, "4 种"),
     ("good\x00lantern-moss", "不能显示"), ("\ud800lantern-moss-x", "不能显示")],
)  # fmt: skip
def test_what_is_no_password_is_refused_with_a_word(password, word):
    assert word in weakness(password, OWN)
    with pytest.raises(Invalid) as refusal:
        check_choice(password, OWN)
    assert word in refusal.value.fields["password"]


@pytest.mark.parametrize(
    "password",
    ["correcthorsebattery", "u7-Kq2-vv9-xz", "蓝鲸在数学课上唱歌呢", "xkcd-lantern-moss-7",
     "窗台上的仙人掌开花", "Lantern2026moss!"],
)  # fmt: skip
def test_a_few_unrelated_words_are_good(password):
    expected = "至少 10 个字符" if len(password) < 10 else ""
    assert weakness(password, OWN) == expected


def test_nothing_known_of_a_person_refuses_nothing_more():
    assert weakness("xkcd-lantern-moss-7", OwnWords()) == ""
    assert weakness("a0b0c0d0-lantern", OwnWords(staff_no="0", name="王", username="a")) == ""


def test_a_hostile_password_is_judged_quickly():
    for hostile in ("a" * 199 + "b", "1qaz" * 50, "(((((" * 40, "二零" * 99):
        assert isinstance(weakness(hostile, OWN), str)


def test_the_page_says_why_and_keeps_the_old_password(company, client_for, door):
    client = client_for(company.sales_clerk)
    for new, word in (("woaini1314520", "太容易猜"), ("sales_clerk-moss-9", "自己的姓名")):
        sent = {"current": PASSWORD, "new": new, "again": new}
        page = client.post("/account/password", data=sent)
        assert page.status_code == 422 and word in page.text
    assert door(company.sales_clerk).answer.status_code == 302


@pytest.mark.slow
def test_a_new_password_ends_every_other_sign_in_and_token(
    company, client_for, api_for, door, told
):
    here, elsewhere = client_for(company.sales_clerk), client_for(company.sales_clerk)
    program = api_for(company.sales_clerk)
    new = "xkcd-lantern-moss-7"
    wrong = here.post(
        "/account/password", data={"current": "不对的密码啊啊", "new": new, "again": new}
    )
    assert wrong.status_code == 422 and "密码不对" in wrong.text
    done = here.post("/account/password", data={"current": PASSWORD, "new": new, "again": new})
    assert done.status_code == 302
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert program.get("/api/v1/me").status_code == 401
    assert door(company.sales_clerk).answer.status_code == 401
    assert door(company.sales_clerk, new).answer.status_code == 302
    assert "登录密码已修改" in told(company.sales_clerk)[0]
