"""Originals back before the year ends: the day, what it cuts, what it recalls, who sets it."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.core.calendar import CalendarDay, WorkCalendar
from archive.core.errors import Conflict, Forbidden, Invalid
from archive.lending import matrix
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.links import Links
from archive.lending.matching import Case
from archive.lending.models import Loan, LoanNotice
from archive.lending.renewing import RenewalFacts, decide_renewal, recalled_due
from archive.lending.rules import Facts, Policy, decide
from archive.lending.views import Refused
from archive.lending.year_end.rules import YearEnd, due_by_year_end, last_day_out, read_day
from archive.lending.year_end.service import recall_by_year_end, save_year_end
from archive.lending.year_end.setting import load_year_end
from archive.people.models import User

CALENDAR = WorkCalendar()
POLICY = Policy(4, 2, 7)
BASIS = "档案室 2026 年第 8 号通知"
URL = "/loans/year-end"
LAST = date(2026, 12, 25)
RULES = {rule.code: rule for rule in matrix.shipped_rules()}


def asked(on: date, mode: str = "original", secrecy: int = 1, **more) -> Facts:
    links = Links(own_department=True, customer_names=("海信",))
    case = Case("own", mode, secrecy, category="KH", item_class="客户开发", form_code="E01")
    why = {"purpose": "客户续签核对", "reference": "海信"}
    return Facts(case, on, 3, links, year_end=LAST, **why, **more)


@pytest.mark.parametrize(
    ("day", "year", "last"),
    [
        ("12-25", 2026, date(2026, 12, 25)),  # a Friday
        ("12-26", 2026, date(2026, 12, 25)),  # a Saturday: the working day before
        ("12-27", 2026, date(2026, 12, 25)),
        ("12-25", 2027, date(2027, 12, 24)),  # a Saturday of a year not published yet
        ("12-31", 2026, date(2026, 12, 31)),
        ("10-10", 2026, date(2026, 10, 10)),  # a Saturday worked for the holidays
        ("10-07", 2026, date(2026, 9, 30)),  # 国庆
        ("", 2026, None),
    ],
)
def test_the_last_day_of_a_year(day, year, last):
    assert last_day_out(YearEnd(day), year, CALENDAR) == last


def test_a_day_the_archive_closed_moves_it_back():
    closed = WorkCalendar(frozenset({(date(2026, 12, 25), False), (date(2026, 12, 24), False)}))
    assert last_day_out(YearEnd("12-25"), 2026, closed) == date(2026, 12, 23)


@pytest.mark.parametrize(
    ("facts", "due", "codes"),
    [
        (asked(date(2026, 11, 23)), date(2026, 12, 7), []),
        (asked(date(2026, 12, 11)), LAST, []),  # ten working days end just then
        (asked(date(2026, 12, 14)), LAST, []),
        (asked(date(2026, 12, 24)), LAST, []),
        (asked(LAST), LAST, []),
        (asked(date(2026, 12, 26)), None, ["year_end"]),
        (asked(date(2026, 12, 31)), None, ["year_end"]),
        (asked(date(2026, 12, 28), secrecy=2), None, ["year_end"]),
        (asked(date(2026, 12, 22), secrecy=2), LAST, []),  # five working days: 29
        (asked(date(2026, 12, 28), copies_in=0, copies_out=1), None, ["copy_out", "year_end"]),
        (asked(date(2026, 12, 14), wanted_until=date(2026, 12, 18)), date(2026, 12, 18), []),
        (asked(date(2026, 12, 14), wanted_until=date(2026, 12, 30)), LAST, []),
        (asked(date(2026, 12, 28), mode="onsite"), date(2026, 12, 28), []),
        (asked(date(2026, 12, 28), mode="electronic"), date(2027, 1, 11), []),
        (asked(date(2026, 12, 28), mode="copy"), None, []),
    ],
)
def test_what_the_decision_says(facts, due, codes):
    decision = decide(facts, matrix.shipped_rules(), CALENDAR, POLICY)
    assert [one.code for one in decision.reasons] == codes and decision.due == due
    without = decide(replace(facts, year_end=None), matrix.shipped_rules(), CALENDAR, POLICY)
    told = "年底清还：最迟2026年12月25日归还" if due == LAST and without.due != LAST else ""
    assert decision.due_note == told
    assert all(
        "年底清还：外借的原件最迟2026年12月25日" in one.text for one in decision.reasons[-1:]
    )


@pytest.mark.parametrize(
    ("on", "due_on", "due", "codes"),
    [
        (date(2026, 12, 11), date(2026, 12, 14), date(2026, 12, 21), []),
        (date(2026, 12, 17), date(2026, 12, 18), LAST, []),  # five working days, just then
        (date(2026, 12, 21), date(2026, 12, 22), LAST, []),
        (date(2026, 12, 24), LAST, None, ["year_end"]),
        (date(2026, 12, 28), LAST, None, ["overdue", "year_end"]),
        (date(2026, 12, 28), date(2026, 12, 30), None, ["year_end"]),
    ],
)
def test_a_renewal_ends_by_the_last_day(on, due_on, due, codes):
    facts = RenewalFacts(on, due_on, RULES["own-open-original"], 0, 1, 1, year_end=LAST)
    decision = decide_renewal(facts, CALENDAR, POLICY)
    assert [one.code for one in decision.reasons] == codes and decision.due == due
    assert bool(decision.due_note) is (due_on == date(2026, 12, 22))


@pytest.mark.parametrize(
    ("due_on", "on", "due"),
    [
        (date(2026, 12, 24), date(2026, 11, 23), date(2026, 12, 24)),
        (date(2027, 1, 8), date(2026, 12, 1), LAST),
        (date(2027, 1, 8), LAST, LAST),
        (date(2027, 1, 8), date(2026, 12, 26), date(2026, 12, 29)),  # set late: two working days
        (date(2026, 12, 28), date(2026, 12, 26), date(2026, 12, 28)),
    ],
)
def test_when_what_is_out_is_due(due_on, on, due):
    assert due_by_year_end(due_on, LAST, on, CALENDAR, 2) == due
    assert due_by_year_end(due_on, None, on, CALENDAR, 2) == due_on


@given(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.dates(date(2026, 1, 1), date(2027, 3, 1)))
def test_a_recall_reaches_beyond_the_last_day_only_when_that_is_over(on, due_on):
    due = recalled_due(due_on, on, CALENDAR, POLICY, LAST)
    assert due <= due_on and (due <= LAST or on > LAST)
    assert due_by_year_end(due, LAST, on, CALENDAR, 2) == due  # once is enough


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("12-25", "12-25"),
        ("１２月２５日", "12-25"),
        ("10.1", "10-01"),
        ("12/5", "12-05"),
        (" ", ""),
    ],
)
def test_a_day_is_read_as_people_write_it(typed, day):
    assert read_day(typed) == day


@pytest.mark.parametrize("typed", ["12-32", "13-1", "9-30", "2026-12-25", "年底", "<b>"])
def test_a_wrong_day_is_named(typed):
    with pytest.raises(ValueError, match="月"):
        read_day(typed)


# ------------------------------------------------- the acts


def told(shelf, who) -> list[tuple[str, str]]:
    with shelf.resources.reading() as uow:
        rows = uow.session.query(LoanNotice).filter_by(user_id=who.id).order_by(LoanNotice.id)
        return [(row.kind, row.text) for row in rows]


def set_day(shelf, company, day: str, before: str = "") -> int:
    return shelf.do(save_year_end, company.archive_head, day, BASIS, before)


def test_nothing_is_set_as_shipped(shelf):
    with shelf.resources.reading() as uow:
        assert load_year_end(uow) == YearEnd()
        assert recall_by_year_end(uow) == 0


def test_a_loan_and_its_renewal_keep_to_the_day(shelf, company, clock):
    set_day(shelf, company, "12-11")
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk, item_id, barcode)
    assert request.loan.due_on == date(2026, 12, 7)
    clock.advance(days=11)
    renewed = shelf.do(lending.renew, company.sales_clerk, request.id)
    assert renewed.loan.due_on == date(2026, 12, 11)
    late_id, late = shelf.item()
    assert shelf.lent(company.sales_clerk, late_id, late).loan.due_on == date(2026, 12, 11)
    clock.advance(days=8)
    outcome = shelf.do(lending.renew, company.sales_clerk, request.id)
    assert isinstance(outcome, Refused)
    refused = shelf.ask(company.sales_clerk, shelf.item()[0])
    assert "year_end" in {one.code for one in refused.reasons}


def test_what_was_lent_before_is_recalled_once_and_told_once(shelf, company, clock):
    late_id, late = shelf.item()
    in_time_id, in_time = shelf.item()
    request = shelf.lent(company.sales_clerk, late_id, late)
    other = shelf.approved(company.sales_clerk, in_time_id)
    early = date(2026, 12, 1)
    with shelf.resources.work() as uow:
        lending.hand_out(uow, company.archivist, in_time, other.id)
        uow.session.query(Loan).filter_by(request_id=other.id).update({"due_on": early})
        uow.commit()
    assert set_day(shelf, company, "12-04") == 1
    with shelf.resources.reading() as uow:
        loan = lending.get_request(uow, company.sales_clerk, request.id).loan
        assert loan.due_on == date(2026, 12, 4)
        assert loan.recall_reason == "年底清还：最迟2026年12月4日归还"
        kept = lending.get_request(uow, company.sales_clerk, other.id).loan
        assert (kept.due_on, kept.recalled_at) == (early, None)
    for _ in range(3):
        do_loan_chores(shelf.resources)
    assert [kind for kind, _ in told(shelf, company.sales_clerk)].count("recall") == 1
    assert shelf.journal().count("loan.recall") == 1
    clock.advance(days=9)  # two working days before: reminded, not told to renew
    for _ in range(2):
        do_loan_chores(shelf.resources)
    before = [text for kind, text in told(shelf, company.sales_clerk) if kind == "before"]
    assert len(before) == 1 and "不能续借" in before[0]


def test_a_day_closed_later_recalls_to_the_working_day_before(shelf, company):
    set_day(shelf, company, "12-04")
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk, item_id, barcode)
    assert request.loan.due_on == date(2026, 12, 4)
    with shelf.resources.work() as uow:
        uow.session.add(CalendarDay(day=date(2026, 12, 4), is_open=False, note="盘点"))
        uow.commit()
    do_loan_chores(shelf.resources)
    with shelf.resources.reading() as uow:
        loan = lending.get_request(uow, company.sales_clerk, request.id).loan
    assert loan.due_on == date(2026, 12, 3) and loan.recalled_at is not None


def test_a_renewal_waiting_for_approval_keeps_to_a_day_set_meanwhile(shelf, company, clock):
    item_id, barcode = shelf.item(secrecy=2)
    rule = replace(
        RULES["own-secret-original"], renewals=1, renewal_days=5, valid_from=date(2026, 11, 23)
    )
    shelf.do(matrix.save_rule, company.archive_head, rule)
    who = company.sales_clerk
    with shelf.resources.work() as uow:
        uow.session.get(User, who.id).clearance = 2
        uow.commit()
    request = shelf.lent(replace(who, clearance=2), item_id, barcode)
    due = request.loan.due_on
    clock.advance(days=(due - date(2026, 11, 23)).days - 1)
    waiting = shelf.do(lending.renew, replace(who, clearance=2), request.id)
    set_day(shelf, company, "12-02")
    while step := waiting.waits_for:
        waiting = shelf.do(lending.approve, shelf.actor(step.approver_id), request.id, "同意")
    assert due < waiting.loan.due_on == date(2026, 12, 2)


def test_only_the_archive_head_sets_it_well_and_from_what_they_saw(shelf, company):
    with pytest.raises(Forbidden):
        shelf.do(save_year_end, company.archivist, "12-25", BASIS, "")
    with pytest.raises(Invalid) as wrong:
        shelf.do(save_year_end, company.archive_head, "9-1", "", "")
    assert set(wrong.value.fields) == {"day"}
    with pytest.raises(Invalid) as wrong:
        shelf.do(save_year_end, company.archive_head, "12-25", " ", "")
    assert set(wrong.value.fields) == {"basis"}
    set_day(shelf, company, "12-25")
    with pytest.raises(Conflict, match="12月25日"):
        set_day(shelf, company, "12-20")
    set_day(shelf, company, "", before="12-25")
    with shelf.resources.reading() as uow:
        assert load_year_end(uow).day == ""
    assert shelf.journal().count("loan.year_end") == 2


def test_the_page_sets_it_and_keeps_what_was_typed(shelf, company, client_for):
    head = client_for(company.archive_head)
    assert "没有设" in head.get(URL).get_data(as_text=True)
    wrong = head.post(URL, data={"day": "12-40", "basis": BASIS, "before": ""})
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and "12-40" in page and BASIS in page
    assert head.post(URL, data={"day": "12-26", "basis": BASIS, "before": ""}).status_code == 302
    page = client_for(company.archivist).get(URL).get_data(as_text=True)
    assert "每年12月26日，今年是 2026-12-25" in page and 'name="day"' not in page
    assert client_for(company.sales_clerk).get(URL).status_code == 403


def test_the_try_it_panel_and_the_api_tell_it(shelf, company, client_for, api_for):
    set_day(shelf, company, "12-25")
    item_id, barcode = shelf.item()
    query = {"username": "sales_clerk", "item": barcode, "mode": "original", "on": "2026-12-21"}
    desk = client_for(company.archivist)
    page = desk.get("/loans/rules", query_string=query).get_data(as_text=True)
    assert "年底清还：最迟2026年12月25日归还" in page
    page = desk.get("/loans/rules", query_string={**query, "on": "2026-12-28"})
    assert "之后到年底不再外借" in page.get_data(as_text=True)
    asked_by = api_for(company.sales_clerk)
    url = f"/api/v1/loans/decision?item={item_id}&mode=original&on="
    told_now = asked_by.get(url + "2026-12-21").get_json()
    assert (told_now["due"], told_now["due_note"]) == (
        "2026-12-25",
        "年底清还：最迟2026年12月25日归还",
    )
    assert asked_by.get(url + "2026-11-23").get_json()["due_note"] == ""
    refused = asked_by.get(url + "2026-12-28").get_json()
    assert [one["code"] for one in refused["reasons"]] == ["year_end"]
