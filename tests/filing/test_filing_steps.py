"""The four steps of filing: 鉴别, 归属, 登记目录, 上架, in order and never twice."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import Serial
from archive.customers import service as customers
from archive.filing import service as filing
from archive.filing.models import FilingStep, IntakeRefusal, Item, ItemCopy
from archive.filing.rules import STEPS, Belonging, Place
from archive.people.readers import tokens_of
from archive.records import service as records
from storage.journal import JournalEntry
from storage.outbox import OutboxRow

# Servers that write at the same time (PostgreSQL) find out at the row; pages answer 409 to all.
RACES = (Conflict, IntegrityError, StaleDataError)
PLACE = Place(room="库房一", row="02", bay="03", shelf="04", box="12")
BELONGING = Belonging("KH", "客户开发", 2026, "D30", "XSB", 1)


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


def entries(resources, table):
    with resources.reading() as uow:
        rows = list(uow.session.scalars(select(table)))
        uow.session.expunge_all()
    return rows


def filed(resources, company, record):
    return do(resources, filing.file_record, company.archivist, record.id, place=PLACE)


def test_a_signed_record_goes_through_four_recorded_steps(resources, company, clock, signed_record):
    record = signed_record()
    item = do(resources, filing.appraise, company.archivist, record.id)
    assert item.state_label == "已鉴别"
    assert item.next_step == "归属"
    assert item.title == record.title
    assert item.document_number == record.number
    assert item.responsible == "陈晓东"
    assert item.department_name == "销售部"
    assert str(item.document_date) == "2026-11-20"
    assert item.pages == 2
    assert [file.role for file in item.files] == ["master", "word"]
    assert "三次拜访" in item.text

    clock.advance(hours=1)
    item = do(resources, filing.classify, company.archivist, item.id, BELONGING)
    assert (item.retention_label, item.item_class, item.unit) == ("30年", "客户开发", "XSB")
    item = do(resources, filing.catalogue, company.archive_head, item.id)
    assert item.provisional_code == "Z109-KH·2026-D30-XSB-L0001"
    assert item.reference_code is None
    assert item.volume_title == "2026年度 销售部 客户开发（30年）"
    item = do(resources, filing.shelve, company.archivist, item.id, PLACE, pages=3)

    assert item.state_label == "在库"
    assert item.next_step == ""
    assert item.pages == 3
    [copy] = item.copies
    assert copy.barcode == "A0000000014"
    assert copy.location == "库房一-02-03-04 盒12"
    assert [(step.step, step.by_name) for step in item.steps] == [
        ("鉴别", "孙文静"),
        ("归属", "孙文静"),
        ("登记目录", "何守正"),
        ("上架", "孙文静"),
    ]
    assert item.steps[0].at < item.steps[1].at
    with resources.reading() as uow:
        assert records.load_record(uow, record.id).state == "filed"
        assert filing.find_lendable_by_barcode(uow, " a000000001４ ").id == item.id
    jobs = [row.key for row in entries(resources, OutboxRow) if row.key.startswith("item:")]
    assert jobs == [f"item:{item.id}"]
    acts = [row.action for row in entries(resources, JournalEntry) if row.object_type == "item"]
    assert acts == ["item.appraise", "item.classify", "item.catalogue", "item.shelve"]


def test_all_steps_in_one_act_are_still_four_recorded_steps(resources, company, signed_record):
    item = filed(resources, company, signed_record())
    assert [step.step for step in item.steps] == list(STEPS)
    assert (item.category, item.item_class, item.retention) == ("KH", "客户开发", "D30")
    assert item.copies[0].location == PLACE.text


def test_filing_without_a_place_puts_the_paper_on_the_shelf_for_new_ones(
    resources, company, signed_record
):
    item = do(resources, filing.file_record, company.archivist, signed_record().id)
    assert item.copies[0].location == "新件架"


ACTS = {
    "归属": lambda uow, who, item_id: filing.classify(uow, who, item_id, BELONGING),
    "登记目录": filing.catalogue,
    "上架": lambda uow, who, item_id: filing.shelve(uow, who, item_id, PLACE),
    "鉴别": filing.accept_offered,
}
ORDER = list(STEPS)


@pytest.mark.parametrize(
    ("done", "wanted"),
    [
        (done, wanted)
        for done in range(1, 5)
        for wanted in ORDER
        if ORDER[done : done + 1] != [wanted]
    ],
)
def test_a_step_out_of_order_or_twice_is_refused_and_changes_nothing(
    resources, company, signed_record, done, wanted
):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    for step in ORDER[1:done]:
        do(resources, ACTS[step], company.archivist, item.id)
    before = (entries_of(resources, item.id), len(entries(resources, JournalEntry)))
    with pytest.raises(Conflict) as refused:
        do(resources, ACTS[wanted], company.archivist, item.id)
    assert wanted in refused.value.message
    assert (entries_of(resources, item.id), len(entries(resources, JournalEntry))) == before


def entries_of(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id)


def test_the_same_record_cannot_be_taken_in_twice(resources, company, signed_record):
    record = signed_record()
    do(resources, filing.appraise, company.archivist, record.id)
    with pytest.raises(Conflict, match="已经鉴别过"):
        do(resources, filing.appraise, company.archive_head, record.id)
    assert len(entries(resources, Item)) == 1


def test_a_filed_record_cannot_be_taken_in_again(resources, company, signed_record):
    record = signed_record()
    filed(resources, company, record)
    with pytest.raises(Conflict):
        do(resources, filing.appraise, company.archivist, record.id)


def test_a_draft_cannot_be_filed(resources, company):
    with resources.work() as uow:
        draft = records.create_draft(uow, company.archivist, "E01", {"客户名称": "海信"})
        uow.commit()
    with pytest.raises(Conflict, match="草稿"):
        do(resources, filing.appraise, company.archivist, draft.id)


def test_a_stale_page_cannot_do_the_next_step(resources, company, signed_record):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    do(resources, filing.classify, company.archivist, item.id, BELONGING, version=item.version)
    with pytest.raises(Conflict, match="刷新"):
        do(resources, filing.catalogue, company.archivist, item.id, version=item.version)


def test_a_record_given_back_goes_to_its_author_with_the_reason(resources, company, signed_record):
    record = signed_record()
    do(resources, filing.send_back, company.archivist, record.id, "第二页签名看不清，请重签")
    with resources.reading() as uow:
        back = records.load_record(uow, record.id)
        [refusal] = filing.refusals_of(uow, company.sales_clerk, record.id)
    assert back.state == "returned"
    assert "看不清" in back.state_note
    assert (refusal.by_name, refusal.reason) == ("孙文静", "第二页签名看不清，请重签")
    assert entries(resources, Item) == []


@pytest.mark.parametrize("reason", ["", "   ", "长" * 501, "有\x00空"])
def test_giving_back_needs_a_reason_one_can_read(resources, company, signed_record, reason):
    record = signed_record()
    with pytest.raises(Invalid):
        do(resources, filing.send_back, company.archivist, record.id, reason)
    assert entries(resources, IntakeRefusal) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"item_class": "合同", "retention": "D10"}, "retention"),
        ({"item_class": "没有的类"}, "item_class"),
        ({"retention": "D20"}, "retention"),
        ({"retention": ""}, "retention"),
        ({"category": "kh"}, "category"),
        ({"category": "QQ"}, "category"),
        ({"category": "KH·"}, "category"),
        ({"year": 1066}, "year"),
        ({"year": 10**12}, "year"),
        ({"unit": "销售部"}, "unit"),
        ({"unit": "XSBB"}, "unit"),
        ({"secrecy": 9}, "secrecy"),
        ({"secrecy": -1}, "secrecy"),
    ],
)
def test_a_wrong_belonging_is_refused_at_its_entry(
    resources, company, signed_record, change, field
):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    with pytest.raises(Invalid) as refused:
        do(resources, filing.classify, company.archivist, item.id, replace(BELONGING, **change))
    assert list(refused.value.fields) == [field]
    assert entries_of(resources, item.id) == item


def test_a_longer_term_than_the_class_asks_for_is_allowed(resources, company, signed_record):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    longer = replace(BELONGING, item_class="合同", retention="Y")
    assert do(resources, filing.classify, company.archivist, item.id, longer).retention == "Y"


def test_an_archivist_cannot_set_a_secrecy_above_their_own_clearance(
    resources, company, signed_record
):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    with pytest.raises(Invalid, match="涉密权限"):
        do(resources, filing.classify, company.archivist, item.id, replace(BELONGING, secrecy=3))
    raised = replace(BELONGING, secrecy=2)
    do(resources, filing.classify, company.archivist, item.id, raised)
    with resources.reading() as uow:
        assert f"d{company.sales_id}" not in tokens_of(uow, "item", item.id)
        with pytest.raises(NotFound):
            filing.get_item(uow, company.sales_clerk2, item.id)
        assert filing.get_item(uow, company.sales_clerk, item.id).secrecy_label == "秘密"


@pytest.mark.parametrize(
    ("place", "pages", "field"),
    [
        (Place(), 2, "room"),
        (Place(room="库" * 21), 2, "room"),
        (Place(room="库房\x00"), 2, "room"),
        (Place(room="库-房"), 2, "room"),
        (PLACE, -1, "pages"),
        (PLACE, 10_000, "pages"),
    ],
)
def test_a_wrong_place_or_page_count_is_refused(
    resources, company, signed_record, place, pages, field
):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    do(resources, filing.classify, company.archivist, item.id, BELONGING)
    do(resources, filing.catalogue, company.archivist, item.id)
    with pytest.raises(Invalid) as refused:
        do(resources, filing.shelve, company.archivist, item.id, place, pages=pages)
    assert list(refused.value.fields) == [field]
    assert entries(resources, ItemCopy) == []
    with resources.reading() as uow:
        assert customers.find_by_name(uow, "青岛海信电器股份有限公司") is None


def test_who_may_file(resources, company, signed_record):
    record = signed_record()
    for who in (company.sales_clerk, company.sales_head, company.leader):
        with pytest.raises(Forbidden):
            do(resources, filing.appraise, who, record.id)
    for who in (company.other_clerk, company.admin, company.finance_clerk):
        with pytest.raises(NotFound):
            do(resources, filing.appraise, who, record.id)
    item = do(resources, filing.appraise, company.archivist, record.id)
    for step, act in ACTS.items():
        with pytest.raises(Forbidden):
            do(resources, act, company.sales_clerk, item.id)
        with pytest.raises(NotFound):
            do(resources, act, company.other_clerk, item.id)
        assert step
    assert len(entries(resources, FilingStep)) == 1


def test_another_department_sees_no_trace_of_an_item(resources, company, signed_record):
    item = filed(resources, company, signed_record())
    with resources.reading() as uow:
        assert filing.list_items(uow, company.sales_clerk2).total == 1
        assert filing.list_items(uow, company.other_clerk).total == 0
        assert filing.list_volumes(uow, company.other_clerk).total == 0
        with pytest.raises(NotFound):
            filing.get_item(uow, company.other_clerk, item.id)
        with pytest.raises(NotFound):
            filing.get_volume(uow, company.other_clerk, item.volume_id)
        with pytest.raises(NotFound):
            filing.get_file(uow, company.other_clerk, item.id, item.files[0].id)


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, 10**40])
def test_an_item_or_volume_that_is_not_there(resources, company, number):
    with resources.reading() as uow:
        with pytest.raises(NotFound):
            filing.get_item(uow, company.archivist, number)
        with pytest.raises(NotFound):
            filing.get_volume(uow, company.archivist, number)


def test_two_archivists_cataloguing_at_once_leave_no_gap_and_no_double(
    resources, company, signed_record
):
    waiting = []
    for number in range(12):
        record = signed_record(客户名称=f"青岛第{number}商贸有限公司")
        item = do(resources, filing.appraise, company.archivist, record.id)
        do(resources, filing.classify, company.archivist, item.id, BELONGING)
        waiting.append(item.id)
    faults = []

    def work_through(who, item_ids):
        for item_id in item_ids:
            try:
                do(resources, filing.catalogue, who, item_id)
            except Conflict as fault:
                faults.append(fault)

    threads = [
        threading.Thread(target=work_through, args=(company.archivist, waiting[::2])),
        threading.Thread(target=work_through, args=(company.archive_head, waiting[1::2])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    rows = entries(resources, Item)
    assert sorted(row.serial for row in rows) == list(range(1, 13))
    assert len({row.provisional_code for row in rows}) == 12
    assert len({row.volume_id for row in rows}) == 1


def test_two_archivists_doing_the_same_step_at_once_do_it_once(resources, company, signed_record):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    do(resources, filing.classify, company.archivist, item.id, BELONGING)
    outcomes = []

    def attempt(who):
        try:
            outcomes.append(do(resources, filing.catalogue, who, item.id).serial)
        except RACES:
            outcomes.append("refused")

    threads = [
        threading.Thread(target=attempt, args=(who,))
        for who in (company.archivist, company.archive_head)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["1", "refused"]


def test_a_number_taken_in_a_failed_act_is_given_back(resources, company, signed_record):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    do(resources, filing.classify, company.archivist, item.id, BELONGING)
    with resources.work() as uow:
        assert filing.catalogue(uow, company.archivist, item.id).serial == 1
    assert do(resources, filing.catalogue, company.archivist, item.id).serial == 1


def test_past_9999_cataloguing_is_refused_with_the_way_out(resources, company, signed_record):
    with resources.work() as uow:
        uow.session.add(Serial(series="item:Z109-KH·2026-D30-XSB", last=9998))
        uow.commit()
    last = signed_record(客户名称="青岛第一商贸有限公司")
    assert filed(resources, company, last).provisional_code.endswith("-L9999")
    item = do(
        resources,
        filing.appraise,
        company.archivist,
        signed_record(客户名称="青岛第二商贸有限公司").id,
    )
    do(resources, filing.classify, company.archivist, item.id, BELONGING)
    with pytest.raises(Conflict, match="二级门类"):
        do(resources, filing.catalogue, company.archivist, item.id)
    assert entries_of(resources, item.id).state_label == "已归属"


def test_filing_e01_adds_its_customer_once_and_links_both(resources, company, signed_record):
    first = signed_record()
    item = filed(resources, company, first)
    again = filed(resources, company, signed_record())
    with resources.reading() as uow:
        customer = customers.find_by_name(uow, "青岛海信电器股份有限公司")
        assert customers.list_customers(uow, company.archivist).total == 1
        assert records.load_record(uow, first.id).customer_id == customer.id
    assert item.customer_id == again.customer_id == customer.id
    assert customer.address == "青岛市市南区东海西路17号"
    assert customer.owner_name == "陈晓东"
    assert customer.department_name == "销售部"


def test_refused_filing_adds_no_customer(resources, company, signed_record):
    record = signed_record()
    with pytest.raises(Invalid):
        do(resources, filing.file_record, company.archivist, record.id, place=Place(room="坏\x00"))
    with resources.reading() as uow:
        assert customers.list_customers(uow, company.archivist).total == 0
        assert records.load_record(uow, record.id).state == "signed"
    assert entries(resources, Item) == []


def test_a_customer_found_meanwhile_is_linked(resources, company, signed_record):
    record = signed_record()
    made = do(resources, customers.ensure_customer, company.other_clerk, "青岛海信电器股份有限公司")
    assert filed(resources, company, record).customer_id == made


def test_readers_follow_the_customer_to_a_new_department(resources, company, signed_record):
    item = filed(resources, company, signed_record())
    with resources.work() as uow:
        customer = customers.get_customer(uow, company.sales_head, item.customer_id)
        fields = replace(
            customers.fields_of(customer),
            department_id=company.service_id,
            owner_id=company.other_clerk.id,
        )
        customers.edit_customer(uow, company.sales_head, customer.id, fields, customer.version)
        assert filing.settle_customer(uow, customer.id) == 1
        uow.commit()
    with resources.reading() as uow:
        assert filing.get_item(uow, company.other_clerk, item.id).id == item.id


def test_the_desk_lists_what_waits_and_what_is_half_done(resources, company, signed_record):
    first, second = signed_record(), signed_record(客户名称="青岛澳柯玛股份有限公司")
    with resources.reading() as uow:
        assert [row.id for row in filing.waiting_records(uow, company.archivist).items] == [
            first.id,
            second.id,
        ]
    item = do(resources, filing.appraise, company.archivist, first.id)
    with resources.reading() as uow:
        waiting = filing.waiting_records(uow, company.archivist)
        assert ([row.id for row in waiting.items], waiting.total) == ([second.id], 1)
        assert [row.id for row in filing.unfinished_items(uow, company.archivist)] == [item.id]
        with pytest.raises(Forbidden):
            filing.waiting_records(uow, company.sales_clerk)


def test_a_volume_shows_its_catalogue_in_order(resources, company, signed_record):
    first = filed(resources, company, signed_record())
    second = filed(resources, company, signed_record(客户名称="青岛澳柯玛股份有限公司"))
    with resources.reading() as uow:
        volume, lines = filing.get_volume(uow, company.sales_clerk, first.volume_id)
    assert (volume.items, volume.pages) == (2, 4)
    assert [(line.place, line.item_id) for line in lines.items] == [(1, first.id), (2, second.id)]
    assert lines.items[0].code == "Z109-KH·2026-D30-XSB-L0001"
    assert lines.items[0].responsible == "陈晓东"


def test_a_list_takes_as_many_statements_for_ten_items_as_for_one(
    resources, company, signed_record, count_statements
):
    filed(resources, company, signed_record())
    with resources.reading() as uow, count_statements() as one:
        assert len(filing.list_items(uow, company.archivist).items) == 1
    for number in range(9):
        filed(resources, company, signed_record(客户名称=f"青岛第{number}商贸有限公司"))
    with resources.reading() as uow, count_statements() as ten:
        assert len(filing.list_items(uow, company.archivist).items) == 10
    assert len(one) == len(ten) <= 11


def test_the_page_of_an_item_asks_nothing_twice(
    resources, company, signed_record, client_for, count_statements
):
    item = filed(resources, company, signed_record())
    page = client_for(company.archivist)
    page.get(f"/items/{item.id}")
    with count_statements() as sent:
        assert page.get(f"/items/{item.id}").status_code == 200
    asked = [one for one in sent if not one.startswith("BEGIN")]
    assert len(set(asked)) == len(asked) <= 28


def test_lending_sets_where_a_copy_is(resources, company, signed_record):
    item = filed(resources, company, signed_record())
    copy = item.copies[0]
    do(resources, filing.set_copy_status, company.archivist, copy.id, "out")
    lent = entries_of(resources, item.id)
    assert (lent.is_lent, lent.status) == (True, "借出")
    with pytest.raises(Conflict, match="已经是"):
        do(resources, filing.set_copy_status, company.archivist, copy.id, "out")
    with pytest.raises(Invalid):
        do(resources, filing.set_copy_status, company.archivist, copy.id, "burnt")
    with pytest.raises(Forbidden):
        do(resources, filing.set_copy_status, company.sales_clerk, copy.id, "in")
    with pytest.raises(NotFound):
        do(resources, filing.set_copy_status, company.archivist, 999, "in")


@pytest.mark.parametrize(
    ("narrow", "found"),
    [
        ({}, 1),
        ({"text": "海信"}, 1),
        ({"text": "z109－kh•2026"}, 1),
        ({"text": "A0000000014"}, 1),
        ({"text": "100%"}, 0),
        ({"text": "_"}, 0),
        ({"form": "E01", "year": 2026, "item_class": "客户开发", "state": "shelved"}, 1),
        ({"form": "E05"}, 0),
        ({"year": 2025}, 0),
        ({"state": "offered"}, 0),
        ({"text": "🧧"}, 0),
    ],
)
def test_the_catalogue_is_narrowed(resources, company, signed_record, narrow, found):
    filed(resources, company, signed_record())
    with resources.reading() as uow:
        total = filing.list_items(uow, company.archivist, filing.ItemFilter(**narrow)).total
    assert total == found


@pytest.mark.parametrize(
    "narrow",
    [{"text": "\x00"}, {"text": "长" * 201}, {"year": 10**30}, {"customer_id": 2**63}],
)
def test_a_senseless_filter_is_refused_in_words(resources, company, narrow):
    with resources.reading() as uow, pytest.raises(Invalid):
        filing.list_items(uow, company.archivist, filing.ItemFilter(**narrow))
