"""Lending over the API: the whole way of a paper, refusals with reasons, and bad input."""

import pytest
from sqlalchemy import func, select

from archive.lending.models import LoanRefusal, LoanRequest

PURPOSE = "客户续签合同前核对资质"
URL = "/api/v1/loans"


def ask(item: int, **changes) -> dict:
    return {
        "item_id": item,
        "mode": "original",
        "purpose": PURPOSE,
        "business_reference": "KH2026-0001",
        **changes,
    }


def count(shelf, model) -> int:
    with shelf.resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


def test_the_whole_way_over_the_api(shelf, company, api_for):
    item_id, barcode = shelf.item()
    clerk, head = api_for(company.sales_clerk2), api_for(company.sales_head)
    desk = api_for(company.archivist)

    decision = clerk.get(f"{URL}/decision?item={item_id}&mode=original").json
    assert decision["allowed"] and decision["due"] == "2026-12-07"
    assert decision["rule"] == "own-open-original@1"
    assert decision["approvals"] == ["own_head", "archivist"]
    assert [one["name"] for one in decision["approvers"]] == ["王建国", "孙文静"]

    made = clerk.post(URL, json=ask(item_id))
    assert made.status_code == 201
    loan = made.json
    assert (loan["state"], loan["loan"]) == ("waiting", None)

    assert desk.post(f"{URL}/hand-out", json={"barcode": barcode}).status_code == 409
    assert desk.post(f"{URL}/{loan['id']}/approve", json={}).status_code == 409
    assert head.post(f"{URL}/{loan['id']}/approve", json={"opinion": "同意"}).status_code == 200
    approved = desk.post(f"{URL}/{loan['id']}/approve", json={"opinion": ""}).json
    assert approved["state"] == "approved"

    out = desk.post(f"{URL}/hand-out", json={"barcode": barcode, "request_id": loan["id"]}).json
    assert out["loan"]["barcode"] == barcode and out["loan"]["due"] == "2026-12-07"
    assert desk.post(f"{URL}/hand-out", json={"barcode": barcode}).status_code == 409

    back = desk.post(f"{URL}/return", json={"barcode": barcode, "pages": 3, "condition": "完好"})
    assert back.json["state"] == "closed" and back.json["loan"]["intact"] is True
    assert desk.post(f"{URL}/return", json={"barcode": barcode, "pages": 3}).status_code == 409

    seen = clerk.get(f"{URL}/{loan['id']}").json
    assert seen["approvals"][0]["opinion"] == "同意" and seen["loan"]["returned_at"]
    listed = clerk.get(f"{URL}?mine=true&state=closed").json
    assert (listed["total"], listed["page"], listed["pages"]) == (1, 1, 1)


def test_a_refusal_answers_with_every_reason_and_stays_in_the_log(shelf, company, api_for):
    item_id, _ = shelf.item()
    answer = api_for(company.other_clerk).post(
        URL, json=ask(item_id, purpose="", business_reference="")
    )
    assert answer.status_code == 403
    error = answer.json["error"]
    assert set(error["fields"]) == {"no_purpose", "no_business_reference", "not_connected"}
    assert error["message"].startswith("不能借阅")
    assert count(shelf, LoanRefusal) == 1 and count(shelf, LoanRequest) == 0


def test_deciding_changes_nothing_and_leaves_reasons_aside_without_a_purpose(
    shelf, company, api_for
):
    item_id, _ = shelf.item()
    clerk, before = api_for(company.sales_clerk), len(shelf.journal())
    plain = clerk.post(f"{URL}/decide", json={"item_id": item_id, "mode": "original"}).json
    asked = clerk.post(
        f"{URL}/decide", json={"item_id": item_id, "mode": "original", "purpose": ""}
    ).json
    assert plain["allowed"] is True
    assert [one["code"] for one in asked["reasons"]] == ["no_purpose", "no_business_reference"]
    assert len(shelf.journal()) == before and count(shelf, LoanRefusal) == 0


def test_asking_about_somebody_else_is_for_the_register(shelf, company, api_for):
    item_id, _ = shelf.item()
    url = f"{URL}/decision?item={item_id}&mode=original&borrower=other_clerk"
    assert api_for(company.sales_clerk).get(url).status_code == 403
    found = api_for(company.archivist).get(url).json
    assert [one["code"] for one in found["reasons"]] == ["not_connected"]


def test_whoever_is_not_concerned_finds_no_request(shelf, company, api_for):
    item_id, barcode = shelf.item()
    number = shelf.ask(company.sales_clerk, item_id).id
    stranger = api_for(company.other_clerk)
    assert stranger.get(f"{URL}/{number}").status_code == 404
    for act in ("approve", "refuse", "withdraw"):
        body = {} if act == "withdraw" else {"opinion": "不行"}
        assert stranger.post(f"{URL}/{number}/{act}", json=body).status_code == 404
    assert stranger.get(URL).json["total"] == 0
    assert stranger.post(f"{URL}/hand-out", json={"barcode": barcode}).status_code == 403
    nobody = api_for(None)
    assert nobody.get(URL).status_code == 401
    assert nobody.post(URL, json=ask(item_id)).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"item_id": "1"},
        {"item_id": True},
        {"item_id": 0},
        {"item_id": 2**70},
        {"mode": "带走"},
        {"mode": None},
        {"purpose": 7},
        {"purpose": "核" * 10_000},
        {"purpose": "核对\x00资质"},
        {"business_reference": ["海信"]},
        {"unknown": 1},
    ],
)
def test_bad_requests_are_refused_and_leave_nothing(shelf, company, api_for, changes):
    item_id, _ = shelf.item()
    answer = api_for(company.sales_clerk).post(URL, json={**ask(item_id), **changes})
    assert answer.status_code == 422, answer.json
    assert answer.json["error"]["message"]
    assert count(shelf, LoanRequest) == count(shelf, LoanRefusal) == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/decide", {"item_id": 1, "mode": "original", "on": "明天"}),
        ("/decide", {"item_id": 1, "mode": "original", "on": "2026-13-01"}),
        ("/hand-out", {"barcode": 5}),
        ("/hand-out", {}),
        ("/return", {"barcode": "A", "pages": "3"}),
        ("/return", {"barcode": "A"}),
        ("/1/approve", {"opinion": None}),
        ("/1/approve", {"version": "1"}),
    ],
)
def test_input_of_the_wrong_kind_is_unprocessable(shelf, company, api_for, path, body):
    assert api_for(company.archivist).post(URL + path, json=body).status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/999", "/99999999999999999999999", "/decision?item=999&mode=original"],
)
def test_what_is_not_there_is_not_found(shelf, company, api_for, path):
    assert api_for(company.archivist).get(URL + path).status_code == 404


@pytest.mark.parametrize(
    "query", ["?page=0", "?per_page=1000", "?page=x", "?state=lost", "?colour=red", "?item=0"]
)
def test_a_list_asked_for_wrongly_is_refused(shelf, company, api_for, query):
    assert api_for(company.archivist).get(URL + query).status_code == 422


def test_not_json_is_refused(shelf, company, api_for):
    answer = api_for(company.archivist).post(f"{URL}/hand-out", data="条码")
    assert answer.status_code in (400, 415, 422) and answer.json["error"]["message"]


def test_what_the_approver_refuses_is_told_with_the_reason(shelf, company, api_for):
    number = shelf.ask(company.sales_clerk, shelf.item()[0]).id
    head = api_for(company.sales_head)
    assert head.post(f"{URL}/{number}/refuse", json={}).status_code == 422
    refused = head.post(f"{URL}/{number}/refuse", json={"opinion": "本周盘点"}).json
    assert refused["state"] == "refused" and refused["approvals"][0]["opinion"] == "本周盘点"
