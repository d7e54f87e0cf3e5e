"""The matrix on the page: read, tried, changed with a first day and a basis; bad input refused."""

from datetime import date

import pytest
from sqlalchemy import func, select

from archive.lending import service as lending
from archive.lending.models import LoanRefusal, LoanRule

URL = "/loans/rules"
GOOD = {
    "version": "1",
    "allowed": "yes",
    "secrecy": ["公开", "内部"],
    "borrower_class": ["own"],
    "mode": ["original"],
    "days": "3",
    "working_days": "yes",
    "renewals": "1",
    "renewal_days": "5",
    "limit": "5",
    "approvals": ["own_head", "archivist", "", ""],
    "basis": "2026 年第 12 号通知",
    "valid_from": "2026-12-01",
}


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def state_of(shelf) -> tuple:
    with shelf.resources.reading() as uow:
        rules = uow.session.scalar(select(func.count()).select_from(LoanRule))
    return rules, [action for action in shelf.journal() if action.startswith("loan")]


def test_the_matrix_lists_the_rules_in_the_order_they_win(shelf, company, client_for):
    page = text_of(client_for(company.archivist).get(URL))
    assert page.index("contract-own-secret") < page.index("own-secret-original")
    assert "10 个工作日，可续借 1 次、每次 5 个工作日，最多 5 件" in page
    assert "本部门" in page and "借阅人部门负责人、档案员" in page
    assert f"{URL}/new" not in page
    assert f"{URL}/new" in text_of(client_for(company.archive_head).get(URL))


def test_trying_shows_decision_rule_and_reasons_and_writes_nothing(shelf, company, client_for):
    item_id, barcode = shelf.item()
    client, before = client_for(company.archivist), state_of(shelf)
    query = {"username": "sales_clerk", "item": barcode, "mode": "original", "on": "2026-11-23"}
    page = text_of(client.get(URL, query_string=query))
    assert "可以原件外借" in page and "2026年12月7日" in page
    assert "王建国（借阅人部门负责人）" in page and "own-open-original@1" in page
    stranger = {**query, "username": "other_clerk", "item": str(item_id)}
    page = text_of(client.get(URL, query_string=stranger))
    assert "不能原件外借" in page and "没有业务联系" in page
    assert state_of(shelf) == before
    with shelf.resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(LoanRefusal)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"username": "没有这个人"},
        {"username": ""},
        {"item": "999"},
        {"item": ""},
        {"item": "9" * 30},
        {"item": "<script>"},
        {"mode": "带走"},
        {"on": "明天"},
    ],
)
def test_trying_with_bad_input_says_what_is_wrong(shelf, company, client_for, change):
    item_id, _ = shelf.item()
    good = {"username": "sales_clerk", "item": str(item_id), "mode": "original"}
    answer = client_for(company.archivist).get(URL, query_string={**good, **change})
    assert answer.status_code == 422 and "alert-danger" in text_of(answer)
    assert "<script>" not in text_of(answer).replace("<script src", "")


def test_a_new_version_counts_from_its_first_day(shelf, company, client_for):
    item_id, _ = shelf.item()
    client = client_for(company.archive_head)
    assert client.post(f"{URL}/own-open-original", data=GOOD).status_code == 302
    page = text_of(client.get(f"{URL}/own-open-original"))
    assert "第 2 版" in page and "第 1 版" in page and "2026 年第 12 号通知" in page
    assert "第 2 版待生效" in text_of(client.get(URL))
    with shelf.resources.reading() as uow:
        args = uow, company.sales_clerk, item_id, "original"
        before = lending.decide(*args, date(2026, 11, 30), "客户续签核对", "海信")
        after = lending.decide(*args, date(2026, 12, 1), "客户续签核对", "海信")
    assert (before.rule.name, after.rule.name) == ("own-open-original@1", "own-open-original@2")
    assert after.due == date(2026, 12, 4)


def test_a_loan_keeps_the_rule_it_was_asked_under(shelf, company, client_for):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    change = {**GOOD, "allowed": "no", "valid_from": "2026-11-23"}
    client_for(company.archive_head).post(f"{URL}/own-open-original", data=change)
    loan = shelf.do(lending.hand_out, company.archivist, barcode, request.id).loan
    assert loan.rule == "own-open-original@1" and loan.due_on == date(2026, 12, 7)


def test_a_rule_for_one_room_is_added(shelf, company, client_for):
    item_id, _ = shelf.item()
    new = {**GOOD, "code": "库房一原件", "version": "0", "place": "库房一", "days": "1"}
    new["valid_from"] = "2026-11-23"
    answer = client_for(company.archive_head).post(f"{URL}/new", data=new)
    assert answer.status_code == 302
    with shelf.resources.reading() as uow:
        found = lending.decide(
            uow, company.sales_clerk, item_id, "original", date(2026, 11, 23), "续签核对", "海信"
        )
    assert found.rule.name == "库房一原件@1" and found.due == date(2026, 11, 24)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"days": "十天"}, "应为整数"),
        ({"days": "999"}, "应在 0 到 366 之间"),
        ({"days": "9" * 50}, "应为整数"),
        ({"limit": "0"}, "应在 1 以上"),
        ({"valid_from": ""}, "请填写生效日"),
        ({"valid_from": "下月"}, "应写成"),
        ({"valid_from": "2026-11-22"}, "不能早于今天"),
        ({"valid_until": "2026-11-30"}, "不能早于生效日"),
        ({"basis": ""}, "请写明依据"),
        ({"basis": "据" * 301}, "最多 300 个字"),
        ({"secrecy": ["绝密"]}, "不认识"),
        ({"category": "E05"}, "应写成 category"),
        ({"approvals": ["leader", "leader"]}, "重复"),
        ({"version": "x"}, "规则有误"),
    ],
)
def test_a_faulty_rule_is_said_and_nothing_typed_is_lost(shelf, company, client_for, change, words):
    before = state_of(shelf)
    typed = {**GOOD, "conditions": "A<B & 专人", **change}
    answer = client_for(company.archive_head).post(f"{URL}/own-open-original", data=typed)
    page = text_of(answer)
    assert answer.status_code == 422 and words in page
    assert "A&lt;B &amp; 专人" in page
    assert state_of(shelf) == before


def test_stale_and_equally_specific_rules_are_conflicts(shelf, company, client_for):
    client = client_for(company.archive_head)
    assert client.post(f"{URL}/own-open-original", data=GOOD).status_code == 302
    before = state_of(shelf)
    stale = client.post(f"{URL}/own-open-original", data=GOOD)
    assert stale.status_code == 409 and "已是第 2 版" in text_of(stale)
    double = client.post(f"{URL}/new", data={**GOOD, "code": "double", "version": "0"})
    assert double.status_code == 409 and "own-open-original" in text_of(double)
    taken = client.post(f"{URL}/new", data={**GOOD, "code": "own-open-copy", "version": "0"})
    assert taken.status_code == 409
    bad = client.post(f"{URL}/new", data={**GOOD, "code": "a/b", "version": "0"})
    assert bad.status_code == 422
    assert state_of(shelf) == before


def test_only_the_head_of_the_archive_changes_the_matrix(shelf, company, client_for):
    before = state_of(shelf)
    for who in (company.archivist, company.leader, company.sales_clerk, company.admin):
        assert client_for(who).post(f"{URL}/own-open-original", data=GOOD).status_code == 403
        assert client_for(who).get(f"{URL}/new").status_code == 403
    assert client_for(None).post(f"{URL}/new", data=GOOD).status_code == 302
    for version in ("0", "1"):
        answer = client_for(company.archive_head).post(
            f"{URL}/nothing", data={**GOOD, "version": version}
        )
        assert answer.status_code == 404
    assert state_of(shelf) == before


def test_the_matrix_over_the_api(shelf, company, api_for):
    archivist = api_for(company.archivist)
    lines = archivist.get("/api/v1/loans/rules").json["items"]
    assert len(lines) >= 30 and {line["state"] for line in lines} == {"有效"}
    versions = archivist.get("/api/v1/loans/rules/contract-audit").json["items"]
    assert [(one["version"], one["approvals"]) for one in versions] == [(1, ["leader"])]
    assert archivist.get("/api/v1/loans/rules/nothing").status_code == 404
    assert api_for(company.sales_clerk).get("/api/v1/loans/rules").status_code == 403
