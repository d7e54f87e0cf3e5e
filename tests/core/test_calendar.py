"""Working days by the State Council's notice, corrections first, unknown years provisional."""

from datetime import date

import pytest

from archive.core.calendar import CalendarDay, WorkCalendar, load_calendar
from archive.core.errors import Conflict, Invalid
from archive.core.numbering import take_number
from archive.core.pages import Page, clean_paging

CALENDAR = WorkCalendar()


@pytest.mark.parametrize(
    "day, is_open",
    [
        (date(2026, 11, 23), True),  # Monday
        (date(2026, 11, 21), False),  # Saturday
        (date(2026, 10, 1), False),  # 国庆节
        (date(2026, 10, 8), True),
        (date(2026, 2, 14), True),  # 春节调休上班的星期六
        (date(2026, 2, 17), False),  # 春节
    ],
)
def test_the_years_notice_rules(day, is_open):
    assert CALENDAR.is_open(day) is is_open


def test_five_working_days_over_the_national_day_holiday():
    assert CALENDAR.add_working_days(date(2026, 9, 29), 5) == date(2026, 10, 12)


def test_an_unknown_year_counts_weekdays_and_says_it_is_provisional():
    assert not CALENDAR.is_known(date(2031, 10, 1))
    assert CALENDAR.is_open(date(2031, 10, 1)) is True
    assert CALENDAR.is_open(date(2031, 10, 4)) is False


def test_a_correction_wins_over_the_notice(resources):
    with resources.work() as uow:
        uow.session.add(CalendarDay(day=date(2026, 11, 23), is_open=False, note="年度盘点"))
        uow.commit()
    with resources.reading() as uow:
        calendar = load_calendar(uow)
    assert not calendar.is_open(date(2026, 11, 23))
    assert calendar.next_open(date(2026, 11, 23)) == date(2026, 11, 24)
    assert calendar.previous_open(date(2026, 11, 23)) == date(2026, 11, 20)
    assert calendar.working_days_between(date(2026, 11, 20), date(2026, 11, 25)) == 2


def test_numbers_have_no_gap_when_an_act_is_rolled_back(resources):
    with resources.work() as uow:
        assert take_number(uow, "record:E01:2026") == 1
        uow.commit()
    with resources.work() as uow:
        assert take_number(uow, "record:E01:2026") == 2
    with resources.work() as uow:
        assert take_number(uow, "record:E01:2026") == 2
        assert take_number(uow, "record:E05:2026") == 1
        uow.commit()


def test_a_full_series_refuses_and_says_how_to_go_on(resources):
    with resources.work() as uow:
        for _ in range(3):
            take_number(uow, "item", limit=3)
        with pytest.raises(Conflict, match="拆分"):
            take_number(uow, "item", limit=3)


@pytest.mark.parametrize("page, per_page", [(0, 20), (-1, 20), (10**9, 20), (1, 0), (1, 101)])
def test_page_numbers_out_of_range_are_refused(page, per_page):
    with pytest.raises(Invalid):
        clean_paging(page, per_page)


def test_pages_count_from_one():
    assert Page((), 0, 1, 20).pages == 1
    assert Page((), 41, 1, 20).pages == 3
