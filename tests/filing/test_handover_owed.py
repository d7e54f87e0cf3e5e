"""What is owed: the six papers of a new customer, the quarter of a long one, late by whom."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from archive.core.errors import Forbidden, Invalid, NotFound
from archive.customers import service as customers
from archive.customers.service import CustomerFields
from archive.filing import service as filing
from archive.filing.handover import service as handover
from archive.filing.handover.duties import load_duties, parse_duties, with_forms
from archive.filing.handover.rules import read_month
from archive.records.models import Record
from doc_templates import Owed, load_form

NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def customer(resources, company):
    """Return a maker of customers met on a day."""

    def make(name="青岛海信电器股份有限公司", met="2026-11-20", **more):
        fields = CustomerFields(
            name=name,
            first_contact=date.fromisoformat(met),
            owner_id=company.sales_clerk.id,
            department_id=company.sales_id,
            **more,
        )
        with resources.work() as uow:
            made = customers.create_customer(uow, company.sales_clerk, fields)
            uow.commit()
        return made

    return make


def owed(resources, actor, month=NOVEMBER, department_id=None):
    with resources.reading() as uow:
        return handover.owed_papers(uow, actor, month, department_id)


def test_a_new_customer_owes_six_papers_by_department(resources, company, customer, clock):
    customer()
    found = owed(resources, company.archivist)
    by = {one.name: (one.department_name, one.due, one.person_name) for one in found}
    assert len(by) == 6
    assert by["客户基本资料表"] == ("销售部", date(2026, 11, 27), "陈晓东")
    assert by["客户信用评估报告"][:2] == ("财务部", date(2026, 12, 10))
    assert by["客户信息分析报告"] == ("客服部", date(2026, 12, 10), "钱主任")
    assert not any(one.is_late for one in found)
    clock.now = datetime(2026, 11, 28, 2, tzinfo=UTC)
    late = [one for one in owed(resources, company.archivist) if one.is_late]
    assert [(one.name, one.person_name) for one in late] == [("客户基本资料表", "陈晓东")]


def test_a_customer_only_met_owes_no_contract(resources, company, customer):
    customer(status="潜在")
    assert {one.name for one in owed(resources, company.archivist)} == {
        "客户基本资料表",
        "客户资质评级表",
        "客户信息分析报告",
    }


def test_a_long_term_customer_is_completed_every_quarter(resources, company, customer):
    customer(met="2024-03-01", cooperation="长期合作")
    customer("青岛澳柯玛股份有限公司", met="2024-03-01")
    assert owed(resources, company.archivist) == ()
    found = owed(resources, company.archivist, date(2026, 9, 1))
    assert {(one.customer_name, one.due, one.is_late) for one in found} == {
        ("青岛海信电器股份有限公司", date(2026, 10, 15), True)
    }


def test_a_department_sees_its_own_and_only_that(resources, company, customer):
    customer()
    mine = owed(resources, company.finance_clerk, department_id=company.finance_id)
    assert [one.name for one in mine] == ["客户信用评估报告"]
    with pytest.raises(NotFound):
        owed(resources, company.finance_clerk, department_id=company.sales_id)
    for person in (company.finance_clerk, company.sales_head):
        with pytest.raises(Forbidden):
            owed(resources, person)
    with pytest.raises(Forbidden):
        owed(resources, company.admin)


def test_what_came_is_told_with_its_day_and_named_only_to_its_readers(
    resources, company, customer, signed_record
):
    customer()
    record = contract(resources, signed_record)
    states = contract_states(resources, company)
    assert states == ("signed", None, record.id)
    with resources.work() as uow:
        filing.file_record(uow, company.archivist, record.id)
        uow.commit()
    assert contract_states(resources, company)[:2] == ("came", date(2026, 11, 23))


def contract(resources, signed_record):
    """A signed paper that stands for the contract: the form's code is what counts."""
    made = signed_record()
    with resources.work() as uow:
        uow.session.execute(
            update(Record).where(Record.id == made.id).values(form_code="E05", form_version=1)
        )
        uow.commit()
    return made


def contract_states(resources, company):
    found = owed(resources, company.archivist)
    one = next(one for one in found if one.name.startswith("客户销售合同"))
    return one.state, one.came_on, one.record_id


def test_sums_by_department_put_the_late_first(resources, company, customer, clock):
    customer()
    clock.now = datetime(2026, 11, 30, 2, tzinfo=UTC)
    sums = handover.owing_by_department(owed(resources, company.archivist))
    assert [(one.department_name, one.owed, one.late) for one in sums] == [
        ("销售部", 3, 1),
        ("客服部", 2, 0),
        ("财务部", 1, 0),
    ]


def test_finished_papers_have_their_day(resources, company, signed_record, clock):
    record = signed_record()
    with resources.reading() as uow:
        found = handover.finished_papers(uow, company.sales_clerk, company.sales_id)
    assert [(one.record_id, one.due, one.is_late) for one in found] == [
        (record.id, date(2026, 12, 10), False)
    ]
    clock.now = datetime(2026, 12, 11, 2, tzinfo=UTC)
    with resources.reading() as uow:
        assert handover.finished_papers(uow, company.sales_clerk, company.sales_id)[0].is_late
        assert handover.finished_papers(uow, company.other_head, company.service_id) == ()
        with pytest.raises(NotFound):
            handover.finished_papers(uow, company.other_clerk, company.sales_id)


def test_a_fixed_number_of_statements(resources, company, customer, count_statements):
    customer()
    with count_statements() as few:
        owed(resources, company.archivist)
    for place in range(8):
        customer(f"第{place}家机械有限公司")
    with count_statements() as many:
        assert len(owed(resources, company.archivist)) == 54
    assert len(many) == len(few)


def test_a_form_that_says_its_day_wins():
    form = replace(load_form("E05"), owed=Owed("客户服务部", "month+20"))
    papers = {one.name: one for one in with_forms(load_duties(), [form]).papers}
    assert papers["客户销售合同（复印件）"].owed == Owed("客户服务部", "month+20")
    assert papers["客户信用评估报告"].owed == Owed("财务部", "month+10")


@pytest.mark.parametrize(
    "text", ["", "version = 1", 'version = 1\nfinished_within = "x"\n[[paper]]\nname = "表"']
)
def test_broken_rules_are_not_loaded(text):
    with pytest.raises((KeyError, ValueError)):
        parse_duties(text)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-0", "2026-13", "0000-01", "二〇二六-1", "9" * 99]
)
def test_a_month_that_is_none(text):
    with pytest.raises(Invalid):
        read_month(text)
