"""Asking to borrow: who is connected, who approves, what is refused and written down."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from archive.core.calendar import CalendarDay
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing.models import ItemCopy
from archive.lending import matrix
from archive.lending import service as lending
from archive.lending.matching import Rule
from archive.lending.models import LoanApproval, LoanRefusal, LoanRequest, LoanRule
from archive.lending.views import HIDDEN_TITLE, Refused
from archive.people import service as people
from archive.people.models import User
from archive.records.models import Record
from storage.journal import JournalEntry

PURPOSE = "客户续签合同前核对资质"
TODAY = date(2026, 11, 23)


def codes(refused: Refused) -> set[str]:
    assert isinstance(refused, Refused), refused
    return {reason.code for reason in refused.reasons}


def count(shelf, model) -> int:
    with shelf.resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


def decide(shelf, who, item_id, mode="original", purpose=PURPOSE, reference="海信"):
    with shelf.resources.reading() as uow:
        return lending.decide(uow, who, item_id, mode, date(2026, 11, 23), purpose, reference)


# ---------------------------------------------------------------- who is connected


def test_an_unconnected_person_is_refused_with_every_reason(shelf, company):
    item_id, _ = shelf.item()
    refused = shelf.ask(company.other_clerk, item_id, purpose="看看", reference="")
    assert codes(refused) == {"no_purpose", "no_business_reference", "not_connected"}
    assert "不能借阅" in refused.message and count(shelf, LoanRequest) == 0


def test_the_refusal_is_in_the_log_without_personal_words(shelf, company):
    item_id, _ = shelf.item()
    shelf.ask(company.other_clerk, item_id, purpose="私人关系想看", reference="朋友张三")
    with shelf.resources.reading() as uow:
        entry = uow.session.scalars(select(JournalEntry).order_by(JournalEntry.seq)).all()[-1]
        assert entry.action == "loan.refused" and entry.object_id == str(item_id)
        assert "not_connected" in entry.detail and "张三" not in entry.detail
        page = lending.refusals(uow, company.archivist, date(2026, 11, 23), date(2026, 11, 23))
    assert page.total == 1 and page.items[0].borrower_name == "赵客服"
    assert page.items[0].business_reference == "朋友张三"


def test_a_department_with_papers_about_the_customer_is_connected(shelf, company):
    item_id, _ = shelf.item()
    shelf.signed_record(company.service_id, company.other_head, "E10-2026-0031")
    assert codes(shelf.ask(company.other_clerk, item_id, reference="海信")) == {
        "no_business_reference"
    }
    request = shelf.ask(company.other_clerk, item_id, reference="E10-2026-0031 回访")
    assert [step.candidate for step in request.approvals] == ["own_head", "owner_head"]
    assert [step.approver_name for step in request.approvals] == ["钱主任", "王建国"]


def test_a_draft_about_the_customer_ties_nobody(shelf, company):
    item_id, _ = shelf.item()
    shelf.signed_record(company.service_id, company.other_head, "E10-2026-0031")
    with shelf.resources.work() as uow:
        uow.session.execute(Record.__table__.update().values(state="draft"))
        uow.commit()
    assert "not_connected" in codes(shelf.ask(company.other_clerk, item_id))


def test_the_customers_keeper_in_another_department_may_ask(shelf, company):
    item_id, _ = shelf.item(department_id=company.finance_id)
    request = shelf.ask(company.sales_clerk, item_id, reference="KH2026-0001")
    assert [step.approver_name for step in request.approvals] == ["王建国", "周志远"]


def test_a_paper_without_customer_and_department_is_for_the_offices(shelf, company):
    item_id, _ = shelf.item(customer_id=None, department_id=None, form_code="")
    assert "not_connected" in codes(shelf.ask(company.sales_clerk, item_id))
    request = shelf.ask(company.archivist, item_id, reference="盘点核对")
    assert [step.approver_name for step in request.approvals] == ["何守正"]
    assert request.approvals[0].candidate == "own_head+owner_head"


def test_the_decision_is_given_for_an_item_one_may_not_see_but_its_title_is_not(shelf, company):
    item_id, _ = shelf.item()
    assert not decide(shelf, company.other_clerk, item_id).allowed
    with shelf.resources.reading() as uow:
        shown = lending.preview(uow, company.other_clerk, item_id, "original")
    assert (shown.title, shown.code) == (HIDDEN_TITLE, "")
    assert [one.code for one in shown.decision.reasons] == ["not_connected"]


def test_an_unknown_item_or_mode_is_named(shelf, company):
    item_id, _ = shelf.item()
    for strange in (0, -1, 999, 2**70):
        with pytest.raises(NotFound):
            decide(shelf, company.sales_clerk, strange)
    for strange in ("", "带走", "ORIGINAL", "original "):
        with pytest.raises(Invalid, match="没有这种借阅方式"):
            decide(shelf, company.sales_clerk, item_id, strange)
    assert count(shelf, LoanRefusal) == 0


def test_the_administrator_handles_no_papers(shelf, company):
    item_id, _ = shelf.item()
    with pytest.raises(Forbidden):
        shelf.ask(company.admin, item_id)


# ---------------------------------------------------------------- who approves


def test_the_head_who_borrows_is_approved_by_the_next_higher(shelf, company):
    item_id, _ = shelf.item()
    request = shelf.ask(company.sales_head, item_id)
    assert [(s.candidate, s.approver_name) for s in request.approvals] == [
        ("own_head", "周志远"),
        ("archivist", "孙文静"),
    ]


def test_the_archivist_who_borrows_is_approved_by_the_head_of_the_archive(shelf, company):
    item_id, _ = shelf.item(department_id=company.archive_id)
    request = shelf.ask(company.archivist, item_id)
    assert [(s.candidate, s.approver_name) for s in request.approvals] == [
        ("own_head+archivist", "何守正")
    ]


def test_a_head_without_the_clearance_is_passed_over(shelf, company):
    item_id, _ = shelf.item(secrecy=2)
    with shelf.resources.work() as uow:
        uow.session.get(User, company.sales_head.id).clearance = 1
        uow.session.get(User, company.sales_clerk.id).clearance = 2
        uow.commit()
    request = shelf.ask(replace(company.sales_clerk, clearance=2), item_id)
    assert [s.approver_name for s in request.approvals] == ["周志远", "何守正"]


def test_the_only_leader_finds_nobody_above(shelf, company):
    item_id, _ = shelf.item()
    assert codes(shelf.ask(company.leader, item_id)) == {"no_approver"}


def test_approvals_go_in_order_by_the_person_asked_and_never_twice(shelf, company):
    item_id, _ = shelf.item()
    request = shelf.ask(company.sales_clerk, item_id)
    with pytest.raises(Conflict, match="还没有轮到您"):
        shelf.do(lending.approve, company.archivist, request.id)
    with pytest.raises(Forbidden, match="自己的借阅申请"):
        shelf.do(lending.approve, company.sales_clerk, request.id)
    with pytest.raises(NotFound):
        shelf.do(lending.approve, company.other_head, request.id)
    with pytest.raises(Forbidden):
        shelf.do(lending.approve, company.leader, request.id)
    assert waiting(shelf, company.sales_head) == 1 and waiting(shelf, company.archivist) == 0
    shelf.do(lending.approve, company.sales_head, request.id)
    with pytest.raises(Conflict, match="已经审批过"):
        shelf.do(lending.approve, company.sales_head, request.id)
    assert waiting(shelf, company.sales_head) == 0 and waiting(shelf, company.archivist) == 1
    shelf.do(lending.approve, company.archivist, request.id)
    with pytest.raises(Conflict, match="已经办完审批"):
        shelf.do(lending.refuse, company.archivist, request.id, "改主意了")


def waiting(shelf, who) -> int:
    with shelf.resources.reading() as uow:
        found = lending.waiting_for(uow, who)
        assert lending.waiting_count(uow, who) == len(found)
        return len(found)


def test_own_approval_is_impossible_even_for_a_row_that_names_oneself(shelf, company):
    item_id, _ = shelf.item()
    request = shelf.ask(company.sales_clerk, item_id)
    with shelf.resources.work() as uow:
        step = uow.session.scalar(select(LoanApproval).where(LoanApproval.seq == 1))
        step.approver_id = company.sales_clerk.id
        uow.commit()
    with pytest.raises(Forbidden):
        shelf.do(lending.approve, company.sales_clerk, request.id)


def test_a_stale_page_cannot_approve(shelf, company):
    item_id, _ = shelf.item()
    request = shelf.ask(company.sales_clerk, item_id)
    after = shelf.do(lending.approve, company.sales_head, request.id, "", request.version)
    assert after.version > request.version
    with pytest.raises(Conflict, match="刷新"):
        shelf.do(lending.approve, company.archivist, request.id, "", request.version)
    with pytest.raises(Conflict, match="您已经审批过了"):  # pressed twice: the page is stale too
        shelf.do(lending.approve, company.sales_head, request.id, "", request.version)
    assert shelf.do(lending.approve, company.archivist, request.id, "", after.version)


def test_refusing_needs_a_reason_and_ends_the_request(shelf, company):
    item_id, _ = shelf.item()
    request = shelf.ask(company.sales_clerk, item_id)
    for empty in ("", " ", "\n"):
        with pytest.raises(Invalid, match="理由"):
            shelf.do(lending.refuse, company.sales_head, request.id, empty)
    words = "先看<电子件>，{{不借}}🧧"
    refused = shelf.do(lending.refuse, company.sales_head, request.id, words)
    assert refused.state_label == "已拒绝" and refused.approvals[0].opinion == words
    assert refused.approvals[1].state == "cancelled"
    with shelf.resources.reading() as uow:
        page = lending.refusals(uow, company.archivist, date(2026, 11, 1), date(2026, 11, 30))
    assert page.items[0].reasons[0].code == "approval_refused"
    assert shelf.ask(company.sales_clerk, item_id).number == "JY2026-0002"


# ---------------------------------------------------------------- asking, and taking it back


def test_the_same_paper_is_not_asked_for_twice(shelf, company):
    item_id, _ = shelf.item()
    shelf.ask(company.sales_clerk, item_id)
    with pytest.raises(Conflict, match="已经申请过"):
        shelf.ask(company.sales_clerk, item_id)
    assert count(shelf, LoanRequest) == 1


def test_a_request_is_withdrawn_by_its_borrower_before_the_hand_out(shelf, company):
    item_id, barcode = shelf.item()
    request = shelf.ask(company.sales_clerk, item_id)
    with pytest.raises(NotFound):
        shelf.do(lending.withdraw, company.sales_clerk2, request.id)
    with pytest.raises(Forbidden):
        shelf.do(lending.withdraw, company.sales_head, request.id)
    back = shelf.do(lending.withdraw, company.sales_clerk, request.id)
    assert back.state_label == "已撤回" and waiting(shelf, company.sales_head) == 0
    with pytest.raises(Conflict):
        shelf.do(lending.withdraw, company.sales_clerk, request.id)
    lent = shelf.lent(company.sales_clerk, item_id, barcode)
    with pytest.raises(Conflict, match="借出"):
        shelf.do(lending.withdraw, company.sales_clerk, lent.id)


def test_the_limit_counts_what_is_asked_for_and_what_is_out(shelf, company):
    for _ in range(5):
        assert shelf.ask(company.sales_clerk, shelf.item()[0]).state == "waiting"
    sixth, _ = shelf.item()
    assert codes(shelf.ask(company.sales_clerk, sixth)) == {"limit"}
    assert shelf.ask(company.sales_clerk, sixth, "onsite").state == "waiting"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("purpose", "核对\x00资质文件"),
        ("purpose", "核对\u202e资质文件"),
        ("purpose", "核对\ud800资质文件"),
        ("purpose", "核" * 501),
        ("reference", "海" * 201),
        ("reference", "海信\x07"),
    ],
)
def test_text_that_cannot_be_kept_is_refused_with_a_word(shelf, company, entry, text):
    item_id, _ = shelf.item()
    with pytest.raises(Invalid):
        shelf.ask(company.sales_clerk, item_id, **{entry: text})
    assert count(shelf, LoanRequest) == count(shelf, LoanRefusal) == 0


@pytest.mark.parametrize(
    "text", ["客户&合同", "A<B & C", "{{7*7}}", "{% for %}", "红包🧧到账", "𠮷野家开户"]
)
def test_hostile_words_are_kept_as_typed(shelf, company, text):
    item_id, _ = shelf.item()
    request = shelf.ask(company.sales_clerk, item_id, purpose=text, reference=text)
    assert (request.purpose, request.business_reference) == (text, text)


def test_requests_are_seen_by_those_concerned_only(shelf, company):
    item_id, _ = shelf.item()
    request = shelf.ask(company.sales_clerk, item_id)
    with shelf.resources.reading() as uow:
        for who in (company.sales_clerk, company.sales_head, company.archivist, company.leader):
            assert lending.get_request(uow, who, request.id).id == request.id
            assert lending.list_requests(uow, who).total == 1
        for who in (company.sales_clerk2, company.other_clerk, company.finance_clerk):
            assert lending.list_requests(uow, who).total == 0
            with pytest.raises(NotFound):
                lending.get_request(uow, who, request.id)
        for who in (company.sales_clerk, company.sales_head):
            with pytest.raises(Forbidden):
                lending.open_loans(uow, who)
            with pytest.raises(Forbidden):
                lending.log_of_item(uow, who, item_id)
        assert lending.log_of_person(uow, company.sales_clerk, company.sales_clerk.id)
        with pytest.raises(Forbidden):
            lending.log_of_person(uow, company.sales_clerk2, company.sales_clerk.id)
        assert lending.list_requests(uow, company.archivist, state="waiting").total == 1
        assert lending.list_requests(uow, company.archivist, state="closed").total == 0
        assert lending.list_requests(uow, company.archivist, mine=True).total == 0
        with pytest.raises(Invalid):
            lending.list_requests(uow, company.archivist, state="lost")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2026, 2, 1), date(2026, 1, 1)),
        (date(1, 1, 1), date(1, 1, 2)),
        (date.max, date.max),
        (date(2000, 1, 1), date(2026, 1, 1)),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(shelf, company, start, end):
    with shelf.resources.reading() as uow:
        for query in (lending.register, lending.refusals):
            with pytest.raises(Invalid):
                query(uow, company.archivist, start, end)


# ---------------------------------------------------------------- the door without a purpose


def test_the_command_answers_in_the_agreed_words(shelf, company):
    item_id, _ = shelf.item()
    with shelf.resources.reading() as uow:
        yes = lending.cli_decision(uow, "sales_clerk", item_id, "original", date(2026, 9, 30))
        no = lending.cli_decision(uow, "other_clerk", item_id, "original", None)
    assert yes == {
        "allowed": True,
        "reasons": [],
        "rule": "own-open-original@1",
        "approvals": ["own_head", "archivist"],
        "due": "2026-10-20",
    }
    assert list(no) == ["allowed", "reasons", "rule", "approvals", "due"]
    assert [one["code"] for one in no["reasons"]] == ["not_connected"]
    assert (no["approvals"], no["due"]) == ([], None)


def test_a_leaver_is_asked_about_by_name(shelf, company):
    item_id, _ = shelf.item()
    with shelf.resources.work() as uow:
        uow.session.get(User, company.sales_clerk2.id).left_on = date(2026, 11, 20)
        uow.commit()
    with shelf.resources.reading() as uow:
        found = lending.cli_decision(uow, "sales_clerk2", item_id, "original", None)
        with pytest.raises(NotFound):
            lending.cli_decision(uow, "nobody", item_id, "original", None)
    assert [one["code"] for one in found["reasons"]] == ["borrower_left"]


def test_a_day_the_archivist_closed_moves_the_due_day(shelf, company):
    item_id, _ = shelf.item()
    before = decide(shelf, company.sales_clerk, item_id).due
    with shelf.resources.work() as uow:
        uow.session.add(CalendarDay(day=before, is_open=False, note="盘点"))
        uow.commit()
    assert decide(shelf, company.sales_clerk, item_id).due == date(2026, 12, 8)


def test_a_year_not_published_is_shown_as_provisional(shelf, company):
    item_id, _ = shelf.item()
    with shelf.resources.reading() as uow:
        shown = lending.preview(uow, company.sales_clerk, item_id, "original", date(2026, 12, 28))
    assert shown.decision.is_provisional and "暂定" in shown.due_text


# ---------------------------------------------------------------- rules as rows


def test_seeding_the_rules_twice_changes_nothing(shelf):
    before = count(shelf, LoanRule), len(shelf.journal())
    assert shelf.do(lending.seed_rules) == 0
    assert (count(shelf, LoanRule), len(shelf.journal())) == before
    assert before[0] == len(matrix.shipped_rules())


def test_seeding_leaves_a_changed_rule_alone(shelf, company):
    changed = replace(rule_named(shelf, "own-open-original"), days=3, valid_from=TODAY)
    shelf.do(lending.save_rule, company.archive_head, changed)
    shelf.do(lending.seed_rules)
    assert decide(shelf, company.sales_clerk, shelf.item()[0]).due == date(2026, 11, 26)


def rule_named(shelf, code: str) -> Rule:
    with shelf.resources.reading() as uow:
        rules = [rule for rule in lending.all_rules(uow) if rule.code == code]
    return max(rules, key=lambda rule: rule.version)


def test_a_changed_rule_is_a_new_version_and_the_old_stays(shelf, company):
    rule = rule_named(shelf, "own-open-original")
    saved = shelf.do(
        lending.save_rule, company.archive_head, replace(rule, limit=1, valid_from=TODAY)
    )
    assert saved.version == 2 and rule_named(shelf, rule.code) == saved
    with pytest.raises(Conflict, match="第 2 版"):
        shelf.do(lending.save_rule, company.archive_head, replace(rule, limit=9))
    assert shelf.journal()[-1] == "loan_rule.save"


def test_what_was_decided_is_not_decided_again(shelf, company):
    rule = rule_named(shelf, "own-open-original")
    early = replace(rule, valid_from=TODAY - timedelta(days=1))
    with pytest.raises(Invalid, match="不能早于今天"):
        shelf.do(lending.save_rule, company.archive_head, early)
    assert rule_named(shelf, rule.code) == rule


def test_a_rule_for_one_room_goes_before_the_rule_for_all(shelf, company):
    rule = rule_named(shelf, "own-open-original")
    room = replace(rule, code="vault", version=0, place="保险柜", days=1, valid_from=TODAY)
    shelf.do(lending.save_rule, company.archive_head, room)
    item_id, _ = shelf.item()
    assert decide(shelf, company.sales_clerk, item_id).rule.code == "own-open-original"
    with shelf.resources.work() as uow:
        copy = uow.session.scalar(select(ItemCopy).where(ItemCopy.item_id == item_id))
        copy.location = "保险柜 盒1"
        uow.commit()
    assert decide(shelf, company.sales_clerk, item_id).rule.code == "vault"


def test_an_equally_specific_rule_cannot_be_saved(shelf, company):
    rule = rule_named(shelf, "own-open-original")
    double = replace(rule, code="mine", version=0, secrecy="内部/秘密")
    with pytest.raises(Conflict, match="own-open-original"):
        shelf.do(lending.save_rule, company.archive_head, double)
    with pytest.raises(Invalid):
        shelf.do(lending.save_rule, company.archive_head, replace(rule, mode="偷拿"))
    assert rule_named(shelf, "own-open-original").version == 1


def test_only_the_head_of_the_archive_changes_rules(shelf, company):
    rule = rule_named(shelf, "own-open-original")
    for who in (company.archivist, company.leader, company.sales_head, company.admin):
        with pytest.raises(Forbidden):
            shelf.do(lending.save_rule, who, rule)


def test_without_rules_in_the_database_nothing_is_lent(shelf, company):
    item_id, _ = shelf.item()
    with shelf.resources.work() as uow:
        uow.session.query(LoanRule).delete()
        uow.commit()
    assert codes(shelf.ask(company.sales_clerk, item_id)) == {"no_rule"}


def test_people_of_the_test_company_are_as_the_table_expects(shelf, company):
    with shelf.resources.reading() as uow:
        assert people.head_of(uow, company.sales_id).id == company.sales_head.id
