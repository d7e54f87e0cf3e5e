import pytest
from sqlalchemy import select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.customers.service import CustomerFields, create_customer
from archive.people.readers import tokens_of
from archive.records import service
from archive.records.models import RecordState
from archive.records.rules import FOLLOWS, require_move
from storage.journal import JournalEntry


def act(resources, function, *args):
    with resources.work() as uow:
        result = function(uow, *args)
        uow.commit()
    return result


def test_the_whole_way_from_draft_to_filed(resources, company, make_draft, submit):
    draft = make_draft()
    sent = submit(draft)
    assert (sent.state, sent.round, sent.number) == ("in_signing", 1, "E01-2026-0001")
    signed = act(resources, service.mark_signed, company.leader, sent.id)
    assert signed.state_label == "已签，待归档"
    assert signed.signed_at is not None
    with resources.reading() as uow:
        waiting = service.signed_not_filed(uow, company.archivist)
    assert [one.id for one in waiting.items] == [sent.id]
    filed = act(resources, service.mark_filed, company.archivist, sent.id)
    assert filed.state == "filed"
    with resources.reading() as uow:
        assert service.signed_not_filed(uow, company.archivist).total == 0


def test_returned_and_sent_again_is_a_new_round_with_the_same_number(
    resources, company, make_draft, submit, filled
):
    sent = submit(make_draft())
    back = act(resources, service.mark_returned, company.sales_head, sent.id, "地址不全\n请补")
    assert (back.state_label, back.state_note) == ("已退回", "地址不全 请补")
    with resources.work() as uow:
        changed = {**filled, "备注": "已补"}
        fixed = service.save_draft(uow, company.sales_clerk, sent.id, changed, back.version)
        uow.commit()
    again = submit(fixed)
    assert (again.round, again.number, again.state_note) == (2, sent.number, "")
    with resources.reading() as uow:
        versions = service.list_versions(uow, company.sales_clerk, sent.id)
    assert [(one.n, one.reason) for one in versions] == [
        (2, "第 2 次提交，按退回意见修改：地址不全 请补"),
        (1, "第 1 次提交"),
    ]
    assert versions[0].digest != versions[1].digest


def test_withdrawn_is_a_draft_again_and_only_its_author_may(resources, company, make_draft, submit):
    sent = submit(make_draft())
    with pytest.raises(Forbidden):
        act(resources, service.mark_withdrawn, company.sales_head, sent.id)
    draft = act(resources, service.mark_withdrawn, company.sales_clerk, sent.id)
    assert (draft.state, draft.is_editable) == ("draft", True)


def test_rejected_is_the_end(resources, company, make_draft, submit):
    sent = submit(make_draft())
    act(resources, service.mark_rejected, company.leader, sent.id, "不同意")
    with pytest.raises(Conflict):
        act(resources, service.mark_withdrawn, company.sales_clerk, sent.id)
    with pytest.raises(Conflict):
        act(resources, service.mark_signed, company.leader, sent.id)


@pytest.mark.parametrize("wanted", list(RecordState))
@pytest.mark.parametrize("present", list(RecordState))
def test_only_the_written_moves_are_possible(present, wanted):
    if present in FOLLOWS[wanted]:
        require_move(present, wanted)
        return
    with pytest.raises(Conflict, match=present.label):
        require_move(present, wanted)


@pytest.mark.parametrize("reason", ["", "  \n ", "\u202e", "字" * 501])
def test_a_return_needs_a_reason(resources, company, make_draft, submit, reason):
    sent = submit(make_draft())
    with pytest.raises(Invalid):
        act(resources, service.mark_returned, company.sales_head, sent.id, reason)


def test_an_incomplete_record_is_not_sent_and_keeps_no_number(
    resources, company, make_draft, submit, filled
):
    draft = make_draft({**filled, "开拓经过": "", "公司电话": "x"})
    with pytest.raises(Invalid) as refusal:
        submit(draft)
    assert set(refusal.value.fields) == {"开拓经过", "公司电话"}
    with resources.reading() as uow:
        assert service.load_record(uow, draft.id).number == ""


def test_sending_twice_or_from_an_old_page_is_refused(
    resources, company, make_draft, submit, filled
):
    draft = make_draft()
    with resources.work() as uow:
        service.save_draft(
            uow, company.sales_clerk, draft.id, {**filled, "备注": "改"}, draft.version
        )
        uow.commit()
    with pytest.raises(Conflict):
        submit(draft)
    with resources.reading() as uow:
        fresh = service.load_record(uow, draft.id)
    sent = submit(fresh)
    with pytest.raises(Conflict):
        submit(sent)


def test_nobody_sends_anothers_record(resources, company, make_draft):
    draft = make_draft()
    with pytest.raises(NotFound):
        act(
            resources,
            service.mark_submitted,
            company.sales_clerk2,
            draft.id,
            draft.version,
            frozenset(),
        )


def test_the_number_is_taken_once_and_a_rollback_gives_it_back(resources, make_draft):
    first, second = make_draft(), make_draft()
    with resources.work() as uow:
        assert service.take_number_for(uow, first.id) == "E01-2026-0001"
    assert act(resources, service.take_number_for, second.id) == "E01-2026-0001"
    assert act(resources, service.take_number_for, second.id) == "E01-2026-0001"
    assert act(resources, service.take_number_for, first.id) == "E01-2026-0002"


def test_a_number_may_carry_the_customers_initials_and_the_round(
    resources, company, make_draft, publish
):
    code = publish(TRIAL)
    facts = CustomerFields(name="海信", address="青岛")
    with resources.work() as uow:
        create_customer(uow, company.sales_clerk, facts)
        uow.commit()

    def number(customer, trial):
        draft = make_draft({"客户名称": customer, "样次": trial}, code=code)
        return act(resources, service.take_number_for, draft.id)

    assert number("海信", "N") == "2611HX001-N"
    assert number("海信", "2") == "2611HX002-2"
    assert number("美的", "1") == "2611MD001-1"
    assert number("", "1") == "2611NB001-1"


TRIAL = """
code = "T02"
title = "新品开发申请单"
pack = "development"
title_rule = "{客户名称}"
[number]
pattern = "{年末两位}{月}{首字母}{序号}-{轮次}"
width = 3
restarts = "month"
round = "样次"
internal_initials = "NB"
[filing]
item_class = "客户开发"
[[signer]]
role = "制表"
candidate = "submitter"
[[field]]
key = "客户名称"
kind = "customer"
[[field]]
key = "样次"
required = true
"""


def test_each_form_counts_for_itself_and_restarts_with_the_year(
    resources, clock, make_draft, contract_values
):
    contract = make_draft(contract_values, code="E05")
    report = make_draft()
    assert act(resources, service.take_number_for, contract.id) == "HT-2026-0001"
    assert act(resources, service.take_number_for, report.id) == "E01-2026-0001"
    clock.advance(days=60)
    later = make_draft()
    assert act(resources, service.take_number_for, later.id) == "E01-2027-0001"


def test_who_may_read_changes_with_the_state(resources, company, make_draft, submit):
    draft = make_draft()

    def readers() -> set[str]:
        found = set()
        for name, person in company.everyone().items():
            try:
                with resources.reading() as uow:
                    service.get_record(uow, person, draft.id)
            except NotFound:
                continue
            found.add(name)
        return found

    assert "sales_clerk" in readers()
    assert not readers() & {"sales_clerk2", "other_clerk", "other_head", "archivist", "admin"}
    sent = submit(draft)
    assert {"sales_clerk", "sales_head", "leader"} <= readers()
    assert not readers() & {"sales_clerk2", "other_clerk", "other_head", "archivist", "admin"}
    act(resources, service.mark_signed, company.leader, sent.id)
    assert {"sales_clerk2", "archivist", "archive_head"} <= readers()
    assert not readers() & {"other_clerk", "other_head", "admin", "finance_clerk"}


def test_lists_show_exactly_what_one_may_open(resources, company, make_draft, submit):
    make_draft()
    submit(make_draft())
    signed = submit(make_draft())
    act(resources, service.mark_signed, company.leader, signed.id)
    for person in company.everyone().values():
        if person == company.admin:
            continue
        with resources.reading() as uow:
            listed = {one.id for one in service.list_records(uow, person).items}
            for record_id in service.record_ids(uow):
                try:
                    service.get_record(uow, person, record_id)
                    assert record_id in listed
                except NotFound:
                    assert record_id not in listed


def test_an_administrator_handles_no_papers(resources, company):
    with pytest.raises(Forbidden), resources.reading() as uow:
        service.list_records(uow, company.admin)


def test_those_who_signed_an_earlier_round_still_read(resources, company, make_draft, submit):
    sent = submit(make_draft())
    act(resources, service.mark_returned, company.leader, sent.id, "重写")
    with resources.reading() as uow:
        assert f"u{company.sales_head.id}" in tokens_of(uow, "record", sent.id)
        assert service.thing_of(uow, sent.id).participants >= {company.sales_head.id}


def test_filters_narrow_the_list(resources, company, make_draft, contract_values):
    report = make_draft()
    contract = make_draft(contract_values, code="E05")

    def ids(**filters) -> list[int]:
        with resources.reading() as uow:
            return [
                one.id for one in service.list_records(uow, company.sales_clerk, **filters).items
            ]

    assert ids() == [contract.id, report.id]
    assert ids(form="E05") == [contract.id]
    assert ids(text="华南制冷") == [contract.id]
    assert ids(text="%") == []
    assert ids(state="filed") == []
    assert ids(mine=True, state="draft") == [contract.id, report.id]
    assert ids(per_page=1, page=2) == [report.id]
    assert ids(customer_id=77) == []


@pytest.mark.parametrize(
    "filters",
    [
        {"state": "乱写"},
        {"page": 0},
        {"per_page": 101},
        {"customer_id": 2**70},
        {"customer_id": -1},
        {"page": 10**9},
    ],
)
def test_a_senseless_filter_is_refused(resources, company, filters):
    with pytest.raises(Invalid), resources.reading() as uow:
        service.list_records(uow, company.sales_clerk, **filters)


def test_a_printed_code_leads_back_to_the_record(resources, company, make_draft, submit):
    sent = submit(make_draft())
    with resources.reading() as uow:
        found = service.find_verified(uow, f"{sent.number}-{sent.digest[:12]}")
        assert found is not None and found.id == sent.id
        assert service.find_verified(uow, f"{sent.number}-{'0' * 12}") is None
        assert service.find_verified(uow, f"{sent.number}-{'%' * 12}") is None
        assert service.find_verified(uow, "") is None


def test_the_journal_names_acts_and_no_personal_words(resources, company, make_draft, submit):
    sent = submit(make_draft())
    act(resources, service.mark_returned, company.sales_head, sent.id, "王某某的电话不对")
    with resources.reading() as uow:
        rows = uow.session.scalars(
            select(JournalEntry)
            .where(JournalEntry.object_type == "record")
            .order_by(JournalEntry.seq)
        ).all()
        assert [row.action for row in rows] == [
            "record.create",
            "record.number",
            "record.submit",
            "record.return",
        ]
        assert not any("海信" in str(row.detail) or "王某某" in str(row.detail) for row in rows)
