"""Handing over in the browser and over the API: pages, passwords, refusals, the printed list."""

import pytest

PASSWORD = "档案台-测试-2026"


@pytest.fixture
def record(signed_record):
    return signed_record(pdf=b"%PDF-1.7 one")


def made_list(client, company, record):
    entries = {"department": str(company.sales_id), "month": "2026-11", "record": str(record.id)}
    answer = client.post("/handover", data=entries)
    assert answer.status_code == 302
    return answer.headers["Location"]


def digest_on(page):
    return page.partition('name="digest" value="')[2][:64]


def test_a_list_goes_its_whole_way_in_the_browser(company, client_for, record):
    clerk, archivist = client_for(company.sales_clerk), client_for(company.archivist)
    assert record.title in clerk.get("/handover").text
    address = made_list(clerk, company, record)
    page = clerk.get(address).text
    assert "签字移交" in page and "签字接收" not in page
    entries = {"digest": digest_on(page), "password": PASSWORD}
    assert clerk.post(f"{address}/hand", data={**entries, "password": "错"}).status_code == 422
    assert clerk.post(f"{address}/hand", data=entries).status_code == 302
    assert "YJ-202611-XSB-01" in archivist.get("/filing").text
    assert "YJ-202611-XSB-01" in archivist.get("/handover/all").text
    page = archivist.get(address).text
    assert "签字接收" in page
    entries = {"digest": digest_on(page), "password": PASSWORD, f"pages-{record.id}": "7"}
    answer = archivist.post(f"{address}/receive", data={**entries, "seen": str(record.id)})
    assert answer.status_code == 409
    assert "清单写 2 页，清点 7 页" in answer.text and 'value="7"' in answer.text
    entries |= {"seen": str(record.id), f"pages-{record.id}": "2"}
    assert archivist.post(f"{address}/receive", data=entries).status_code == 302
    assert "已接收" in archivist.get(address).text
    assert record.title in archivist.get("/filing").text
    assert archivist.get(f"{address}/A07.pdf").data.startswith(b"%PDF")
    assert clerk.get(f"{address}/A07.docx").data.startswith(b"PK")


def test_a_list_is_given_back_and_taken_back_in_the_browser(company, client_for, record):
    clerk, archivist = client_for(company.sales_clerk), client_for(company.archivist)
    address = made_list(clerk, company, record)
    for client, way in ((archivist, "back"), (clerk, "withdraw")):
        entries = {"digest": digest_on(clerk.get(address).text), "password": PASSWORD}
        assert clerk.post(f"{address}/hand", data=entries).status_code == 302
        assert client.post(f"{address}/{way}", data={"reason": ""}).status_code == 422
        assert client.post(f"{address}/{way}", data={"reason": "页数写错"}).status_code == 302
        assert "页数写错" in clerk.get(address).text
    assert clerk.post(f"{address}/back", data={"reason": "不归我"}).status_code == 403
    assert clerk.post(f"{address}/refresh").status_code == 302
    assert clerk.post(f"{address}/drop", data={"record": "x"}).status_code == 422
    nothing = clerk.post(f"{address}/drop")
    assert nothing.status_code == 422 and "没有勾选文件，清单没有变" in nothing.text
    assert clerk.post(f"{address}/drop", data={"record": str(record.id)}).status_code == 302
    assert clerk.post(f"{address}/discard").status_code == 302
    assert clerk.post(f"{address}/discard").status_code == 409


@pytest.mark.parametrize(
    "path",
    ["/handover?month=x", "/handover?department=x", "/handover?department=99999999999"],
)
def test_a_broken_question_is_refused(company, client_for, path):
    assert client_for(company.sales_clerk).get(path).status_code == 422


def test_nobody_looks_into_another_department(company, client_for, record):
    address = made_list(client_for(company.sales_clerk), company, record)
    other = client_for(company.other_clerk)
    assert other.get(address).status_code == 404
    assert other.get(f"/handover?department={company.sales_id}").status_code == 422
    assert record.title not in other.get("/handover").text
    assert client_for(company.archivist).get("/handover/99").status_code == 404


def test_what_is_owed_is_taken_along_as_excel(company, client_for):
    answer = client_for(company.archivist).get("/handover/all?month=2026-09&as=xlsx")
    assert answer.status_code == 200 and answer.data.startswith(b"PK")


def test_the_whole_way_over_the_api(company, api_for, record):
    filer, archivist = api_for(company.sales_clerk), api_for(company.archivist)
    sent = {"department_id": company.sales_id, "month": "2026-11", "records": [record.id]}
    for broken in ({}, [], {**sent, "records": "x"}, {**sent, "month": "x"}, {**sent, "more": 1}):
        assert filer.post("/api/v1/handovers", json=broken).status_code == 422
    made = filer.post("/api/v1/handovers", json=sent)
    assert made.status_code == 201
    address, digest = f"/api/v1/handovers/{made.json['id']}", made.json["digest"]
    signed = {"password": PASSWORD, "digest": digest}
    assert archivist.post(f"{address}/hand", json=signed).status_code == 403
    assert filer.post(f"{address}/hand", json={**signed, "digest": "0" * 64}).status_code == 409
    assert filer.post(f"{address}/hand", json=signed).json["state"] == "handed"
    assert archivist.get("/api/v1/handovers?state=handed").json["total"] == 1
    assert archivist.get("/api/v1/handovers?state=x").status_code == 422
    counted = [{"record_id": record.id, "pages": 2}]
    refused = archivist.post(f"{address}/receive", json={**signed, "counted": []})
    assert refused.status_code == 409 and record.title in refused.json["error"]["message"]
    done = archivist.post(f"{address}/receive", json={**signed, "counted": counted})
    assert done.json["received_name"] == "孙文静"
    assert archivist.post(f"{address}/back", json={"reason": "晚了"}).status_code == 409
    assert filer.get("/api/v1/handovers/owed?month=2026-11").json["items"] == []
    assert filer.get("/api/v1/handovers/owed?month=").status_code == 422
