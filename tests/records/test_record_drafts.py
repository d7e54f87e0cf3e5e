import json

import pytest
from sqlalchemy import func, select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from archive.people.rights import Actor
from archive.records import service
from archive.records.models import Record
from doc_templates import FormNotFound
from storage.outbox import OutboxRow

HOSTILE = [
    "客户&合同",
    "A<B & C",
    "{{7*7}}",
    "{% for %}",
    "红包🧧",
    "含\x00空字符",
    "右\u202e左",
    "𠮷野家",
    "半个\ud800字",
    "长" * 10_000,
]


def save(resources, actor: Actor, record: service.RecordView, values, version=None, **more):
    with resources.work() as uow:
        saved = service.save_draft(uow, actor, record.id, values, version or record.version, **more)
        uow.commit()
    return saved


def entries(resources, actor, record):
    with resources.reading() as uow:
        return service.get_entries(uow, actor, record.id)


def count(resources, model) -> int:
    with resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


def test_a_wrong_entry_is_kept_as_typed_and_named(resources, company, make_draft, filled):
    record = make_draft({**filled, "日期": "11/12/26", "公司电话": "没有"})
    found = entries(resources, company.sales_clerk, record)
    assert found.record.content["日期"] == "11/12/26"
    assert found.record.content["公司电话"] == "没有"
    assert set(found.errors) == {"日期", "公司电话"}
    corrected = save(resources, company.sales_clerk, record, {**filled, "日期": "2026.11.23"})
    assert corrected.content["日期"] == "2026-11-23"
    assert entries(resources, company.sales_clerk, record).errors == {}


def test_title_year_customer_and_secrecy_follow_from_the_entries(make_draft, filled):
    record = make_draft({**filled, "日期": "2025-03-01"})
    assert record.title == "青岛海信电器有限公司新开发客户报告表"
    assert (record.year, record.secrecy_label, record.state_label) == (2025, "内部", "草稿")
    assert record.customer_name == "青岛海信电器有限公司"
    assert record.customer_id is None
    assert record.number == ""


def test_what_is_missing_is_told_apart_from_what_is_wrong(resources, company, make_draft):
    record = make_draft({"公司电话": "x"})
    found = entries(resources, company.sales_clerk, record)
    assert set(found.errors) == {"公司电话"}
    assert {"日期", "客户名称", "开拓经过"} <= set(found.missing)


@pytest.mark.parametrize("typed", HOSTILE)
def test_a_hostile_value_is_kept_as_typed(resources, company, make_draft, filled, typed):
    record = make_draft({**filled, "开拓经过": typed, "客户名称": typed})
    found = entries(resources, company.sales_clerk, record)
    assert found.record.content["开拓经过"] == typed
    assert found.record.content["客户名称"] == typed
    assert len(found.record.title) <= 200
    assert not set("\x00\u202e\ud800") & set(found.record.title)


def test_computed_entries_are_worked_out_whatever_was_sent(
    resources, company, make_draft, contract_values
):
    record = make_draft({**contract_values, "总价": "1"}, code="E05")
    found = entries(resources, company.sales_clerk, record)
    assert found.computed["货品[0].总价"] == "12,005.00"
    assert found.computed["总价"] == "12,325.00"
    assert found.computed["总价大写"] == "壹万贰仟叁佰贰拾伍元整"


def test_a_blank_row_stays_where_it_is_and_gaps_are_named_by_the_row_on_the_page(
    resources, company, make_draft, contract_values
):
    goods = contract_values["货品"]
    rows = [goods[0], {}, {"规格": "只有规格"}]
    record = make_draft({**contract_values, "货品": rows}, code="E05")
    found = entries(resources, company.sales_clerk, record)
    assert [row["规格"] for row in found.record.content["货品"]] == ["QX-23", "", "只有规格"]
    assert "货品[2].货品名称" in found.missing
    assert not any(path.startswith("货品[1]") for path in found.missing)


def test_the_same_key_makes_one_draft(resources, make_draft):
    first = make_draft(draft_key="abcdef-12345")
    second = make_draft(draft_key="abcdef-12345")
    assert first.id == second.id
    assert count(resources, Record) == 1


def test_another_persons_key_is_another_draft(company, make_draft):
    first = make_draft(draft_key="abcdef-12345")
    other = make_draft(draft_key="abcdef-12345", actor=company.sales_clerk2)
    assert first.id != other.id
    assert other.author_name == "林美玲"


@pytest.mark.parametrize(
    "key", ["short", "有汉字的钥匙在这里", "a" * 41, "a b c d e f g h", "\x00" * 10]
)
def test_a_key_that_is_no_key_is_refused(make_draft, key):
    with pytest.raises(Invalid):
        make_draft(draft_key=key)


def test_a_stale_save_is_a_conflict_and_changes_nothing(resources, company, make_draft, filled):
    record = make_draft()
    save(resources, company.sales_clerk, record, {**filled, "备注": "甲窗口写的"})
    with pytest.raises(Conflict):
        save(resources, company.sales_clerk, record, {**filled, "备注": "乙窗口写的"})
    assert entries(resources, company.sales_clerk, record).record.content["备注"] == "甲窗口写的"


def test_saving_the_same_again_is_no_conflict_and_no_change(resources, company, make_draft, filled):
    record = make_draft()
    changed = {**filled, "备注": "写一次"}
    first = save(resources, company.sales_clerk, record, changed)
    jobs = count(resources, OutboxRow)
    again = save(resources, company.sales_clerk, record, changed)
    assert again.version == first.version
    assert count(resources, OutboxRow) == jobs


def test_someone_elses_draft_does_not_exist(resources, company, make_draft, filled):
    record = make_draft()
    for stranger in (company.sales_clerk2, company.other_clerk, company.archivist, company.admin):
        with pytest.raises(NotFound), resources.work() as uow:
            service.save_draft(uow, stranger, record.id, filled, record.version)


def test_a_signer_may_read_but_not_edit(resources, company, make_draft, submit, filled):
    sent = submit(make_draft())
    with resources.work() as uow:
        service.mark_returned(uow, company.sales_head, sent.id, "地址不全")
        uow.commit()
    with pytest.raises(Forbidden), resources.work() as uow:
        service.save_draft(uow, company.sales_head, sent.id, filled, 1)


def test_a_submitted_record_cannot_be_edited(resources, company, make_draft, submit, filled):
    sent = submit(make_draft())
    with pytest.raises(Conflict, match="签核中"), resources.work() as uow:
        service.save_draft(uow, company.sales_clerk, sent.id, filled, sent.version)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ({"没有的栏": "x"}, "没有的栏"),
        ({"客户名称": {"a": 1}}, "客户名称"),
        ({"客户名称": ["a"]}, "客户名称"),
        ({"开拓经过": [[[]]]}, "开拓经过"),
    ],
)
def test_what_could_not_be_kept_is_refused_even_as_a_draft(make_draft, raw, place):
    with pytest.raises(Invalid) as refusal:
        make_draft(raw)
    assert place in refusal.value.fields


@pytest.mark.parametrize(
    "rows",
    ["不是表", [1], [["a"]], [{"没有": "x"}], [{"单价": []}], [{} for _ in range(1001)]],
)
def test_rows_that_are_no_rows_are_refused(make_draft, contract_values, rows):
    with pytest.raises(Invalid) as refusal:
        make_draft({**contract_values, "货品": rows}, code="E05")
    assert all(place.startswith("货品") for place in refusal.value.fields)


def test_a_huge_filling_is_refused(make_draft, filled):
    with pytest.raises(TooLarge):
        make_draft({**filled, "开拓经过": "长" * 400_000})


def test_an_unknown_form_is_refused(make_draft):
    with pytest.raises(FormNotFound):
        make_draft({}, code="X99")


@pytest.mark.parametrize("record_id", [0, -1, 10**30, 999_999])
def test_a_record_that_is_not_there_is_not_found(resources, company, record_id):
    with pytest.raises(NotFound), resources.reading() as uow:
        service.get_record(uow, company.leader, record_id)


def test_a_rolled_back_draft_leaves_nothing(resources, company, filled):
    with resources.work() as uow:
        service.create_draft(uow, company.sales_clerk, "E01", filled)
    assert count(resources, Record) == 0
    assert count(resources, OutboxRow) == 0


def test_strict_making_refuses_and_names_every_fault(make_draft, filled):
    bad = {**filled, "日期": "昨天", "客户名称": "", "公司电话": 5}
    with pytest.raises(Invalid) as refusal:
        make_draft(bad, strict=True)
    assert set(refusal.value.fields) == {"日期", "客户名称", "公司电话"}


def test_a_copy_takes_the_entries_with_a_new_date_and_author(resources, company, make_draft):
    record = make_draft()
    with resources.work() as uow:
        copied = service.copy_record(uow, company.sales_clerk, record.id)
        uow.commit()
    assert copied.id != record.id
    assert copied.content["开拓经过"] == record.content["开拓经过"]
    assert copied.content["日期"] == "2026-11-23"
    assert copied.state == "draft"


def test_a_stranger_cannot_copy(resources, company, make_draft):
    record = make_draft()
    with pytest.raises(NotFound), resources.work() as uow:
        service.copy_record(uow, company.other_clerk, record.id)


def test_a_known_customer_is_linked_by_name_however_it_is_typed(resources, company, make_draft):
    from archive.customers.service import ensure_customer

    with resources.work() as uow:
        customer_id = ensure_customer(uow, company.sales_clerk, "青岛海信电器有限公司")
        uow.commit()
    record = make_draft({"客户名称": "　青岛海信电器有限公司 "})
    assert record.customer_id == customer_id


def test_the_content_survives_as_json(make_draft, contract_values):
    record = make_draft(contract_values, code="E05")
    assert json.loads(json.dumps(dict(record.content))) == record.content
