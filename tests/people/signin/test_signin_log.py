"""The log of signing in: for the person their own, for the audit office everybody's."""

import io
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import func, select

from archive.people.signin import entries
from archive.people.signin.models import SignInEntry
from archive.people.signin.rules import LOG_KEPT
from tests.conftest import PASSWORD


@pytest.fixture
def busy(company, door):
    door(company.sales_clerk)
    door(company.sales_clerk, "不是这个密码啊", headers={"User-Agent": "Firefox/1 Windows"})
    door(company.other_clerk)


def test_one_sees_ones_own_and_nobody_elses(company, busy, client_for):
    page = client_for(company.sales_clerk).get("/account/sign-ins").text
    assert "密码不对" in page and "Firefox · Windows" in page
    assert "共 2 条" in page
    assert client_for(company.sales_clerk).get("/admin/sign-ins").status_code == 403


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "count"),
    [("", 3), ("person=陈晓", 2), ("person=other_cl", 1), ("outcome=refused", 1),
     ("outcome=good", 2), ("outcome=password", 1), ("outcome=left", 0), ("since=2026-11-24", 0),
     ("until=2026-11-23", 3),
     ("address=127", 3), ("address=%25", 0), ("person=%27+OR+1=1", 0)],
)  # fmt: skip
def test_the_audit_office_narrows_the_log(company, busy, client_for, query, count):
    page = client_for(company.leader).get(f"/admin/sign-ins?{query}")
    assert page.status_code == 200
    assert (f"共 {count} 条" in page.text) if count else ("没有符合条件" in page.text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", ["outcome=x", "since=昨天", "until=2026-13-01", "page=0", "page=-1"]
)
def test_a_wrong_question_is_refused_with_a_word(company, client_for, query):
    assert client_for(company.leader).get(f"/admin/sign-ins?{query}").status_code == 422


@pytest.mark.slow
def test_both_lists_are_sheets(company, busy, client_for):
    for person, page, lines in (
        (company.leader, "/admin/sign-ins", 4), (company.sales_clerk, "/account/sign-ins", 3),
    ):  # fmt: skip
        answer = client_for(person).get(f"{page}?as=xlsx")
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
        assert sheet.max_row == lines


@pytest.mark.slow
def test_entries_go_after_four_hundred_days(resources, company):
    with resources.work() as uow:
        old = uow.now() - LOG_KEPT - timedelta(minutes=1)
        uow.session.add(SignInEntry(at=old, method="password", address="1", agent="", user_id=1))
        entries.note(uow, 1, "password", "1", "")
        uow.session.flush()
        assert uow.session.scalar(select(func.count()).select_from(SignInEntry)) == 1


@pytest.mark.slow
def test_a_hostile_device_is_shown_as_text(company, door, client_for):
    door(company.sales_clerk, headers={"User-Agent": "<script>alert(1)</script>" * 50})
    page = client_for(company.leader).get("/admin/sign-ins").text
    assert "alert(1)" not in page and "不认识的设备" in page


@pytest.mark.slow
def test_the_journal_names_no_address_and_no_password(resources, company, busy):
    from storage.journal import JournalEntry

    with resources.reading() as uow:
        for entry in uow.session.scalars(select(JournalEntry)):
            assert "127.0.0.1" not in entry.detail and PASSWORD not in entry.detail
