"""The archive's desk, the catalogue and the volumes in the browser; the same over the API."""

import pytest

from archive.filing import service as filing
from archive.filing.import_rows import batch_of
from archive.filing.rules import Place
from archive.records import service as records

PLACE = {"room": "库房一", "row": "02", "bay": "03", "shelf": "04", "box": "12"}


@pytest.fixture
def filed_item(resources, company, signed_record):
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, signed_record().id, place=Place(**PLACE))
        uow.commit()
    return item


def appraised(resources, company, record):
    with resources.work() as uow:
        item = filing.appraise(uow, company.archivist, record.id)
        uow.commit()
    return item


def version_of(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id).version


def test_an_archivist_files_step_by_step_in_the_browser(
    resources, company, client_for, signed_record
):
    record, browser = signed_record(), client_for(company.archivist)
    desk = browser.get("/filing").text
    assert record.title in desk
    assert f"/filing/record/{record.id}" in desk
    page = browser.get(f"/filing/record/{record.id}").text
    assert "鉴别合格" in page
    assert "客户开发" in page

    answer = browser.post(f"/filing/record/{record.id}/appraise")
    item_url = answer.headers["Location"]
    page = browser.get(item_url).text
    assert "归属确定" in page
    assert 'value="客户开发" selected' in page
    item_id = int(item_url.rsplit("/", 1)[1])

    def post(step, **entries):
        entries["version"] = version_of(resources, item_id)
        return browser.post(f"/filing/item/{item_id}/{step}", data=entries)

    belonging = {
        "category": "kh",
        "item_class": "客户开发",
        "year": "2026",
        "retention": "D30",
        "unit": "xsb",
        "secrecy": "内部",
    }
    assert post("classify", **belonging).status_code == 302
    assert "暂定归档号" in browser.get(item_url).text
    assert post("catalogue").status_code == 302
    assert "Z109-KH·2026-D30-XSB-L0001" in browser.get(item_url).text
    answer = post("shelve", **PLACE, pages="3")
    assert answer.headers["Location"].endswith(f"/items/{item_id}")
    page = browser.get(f"/items/{item_id}").text
    for words in ("在库", "库房一-02-03-04 盒12", "A0000000014", "孙文静", "<svg"):
        assert words in page
    signed_record(客户名称="青岛澳柯玛股份有限公司")
    assert 'value="库房一-02-03-04 盒12"' in browser.get("/filing").text


def test_a_wrong_entry_is_shown_at_its_field_and_nothing_typed_is_lost(
    resources, company, client_for, signed_record
):
    item = appraised(resources, company, signed_record())
    browser = client_for(company.archivist)
    answer = browser.post(
        f"/filing/item/{item.id}/classify",
        data={
            "category": "KH",
            "item_class": "合同",
            "year": "2024",
            "retention": "D10",
            "unit": "XSB",
            "secrecy": "内部",
            "version": item.version,
        },
    )
    assert answer.status_code == 422
    assert "最少保管30年" in answer.text
    assert 'value="2024"' in answer.text
    assert 'value="D10" selected' in answer.text


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"version": "一"},
        {"version": "1", "year": "去年", "secrecy": "内部"},
        {"version": "1", "year": "2026", "secrecy": "绝密"},
        {"version": "9" * 40},
        {"version": "1", "year": "2026", "secrecy": "内部", "category": "<b>\x00"},
    ],
)
def test_a_broken_post_is_refused_without_a_fault_of_ours(
    resources, company, client_for, signed_record, entries
):
    item = appraised(resources, company, signed_record())
    answer = client_for(company.archivist).post(f"/filing/item/{item.id}/classify", data=entries)
    assert answer.status_code in (409, 422)
    assert version_of(resources, item.id) == item.version


def test_a_second_click_says_where_things_stand(resources, company, client_for, signed_record):
    record, browser = signed_record(), client_for(company.archivist)
    assert browser.post(f"/filing/record/{record.id}/appraise").status_code == 302
    assert browser.post(f"/filing/record/{record.id}/appraise").status_code == 409
    assert browser.get(f"/filing/record/{record.id}").status_code == 302


def test_many_are_filed_at_once_each_by_itself(resources, company, client_for, signed_record):
    first, second = signed_record(), signed_record(客户名称="青岛澳柯玛股份有限公司")
    browser = client_for(company.archivist)
    answer = browser.post(
        "/filing/many",
        data={"record": [first.id, 999, second.id, "x"], "place": "库房二-01-01-01 盒1"},
        follow_redirects=True,
    )
    assert "已归档 2 份文件" in answer.text
    assert "没有这份文件" in answer.text
    with resources.reading() as uow:
        found = filing.list_items(uow, company.archivist)
        assert [item.copies[0].location for item in found.items] == ["库房二-01-01-01 盒1"] * 2
    assert "请先勾选" in browser.post("/filing/many", follow_redirects=True).text


def test_the_rest_is_done_in_one_from_the_desk(resources, company, client_for, signed_record):
    item = appraised(resources, company, signed_record())
    browser = client_for(company.archivist)
    answer = browser.post(
        f"/filing/item/{item.id}/rest", data={"version": item.version, "from": "desk"}
    )
    assert answer.headers["Location"].endswith("/filing")
    assert "已归档" in browser.get("/filing").text


def test_a_record_is_given_back_with_a_reason(resources, company, client_for, signed_record):
    record, browser = signed_record(), client_for(company.archivist)
    refused = browser.post(f"/filing/record/{record.id}/return", follow_redirects=True)
    assert "请写明原因" in refused.text
    browser.post(f"/filing/record/{record.id}/return", data={"reason": "签名看不清"})
    with resources.reading() as uow:
        assert records.load_record(uow, record.id).state == "returned"


def test_the_catalogue_is_listed_and_narrowed(company, client_for, filed_item):
    browser = client_for(company.sales_clerk2)
    assert filed_item.title in browser.get("/items").text
    assert filed_item.title in browser.get(f"/items?customer={filed_item.customer_id}").text
    assert filed_item.title in browser.get("/items?text=z109－kh•2026").text
    for query in ("form=E05", "year=2020", "class=合同", "state=offered", "text=没有"):
        assert filed_item.title not in browser.get(f"/items?{query}").text
    for query in ("year=x", "customer=a", "text=%00", "page=0", "year=" + "9" * 30):
        assert browser.get(f"/items?{query}").status_code == 422
    assert browser.get("/items?customer=999").status_code == 404


def test_another_department_sees_nothing(company, client_for, filed_item):
    browser = client_for(company.other_clerk)
    assert filed_item.title not in browser.get("/items").text
    for path in (
        f"/items/{filed_item.id}",
        f"/items/{filed_item.id}/label",
        f"/items/{filed_item.id}/files/{filed_item.files[0].id}",
        f"/volumes/{filed_item.volume_id}",
        f"/filing/item/{filed_item.id}",
    ):
        assert browser.get(path).status_code == 404, path


@pytest.mark.parametrize("path", ["/filing", "/filing/record/{record}", "/filing/item/{item}"])
def test_a_clerk_has_no_desk(company, client_for, filed_item, path):
    address = path.format(record=filed_item.record_id, item=filed_item.id)
    assert client_for(company.sales_clerk).get(address).status_code == 403


@pytest.mark.parametrize("path", ["/filing", "/items", "/items/1", "/volumes", "/volumes/1"])
def test_nobody_is_sent_to_the_login(client_for, path):
    answer = client_for(None).get(path)
    assert answer.status_code in (302, 303)
    assert "login" in answer.headers["Location"]


def test_a_file_is_handed_out_byte_for_byte_with_safe_headers(
    resources, company, client_for, filed_item
):
    master = filed_item.files[0]
    browser = client_for(company.sales_clerk)
    answer = browser.get(f"/items/{filed_item.id}/files/{master.id}")
    assert answer.data == resources.blobs.read(master.sha256)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    shown = browser.get(f"/items/{filed_item.id}/files/{master.id}?inline=1")
    assert shown.headers["Content-Disposition"].startswith("inline;")
    word = filed_item.files[1]
    kept = browser.get(f"/items/{filed_item.id}/files/{word.id}?inline=1")
    assert kept.headers["Content-Disposition"].startswith("attachment;")
    assert browser.get(f"/items/{filed_item.id}/files/999").status_code == 404


def test_the_label_carries_barcode_and_code(company, client_for, filed_item):
    page = client_for(company.archivist).get(f"/items/{filed_item.id}/label").text
    assert page.count("<svg") == 2
    assert filed_item.code in page
    assert "style=" not in page


def test_a_volume_page_has_the_columns_of_the_standard(company, client_for, filed_item):
    browser = client_for(company.sales_clerk)
    assert "2026年度 销售部 客户开发（30年）" in browser.get("/volumes").text
    page = browser.get(f"/volumes/{filed_item.volume_id}").text
    place = -1
    for column in ("序号", "档号", "文号", "责任者", "题名", "日期", "密级", "页数", "备注"):
        assert page.index(f">{column}</th>") > place
        place = page.index(f">{column}</th>")
    assert filed_item.title in page


def test_hostile_words_are_shown_as_typed(resources, company, client_for):
    words = 'A<B & C {{7*7}} "><script>alert(1)</script>🧧'
    with resources.work() as uow:
        batch = batch_of([{"title": words, "text": words, "status": "<b>", "number": words[:80]}])
        [item_id] = filing.import_batch(uow, company.archivist, batch).imported
        uow.commit()
    browser = client_for(company.archivist)
    for path in ("/items", f"/items/{item_id}", f"/items/{item_id}/label"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "A&lt;B &amp; C {{7*7}}" in page


# ---- the API


def test_the_four_steps_over_the_api(company, api_for, signed_record):
    record, archivist = signed_record(), api_for(company.archivist)
    made = archivist.post("/api/v1/items", json={"record_id": record.id})
    assert (made.status_code, made.json["next_step"]) == (201, "归属")
    item = f"/api/v1/items/{made.json['id']}"
    early = archivist.post(f"{item}/catalogue", json={})
    assert early.status_code == 409
    assert "归属" in early.json["error"]["message"]
    short = archivist.post(f"{item}/classify", json={"item_class": "合同", "retention": "D10"})
    assert (short.status_code, list(short.json["error"]["fields"])) == (422, ["retention"])
    longer = {"retention": "Y", "version": made.json["version"]}
    assert archivist.post(f"{item}/classify", json=longer).json["retention_label"] == "永久"
    stale = archivist.post(f"{item}/catalogue", json={"version": made.json["version"]})
    assert stale.status_code == 409
    assert archivist.post(f"{item}/catalogue", json={}).json["code"] == "Z109-KH·2026-Y-XSB-L0001"
    shelved = archivist.post(f"{item}/shelve", json={"place": PLACE, "pages": 2})
    assert shelved.json["state"] == "shelved"
    assert shelved.json["copies"][0]["barcode"] == "A0000000014"
    assert [step["step"] for step in shelved.json["steps"]] == ["鉴别", "归属", "登记目录", "上架"]
    assert archivist.post(f"{item}/shelve", json={"place": PLACE}).status_code == 409
    seen = api_for(company.sales_clerk).get(item).json
    assert (seen["secrecy"], seen["customer_name"]) == ("内部", "青岛海信电器股份有限公司")


def test_one_call_files_a_record(company, api_for, signed_record):
    record, archivist = signed_record(), api_for(company.archivist)
    meant_of_an_item = {"place": PLACE, "version": 1}
    refused = archivist.post(f"/api/v1/records/{record.id}/file", json=meant_of_an_item)
    assert (refused.status_code, list(refused.json["error"]["fields"])) == (422, ["version"])
    done = archivist.post(f"/api/v1/records/{record.id}/file", json={"place": PLACE})
    assert (done.status_code, done.json["state"]) == (201, "shelved")
    volume = archivist.get(f"/api/v1/volumes/{done.json['volume_id']}").json
    assert volume["volume"]["items"] == 1
    assert volume["items"][0]["code"] == done.json["code"]
    assert archivist.get("/api/v1/volumes?year=2026").json["total"] == 1


def test_what_is_left_in_one_call(company, api_for, signed_record):
    archivist = api_for(company.archivist)
    made = archivist.post("/api/v1/items", json={"record_id": signed_record().id}).json
    done = archivist.post(f"/api/v1/items/{made['id']}/file", json={"version": made["version"]})
    assert done.json["copies"][0]["location"] == "新件架"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/items", {"record_id": "1"}),
        ("/api/v1/items", {"record_id": True}),
        ("/api/v1/items", {"record_id": 1, "state": "shelved"}),
        ("/api/v1/items", {}),
        ("/api/v1/items", []),
        ("/api/v1/items/{item}/classify", {"year": "2026"}),
        ("/api/v1/items/{item}/classify", {"year": 10**30}),
        ("/api/v1/items/{item}/classify", {"secrecy": "绝密"}),
        ("/api/v1/items/{item}/classify", {"unit": "\x00"}),
        ("/api/v1/items/{item}/shelve", {}),
        ("/api/v1/items/{item}/shelve", {"place": "库房"}),
        ("/api/v1/items/{item}/file", {"pages": -1}),
        ("/api/v1/items/{item}/file", {"place": {"room": "库\x00"}}),
        ("/api/v1/items/import", {"rows": "x"}),
        ("/api/v1/items/import", {"rows": [{"title": "x"}] * 501}),
    ],
)
def test_wrong_bodies_are_refused_and_change_nothing(
    resources, company, api_for, signed_record, path, body
):
    item = appraised(resources, company, signed_record())
    answer = api_for(company.archivist).post(path.format(item=item.id), json=body)
    assert answer.status_code in (409, 422), answer.json
    assert answer.json["error"]["message"]
    assert version_of(resources, item.id) == item.version


def test_rows_are_imported_over_the_api_and_read_back(company, api_for):
    archivist = api_for(company.archivist)
    rows = [{"id": "OLD-1", "title": "旧合同", "department": "销售部"}, {"title": ""}]
    first = archivist.post("/api/v1/items/import", json={"rows": rows}).json
    assert (len(first["imported"]), first["failed"][0]["where"]) == (1, "第 2 条")
    again = archivist.post("/api/v1/items/import", json={"rows": rows[:1]}).json
    assert (again["imported"], len(again["skipped"])) == ([], 1)
    [item] = archivist.get("/api/v1/items?text=旧合同").json["items"]
    assert (item["external_id"], item["state_label"]) == ("OLD-1", "在库")
    assert (
        api_for(company.sales_clerk)
        .post("/api/v1/items/import", json={"rows": []})
        .json["error"]["code"]
        == "forbidden"
    )


def test_rights_over_the_api(company, api_for, filed_item, signed_record):
    other, clerk = api_for(company.other_clerk), api_for(company.sales_clerk)
    waiting = signed_record(客户名称="青岛澳柯玛股份有限公司")
    assert other.get(f"/api/v1/items/{filed_item.id}").status_code == 404
    assert other.get("/api/v1/items").json["total"] == 0
    assert clerk.get("/api/v1/items").json["total"] == 1
    assert clerk.post("/api/v1/items", json={"record_id": waiting.id}).status_code == 403
    assert other.post("/api/v1/items", json={"record_id": waiting.id}).status_code == 404
    assert api_for(None).get("/api/v1/items").status_code == 401
    master = filed_item.files[0]
    path = f"/api/v1/items/{filed_item.id}/files/{master.id}"
    assert clerk.get(path).data.startswith(b"%PDF")
    assert other.get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["per_page=0", "per_page=101", "page=0", "year=x", "customer_id=" + "9" * 30]
)
def test_senseless_queries_are_refused(company, api_for, query):
    assert api_for(company.archivist).get(f"/api/v1/items?{query}").status_code == 422


def test_a_record_is_given_back_over_the_api(resources, company, api_for, signed_record):
    record = signed_record()
    path = f"/api/v1/records/{record.id}/file-refusal"
    assert api_for(company.archivist).post(path, json={"reason": " "}).status_code == 422
    done = api_for(company.archivist).post(path, json={"reason": "缺第二页"}).json
    assert (done["reason"], done["by_name"]) == ("缺第二页", "孙文静")
    with resources.reading() as uow:
        assert records.load_record(uow, record.id).state == "returned"
