"""The calendar of working days: changed by hand, a notice entered, and what is counted anew."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from archive.core.calendar import LIBRARY_YEAR, CalendarDay, load_book, load_calendar
from archive.core.errors import Conflict, Forbidden, Invalid
from archive.core.profile import ProfileEntry
from archive.lending import matrix
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.models import Loan, LoanNotice, LoanRenewal, LoanRequest
from archive.lending.viewing.models import LoanGrant
from archive.lending.workdays import service
from archive.lending.workdays.service import DaysChange, NoticeEntry
from archive.lending.year_end.service import save_year_end
from archive.people.models import User
from storage.journal import check_chain

BASIS = "国办发明电〔2026〕9 号"
NOTICE = """明年的安排如下，请照办。
一、元旦：2027年1月1日（星期五）至3日（星期日）放假，共3天。
二、春节：2月5日（农历腊月廿九、周五）至11日（周四）放假调休，共7天。2月13日（周六）、2月20日（周六）上班。
三、清明节：4月5日（星期一）放假1天，与周末连休。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。5月8日（周六）上班。
五、端午节：6月9日（星期三）放假1天。
六、中秋节：9月15日（星期三）放假1天。
七、国庆节：10月1日（星期五）至7日（星期四）放假调休，共7天。9月26日（周日）、10月9日（周六）上班。
值班请安排妥当。
"""
DUE = date(2026, 12, 7)  # ten working days from the clock's Monday, 23 November


def version(shelf) -> str:
    with shelf.resources.reading() as uow:
        return load_book(uow).version


def change(shelf, who, first: str, last: str = "", what: str = "closed", note: str = "年度盘点"):
    asked = DaysChange(first, last, what, note)
    return shelf.do(service.change_days, who, asked, version(shelf))


def enter(shelf, who, text: str = NOTICE, year: int = 2027, basis: str = BASIS):
    entry = NoticeEntry(year, text, basis)
    return shelf.do(service.save_notice, who, entry, version(shelf))


def told(shelf, who) -> list[str]:
    with shelf.resources.reading() as uow:
        rows = uow.session.query(LoanNotice).filter_by(user_id=who.id, kind="moved")
        return [row.text for row in rows.order_by(LoanNotice.id)]


def due(shelf, request) -> date:
    with shelf.resources.reading() as uow:
        return uow.session.query(Loan).filter_by(request_id=request.id).one().due_on


# ------------------------------------------------- days by hand


def test_a_closed_stretch_moves_the_due_day_once_and_tells_the_borrower(shelf, company):
    request = shelf.lent(company.sales_clerk, *shelf.item())
    assert request.loan.due_on == DUE
    assert change(shelf, company.archive_head, "2026-12-02", "2026-12-03") == 1
    assert due(shelf, request) == date(2026, 12, 9)
    what = f"《新开发客户报告表（海信）》（第 {request.item_id} 号）（{request.number}）"
    moved = "应还日期由2026年12月7日改为2026年12月9日：工作日历有变（年度盘点）。"
    assert told(shelf, company.sales_clerk) == [f"您借的{what}{moved}"]
    for _ in range(2):
        do_loan_chores(shelf.resources)
    assert due(shelf, request) == date(2026, 12, 9)
    assert shelf.journal().count("loan.due_moved") == 1
    assert change(shelf, company.archive_head, "2026-12-01", "2026-12-31", "restore", "") == 1
    assert due(shelf, request) == DUE and len(told(shelf, company.sales_clerk)) == 2
    with shelf.resources.reading() as uow:
        assert load_book(uow).corrections == {} and not list(check_chain(uow.session))


def test_a_day_worked_brings_the_due_day_forward(shelf, company):
    request = shelf.lent(company.sales_clerk, *shelf.item())
    assert change(shelf, company.archive_head, "2026-12-05", what="open", note="调休") == 1
    assert due(shelf, request) == date(2026, 12, 5)


def test_nobody_becomes_overdue_and_the_overdue_are_left_alone(shelf, company, clock):
    request = shelf.lent(company.sales_clerk, *shelf.item())
    clock.advance(days=14)  # the due day itself
    for first in ("2026-11-28", "2026-11-29", "2026-12-05", "2026-12-06"):
        change(shelf, company.archive_head, first, what="open", note="加班")
        assert due(shelf, request) == DUE
    clock.advance(days=1)
    assert change(shelf, company.archive_head, "2026-12-07", "2026-12-11") == 0
    assert due(shelf, request) == DUE


def test_secret_papers_slide_back_and_others_on_when_the_history_does_not_tell(shelf, company):
    open_one = shelf.lent(company.sales_clerk, *shelf.item())
    secret = shelf.lent(company.sales_clerk, *shelf.item())
    with shelf.resources.work() as uow:
        uow.session.query(Loan).update({"due_on": date(2026, 12, 16)})
        row = uow.session.get_one(LoanRequest, secret.id)
        row.decision = {**row.decision, "secrecy": 2}
        uow.commit()
    assert change(shelf, company.archive_head, "2026-12-01") == 0  # nothing to slide
    assert change(shelf, company.archive_head, "2026-12-16") == 2
    assert due(shelf, open_one) == date(2026, 12, 17)
    assert due(shelf, secret) == date(2026, 12, 15)


def test_a_recalled_loan_only_slides(shelf, company):
    request = shelf.lent(company.sales_clerk, *shelf.item())
    shelf.do(lending.recall, company.archivist, request.id, "审计要用")
    assert due(shelf, request) == date(2026, 11, 25)
    assert change(shelf, company.archive_head, "2026-11-24") == 0
    assert change(shelf, company.archive_head, "2026-11-25") == 1
    assert due(shelf, request) == date(2026, 11, 26)


def test_renewals_are_counted_along_and_those_that_wait_too(shelf, company, clock):
    request = shelf.lent(company.sales_clerk, *shelf.item())
    clock.advance(days=14)
    renewed = shelf.do(lending.renew, company.sales_clerk, request.id)
    assert renewed.loan.due_on == date(2026, 12, 14)
    with shelf.resources.work() as uow:
        loan = uow.session.query(Loan).one()
        asked = {"due_before": loan.due_on, "due_after": date(2026, 12, 21), "state": "waiting"}
        uow.session.add(LoanRenewal(loan_id=loan.id, asked_at=uow.now(), **asked))
        uow.commit()
    assert change(shelf, company.archive_head, "2026-12-10") == 1
    assert due(shelf, request) == date(2026, 12, 15)
    with shelf.resources.reading() as uow:
        waiting = uow.session.query(LoanRenewal).filter_by(state="waiting").one()
        assert waiting.due_after == date(2026, 12, 22)
    assert shelf.journal().count("loan.renewal_moved") == 1


def test_the_last_day_to_pick_up_and_of_a_view_move_along(shelf, company):
    held = shelf.approved(company.sales_clerk, shelf.item()[0])
    assert held.pick_up_by == date(2026, 11, 26)
    view = shelf.approved(company.sales_clerk, shelf.item(pages=1)[0], "original")
    with shelf.resources.work() as uow:
        rule = next(one for one in matrix.shipped_rules() if one.code == "own-open-electronic")
        row = uow.session.get_one(LoanRequest, view.id)
        row.mode, row.state, row.pick_up_by = "electronic", "handed_out", None
        row.decision = {**row.decision, "rule": matrix.snapshot(rule), "due": "2026-12-07"}
        until = datetime(2026, 12, 7, 16, tzinfo=UTC)
        grant = {"secrecy": 1, "prints": 0, "may_download": False, "opens_at": uow.now()}
        borrower = company.sales_clerk.id
        uow.session.add(LoanGrant(request_id=row.id, borrower_id=borrower, until=until, **grant))
        uow.commit()
    head = company.archive_head
    assert change(shelf, head, "2026-11-25") == 1
    with shelf.resources.reading() as uow:
        assert uow.session.get_one(LoanRequest, held.id).pick_up_by == date(2026, 11, 27)
    assert change(shelf, head, "2026-11-26") == 1  # counted from the same day
    with shelf.resources.reading() as uow:
        assert uow.session.get_one(LoanRequest, held.id).pick_up_by == date(2026, 11, 30)
    assert change(shelf, head, "2026-12-07") == 1
    with shelf.resources.reading() as uow:
        assert uow.session.query(LoanGrant).one().until == until + timedelta(days=1)
        assert uow.session.get_one(LoanRequest, view.id).decision["due"] == "2026-12-08"
    assert [text[:7] for text in told(shelf, company.sales_clerk)] == ["您申请的《新开"] * 2 + [
        "您申请电子阅览"
    ]


def test_the_year_s_end_moves_with_its_closed_day(shelf, company):
    shelf.do(save_year_end, company.archive_head, "12-04", "档案室通知", "")
    request = shelf.lent(company.sales_clerk, *shelf.item())
    assert due(shelf, request) == date(2026, 12, 4)
    assert change(shelf, company.archive_head, "2026-12-04") == 1
    do_loan_chores(shelf.resources)
    assert due(shelf, request) == date(2026, 12, 3)
    assert "loan.recall" not in shelf.journal()


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        (("", "", "closed", "盘点"), {"first"}),
        (("2026-13-01", "", "closed", "盘点"), {"first"}),
        (("明天" * 5000, "x", "closed", "盘点"), {"first", "last"}),
        (("2026-12-02", "2026-12-01", "closed", "盘点"), {"last"}),
        (("2026-01-01", "2027-06-01", "closed", "盘点"), {"last"}),
        (("2024-12-31", "", "closed", "盘点"), {"first"}),
        (("2026-12-31", "2029-01-01", "closed", "盘点"), {"last"}),
        (("2026-12-02", "", "holiday", "盘点"), {"what"}),
        (("2026-12-02", "", "", ""), {"what"}),
        (("2026-12-02", "", "closed", " "), {"note"}),
        (("2026-12-02", "", "open", "长" * 81), {"note"}),
        (("2026-12-02", "", "open", "坏\x00字"), {"note"}),
        (("2026-12-02", "", "restore", ""), {"first"}),
    ],
)
def test_wrong_entries_are_named_and_nothing_is_saved(shelf, company, typed, fields):
    with pytest.raises(Invalid) as wrong:
        change(shelf, company.archive_head, *typed)
    assert set(wrong.value.fields) == fields
    with shelf.resources.reading() as uow:
        assert load_book(uow).corrections == {}
    assert "calendar.days" not in shelf.journal()


def test_two_heads_at_once_and_others(shelf, company):
    seen = version(shelf)
    first = DaysChange("2026-12-02", "", "closed", "盘点")
    shelf.do(service.change_days, company.archive_head, first, seen)
    second = replace(first, first="2026-12-03")
    with pytest.raises(Conflict, match="刚被别人改过"):
        shelf.do(service.change_days, company.archive_head, second, seen)
    with pytest.raises(Conflict, match="刚被别人改过"):  # and twice is once
        shelf.do(service.change_days, company.archive_head, first, seen)
    with pytest.raises(Conflict):
        shelf.do(service.save_notice, company.archive_head, NoticeEntry(2027, NOTICE, BASIS), seen)
    for who in (company.archivist, company.leader, company.sales_clerk, company.admin):
        with pytest.raises(Forbidden):
            shelf.do(service.change_days, who, second, version(shelf))
        with pytest.raises(Forbidden):
            enter(shelf, who)
        with pytest.raises(Forbidden):
            shelf.do(service.preview_notice, who, NoticeEntry(2027, NOTICE, BASIS))
    with shelf.resources.reading() as uow:
        assert list(load_book(uow).corrections) == [date(2026, 12, 2)]


# ------------------------------------------------- a year's notice


def test_a_notice_publishes_its_year_and_moves_what_was_provisional(shelf, company, clock):
    clock.now = datetime(2026, 12, 24, 2, tzinfo=UTC)
    request = shelf.lent(company.sales_clerk, *shelf.item())
    assert due(shelf, request) == date(2027, 1, 7)
    entry = NoticeEntry(2027, NOTICE, BASIS)
    with shelf.resources.reading() as uow:
        draft = service.preview_notice(uow, company.archive_head, entry)
    assert draft.moved == 1 and not draft.is_published and len(draft.holidays) == 7
    assert due(shelf, request) == date(2027, 1, 7)
    assert enter(shelf, company.archive_head) == 1
    assert due(shelf, request) == date(2027, 1, 8)
    assert "2027 年放假安排已公布" in told(shelf, company.sales_clerk)[0]
    with shelf.resources.reading() as uow:
        calendar = load_calendar(uow)
    assert calendar.is_known(date(2027, 12, 31)) and not calendar.is_known(date(2028, 1, 1))
    assert calendar.is_open(date(2027, 2, 13)) and not calendar.is_open(date(2027, 2, 8))
    assert enter(shelf, company.archive_head) == 0  # the same again: nothing moves
    changed = NOTICE.replace("3日（星期日）放假，共3天", "4日（星期一）放假，共4天")
    assert enter(shelf, company.archive_head, changed) == 1
    assert due(shelf, request) == date(2027, 1, 11)


def test_what_is_corrected_by_hand_wins_over_the_notice(shelf, company):
    change(shelf, company.archive_head, "2027-02-08", what="open", note="值班")
    enter(shelf, company.archive_head)
    with shelf.resources.reading() as uow:
        assert load_calendar(uow).is_open(date(2027, 2, 8))
    change(shelf, company.archive_head, "2027-02-08", what="restore", note="")
    with shelf.resources.reading() as uow:
        assert not load_calendar(uow).is_open(date(2027, 2, 8))


@pytest.mark.parametrize(
    ("text", "year", "basis", "field"),
    [
        (NOTICE, 2028, BASIS, "year"),  # 2027 first
        (NOTICE, 2031, BASIS, "year"),
        (NOTICE, 0, BASIS, "year"),
        (NOTICE, 2026, BASIS, "text"),
        (NOTICE, 2027, "", "basis"),
        (NOTICE, 2027, "长" * 201, "basis"),
        ("", 2027, BASIS, "text"),
        (NOTICE.replace("共7天。9", "共8天。9"), 2027, BASIS, "text"),
    ],
)
def test_a_wrong_notice_is_refused_whole(shelf, company, text, year, basis, field):
    with pytest.raises(Invalid) as wrong:
        enter(shelf, company.archive_head, text, year, basis)
    assert set(wrong.value.fields) == {field}
    with shelf.resources.reading() as uow:
        assert load_book(uow).notices == {}


def test_a_year_the_library_learned_is_counted_once_by_the_worker(shelf, company, clock):
    clock.now = datetime(2026, 9, 23, 2, tzinfo=UTC)
    request = shelf.lent(company.sales_clerk, *shelf.item())
    real = due(shelf, request)
    naive = date(2026, 10, 7)  # as Monday to Friday had it before the year was published
    assert real == date(2026, 10, 14)
    with shelf.resources.work() as uow:
        uow.session.merge(ProfileEntry(key="workdays_counted", value="2025"))
        uow.session.query(Loan).update({"due_on": naive})
        uow.commit()
    for _ in range(3):
        do_loan_chores(shelf.resources)
    assert due(shelf, request) == real
    assert len(told(shelf, company.sales_clerk)) == 1
    assert shelf.journal().count("calendar.library") == 1
    with shelf.resources.reading() as uow:
        assert uow.session.get_one(ProfileEntry, "workdays_counted").value == str(LIBRARY_YEAR)


def test_a_correction_made_before_the_library_learned_the_year_still_wins(shelf, company, clock):
    clock.now = datetime(2026, 9, 23, 2, tzinfo=UTC)
    request = shelf.lent(company.sales_clerk, *shelf.item())
    with shelf.resources.work() as uow:
        uow.session.merge(ProfileEntry(key="workdays_counted", value="2025"))
        uow.session.add(CalendarDay(day=date(2026, 10, 7), is_open=True, note="值班"))
        uow.session.query(Loan).update({"due_on": date(2026, 10, 7)})
        uow.commit()
    do_loan_chores(shelf.resources)
    assert due(shelf, request) == date(2026, 10, 13)


def test_many_loans_are_read_at_once_and_written_in_a_few_statements_each(
    shelf, company, count_statements
):
    with shelf.resources.work() as uow:  # no limit on what one person has out
        uow.session.get_one(User, company.sales_clerk.id).email = "clerk@example.cn"
        uow.commit()

    def moved(loans: int, day: str) -> int:
        for _ in range(loans):
            shelf.lent(company.sales_clerk, *shelf.item())
        with count_statements() as sent:
            change(shelf, company.archive_head, day)
        return len(sent)

    one, three = moved(1, "2026-12-01"), moved(2, "2026-12-02")
    assert three - one <= 2 * 4  # the row, and the journal's two
    with shelf.resources.reading() as uow:
        book = load_book(uow)
        with count_statements() as reads:
            load_calendar(uow)
            more = replace(book, corrections={**book.corrections, date(2026, 12, 3): (False, "")})
            moves = service.find_moves(uow, book.calendar(), more.calendar())
    assert len(moves) == 3 and len(reads) <= 6, "\n".join(reads)
