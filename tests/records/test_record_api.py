import json

import pytest
from sqlalchemy import func, select

from archive.records.models import Record


@pytest.fixture
def api(api_for, company):
    return api_for(company.sales_clerk)


def count(resources) -> int:
    with resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(Record))


def test_forms_are_listed_and_described(api):
    forms = api.get("/api/v1/forms").get_json()
    assert {"E01", "E05", "E10"} <= {one["code"] for one in forms["items"]}
    body = api.get("/api/v1/forms/E05").get_json()
    goods = body["schema"]["properties"]["货品"]
    assert goods["items"]["properties"]["总价"]["readOnly"] is True
    assert "乙方" in body["schema"]["required"]
    assert body["sample"]["货品"]
    assert body["signers"][0]["role"] == "甲方负责人"
    assert api.get("/api/v1/forms/X99").status_code == 404


@pytest.mark.parametrize("code", ["E01", "E05", "E10"])
def test_the_sample_of_every_form_can_be_sent_as_it_is(api, code):
    sample = api.get(f"/api/v1/forms/{code}").get_json()["sample"]
    answer = api.post("/api/v1/records", json={"form": code, "values": sample})
    assert answer.status_code == 201, answer.get_json()
    assert answer.get_json()["errors"] == {}


def test_a_record_is_made_read_changed_and_listed(api, filled):
    made = api.post("/api/v1/records", json={"form": "E01", "values": filled}).get_json()
    assert made["state"] == "draft"
    assert made["secrecy"] == "内部"
    address = f"/api/v1/records/{made['id']}"
    changed = {"version": made["version"], "values": {**filled, "备注": "补"}}
    assert api.put(address, json=changed).status_code == 200
    assert api.get(address).get_json()["values"]["备注"] == "补"
    stale = api.put(address, json={**changed, "values": filled})
    assert stale.status_code == 409
    assert stale.get_json()["error"]["code"] == "conflict"
    listed = api.get("/api/v1/records?form=E01&mine=true&per_page=5").get_json()
    assert (listed["total"], listed["items"][0]["id"]) == (1, made["id"])
    assert "values" not in listed["items"][0]


def test_wrong_values_are_all_named_and_nothing_is_stored(resources, api, filled, contract_values):
    bad = {**filled, "日期": 46349, "客户名称": True, "公司电话": "x", "没有": "1", "备注": ["a"]}
    answer = api.post("/api/v1/records", json={"form": "E01", "values": bad})
    assert answer.status_code == 422
    told = answer.get_json()["error"]["fields"]
    assert told.keys() == {"日期", "客户名称", "公司电话", "没有", "备注"}
    assert told["备注"] == "应为文字"
    rows = [{"货品名称": "a", "单价": True, "数量": "x"}, {"货品名称": {}, "单价": [], "数量": 1}]
    answer = api.post(
        "/api/v1/records", json={"form": "E05", "values": {**contract_values, "货品": rows}}
    )
    assert answer.get_json()["error"]["fields"].keys() == {
        "货品[0].单价",
        "货品[0].数量",
        "货品[1].货品名称",
        "货品[1].单价",
    }
    assert count(resources) == 0


def test_a_missing_entry_is_refused_unless_it_is_a_draft(resources, api):
    answer = api.post("/api/v1/records", json={"form": "E01", "values": {}})
    assert answer.status_code == 422
    assert {"客户名称", "日期"} <= answer.get_json()["error"]["fields"].keys()
    assert count(resources) == 0
    draft = api.post("/api/v1/records", json={"form": "E01", "values": {}, "draft": True})
    assert draft.status_code == 201
    assert "客户名称" in draft.get_json()["errors"]


@pytest.mark.parametrize(
    "body",
    [
        {"form": "E01"},
        {"form": 1, "values": {}},
        {"form": "E01", "values": []},
        {"form": "E01", "values": {}, "draft": "true"},
        {"form": "E01", "values": {}, "draft": 1},
        {"form": "E01", "values": {}, "surplus": 1},
        {"form": "E01", "values": {}, "draft": True, "draft_key": "有汉字"},
        {"form": "E01", "values": {}, "draft_key": 12345678},
        [],
        "text",
        None,
    ],
)
def test_input_that_is_not_exactly_right_is_refused(resources, api, body):
    answer = api.post("/api/v1/records", json=body)
    assert answer.status_code in (400, 422), answer.get_json()
    assert answer.get_json()["error"]["message"]
    assert count(resources) == 0


def test_the_same_key_makes_one_record(resources, api, filled):
    body = {"form": "E01", "values": filled, "draft_key": "auftrag-0001"}
    first, second = (api.post("/api/v1/records", json=body).get_json() for _ in range(2))
    assert first["id"] == second["id"]
    assert count(resources) == 1


def test_a_huge_body_is_refused(resources, api, filled):
    body = {"form": "E01", "values": {**filled, "备注": "长" * 600_000}, "draft": True}
    answer = api.post("/api/v1/records", json=body)
    assert answer.status_code == 413
    assert answer.get_json()["error"]["code"] == "too_large"
    assert count(resources) == 0


def test_a_control_character_is_refused_with_a_word(resources, api, filled):
    for bad in ("含\x00空", "右\u202e左", "半\ud800个"):
        body = json.dumps({"form": "E01", "values": {**filled, "备注": bad}})
        answer = api.post("/api/v1/records", data=body, content_type="application/json")
        assert answer.status_code == 422
        assert "第 2 个字" in answer.get_json()["error"]["fields"]["备注"]
    assert count(resources) == 0


def test_broken_and_deep_json_are_refused(api):
    deep = '{"form": "E01", "values": ' + "[" * 200_000 + "]" * 200_000 + "}"
    for body in (b"{", b"\xff\xfe", deep.encode(), b""):
        answer = api.post("/api/v1/records", data=body, content_type="application/json")
        assert answer.status_code in (400, 413, 422), body[:20]


def test_strangers_find_nothing(api, api_for, company, filled):
    made = api.post("/api/v1/records", json={"form": "E01", "values": filled}).get_json()
    address = f"/api/v1/records/{made['id']}"
    stranger = api_for(company.other_clerk)
    body = {"version": 1, "values": filled}
    assert stranger.get(address).status_code == 404
    assert stranger.put(address, json=body).status_code == 404
    assert stranger.get(f"{address}/versions").status_code == 404
    assert stranger.get(f"{address}/document.docx").status_code == 404
    assert stranger.get("/api/v1/records").get_json()["total"] == 0
    assert api_for(None).get(address).status_code == 401
    assert api_for(company.admin).get("/api/v1/records").status_code == 403


def test_ids_and_pages_out_of_this_world_are_no_server_fault(api):
    assert api.get(f"/api/v1/records/{10**40}").status_code == 404
    for query in ("page=0", "page=x", "per_page=101", "state=x", "surplus=1", f"customer={2**70}"):
        assert api.get(f"/api/v1/records?{query}").status_code == 422, query


def test_versions_tell_what_was_submitted(api, make_draft, submit):
    sent = submit(make_draft())
    body = api.get(f"/api/v1/records/{sent.id}/versions").get_json()
    assert body["items"][0]["values"]["客户名称"] == "青岛海信电器有限公司"
    assert body["items"][0]["digest"] == sent.digest


def test_the_contract_names_these_calls(api):
    contract = api.get("/api/v1/openapi.json").get_json()
    paths = contract["paths"]
    assert {"get", "post"} <= paths["/api/v1/records"].keys()
    assert {"get", "put"} <= paths["/api/v1/records/{record_id}"].keys()
    assert "/api/v1/records/{record_id}/document.pdf" in paths
    assert json.dumps(contract)
