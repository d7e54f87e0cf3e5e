"""Waiting for a paper: the copy held three working days, the line, what lapses, who is told."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from archive.core.calendar import WorkCalendar
from archive.core.errors import Conflict, Forbidden
from archive.filing.models import ItemCopy
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.claims import Claim, is_lapsed, last_pick_up_day, newly_held
from archive.lending.models import LoanRefusal, LoanRequest
from archive.lending.views import Refused
from archive.people.models import User

PURPOSE = "客户续签合同前核对资质"


def claims(*held: bool) -> list[Claim]:
    return [Claim(number, is_held) for number, is_held in enumerate(held, start=1)]


@pytest.mark.parametrize(
    ("free", "asked", "expected"),
    [
        (0, (), ()),
        (1, (), ()),
        (0, (False,), ()),
        (1, (False,), (1,)),
        (1, (False, False), (1,)),
        (2, (False, False), (1, 2)),
        (2, (False, False, False), (1, 2)),
        (1, (True, False), ()),
        (1, (False, True), ()),
        (2, (False, True), (1,)),
        (2, (True, False, False), (2,)),
        (3, (False, True, False), (1, 3)),
        (0, (True, False), ()),
        (0, (True, True), ()),
        (1, (True, True), ()),
        (9, (True, True), ()),
    ],
)
def test_whose_turn_it_is(free, asked, expected):
    assert newly_held(free, claims(*asked)) == expected
    assert newly_held(free, claims(*asked)[::-1]) == expected


@given(st.integers(0, 6), st.lists(st.booleans(), max_size=8))
def test_nobody_is_passed_over_and_no_copy_is_promised_twice(free, asked):
    chosen = newly_held(free, claims(*asked))
    unheld = [number for number, is_held in enumerate(asked, start=1) if not is_held]
    assert list(chosen) == unheld[: len(chosen)]
    assert not chosen or len(chosen) + sum(asked) <= free
    assert len(chosen) == len(unheld) or len(chosen) + sum(asked) >= free


@pytest.mark.parametrize(
    ("ready", "until"),
    [
        (date(2026, 11, 23), date(2026, 11, 26)),
        (date(2026, 11, 26), date(2026, 12, 1)),
        (date(2026, 11, 28), date(2026, 12, 2)),
        (date(2026, 9, 30), date(2026, 10, 10)),  # 国庆, then a Saturday made up
        (date(2026, 12, 31), date(2027, 1, 6)),
    ],
)
def test_three_working_days_to_pick_up(ready, until):
    calendar = WorkCalendar(frozenset({(date(2027, 1, 1), False)}))
    assert last_pick_up_day(ready, 3, calendar) == until
    assert not is_lapsed(until, until) and is_lapsed(until, date(2027, 2, 1))
    assert not is_lapsed(None, until)


def test_a_place_in_line_over_the_api_ends_on_the_day_asked_for(shelf, company, api_for):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    asked = {
        "item_id": item_id, "mode": "original", "purpose": "客户续签合同前核对资质",
        "business_reference": "海信",
    }  # fmt: skip
    call = api_for(company.sales_clerk2)
    refused = call.post("/api/v1/loans/reserve", json=asked | {"until": "过几天"})
    assert (refused.status_code, list(refused.json["error"]["fields"])) == (422, ["until"])
    made = call.post("/api/v1/loans/reserve", json=asked | {"until": "2026-11-27"})
    assert made.status_code == 201, made.text
    with shelf.resources.reading() as uow:
        wanted = uow.session.get_one(LoanRequest, made.json["id"]).wanted_until
    assert wanted == date(2026, 11, 27)


def reserve(shelf, who, item_id, **changes):
    typed = {"mode": "original", "purpose": PURPOSE, "reference": "海信", **changes}
    return shelf.do(
        lending.request_loan,
        who,
        item_id,
        typed["mode"],
        typed["purpose"],
        typed["reference"],
        joins_queue=True,
    )


def approve_all(shelf, request):
    while step := request.waits_for:
        request = shelf.do(lending.approve, shelf.actor(step.approver_id), request.id, "同意")
    return request


def told(shelf, who) -> list[str]:
    with shelf.resources.reading() as uow:
        return [one.kind for one in lending.notices_for(uow, who)][::-1]


def look(shelf, who, request_id):
    with shelf.resources.reading() as uow:
        return lending.get_request(uow, who, request_id)


def test_what_is_not_picked_up_in_three_working_days_is_void(shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    assert str(request.pick_up_by) == "2026-11-26" and told(shelf, company.sales_clerk) == ["ready"]
    clock.advance(days=3, hours=14)  # the last hour of Thursday in Shanghai
    assert do_loan_chores(shelf.resources) == 0
    clock.advance(hours=1)
    with pytest.raises(Conflict, match="已过取件期限"):
        shelf.do(lending.hand_out, company.archivist, barcode, request.id)
    assert do_loan_chores(shelf.resources) == 1
    assert do_loan_chores(shelf.resources) == 0
    void = look(shelf, company.sales_clerk, request.id)
    assert void.state_label == "已作废" and "11月26日" in void.closing_note
    assert told(shelf, company.sales_clerk) == ["ready", "void"]
    assert shelf.journal().count("loan.void") == 1
    with pytest.raises(Conflict, match="已作废"):
        shelf.do(lending.hand_out, company.archivist, barcode, request.id)
    assert shelf.ask(company.sales_clerk, item_id).state == "waiting"


def test_the_line_is_served_in_order(shelf, company, clock):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    refused = shelf.ask(company.sales_clerk2, item_id)
    assert isinstance(refused, Refused) and [one.code for one in refused.reasons] == ["copy_out"]
    first = reserve(shelf, company.sales_clerk2, item_id)
    second = approve_all(shelf, reserve(shelf, company.sales_head, item_id))
    first = approve_all(shelf, first)
    assert (first.place, second.place) == (1, 2) and first.state_label == "已批准，排队第 1 位"

    back = shelf.do(lending.take_back, company.archivist, barcode, 3)
    assert "林美玲" in back.next_in_line and "2026年11月26日" in back.next_in_line
    assert told(shelf, company.sales_clerk2) == ["ready"] and told(shelf, company.sales_head) == []
    with pytest.raises(Conflict, match="先来的借阅人"):
        shelf.do(lending.hand_out, company.archivist, barcode, second.id)

    clock.advance(days=4)
    assert do_loan_chores(shelf.resources) == 1
    assert told(shelf, company.sales_head) == ["ready"]
    loan = shelf.do(lending.hand_out, company.archivist, barcode).loan
    assert loan.borrower_name == company.sales_head.name


def test_the_approved_are_not_kept_waiting_by_the_unapproved(shelf, company):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    slow = reserve(shelf, company.sales_clerk2, item_id)
    quick = approve_all(shelf, reserve(shelf, company.sales_head, item_id))
    shelf.do(lending.take_back, company.archivist, barcode, 3)
    assert look(shelf, company.archivist, quick.id).pick_up_by is not None
    slow = approve_all(shelf, slow)
    assert slow.place == 1 and slow.pick_up_by is None
    shelf.do(lending.withdraw, company.sales_head, quick.id)
    assert look(shelf, company.archivist, slow.id).pick_up_by is not None


def test_what_is_held_for_another_is_not_lent_past_them(shelf, company):
    item_id, _ = shelf.item()
    shelf.approved(company.sales_clerk, item_id)
    refused = shelf.ask(company.sales_clerk2, item_id)
    assert [one.code for one in refused.reasons] == ["copy_reserved"]
    assert reserve(shelf, company.sales_clerk2, item_id).place == 1
    twin, _ = shelf.item(copies=2)
    shelf.approved(company.sales_clerk, twin)
    assert shelf.ask(company.sales_clerk2, twin).state == "waiting"


def test_whom_the_paper_does_not_concern_stands_in_no_line(shelf, company):
    item_id, barcode = shelf.item()
    with pytest.raises(Conflict, match="不用预约"):
        reserve(shelf, company.sales_clerk, item_id)
    shelf.lent(company.sales_clerk, item_id, barcode)
    with pytest.raises(Conflict, match="就在您手上"):
        reserve(shelf, company.sales_clerk, item_id, mode="onsite")
    outcome = reserve(shelf, company.other_clerk, item_id, purpose="看", reference="")
    codes = {one.code for one in outcome.reasons}
    assert {"no_purpose", "no_business_reference", "not_connected"} <= codes
    reserve(shelf, company.sales_clerk2, item_id)
    with pytest.raises(Conflict, match="已经申请过"):
        reserve(shelf, company.sales_clerk2, item_id)
    with shelf.resources.reading() as uow:
        assert len(list(uow.session.scalars(select(LoanRefusal)))) == 1


def test_a_leaver_loses_the_place_and_a_copy_found_is_given_to_the_line(shelf, company):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    leaver = approve_all(shelf, reserve(shelf, company.sales_clerk2, item_id))
    stays = approve_all(shelf, reserve(shelf, company.sales_head, item_id))
    with shelf.resources.work() as uow:
        uow.session.get(User, company.sales_clerk2.id).left_on = date(2026, 11, 23)
        uow.session.add(ItemCopy(item_id=item_id, barcode="A9999999990", pages=3, location=""))
        uow.commit()
    do_loan_chores(shelf.resources)
    assert look(shelf, company.archivist, leaver.id).closing_note == "借阅人已离职"
    assert look(shelf, company.archivist, stays.id).pick_up_by is not None


def test_the_pages_of_the_queue(shelf, company, client_for):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    client = client_for(company.sales_clerk2)
    page = client.get(f"/loans/new?item={item_id}").text
    assert "可以预约" in page and "预约排队" in page
    form = {"item": item_id, "mode": "original", "purpose": PURPOSE, "business_reference": "海信"}
    answer = client.post("/loans/new", data={**form, "act": "queue"}, follow_redirects=True)
    assert "排队第 1 位" in answer.text
    with shelf.resources.reading() as uow:
        request = lending.list_requests(uow, company.sales_clerk2, mine=True).items[0]
    approve_all(shelf, request)
    desk = client_for(company.archivist)
    sent = {"barcode": barcode, "pages": "3", "condition": "完好"}
    page = desk.post("/loans/desk/return", data=sent, follow_redirects=True).text
    assert "请留在借阅台" in page and "待取件 1 件" in page
    page = client.get("/loans").text
    assert "可以取件了" in page and "保留到 2026-11-26" in page and "都知道了" in page
    for strange in ("", "x", "-1", str(2**70)):
        assert client.post("/loans/notices/read", data={"up_to": strange}).status_code == 302
    with shelf.resources.reading() as uow:
        assert lending.unread_count(uow, company.sales_clerk2) == 0
        assert lending.unread_count(uow, company.sales_clerk) == 1


def test_reserving_over_the_api(shelf, company, api_for):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    sent = {
        "item_id": item_id,
        "mode": "original",
        "purpose": PURPOSE,
        "business_reference": "海信",
    }
    client, address = api_for(company.sales_clerk2), "/api/v1/loans/reserve"
    for wrong in ({}, {**sent, "item_id": "1"}, {**sent, "mode": 7}, {**sent, "more": 1}):
        assert client.post(address, json=wrong).status_code == 422
    assert client.post(address, json={**sent, "item_id": 99}).status_code == 404
    assert client.post(address, json={**sent, "mode": "陌生"}).status_code == 422
    made = client.post(address, json=sent)
    assert made.status_code == 201 and made.json["place"] == 1 and made.json["queued"]
    assert client.post(address, json=sent).status_code == 409
    assert api_for(company.other_clerk).post(address, json=sent).status_code == 403


def test_the_desk_alone_sees_what_is_held(shelf, company):
    with pytest.raises(Forbidden), shelf.resources.reading() as uow:
        lending.held_at_desk(uow, company.sales_clerk)
