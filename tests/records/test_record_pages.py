import re
from urllib.parse import unquote

import pytest

from archive.records import service

AUTOSAVE = "/records/{}/autosave"


@pytest.fixture
def clerk(client_for, company):
    return client_for(company.sales_clerk)


def draft_form(filled, version, **more):
    return {**filled, "version": str(version), **more}


def stored(resources, record_id):
    with resources.reading() as uow:
        return service.load_record(uow, record_id)


def test_a_double_click_on_a_tile_opens_one_draft(resources, clerk):
    page = clerk.get("/records/new").get_data(as_text=True)
    assert "新开发客户报告表" in page
    key = re.search(r'value="E01">\s*<input type="hidden" name="draft_key" value="([^"]+)"', page)[
        1
    ]
    first = clerk.post("/records/new", data={"form": "E01", "draft_key": key})
    second = clerk.post("/records/new", data={"form": "E01", "draft_key": key})
    assert first.status_code == 302
    assert first.location == second.location
    record = stored(resources, 1)
    assert record.content["日期"] == "2026-11-23"
    assert record.content["主办人员"] == "陈晓东"


def test_an_unknown_form_is_no_server_fault(clerk):
    assert clerk.post("/records/new", data={"form": "../E01"}).status_code == 404
    assert clerk.post("/records/new").status_code == 404


@pytest.mark.parametrize("code", ["E01", "E05", "E10"])
def test_the_entry_page_has_a_box_for_every_entry_in_the_order_of_the_paper(clerk, code):
    location = clerk.post("/records/new", data={"form": code}).location
    page = clerk.get(location).get_data(as_text=True)
    from doc_templates import load_form

    for entry in load_form(code).fields:
        assert f'id="f-{entry.key}"' in page, entry.key
        if not entry.is_computed and entry.kind != "rows":
            assert f'data-entry="{entry.key}"' in page, entry.key
        assert page.count(f'id="f-{entry.key}"') == 1, entry.key
    assert page.index("No.") < page.index("提交后签")


def test_the_plain_post_saves_and_keeps_wrong_entries(resources, clerk, make_draft, filled):
    record = make_draft()
    answer = clerk.post(
        f"/records/{record.id}/edit", data=draft_form(filled, record.version, 日期="去年")
    )
    assert answer.status_code == 302
    page = clerk.get(f"/records/{record.id}/edit").get_data(as_text=True)
    assert "去年" in page
    assert "日期的写法不明确" in page
    assert stored(resources, record.id).content["日期"] == "去年"


def test_rows_are_added_and_removed_without_scripts(resources, clerk, make_draft, contract_values):
    record = make_draft(contract_values, code="E05")
    flat = {key: value for key, value in contract_values.items() if isinstance(value, str)}
    for index, row in enumerate(contract_values["货品"]):
        flat |= {f"货品[{index}].{key}": value for key, value in row.items()}
    address = f"/records/{record.id}/edit"
    clerk.post(address, data=draft_form(flat, record.version, action="add:货品"))
    after = stored(resources, record.id)
    assert len(after.content["货品"]) == 3
    clerk.post(address, data=draft_form(flat, after.version, action="remove:货品:0"))
    assert [row["规格"] for row in stored(resources, record.id).content["货品"]] == ["L-7"]


def test_a_stale_plain_post_shows_both_and_saves_nothing(resources, clerk, make_draft, filled):
    record = make_draft()
    clerk.post(f"/records/{record.id}/edit", data=draft_form(filled, 1, 备注="先存的"))
    answer = clerk.post(f"/records/{record.id}/edit", data=draft_form(filled, 1, 备注="后写的"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "先存的" in page and "后写的" in page
    assert stored(resources, record.id).content["备注"] == "先存的"
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    again = clerk.post(
        f"/records/{record.id}/edit", data=draft_form(filled, version, 备注="后写的")
    )
    assert again.status_code == 302
    assert stored(resources, record.id).content["备注"] == "后写的"


def test_autosave_answers_with_computed_values_and_gaps(clerk, make_draft, contract_values):
    record = make_draft(contract_values, code="E05")
    rows = [{"货品名称": "风机", "规格": "", "单价": "3", "数量": "x"}, {"单价": "2", "数量": "5"}]
    answer = clerk.post(
        AUTOSAVE.format(record.id),
        json={"version": record.version, "values": {**contract_values, "货品": rows}},
    )
    body = answer.get_json()
    assert answer.status_code == 200
    assert body["version"] > record.version
    assert body["errors"].keys() == {"货品[0].数量"}
    assert "货品[1].货品名称" in body["missing"]
    assert body["shown"]["货品[1].总价"] == "10.00"
    assert body["values"]["货品"][0]["数量"] == "x"


def test_autosave_twice_is_fine_and_stale_answers_with_the_other_version(clerk, make_draft, filled):
    record = make_draft()
    address = AUTOSAVE.format(record.id)
    first = {"version": record.version, "values": {**filled, "备注": "甲"}}
    saved = clerk.post(address, json=first)
    assert clerk.post(address, json=first).get_json()["version"] == saved.get_json()["version"]
    stale = clerk.post(address, json={**first, "values": {**filled, "备注": "乙"}})
    assert stale.status_code == 409
    assert stale.get_json()["theirs"]["values"]["备注"] == "甲"
    assert stale.get_json()["error"]["code"] == "conflict"
    now = clerk.get(f"/records/{record.id}/entries.json").get_json()
    assert now["values"]["备注"] == "甲"


@pytest.mark.parametrize(
    "body",
    [
        "不是 JSON",
        "[]",
        "{}",
        '{"version": "1", "values": {}}',
        '{"version": true, "values": {}}',
        '{"version": 1, "values": []}',
        '{"version": 1, "values": {"没有": 1}}',
        '{"version": 1, "values": {"客户名称": {"a": 1}}}',
        '{"version": 1, "values": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_a_broken_autosave_is_refused_and_changes_nothing(resources, clerk, make_draft, body):
    record = make_draft()
    answer = clerk.post(
        AUTOSAVE.format(record.id), data=body.encode(), content_type="application/json"
    )
    assert answer.status_code in (400, 413, 422)
    assert stored(resources, record.id).version == record.version


def test_someone_elses_draft_is_not_there(client_for, company, make_draft):
    record = make_draft()
    stranger = client_for(company.other_clerk)
    for address in (
        "",
        "/edit",
        "/entries.json",
        "/document.docx",
        "/document.pdf",
        "/preview.png",
    ):
        assert stranger.get(f"/records/{record.id}{address}").status_code == 404
    body = {"version": 1, "values": {}}
    assert stranger.post(AUTOSAVE.format(record.id), json=body).status_code == 404
    assert stranger.post(f"/records/{record.id}/copy").status_code == 404
    assert "海信" not in stranger.get("/records").get_data(as_text=True)


def test_nobody_signed_in_is_sent_to_the_door(client_for, make_draft):
    record = make_draft()
    nobody = client_for(None)
    for address in ("/records", "/records/new", f"/records/{record.id}/edit"):
        assert "/login" in nobody.get(address).location


def test_a_signer_who_opens_the_entry_page_is_shown_the_paper(
    client_for, company, make_draft, submit
):
    sent = submit(make_draft())
    head = client_for(company.sales_head)
    assert head.get(f"/records/{sent.id}/edit").location == f"/records/{sent.id}"
    page = head.get(f"/records/{sent.id}").get_data(as_text=True)
    assert "签核中" in page and "三次上门拜访" in page and "继续填写" not in page


def test_the_paper_names_what_is_still_missing(clerk, make_draft):
    record = make_draft({"客户名称": "青岛海信电器有限公司"})
    page = clerk.get(f"/records/{record.id}").get_data(as_text=True)
    assert "处要填好或改正" in page
    assert f'href="/records/{record.id}/edit#f-' in page


def test_the_paper_shows_why_it_came_back_and_what_changed(
    resources, clerk, company, make_draft, submit, filled
):
    sent = submit(make_draft())
    with resources.work() as uow:
        back = service.mark_returned(uow, company.sales_head, sent.id, "地址不全")
        fixed = service.save_draft(
            uow, company.sales_clerk, sent.id, {**filled, "公司地址": "新地址一号"}, back.version
        )
        uow.commit()
    assert "地址不全" in clerk.get(f"/records/{sent.id}").get_data(as_text=True)
    submit(fixed)
    page = clerk.get(f"/records/{sent.id}").get_data(as_text=True)
    assert "比上一次改了 1 处" in page and "新地址一号" in page


@pytest.mark.parametrize("typed", ["A<B & C", "{{7*7}}", "{% for %}", '"><img src=x>', "红包🧧𠮷"])
def test_what_was_typed_stands_on_both_pages_as_typed(clerk, make_draft, filled, typed):
    from markupsafe import escape

    record = make_draft({**filled, "开拓经过": typed, "客户名称": typed})
    for address in ("", "/edit"):
        page = clerk.get(f"/records/{record.id}{address}").get_data(as_text=True)
        assert str(escape(typed)) in page
        assert "<img src=x>" not in page


def test_a_wrong_choice_of_filters_shows_the_list_all_the_same(clerk, make_draft):
    make_draft()
    for query in ("?state=乱写", "?customer=abc", "?form=%00", "?q=%00%25", "?page=x"):
        assert clerk.get(f"/records{query}").status_code == 200
    for query in ("?page=0", "?customer=99999999999999999999"):
        assert clerk.get(f"/records{query}").status_code == 422


def test_filters_stay_in_the_links_of_the_pager(clerk, make_draft):
    for _ in range(21):
        make_draft()
    page = clerk.get("/records?form=E01&mine=1").get_data(as_text=True)
    assert "共 21 条" in page
    assert "form=E01&amp;mine=1&amp;page=2" in page


def test_copying_opens_a_new_draft_once(clerk, make_draft):
    record = make_draft()
    first = clerk.post(f"/records/{record.id}/copy", data={"draft_key": "kopie-12345"})
    second = clerk.post(f"/records/{record.id}/copy", data={"draft_key": "kopie-12345"})
    assert first.location == second.location != f"/records/{record.id}/edit"


def test_pages_carry_no_inline_script_or_style(clerk, make_draft, contract_values):
    record = make_draft(contract_values, code="E05")
    for address in (
        "/records/new",
        "/records",
        f"/records/{record.id}",
        f"/records/{record.id}/edit",
    ):
        page = clerk.get(address).get_data(as_text=True)
        assert not re.search(r"\sstyle=|\son[a-z]+=", page)
        for tag in re.findall(r"<script[^>]*>", page):
            assert "src=" in tag or "application/json" in tag


@pytest.mark.parametrize("suffix", ["docx", "pdf"])
def test_the_empty_form_is_given_out_under_its_chinese_name(company, client_for, suffix):
    answer = client_for(company.sales_clerk).get(f"/records/new/E05/blank.{suffix}")
    name = answer.headers["Content-Disposition"]
    assert answer.status_code == 200 and name.isascii(), "else the server cannot send it"
    assert unquote(name).endswith(f"E05 买卖合同（空白）.{suffix}")
    assert name.startswith("inline" if suffix == "pdf" else "attachment")
