"""Keeping a paper longer, and having to bring it back earlier."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.core.calendar import WorkCalendar
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing.models import Item
from archive.jobs import drain_all
from archive.lending import matrix
from archive.lending import service as lending
from archive.lending.renewing import RenewalFacts, decide_renewal, recalled_due
from archive.lending.rules import Policy
from archive.lending.views import Refused
from archive.people.models import User

PURPOSE = "客户续签合同前核对资质"
POLICY = Policy(4, 2, 7)
CALENDAR = WorkCalendar()
RULE = next(rule for rule in matrix.shipped_rules() if rule.code == "own-open-original")
FACTS = RenewalFacts(
    on=date(2026, 12, 4),
    due_on=date(2026, 12, 7),
    rule=RULE,
    renewals_done=0,
    secrecy=1,
    secrecy_then=1,
)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, []),
        ({"on": date(2026, 12, 7)}, []),
        ({"on": date(2026, 12, 2)}, []),
        ({"on": date(2026, 12, 1)}, ["too_early"]),
        ({"on": date(2026, 11, 23)}, ["too_early"]),
        ({"on": date(2026, 12, 8)}, ["overdue"]),
        ({"renewals_done": 1}, ["used_up"]),
        ({"renewals_done": 7}, ["used_up"]),
        ({"rule": replace(RULE, renewals=2), "renewals_done": 1}, []),
        ({"rule": replace(RULE, renewals=0)}, ["not_renewable"]),
        ({"rule": replace(RULE, renewal_days=0)}, ["not_renewable"]),
        ({"somebody_waits": True}, ["reserved"]),
        ({"is_recalled": True}, ["recalled"]),
        ({"is_asked": True}, ["renewal_asked"]),
        ({"is_renewed_today": True}, ["renewed_today"]),
        ({"borrower_left": True}, ["borrower_left"]),
        ({"secrecy": 2}, ["secrecy_raised"]),
        ({"secrecy": 0}, []),
        ({"secrecy": 2, "secrecy_then": 2}, []),
        ({"secrecy": 3, "secrecy_then": 2}, ["secrecy_raised"]),
        (
            {"on": date(2026, 12, 9), "somebody_waits": True, "renewals_done": 1},
            ["overdue", "reserved", "used_up"],
        ),
        ({"on": date(2026, 12, 1), "is_recalled": True}, ["recalled", "too_early"]),
    ],
)
def test_whether_a_loan_may_be_renewed(change, codes):
    decision = decide_renewal(replace(FACTS, **change), CALENDAR, POLICY)
    assert [reason.code for reason in decision.reasons] == codes
    assert decision.allowed is (codes == []) and (decision.due is not None) is decision.allowed
    assert all(reason.text.endswith(("。", "）。")) for reason in decision.reasons)


@pytest.mark.parametrize(
    ("due_on", "change", "until", "asks"),
    [
        (date(2026, 12, 7), {}, date(2026, 12, 14), False),
        (date(2026, 9, 28), {}, date(2026, 10, 10), False),  # 国庆 and a Saturday made up
        (date(2026, 12, 7), {"secrecy": 2, "secrecy_then": 2}, date(2026, 12, 14), True),
        (date(2026, 12, 7), {"rule": replace(RULE, working_days=False)}, date(2026, 12, 14), False),
        (
            date(2026, 12, 8),
            {"rule": replace(RULE, working_days=False, renewal_days=4)},
            date(2026, 12, 14),
            False,
        ),
        (
            date(2026, 12, 8),
            {
                "rule": replace(RULE, working_days=False, renewal_days=4),
                "secrecy": 2,
                "secrecy_then": 2,
            },
            date(2026, 12, 11),
            True,
        ),
    ],
)
def test_until_when_and_who_must_agree(due_on, change, until, asks):
    facts = replace(FACTS, on=due_on, due_on=due_on, **change)
    decision = decide_renewal(facts, CALENDAR, POLICY)
    assert (decision.due, decision.needs_approval) == (until, asks)


@pytest.mark.parametrize(
    ("due_on", "on", "until"),
    [
        (date(2026, 12, 7), date(2026, 11, 23), date(2026, 11, 25)),
        (date(2026, 12, 7), date(2026, 11, 27), date(2026, 12, 1)),
        (date(2026, 11, 24), date(2026, 11, 23), date(2026, 11, 24)),
        (date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 20)),
    ],
)
def test_a_recall_never_gives_more_time(due_on, on, until):
    assert recalled_due(due_on, on, CALENDAR, POLICY) == until


@given(
    st.dates(date(2026, 1, 5), date(2026, 11, 30)),
    st.integers(0, 3),
    st.integers(1, 20),
    st.booleans(),
)
def test_a_renewed_day_is_open_and_never_earlier(due_on, secrecy, days, working):
    due_on = CALENDAR.next_open(due_on)
    rule = replace(RULE, renewal_days=days, working_days=working)
    facts = replace(
        FACTS, on=due_on, due_on=due_on, rule=rule, secrecy=secrecy, secrecy_then=secrecy
    )
    decision = decide_renewal(facts, CALENDAR, POLICY)
    assert decision.due is not None and decision.due >= due_on and CALENDAR.is_open(decision.due)


# ------------------------------------------------- the acts


def lent_near_due(shelf, company, clock, who=None):
    item_id, barcode = shelf.item()
    request = shelf.lent(who or company.sales_clerk, item_id, barcode)
    clock.advance(days=11)
    return item_id, barcode, request


def test_a_loan_is_renewed_once_at_once(shelf, company, clock):
    _, _, request = lent_near_due(shelf, company, clock)
    renewed = shelf.do(lending.renew, company.sales_clerk, request.id)
    assert str(renewed.due) == "2026-12-14" and renewed.loan.renewals == 1
    assert shelf.journal()[-1] == "loan.renew"
    clock.advance(days=7)
    outcome = shelf.do(lending.renew, company.sales_clerk, request.id)
    assert isinstance(outcome, Refused) and outcome.message.startswith("不能续借：按规定只能续借")
    assert shelf.journal()[-1] == "loan.renewal_refused"
    with shelf.resources.reading() as uow:
        day = date(2026, 12, 11)
        lines = lending.refusals(uow, company.archivist, day, day).items
        assert [one.purpose for one in lines] == [f"续借 {request.number}"]
        kinds = [one.kind for one in lending.notices_for(uow, company.sales_clerk)]
    assert kinds == ["renewed", "ready"]


def test_nobody_renews_while_another_waits_nor_another_s_loan(shelf, company, clock):
    item_id, barcode, request = lent_near_due(shelf, company, clock)
    with pytest.raises(NotFound):
        shelf.do(lending.renew, company.other_clerk, request.id)
    with pytest.raises(Forbidden):
        shelf.do(lending.renew, company.sales_head, request.id)
    shelf.do(
        lending.request_loan,
        company.sales_clerk2,
        item_id,
        "original",
        PURPOSE,
        "海信",
        joins_queue=True,
    )
    outcome = shelf.do(lending.renew, company.sales_clerk, request.id)
    assert [one.code for one in outcome.reasons] == ["reserved"]
    shelf.do(lending.take_back, company.archivist, barcode, 3)
    with pytest.raises(Conflict, match="没有档案在外"):
        shelf.do(lending.renew, company.sales_clerk, request.id)


@pytest.fixture
def secret_loan(shelf, company, clock):
    """A loan of a secret paper whose rule allows one renewal."""
    with shelf.resources.work() as uow:
        rule = next(one for one in matrix.all_rules(uow) if one.code == "own-secret-original")
        changed = replace(rule, renewals=1, renewal_days=2, valid_from=date(2026, 11, 23))
        lending.save_rule(uow, company.archive_head, changed)
        uow.session.get(User, company.sales_clerk.id).clearance = 2
        uow.commit()
    who = replace(company.sales_clerk, clearance=2)
    item_id, barcode = shelf.item(secrecy=2)
    request = shelf.approved(who, item_id)
    request = shelf.do(lending.hand_out, company.archive_head, barcode, request.id)
    clock.advance(days=4)
    return who, barcode, request


def test_a_secret_loan_needs_the_same_approvals_again(shelf, company, secret_loan):
    who, _, request = secret_loan
    before = [step.approver_name for step in request.approvals]
    asked = shelf.do(lending.renew, who, request.id)
    assert asked.due == request.due and asked.waits_for.label.startswith("续借 · ")
    outcome = shelf.do(lending.renew, who, request.id)
    assert [one.code for one in outcome.reasons] == ["renewal_asked"]
    while step := asked.waits_for:
        with shelf.resources.reading() as uow:
            waiting = lending.waiting_for(uow, shelf.actor(step.approver_id))
        assert [one.id for one in waiting] == [request.id]
        asked = shelf.do(lending.approve, shelf.actor(step.approver_id), request.id, "同意")
    assert [step.approver_name for step in asked.approvals] == before * 2
    assert asked.state == "handed_out" and str(asked.due) == "2026-12-02"


def test_a_refused_renewal_leaves_the_loan_as_it_was(shelf, company, secret_loan):
    who, barcode, request = secret_loan
    asked = shelf.do(lending.renew, who, request.id)
    first = shelf.actor(asked.waits_for.approver_id)
    told = shelf.do(lending.refuse, first, request.id, "月底盘点要用")
    assert told.state == "handed_out" and told.due == request.due
    with shelf.resources.reading() as uow:
        assert "月底盘点要用" in lending.notices_for(uow, who)[0].text
    asked = shelf.do(lending.renew, who, request.id)
    shelf.do(lending.take_back, company.archive_head, barcode, 3)
    with shelf.resources.reading() as uow:
        assert lending.waiting_count(uow, first) == 0


def test_a_recall_shortens_the_loan_and_tells_why(shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk, item_id, barcode)
    with pytest.raises(Forbidden):
        shelf.do(lending.recall, company.sales_head, request.id, "审计急用")
    for bad in ("", " ", "急", "\x00急用", "急" * 201):
        with pytest.raises(Invalid, match="催回理由有误"):
            shelf.do(lending.recall, company.archivist, request.id, bad)
    with pytest.raises(NotFound):
        shelf.do(lending.recall, company.archivist, 2**70, "审计急用")
    recalled = shelf.do(lending.recall, company.archivist, request.id, "审计急用。")
    assert str(recalled.due) == "2026-11-25" and recalled.loan.state_label == "已催回"
    with pytest.raises(Conflict, match="已经催回过"):
        shelf.do(lending.recall, company.archivist, request.id, "审计急用")
    outcome = shelf.do(lending.renew, company.sales_clerk, request.id)
    assert [one.code for one in outcome.reasons] == ["recalled"]
    with shelf.resources.reading() as uow:
        text = lending.notices_for(uow, company.sales_clerk)[0].text
    assert "审计急用" in text and "2026年11月25日" in text and text.count("。") == 1
    shelf.do(lending.take_back, company.archivist, barcode, 3)
    with pytest.raises(Conflict, match="没有档案在外"):
        shelf.do(lending.recall, company.archivist, request.id, "审计急用")


def test_secrecy_raised_during_a_loan_calls_the_paper_back(shelf, company):
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk, item_id, barcode)
    with shelf.resources.work() as uow:
        uow.session.get(Item, item_id).secrecy = 2
        uow.outbox("secrecy", f"item:{item_id}")
        uow.outbox("secrecy", "item:999")
        uow.commit()
    drain_all(shelf.resources)
    with shelf.resources.reading() as uow:
        view = lending.get_request(uow, company.archive_head, request.id)
        notice = lending.notices_for(uow, company.sales_clerk)[0]
    assert view.loan.recall_reason == "借出期间密级提为秘密" and str(view.due) == "2026-11-25"
    assert notice.kind == "recall" and "海信" not in notice.text


def test_a_leaver_s_papers_show_where_people_are_managed(shelf, company, client_for):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    admin = client_for(company.admin)
    assert "借有 1 件未还" in admin.get("/admin/users").text
    admin.post(f"/admin/users/{company.sales_clerk.id}/left")
    page = admin.get(f"/admin/users/{company.sales_clerk.id}").text
    assert "此人已离职，请督促归还" in page and barcode in page and "海信" not in page
    assert "已离职" in client_for(company.archivist).get("/loans/register").text
    with pytest.raises(Forbidden), shelf.resources.reading() as uow:
        lending.at_home(uow, company.archivist)


def test_renewing_and_recalling_on_pages_and_api(shelf, company, clock, client_for, api_for):
    _, _, request = lent_near_due(shelf, company, clock)
    clerk, desk = client_for(company.sales_clerk), client_for(company.archivist)
    page = f"/loans/{request.id}"
    assert "续借到 2026-12-14" in clerk.get(page).text and "催回理由" not in clerk.get(page).text
    assert (
        "已续借，应于2026年12月14日归还" in clerk.post(f"{page}/renew", follow_redirects=True).text
    )
    assert "现在不能续借" in clerk.get(page).text
    assert "不能续借：" in clerk.post(f"{page}/renew", follow_redirects=True).text
    assert clerk.post(f"{page}/recall", data={"reason": "急用"}).status_code == 403
    wrong = desk.post(f"{page}/recall", data={"reason": ""}, follow_redirects=True)
    assert "请写明催回的理由" in wrong.text
    api = f"/api/v1{page}"
    for bad in ({}, {"reason": 7}, {"reason": "急用", "x": 1}, {"reason": ""}):
        assert api_for(company.archivist).post(f"{api}/recall", json=bad).status_code == 422
    told = api_for(company.archivist).post(f"{api}/recall", json={"reason": "<b>急用</b>"})
    assert told.json["loan"]["due"] == "2026-12-08" and told.json["loan"]["renewals"] == 1
    assert "&lt;b&gt;急用" in clerk.get(page).text
    refused = api_for(company.sales_clerk).post(f"{api}/renew")
    assert refused.status_code == 403 and "recalled" in refused.json["error"]["fields"]
    assert api_for(company.other_clerk).post(f"{api}/renew").status_code == 404
