"""The whole way once more, by the JSON API alone, with each form that ships at its heart.

A program files a customer report, a sales contract and a monthly report for the people whose
tokens it holds: it fills, submits and signs, files, finds, lends and takes back, and reads the
journal of it. LibreOffice is real.
"""

import base64
import io
import re
import shutil

import pypdfium2
import pytest

from archive.jobs import drain_all
from archive.lending.service import seed_rules
from doc_templates import sample_values

PASSWORD = "档案台-测试-2026"

pytestmark = [
    pytest.mark.office,
    pytest.mark.skipif(not shutil.which("soffice"), reason="没有安装 LibreOffice，跳过整条路"),
]

GOODS = [
    {"货品名称": "缩口机", "规格": "SK-40", "单价": "12800.5", "数量": "2"},
    {"货品名称": "护套", "规格": "φ32", "单价": "3.14", "数量": "1000"},
    {"货品名称": "运杂费", "规格": "", "单价": "58.6", "数量": "1"},
]
RESULTS = [
    {"本月预定目标": "500000", "本月实际业绩": "452500", "本月去年同期": "400000"},
    {"本月预定目标": "0", "本月实际业绩": "81000", "本月去年同期": "90000"},
    {"本月预定目标": "480000", "本月实际业绩": "480000", "本月去年同期": ""},
]
FILLED = {
    "E01": ({"客户名称": "青岛海信示范电器有限公司"}, ["青岛海信示范电器有限公司"]),
    "E05": ({"货品": GOODS}, ["25,601.00", "3,140.00", "28,799.60"]),
    "E10": ({"业绩": RESULTS}, ["90.50%", "113.13%", "90.00%", "—", "100.00%"]),
}


@pytest.fixture
def converter(office_converter):
    """The real LibreOffice instead of the quick stand-in."""
    return office_converter


@pytest.fixture
def desk(resources, company, api_for):
    """Everyone's API client, by the name the answers call them."""
    with resources.work() as uow:
        seed_rules(uow)
        uow.commit()
    return {person.name: api_for(person) for person in company.everyone().values()}


def told(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json


def printed(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        return "".join(page.get_textpage().get_text_bounded() for page in document)


@pytest.mark.parametrize("code", FILLED)
def test_the_api_does_the_whole_way(resources, company, desk, drawn_signature, code):
    clerk, archivist = desk[company.sales_clerk.name], desk[company.archivist.name]
    record_id = fill_in(clerk, code)
    sign_all(clerk, desk, record_id, drawn_signature)
    look_at_the_paper(clerk, record_id, code)
    placed = {"place": {"room": "库房一", "row": "1", "bay": "1", "shelf": "1", "box": "1"}}
    item = told(archivist.post(f"/api/v1/records/{record_id}/file", json=placed), 201)
    drain_all(resources)
    find(desk, company, item)
    lend_and_take_back(desk, company, item, due="2026-11-23" if code == "E05" else "2026-12-07")


def fill_in(clerk, code):
    """A wrong entry is refused by name and nothing is made; the right ones are computed."""
    values = sample_values(code) | FILLED[code][0]
    wrong = values | {"日期" if code != "E05" else "签订日期": "去年春天"}
    refused = told(clerk.post("/api/v1/records", json={"form": code, "values": wrong}), 422)
    assert any("日期" in place for place in refused["error"]["fields"])
    made = told(clerk.post("/api/v1/records", json={"form": code, "values": values}), 201)
    stale = {"version": made["version"] + 1, "values": sample_values(code)}
    told(clerk.put(f"/api/v1/records/{made['id']}", json=stale), 409)
    told(clerk.post(f"/api/v1/records/{made['id']}/submit", json={"version": made["version"]}))
    return made["id"]


def sign_all(clerk, desk, record_id, drawn_signature):
    """Each open step by the person it waits for, never by another."""
    signature = {
        "password": PASSWORD,
        "signature_png": base64.b64encode(drawn_signature).decode(),
        "opinion": "同意。",
    }
    url = f"/api/v1/records/{record_id}"
    run = told(clerk.get(f"{url}/signing"))
    while waiting := [task for task in run["tasks"] if task["state"] == "open"]:
        who = waiting[0]["assignee"]
        for name, client in desk.items():
            if name != who:
                refused = client.post(f"{url}/sign", json=signature)
                assert refused.status_code in (403, 404, 409), name
        run = told(desk[who].post(f"{url}/sign", json=signature))
    assert told(clerk.get(url))["state"] == "signed"


def look_at_the_paper(clerk, record_id, code):
    """Word and PDF carry what was computed, as it is printed."""
    assert clerk.get(f"/api/v1/records/{record_id}/document.docx").data[:2] == b"PK"
    words = re.sub(r"\s", "", printed(clerk.get(f"/api/v1/records/{record_id}/document.pdf").data))
    for shown in FILLED[code][1]:
        assert shown in words, shown
    if code == "E05":
        assert "贰万捌仟柒佰玖拾玖元陆角" in re.sub(
            "[^零壹贰叁肆伍陆柒捌玖拾佰仟万元角]", "", words
        )


def find(desk, company, item):
    """A colleague finds the paper by its number; another department finds nothing."""
    query = {"q": item["document_number"]}
    found = told(desk[company.sales_clerk2.name].get("/api/v1/search", query_string=query))
    assert [hit["ref"] for hit in found["hits"]] == [item["id"]]
    none = told(desk[company.other_clerk.name].get("/api/v1/search", query_string=query))
    assert none["total"] == 0 and not none["hits"]


def lend_and_take_back(desk, company, item, due):
    """Asked for, approved in order, out and back by barcode; a contract is back the same day."""
    borrower, archivist = desk[company.sales_clerk2.name], desk[company.archivist.name]
    ask = {"item_id": item["id"], "mode": "original", "purpose": "核对付款条件与交货日期"}
    refused = told(borrower.post("/api/v1/loans/decide", json=ask | {"purpose": ""}))
    assert not refused["allowed"] and refused["reasons"]
    ask["business_reference"] = item["customer_name"] or item["document_number"]
    loan = told(borrower.post("/api/v1/loans", json=ask), 201)
    out = {"barcode": item["copies"][0]["barcode"], "request_id": loan["id"]}
    assert archivist.post("/api/v1/loans/hand-out", json=out).status_code in (403, 409, 422)
    for approver in (company.sales_head, company.archivist):
        told(
            desk[approver.name].post(
                f"/api/v1/loans/{loan['id']}/approve", json={"opinion": "同意"}
            )
        )
    handed = told(archivist.post("/api/v1/loans/hand-out", json=out))
    assert handed["loan"]["due"] == due
    back = {"barcode": out["barcode"], "pages": handed["loan"]["pages_out"]}
    assert told(archivist.post("/api/v1/loans/return", json=back))["loan"]["returned_at"]
