"""Approvers who are away: the delegate decides in their name, by the day, and is reminded."""

from datetime import date

import pytest

from archive.core.errors import Conflict, Forbidden, NotFound
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.papers import request_paper
from archive.signing.delegation import delegate_tasks, end_delegation

MONDAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 27)


def delegate(shelf, owner, agent, start=MONDAY, end=FRIDAY, form=""):
    return shelf.do(delegate_tasks, owner, agent, start, end, form)


def test_the_delegate_decides_in_the_approvers_name(shelf, company):
    item_id, _ = shelf.item()
    delegate(shelf, company.sales_head, company.other_head)
    asked = shelf.ask(company.sales_clerk, item_id)
    assert asked.waits_for.who == "王建国（今天委托钱主任）"
    with shelf.resources.reading() as uow:
        assert lending.waiting_count(uow, company.other_head) == 1
        seen = lending.waiting_for(uow, company.other_head)[0]
        assert seen.id == asked.id and seen.is_my_turn and "无权" not in seen.item_title
    done = shelf.do(lending.approve, company.other_head, asked.id, "同意。")
    assert done.approvals[0].who == "钱主任 代 王建国"
    with pytest.raises(Conflict, match=r"已经审批过|前一位"):
        shelf.do(lending.approve, company.other_head, asked.id, "同意。")
    with shelf.resources.reading() as uow:
        paper = request_paper(uow, company.sales_clerk, asked.id, "A01")
        assert paper.values["审批"][0]["审批人"] == "钱主任 代 王建国"
        assert lending.get_request(uow, company.other_head, asked.id).id == asked.id
        assert [one.id for one in lending.decided_by(uow, company.other_head)] == [asked.id]


def test_a_delegation_counts_from_day_to_day_and_for_its_form(shelf, company, clock):
    item_id, _ = shelf.item()
    delegate(shelf, company.sales_head, company.other_head, date(2026, 11, 24), FRIDAY)
    asked = shelf.ask(company.sales_clerk, item_id)
    with pytest.raises(NotFound):
        shelf.do(lending.approve, company.other_head, asked.id)
    clock.advance(days=1)
    with shelf.resources.reading() as uow:
        assert lending.waiting_count(uow, company.other_head) == 1
    clock.advance(days=5)
    with shelf.resources.reading() as uow:
        assert lending.waiting_count(uow, company.other_head) == 0
    delegate(shelf, company.sales_head, company.other_head, MONDAY, date(2026, 12, 31), "E05")
    with pytest.raises(NotFound):
        shelf.do(lending.approve, company.other_head, asked.id)
    shelf.do(lending.approve, company.sales_head, asked.id)


def test_an_ended_delegation_ends_at_once(shelf, company):
    item_id, _ = shelf.item()
    made = delegate(shelf, company.sales_head, company.other_head)
    asked = shelf.ask(company.sales_clerk, item_id)
    shelf.do(end_delegation, company.sales_head, made.id)
    with pytest.raises(NotFound):
        shelf.do(lending.approve, company.other_head, asked.id)


def test_nobody_decides_on_their_own_request_through_a_delegation(shelf, company):
    item_id, _ = shelf.item()
    delegate(shelf, company.sales_head, company.sales_clerk)
    asked = shelf.ask(company.sales_clerk, item_id)
    with shelf.resources.reading() as uow:
        assert lending.waiting_count(uow, company.sales_clerk) == 0
    with pytest.raises(Forbidden):
        shelf.do(lending.approve, company.sales_clerk, asked.id)


def test_a_delegate_without_the_clearance_decides_nothing_secret(shelf, company):
    item_id, _ = shelf.item(secrecy=2)
    delegate(shelf, company.sales_head, company.sales_clerk2)
    asked = shelf.ask(company.archive_head, item_id, "onsite", reference="海信 2026")
    with shelf.resources.reading() as uow:
        assert lending.waiting_count(uow, company.sales_clerk2) == 0
    with pytest.raises(NotFound):
        shelf.do(lending.approve, company.sales_clerk2, asked.id)


def notices(shelf, who) -> list[str]:
    with shelf.resources.reading() as uow:
        return [one.text for one in lending.notices_for(uow, who) if one.kind == "waiting"]


def test_who_decides_is_reminded_after_one_and_three_working_days_once(shelf, company, clock):
    item_id, _ = shelf.item()
    asked = shelf.ask(company.sales_clerk, item_id)
    for day, expected in ((0, 0), (1, 1), (0, 1), (1, 1), (1, 2), (1, 2), (3, 2)):
        clock.advance(days=day)
        do_loan_chores(shelf.resources)
        assert len(notices(shelf, company.sales_head)) == expected
    assert asked.number in notices(shelf, company.sales_head)[0]
    assert "3 个工作日" in notices(shelf, company.sales_head)[0]


def test_the_delegate_is_reminded_in_the_approvers_place(shelf, company, clock):
    item_id, _ = shelf.item()
    delegate(shelf, company.sales_head, company.other_head)
    shelf.ask(company.sales_clerk, item_id)
    clock.advance(days=1)
    do_loan_chores(shelf.resources)
    assert notices(shelf, company.sales_head) == []
    assert "您代王建国审批" in notices(shelf, company.other_head)[0]
