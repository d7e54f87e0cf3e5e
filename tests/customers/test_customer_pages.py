"""The register in the browser and over the API."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from archive.core.resources import Resources
from archive.customers import service
from archive.customers.service import CustomerFields
from archive.people.rights import Actor

ClientFor = Callable[[Actor | None], FlaskClient]
NAME = "青岛海信电器有限公司"
HOSTILE = ["客户&合同", "A<B & C", "{{7*7}}", "{% for %}", "红包🧧", "𠮷野家"]


@pytest.fixture
def haixin(resources: Resources, company: Any) -> int:
    fields = CustomerFields(
        name=NAME,
        phone="0532-88880000",
        owner_id=company.sales_clerk.id,
        department_id=company.sales_id,
    )
    with resources.work() as uow:
        made = service.create_customer(uow, company.sales_clerk, fields)
        uow.commit()
    return made.id


def form_of(company: Any, **entries: str) -> dict[str, str]:
    base = {"status": "正常", "owner_id": str(company.sales_clerk.id), "department_id": "0"}
    return {**base, **entries}


def names(resources: Resources, company: Any) -> list[str]:
    with resources.reading() as uow:
        return [one.name for one in service.list_customers(uow, company.sales_clerk).items]


def test_a_customer_entered_in_the_browser_is_there(
    client_for: ClientFor, company: Any, resources: Resources
) -> None:
    client = client_for(company.sales_clerk)
    assert "新建客户" in client.get("/customers/new").text
    answer = client.post("/customers/new", data=form_of(company, name=NAME), follow_redirects=True)
    assert answer.status_code == 200
    assert NAME in answer.text and "KH20260001" in answer.text
    assert names(resources, company) == [NAME]


@pytest.mark.parametrize("name", HOSTILE)
def test_odd_names_are_shown_as_typed(client_for: ClientFor, company: Any, name: str) -> None:
    client = client_for(company.sales_clerk)
    page = client.post("/customers/new", data=form_of(company, name=name), follow_redirects=True)
    shown = name.replace("&", "&amp;").replace("<", "&lt;")
    assert f"<h1>{shown}</h1>" in page.text
    assert (
        client.get("/customers/suggest", query_string={"q": name}).json["items"][0]["name"] == name
    )


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"name": ""}, "请填写客户名称"),
        ({"name": "海" * 10_000}, "最多 120 个字"),
        ({"name": "海\x00信"}, "控制符"),
        ({"name": "海\u202e信"}, "方向符"),
        ({"name": NAME, "first_contact": "11/12/26"}, "日期看不明白"),
        ({"name": NAME, "owner_id": "999"}, "请从列表中选"),
        ({"name": NAME, "owner_id": "一"}, "请从列表中选"),
        ({"name": NAME, "status": "没有"}, "状态只能是"),
    ],
)
def test_a_wrong_entry_is_shown_at_its_place_and_nothing_typed_is_lost(
    client_for: ClientFor, company: Any, entries: dict[str, str], sentence: str
) -> None:
    data = form_of(company, remark="写了很多的备注", **entries)
    answer = client_for(company.sales_clerk).post("/customers/new", data=data)
    assert answer.status_code == 422
    assert sentence in answer.text and "写了很多的备注" in answer.text


def test_an_unreadable_entry_does_not_hide_the_others(client_for: ClientFor, company: Any) -> None:
    data = form_of(company, name="", first_contact="明天", owner_id="999")
    html = client_for(company.sales_clerk).post("/customers/new", data=data).text
    for sentence in ("请填写客户名称", "日期看不明白", "请从列表中选"):
        assert sentence in html


def test_a_likely_double_is_shown_before_anything_is_saved(
    client_for: ClientFor, company: Any, haixin: int, resources: Resources
) -> None:
    client = client_for(company.sales_clerk)
    data = form_of(company, name="青岛海信电器股份有限公司")
    asked = client.post("/customers/new", data=data)
    assert asked.status_code == 409
    assert "可能已有这位客户" in asked.text and f"/customers/{haixin}" in asked.text
    assert names(resources, company) == [NAME]
    client.post("/customers/new", data={**data, "confirmed": data["name"]})
    assert names(resources, company) == ["青岛海信电器股份有限公司", NAME]


def test_two_who_change_at_once_see_both_sides(
    client_for: ClientFor, company: Any, haixin: int, resources: Resources
) -> None:
    mine, theirs = client_for(company.sales_clerk), client_for(company.sales_head)
    address = f"/customers/{haixin}/edit"
    theirs.post(address, data=form_of(company, name=NAME, version="1", region="山东"))
    stale = mine.post(address, data=form_of(company, name=NAME, version="1", region="北京"))
    assert stale.status_code == 409
    assert "山东" in stale.text and "北京" in stale.text and "还没有保存" in stale.text
    mine.post(address, data=form_of(company, name=NAME, version="2", region="北京"))
    with resources.reading() as uow:
        assert service.get_customer(uow, company.sales_clerk, haixin).region == "北京"


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 40, "²"])
def test_a_missing_or_made_up_version_is_a_conflict(
    client_for: ClientFor, company: Any, haixin: int, version: str
) -> None:
    data = form_of(company, name=NAME, version=version, region="北京")
    answer = client_for(company.sales_clerk).post(f"/customers/{haixin}/edit", data=data)
    assert answer.status_code == 409


def test_someone_else_is_not_offered_the_change(
    client_for: ClientFor, company: Any, haixin: int
) -> None:
    page = client_for(company.other_clerk).get(f"/customers/{haixin}")
    assert page.status_code == 200 and "修改资料" not in page.text
    data = form_of(company, name=NAME, version="1")
    refused = client_for(company.other_clerk).post(f"/customers/{haixin}/edit", data=data)
    assert refused.status_code == 403


def test_what_is_typed_finds_customers_by_initials(
    client_for: ClientFor, company: Any, haixin: int
) -> None:
    items = client_for(company.other_clerk).get("/customers/suggest?q=hx").json["items"]
    assert [one["name"] for one in items] == [NAME]
    assert items[0]["phone"] == "0532-88880000"


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "status=没有", "keeper=谁", f"page={10**9}"]
)
def test_a_made_up_list_address_is_refused(client_for: ClientFor, company: Any, query: str) -> None:
    assert client_for(company.sales_clerk).get(f"/customers?{query}").status_code == 422


def test_the_api_adds_reads_changes_and_lists(api_for: ClientFor, company: Any) -> None:
    api = api_for(company.sales_clerk)
    made = api.post(
        "/api/v1/customers",
        json={"name": NAME, "credit_code": "91350100M000100Y44", "first_contact": "2026.11.3"},
    )
    assert made.status_code == 201
    assert made.json["owner_name"] == company.sales_clerk.name
    assert made.json["first_contact"] == "2026-11-03"
    assert "校验位" in made.json["warnings"][0]
    address = f"/api/v1/customers/{made.json['id']}"
    changed = api.patch(address, json={"version": made.json["version"], "region": "山东"})
    assert (changed.json["region"], changed.json["first_contact"]) == ("山东", "2026-11-03")
    assert api.patch(address, json={"version": 1, "region": "北京"}).status_code == 409
    assert api.get(address).json == changed.json
    listed = api.get("/api/v1/customers?text=hx").json
    assert (listed["total"], listed["items"][0]["name"]) == (1, NAME)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": 3}, "name"),
        ({"name": "海信", "owner_id": "1"}, "owner_id"),
        ({"name": "海信", "owner_id": 10**30}, "owner_id"),
        ({"name": "海信", "colour": "红"}, "colour"),
        ({"name": "海信", "first_contact": "明天"}, "first_contact"),
        ({"name": "海" * 10_000}, "name"),
        ({"name": None}, "name"),
        ({"name": "海信", "department_id": 999}, "department_id"),
    ],
)
def test_the_api_names_the_wrong_entry(
    api_for: ClientFor, company: Any, body: dict[str, object], field: str
) -> None:
    answer = api_for(company.sales_clerk).post("/api/v1/customers", json=body)
    assert answer.status_code == 422
    assert field in answer.json["error"]["fields"]


def test_the_api_knows_nobody_by_cookie(client_for: ClientFor, company: Any) -> None:
    answer = client_for(company.sales_clerk).get("/api/v1/customers")
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "unauthenticated")
