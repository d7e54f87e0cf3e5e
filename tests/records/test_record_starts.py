"""What a draft begins with: a customer, an earlier record, another form's entries."""

import json

import pytest

from archive.core.errors import Conflict, Invalid, NotFound
from archive.customers.service import CustomerFields, create_customer
from archive.records import service
from archive.records.rules import with_taken
from doc_templates import load_form

HISENSE = "青岛海信电器有限公司"


@pytest.fixture
def customer(resources, company):
    fields = CustomerFields(
        name=HISENSE,
        address="青岛市市南区东海西路17号",
        phone="0532-83878888",
        legal_person="高先生",
    )
    with resources.work() as uow:
        made = create_customer(uow, company.sales_clerk, fields)
        uow.commit()
    return made


@pytest.fixture
def start(resources, company):
    def begin(code="E01", actor=None, **more):
        with resources.work() as uow:
            record = service.start_draft(uow, actor or company.sales_clerk, code, **more)
            uow.commit()
        return record

    return begin


def test_a_form_for_a_customer_begins_with_what_is_known(start, customer):
    for asked in (str(customer.id), HISENSE, f"　{HISENSE} "):
        record = start(customer=asked)
        assert record.customer_id == customer.id
        assert record.content["公司地址"] == "青岛市市南区东海西路17号"
        assert record.content["公司电话"] == "0532-83878888"
        assert record.content["日期"] == "2026-11-23"


def test_an_unknown_name_is_kept_as_typed_but_an_unknown_id_is_refused(start):
    assert start(customer="还没登记的客户").content["客户名称"] == "还没登记的客户"
    with pytest.raises(NotFound):
        start(customer="999")


@pytest.mark.parametrize("asked", ["   ", "0", "-1", "9" * 40, "A<B & C", "{{7*7}}", "x" * 10_000])
def test_an_odd_customer_breaks_nothing(start, asked):
    try:
        record = start(customer=asked)
    except NotFound:
        return
    name = asked.strip()[:120]
    assert record.content["客户名称"] == ("" if name.isdigit() else name)


def test_a_form_after_one_of_another_kind_takes_what_both_have(start, make_draft, customer):
    source = make_draft()
    contract = start("E05", source_id=source.id)
    assert contract.content["乙方"] == HISENSE
    assert contract.content["乙方地址"] == "青岛市市南区东海西路17号"
    assert contract.content["签订日期"] == "2026-11-23"


def test_what_one_may_not_read_cannot_be_a_beginning(start, make_draft, company):
    source = make_draft()
    with pytest.raises(NotFound):
        start(source_id=source.id, actor=company.other_clerk)


def test_the_choosing_page_carries_customer_and_source_along(
    client_for, company, customer, make_draft
):
    clerk = client_for(company.sales_clerk)
    page = clerk.get(f"/records/new?customer={customer.id}").get_data(as_text=True)
    assert HISENSE in page and f'name="customer" value="{customer.id}"' in page
    record = make_draft()
    page = clerk.get(f"/records/new?from={record.id}").get_data(as_text=True)
    assert record.title in page and f'name="from" value="{record.id}"' in page
    made = clerk.post("/records/new", data={"form": "E05", "customer": str(customer.id)})
    assert HISENSE in clerk.get(made.location).get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    ["?customer=999", "?from=999", "?from=x", "?from=" + "9" * 30, "?customer=%00", "?from=-1"],
)
def test_a_broken_link_to_a_new_form_shows_the_forms_all_the_same(client_for, company, query):
    page = client_for(company.sales_clerk).get(f"/records/new{query}")
    assert page.status_code == 200
    assert "新开发客户报告表" in page.get_data(as_text=True)
    assert 'name="from"' not in page.get_data(as_text=True)


def test_a_strangers_record_does_not_show_on_the_choosing_page(client_for, company, make_draft):
    record = make_draft()
    page = client_for(company.other_clerk).get(f"/records/new?from={record.id}")
    assert record.title not in page.get_data(as_text=True)


def test_earlier_records_of_the_same_customer_come_first(
    resources, company, make_draft, filled, clock
):
    same = make_draft()
    clock.advance(hours=1)
    newer = make_draft({**filled, "客户名称": "佛山美的制冷有限公司"})
    draft = make_draft()
    hidden = make_draft(actor=company.sales_clerk2)
    with resources.reading() as uow:
        page = service.list_earlier(uow, company.sales_clerk, draft.id)
        found = service.list_earlier(uow, company.sales_clerk, draft.id, "美的 报告")
        none = service.list_earlier(uow, company.sales_clerk, draft.id, "100%_")
    assert [one.id for one in page.items] == [same.id, newer.id]
    assert hidden.id not in {one.id for one in page.items}
    assert [one.id for one in found.items] == [newer.id]
    assert none.total == 0


def test_blank_entries_are_filled_and_typed_ones_kept_unless_asked(filled):
    form = load_form("E01")
    mine = {**filled, "备注": "我写的", "使用产品": "", "日期": "2026-11-23"}
    taken = {"备注": "以前的", "使用产品": "压缩机"}
    careful = with_taken(form, mine, taken, overwrite=False)
    assert (careful["备注"], careful["使用产品"]) == ("我写的", "压缩机")
    assert with_taken(form, mine, taken, overwrite=True)["备注"] == "以前的"


def test_rows_the_form_itself_put_there_count_as_blank():
    form = load_form("E10")
    preset = [{"项目": "营业额"}, {"项目": "毛利"}, {"项目": "收款"}]
    taken = {"业绩": [{"项目": "营业额", "本月预定目标": "5.00"}]}
    assert with_taken(form, {"业绩": preset}, taken, overwrite=False)["业绩"] == taken["业绩"]
    typed = [{"项目": "营业额", "本月预定目标": "7.00"}]
    assert with_taken(form, {"业绩": typed}, taken, overwrite=False)["业绩"] == typed


def test_taking_from_an_earlier_record_works_without_scripts(
    resources, client_for, company, make_draft, filled
):
    source = make_draft({**filled, "备注": "以前的备注"})
    draft = make_draft({"客户名称": HISENSE, "使用产品": "自己填的"})
    clerk = client_for(company.sales_clerk)
    page = clerk.get(f"/records/{draft.id}/earlier?q=海信").get_data(as_text=True)
    assert source.title in page and "填空着的栏" in page
    answer = clerk.post(
        f"/records/{draft.id}/earlier", data={"source": source.id, "version": draft.version}
    )
    assert answer.location.endswith(f"/records/{draft.id}/edit")
    with resources.reading() as uow:
        now = service.load_record(uow, draft.id)
    assert (now.content["备注"], now.content["使用产品"]) == ("以前的备注", "自己填的")
    stale = clerk.post(
        f"/records/{draft.id}/earlier", data={"source": source.id, "version": 1, "all": 1}
    )
    assert stale.status_code == 409
    assert clerk.post(f"/records/{draft.id}/earlier", data={"source": "x"}).status_code == 422


def test_the_dialog_finds_and_fetches_earlier_records(client_for, company, make_draft, filled):
    source, draft = make_draft({**filled, "备注": "以前的"}), make_draft()
    clerk = client_for(company.sales_clerk)
    found = clerk.get(f"/records/{draft.id}/earlier.json?q=海信").get_json()
    assert [one["id"] for one in found["items"]] == [source.id]
    values = clerk.get(f"/records/{draft.id}/earlier/{source.id}.json").get_json()["values"]
    assert values["备注"] == "以前的"
    assert "日期" not in values and "主办人员" not in values
    stranger = client_for(company.other_clerk)
    for address in ("earlier", "earlier.json", f"earlier/{source.id}.json"):
        assert stranger.get(f"/records/{draft.id}/{address}").status_code == 404
    theirs = make_draft(actor=company.sales_clerk2)
    assert clerk.get(f"/records/{draft.id}/earlier/{theirs.id}.json").status_code == 404


def test_a_signers_entry_is_shown_but_never_typed_by_the_author(
    resources, client_for, company, make_draft, survey
):
    record = make_draft({"客户名称": HISENSE, "法务意见": "我替法务写的"}, code=survey)
    assert record.content["法务意见"] == ""
    clerk = client_for(company.sales_clerk)
    page = clerk.get(f"/records/{record.id}/edit").get_data(as_text=True)
    assert "由法务单位签署时填写" in page
    assert 'name="法务意见"' not in page
    saved = clerk.post(
        f"/records/{record.id}/autosave",
        json={"version": record.version, "values": {"客户名称": "改了", "法务意见": "同意"}},
    ).get_json()
    assert saved["values"]["法务意见"] == ""
    assert "法务意见" not in saved["missing"]


def test_a_program_is_told_to_leave_a_signers_entry_blank(make_draft, survey):
    with pytest.raises(Invalid) as refusal:
        make_draft({"客户名称": "甲", "法务意见": "同意"}, code=survey, strict=True)
    assert refusal.value.fields["法务意见"] == "由法务单位签署时填写，请留空"


def test_ticks_are_boxes_and_an_odd_word_is_not_lost(client_for, company, make_draft, survey):
    record = make_draft(
        {"客户名称": "甲", "性质": "集体", "来源": ["展会"], "代码": "91440101231245152X"},
        code=survey,
    )
    page = client_for(company.sales_clerk).get(f"/records/{record.id}/edit").get_data(as_text=True)
    assert page.count('type="radio" name="性质"') == 4
    assert "集体（不在可选项中）" in page
    assert page.count('type="checkbox" name="来源"') == 3
    assert "营业执照上的十八位代码" in page
    assert 'class="entry-message is-warning" id="m-代码"' in page


def test_the_plain_page_reads_ticks(resources, client_for, company, make_draft, survey):
    record = make_draft({"客户名称": "甲", "追踪": [{}]}, code=survey)
    client_for(company.sales_clerk).post(
        f"/records/{record.id}/edit",
        data={
            "version": record.version,
            "客户名称": "甲",
            "性质": "民营",
            "来源": ["展会", "网络"],
            "追踪[0].时间": "三个月内",
        },
    )
    with resources.reading() as uow:
        content = service.load_record(uow, record.id).content
    assert (content["性质"], content["来源"]) == ("民营", ["展会", "网络"])
    assert content["追踪"][0]["时间"] == "三个月内"


def test_half_a_character_is_kept_told_and_can_be_corrected(
    client_for, company, make_draft, filled
):
    record = make_draft({**filled, "备注": "半\ud800个"})
    clerk = client_for(company.sales_clerk)
    for address in ("", "/edit", "/entries.json"):
        assert clerk.get(f"/records/{record.id}{address}").status_code == 200
    body = json.dumps({"version": record.version, "values": {**filled, "备注": "又\ud800半个"}})
    answer = clerk.post(
        f"/records/{record.id}/autosave", data=body, content_type="application/json"
    )
    assert answer.status_code == 200
    assert "第 2 个字" in answer.get_json()["errors"]["备注"]


@pytest.mark.parametrize("suffix", ["pdf", "docx"])
def test_an_empty_form_can_be_printed_to_fill_in_by_hand(client_for, company, suffix):
    clerk = client_for(company.sales_clerk)
    for code in ("E01", "E05", "E10"):
        answer = clerk.get(f"/records/new/{code}/blank.{suffix}")
        assert answer.status_code == 200
        assert answer.data[:4] == (b"%PDF" if suffix == "pdf" else b"PK\x03\x04")
    assert clerk.get(f"/records/new/X99/blank.{suffix}").status_code == 404
    assert clerk.get("/records/new/E01/blank.exe").status_code == 404


def test_a_submitted_record_takes_nothing_over(resources, company, make_draft, submit):
    source, sent = make_draft(), submit(make_draft())
    with pytest.raises(Conflict), resources.reading() as uow:
        service.earlier_values(uow, company.sales_clerk, sent.id, source.id)
