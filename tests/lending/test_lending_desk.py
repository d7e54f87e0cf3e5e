"""The paper's way over the desk: asked for, approved in order, handed out, late, back again."""

from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from archive.core.errors import ArchiveError, Conflict, Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.codes import make_barcode
from archive.filing.models import Item, ItemCopy
from archive.lending import service as lending
from archive.lending.models import Loan, LoanRefusal, LoanRequest
from archive.lending.views import Refused
from archive.people.models import User
from storage.journal import check_chain


def state_of(shelf) -> tuple:
    """Everything lending may change, to show that a refused act changed nothing."""
    with shelf.resources.reading() as uow:
        loans = uow.session.execute(select(Loan.id, Loan.copy_id, Loan.returned_at)).all()
        requests = uow.session.execute(select(LoanRequest.id, LoanRequest.state)).all()
        copies = uow.session.execute(select(ItemCopy.id, ItemCopy.status)).all()
    return tuple(loans), tuple(requests), tuple(copies), len(shelf.journal())


def refused_in_words(shelf, kind: type[ArchiveError], act, *args, **kwargs) -> str:
    before = state_of(shelf)
    with pytest.raises(kind) as caught:
        shelf.do(act, *args, **kwargs)
    assert state_of(shelf) == before
    assert caught.value.message.endswith("。")
    return caught.value.message


def test_a_paper_is_lent_and_comes_back(shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.ask(company.sales_clerk2, item_id)
    assert request.number == "JY2026-0001" and request.state == "waiting"
    assert [step.approver_name for step in request.approvals] == ["王建国", "孙文静"]

    request = shelf.do(lending.approve, company.sales_head, request.id, "业务需要")
    assert request.state == "waiting"
    request = shelf.do(lending.approve, company.archivist, request.id)
    assert request.state_label == "已批准，待取件"

    clock.advance(days=1)
    loan = shelf.do(lending.hand_out, company.archivist, barcode).loan
    assert (loan.borrower_name, loan.pages_out, str(loan.due_on)) == ("林美玲", 3, "2026-12-08")
    with shelf.resources.reading() as uow:
        assert filing.load_item(uow, item_id).is_lent
        assert [one.barcode for one in lending.my_loans(uow, company.sales_clerk2)] == [barcode]

    clock.advance(days=3)
    back = shelf.do(lending.take_back, company.archivist, barcode, 3)
    assert back.state_label == "已归还" and back.loan.intact
    with shelf.resources.reading() as uow:
        assert not filing.load_item(uow, item_id).is_lent
        log = [line.what for line in lending.log_of_item(uow, company.archivist, item_id)]
        assert list(check_chain(uow.session)) == []
    assert log == ["申请原件外借", "同意", "同意", "借出", "归还"]
    assert [one for one in shelf.journal() if one.startswith(("loan.", "copy."))] == [
        "loan.request",
        "loan.approve",
        "loan.approve",
        "loan.hold",
        "copy.status",
        "loan.hand_out",
        "copy.status",
        "loan.return",
    ]


def test_reading_on_site_is_due_the_same_day(shelf, company):
    item_id, barcode = shelf.item()
    loan = shelf.lent(company.sales_clerk, item_id, barcode, "onsite").loan
    assert str(loan.due_on) == "2026-11-23" and loan.state_label == "今天到期"


def test_a_loan_keeps_a_snapshot_of_its_rule(shelf, company):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    with shelf.resources.reading() as uow:
        kept = uow.session.scalar(select(Loan)).rule
    assert kept["code"] == "own-open-original" and kept["days"] == 10 and kept["basis"]


def test_the_end_of_a_code_is_enough_unless_several_end_so(shelf, company):
    told = {"unit": "XSB", "retention": "D30", "serial": 7}
    _, barcode = shelf.item(reference_code="Z109-KH·2025-D30-XSB-0007", **told | {"year": 2025})
    scan = shelf.do(lending.scan, company.archivist, "ｘｓｂ－7")
    assert scan.barcode == barcode and scan.item.code == "Z109-KH·2025-D30-XSB-0007"
    _, other = shelf.item(reference_code="Z109-KH·2026-D30-XSB-0007", **told)
    secret = {"secrecy": 3, "title": "机密的一件", "year": 2024}
    shelf.item(reference_code="Z109-KH·2024-D30-XSB-0007", **told | secret)
    words = refused_in_words(shelf, Invalid, lending.scan, company.archivist, "XSB-0007")
    assert (
        "2025-D30" in words and "2026-D30" in words and "机密" not in words and "2024" not in words
    )
    assert shelf.do(lending.scan, company.archivist, "2026 7").barcode == other
    for nothing in ("XSB-9", "0007", "7", "XSB-0000", "' OR 1 --7", "X" * 10_000):
        refused_in_words(shelf, NotFound, lending.scan, company.archivist, nothing)


def test_scanning_says_what_to_do(shelf, company):
    item_id, barcode = shelf.item(provisional_code="Z109-KH·2026-D30-XSB-L0001")
    scan = shelf.do(lending.scan, company.archivist, barcode)
    assert scan.kind == "nothing" and "没有已批准的借阅申请" in scan.message
    request = shelf.ask(company.sales_clerk2, item_id)
    assert "等王建国审批" in shelf.do(lending.scan, company.archivist, barcode).message
    shelf.do(lending.approve, company.sales_head, request.id)
    shelf.do(lending.approve, company.archivist, request.id)
    scan = shelf.do(lending.scan, company.archivist, f" {barcode.lower()} ")
    assert scan.kind == "hand_out" and [one.id for one in scan.requests] == [request.id]
    shelf.do(lending.hand_out, company.archivist, barcode)
    scan = shelf.do(lending.scan, company.archivist, barcode)
    assert scan.kind == "take_back" and scan.pages == 3 and "林美玲" in scan.message
    by_code = shelf.do(lending.scan, company.archivist, "z109 kh·2026 d30 xsb l1")
    assert by_code.kind == "take_back" and by_code.barcode == barcode


# ------------------------------------------------- refused, in words, nothing changed


@pytest.mark.parametrize("strange", ["A000000000", "", "档案", "A" * 5000, "\x00", "'; DROP--"])
def test_an_unknown_barcode_is_refused(shelf, company, strange):
    for act, extra in ((lending.scan, ()), (lending.hand_out, ()), (lending.take_back, (3,))):
        words = refused_in_words(shelf, NotFound, act, company.archivist, strange, *extra)
        assert "没有条码" in words and len(words) < 100


def test_a_well_formed_barcode_of_nothing_is_refused(shelf, company):
    code = make_barcode(999_999_999)
    assert code in refused_in_words(shelf, NotFound, lending.hand_out, company.archivist, code)


def test_what_is_not_approved_is_not_handed_out(shelf, company):
    item_id, barcode = shelf.item()
    hand_out, desk = lending.hand_out, company.archivist
    assert "没有已批准" in refused_in_words(shelf, Conflict, hand_out, desk, barcode)
    request = shelf.ask(company.sales_clerk2, item_id)
    for extra in ((), (request.id,)):
        words = refused_in_words(shelf, Conflict, hand_out, desk, barcode, *extra)
        assert "还在等王建国审批" in words
    shelf.do(lending.refuse, company.sales_head, request.id, "本周盘点，下周再借")
    words = refused_in_words(shelf, Conflict, hand_out, desk, barcode, request.id)
    assert "已拒绝" in words


def test_a_paper_is_handed_only_to_whom_it_was_approved(shelf, company):
    item_id, barcode = shelf.item()
    _, other_barcode = shelf.item()
    request = shelf.approved(company.sales_clerk2, item_id)
    desk = company.archivist
    words = refused_in_words(
        shelf, Conflict, lending.hand_out, desk, barcode, staff_no=company.sales_clerk.staff_no
    )
    assert "陈晓东没有获准" in words
    words = refused_in_words(shelf, Conflict, lending.hand_out, desk, other_barcode, request.id)
    assert "借的不是这一件" in words
    refused_in_words(shelf, NotFound, lending.hand_out, desk, barcode, staff_no="9999")
    refused_in_words(shelf, NotFound, lending.hand_out, desk, barcode, 2**70)
    badge = company.sales_clerk2.staff_no
    assert shelf.do(lending.hand_out, desk, barcode, staff_no=badge).loan


def test_two_approved_borrowers_must_be_told_apart(shelf, company):
    item_id, barcode = shelf.item(copies=2)
    first = shelf.approved(company.sales_clerk, item_id)
    second = shelf.approved(company.sales_clerk2, item_id)
    words = refused_in_words(shelf, Invalid, lending.hand_out, company.archivist, barcode)
    assert "陈晓东、林美玲" in words
    shelf.do(lending.hand_out, company.archivist, barcode, second.id)
    words = refused_in_words(
        shelf, Conflict, lending.hand_out, company.archivist, barcode, first.id
    )
    assert "已经借给林美玲" in words


def test_a_copy_out_is_not_lent_again_and_comes_back_once(shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk2, item_id, barcode)
    desk = company.archivist
    refused_in_words(shelf, Conflict, lending.hand_out, desk, barcode, request.id)
    shelf.do(lending.take_back, desk, barcode, 3)
    words = refused_in_words(shelf, Conflict, lending.take_back, desk, barcode, 3)
    assert "不能再次归还" in words
    words = refused_in_words(shelf, Conflict, lending.hand_out, desk, barcode, request.id)
    assert "已归还" in words


def test_a_copy_never_lent_cannot_come_back(shelf, company):
    _, barcode = shelf.item()
    words = refused_in_words(shelf, Conflict, lending.take_back, company.archivist, barcode, 3)
    assert "没有借出过" in words


def test_only_the_archive_stands_at_the_desk(shelf, company):
    item_id, barcode = shelf.item()
    shelf.approved(company.sales_clerk2, item_id)
    for who in (company.sales_clerk2, company.sales_head, company.leader, company.admin):
        refused_in_words(shelf, Forbidden, lending.scan, who, barcode)
        refused_in_words(shelf, Forbidden, lending.hand_out, who, barcode)
        refused_in_words(shelf, Forbidden, lending.take_back, who, barcode, 3)


def test_an_archivist_without_clearance_does_not_hand_out_a_confidential_paper(shelf, company):
    item_id, barcode = shelf.item(secrecy=3)
    request = shelf.approved(company.archive_head, item_id, "onsite")
    words = refused_in_words(
        shelf, Forbidden, lending.hand_out, company.archivist, barcode, request.id
    )
    assert "档案负责人" in words
    scan = shelf.do(lending.scan, company.archivist, barcode)
    assert scan.title == "（无权查看题名）"


@pytest.mark.parametrize("pages", [-1, 10_000, True, "3", 2.5, None])
def test_a_return_without_a_proper_count_is_refused(shelf, company, pages):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    refused_in_words(shelf, Invalid, lending.take_back, company.archivist, barcode, pages)


@pytest.mark.parametrize("words", ["破\x00损", "破\u202e损", "很" * 201])
def test_a_condition_that_cannot_be_kept_is_refused(shelf, company, words):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    refused_in_words(shelf, Invalid, lending.take_back, company.archivist, barcode, 3, words)


# ---------------------------------------------------------------- what went wrong meanwhile


def test_a_missing_page_is_not_closed_as_intact(shelf, company):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    loan = shelf.do(lending.take_back, company.archivist, barcode, 2).loan
    assert loan.intact is False and loan.state_label == "已归还，有异常"
    assert "借出 3 页，归还 2 页" in loan.condition
    assert shelf.journal()[-1] == "loan.return_incident"


def test_damage_is_noted_as_typed(shelf, company):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    words = "封面<破损>&{{7*7}}🧧𠮷"
    loan = shelf.do(lending.take_back, company.archivist, barcode, 3, words).loan
    assert loan.intact is False and loan.condition == words


def test_who_left_or_fell_overdue_since_the_approval_gets_nothing(shelf, company, clock):
    item_id, barcode = shelf.item()
    late_item, late_barcode = shelf.item()
    request = shelf.approved(company.sales_clerk2, item_id)
    shelf.lent(company.sales_clerk2, late_item, late_barcode, "onsite")
    clock.advance(days=1)
    words = refused_in_words(
        shelf, Conflict, lending.hand_out, company.archivist, barcode, request.id
    )
    assert "批准之后情况有变" in words and "逾期" in words
    with shelf.resources.work() as uow:
        uow.session.get(User, company.sales_clerk2.id).left_on = uow.now().date()
        uow.commit()
    words = refused_in_words(
        shelf, Conflict, lending.hand_out, company.archivist, barcode, request.id
    )
    assert "已离职" in words


def test_secrecy_raised_since_the_approval_needs_a_new_request(shelf, company):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_head, item_id)
    with shelf.resources.work() as uow:
        row = uow.session.get(Item, item_id)
        row.secrecy = 2
        uow.commit()
    words = refused_in_words(
        shelf, Conflict, lending.hand_out, company.archivist, barcode, request.id
    )
    assert "没有允许这样借阅的规则" in words


def test_overdue_follows_from_the_due_day(shelf, company, clock):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    fresh_item, fresh_barcode = shelf.item()
    clock.advance(days=14)
    with shelf.resources.reading() as uow:
        loan = lending.my_loans(uow, company.sales_clerk)[0]
        assert loan.days_left == 0 and not loan.is_overdue
    shelf.lent(company.sales_clerk2, fresh_item, fresh_barcode)
    clock.advance(days=2)
    with shelf.resources.reading() as uow:
        page = lending.open_loans(uow, company.archivist)
        assert [one.state_label for one in page.items] == ["逾期 2 个工作日", "借出"]
        assert lending.open_loans(uow, company.archivist, overdue_only=True).total == 1
        assert lending.overdue_count(uow, company.archivist) == 1
        assert lending.overdue_count(uow, company.other_clerk) == 0
    assert isinstance(shelf.ask(company.sales_clerk, fresh_item), Refused)


# ---------------------------------------------------------------- at the same time


@pytest.mark.parametrize("round_", range(3))
def test_two_desks_cannot_lend_one_copy_at_the_same_moment(shelf, company, round_):
    item_id, barcode = shelf.item(copies=2)
    requests = [
        shelf.approved(who, item_id).id for who in (company.sales_clerk, company.sales_clerk2)
    ]
    outcomes = run_at_once(shelf, company, barcode, requests)
    assert sorted(kind for kind, _ in outcomes) == ["conflict", "done"], outcomes
    words = next(words for kind, words in outcomes if kind == "conflict")
    assert "已经借给" in words or "刚被另一处办理" in words  # seen before, or at the row itself
    with shelf.resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Loan)) == 1


def run_at_once(shelf, company, barcode, requests):
    outcomes: list[tuple[str, str]] = []
    start = Barrier(len(requests))

    def hand_out(request_id: int) -> None:
        start.wait()
        try:
            with shelf.resources.work() as uow:
                lending.hand_out(uow, company.archivist, barcode, request_id)
                uow.commit()
            outcomes.append(("done", ""))
        except Conflict as refusal:
            outcomes.append(("conflict", refusal.message))

    threads = [Thread(target=hand_out, args=(one,)) for one in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_one_request_handed_out_at_two_desks_gives_one_loan(shelf, company):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    outcomes = run_at_once(shelf, company, barcode, [request.id, request.id, request.id])
    assert sorted(kind for kind, _ in outcomes) == ["conflict", "conflict", "done"]


def test_two_copies_of_one_item_go_to_two_people(shelf, company):
    item_id, barcode = shelf.item(copies=2)
    shelf.lent(company.sales_clerk, item_id, barcode)
    with shelf.resources.reading() as uow:
        other = next(c.barcode for c in filing.load_item(uow, item_id).copies if c.status == "in")
    shelf.lent(company.sales_clerk2, item_id, other)
    with shelf.resources.reading() as uow:
        assert len(lending.loans_of_item(uow, item_id)) == 2


def test_the_unique_index_holds_where_the_service_did_not_look(shelf, company, monkeypatch):
    """As on PostgreSQL, where two desks may both have seen the copy in."""
    item_id, barcode = shelf.item(copies=2)
    first = shelf.approved(company.sales_clerk, item_id)
    second = shelf.approved(company.sales_clerk2, item_id)
    shelf.do(lending.hand_out, company.archivist, barcode, first.id)
    monkeypatch.setattr("archive.lending.desk._check_is_in", lambda uow, copy, last: None)
    words = refused_in_words(
        shelf, Conflict, lending.hand_out, company.archivist, barcode, second.id
    )
    assert "刚被另一处办理" in words


def test_refusals_stand_in_the_log_like_loans(shelf, company):
    item_id, _ = shelf.item()
    shelf.ask(company.other_clerk, item_id, purpose="", reference="")
    with shelf.resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(LoanRefusal)) == 1
        log = lending.log_of_item(uow, company.archivist, item_id)
    assert [line.what for line in log] == ["规则拒绝"] and "没有业务联系" in log[0].note


def test_who_has_asked_for_as_many_as_allowed_gets_all_of_them(shelf, company):
    papers = [shelf.item() for _ in range(5)]
    for item_id, _ in papers:
        shelf.approved(company.sales_clerk, item_id)
    for _, barcode in papers:
        assert shelf.do(lending.hand_out, company.archivist, barcode).loan
