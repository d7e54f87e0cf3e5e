"""The text of a year's notice read into days, and due days replayed: both pure."""

import time
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.core.calendar import CalendarBook, WorkCalendar
from archive.core.holidays import YearNotice, read_notices
from archive.lending import matrix
from archive.lending.workdays.notice import MAX_TEXT, Unclear, read_notice
from archive.lending.workdays.rules import History, moved_due, replay
from archive.lending.year_end.rules import YearEnd, last_day_out
from tests.lending.test_workdays import NOTICE

RULES = {rule.code: rule for rule in matrix.shipped_rules()}
REST = "".join(NOTICE.splitlines(keepends=True)[2:])
FIRST = NOTICE.splitlines()[1]


def days(first: str, last: str = "") -> list[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last or first)
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


def first_item(sentence: str):
    return read_notice(f"一、元旦：{sentence}\n{REST}", 2027)[0]


def test_the_whole_notice_is_read():
    found = {one.name: one for one in read_notice(NOTICE, 2027)}
    assert list(found) == ["元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"]
    assert list(found["春节"].closed_days) == days("2027-02-05", "2027-02-11")
    assert found["春节"].worked == (date(2027, 2, 13), date(2027, 2, 20))
    assert list(found["清明节"].closed_days) == days("2027-04-05")
    kept = YearNotice("文号", tuple(found.values()))
    assert read_notices(kept.rows(2027)) == {2027: kept}
    assert all(len(value) <= 200 for value in kept.rows(2027).values())


@pytest.mark.parametrize(
    ("sentence", "off", "worked"),
    [
        ("1月1日（星期五）至3日（星期日）放假，共3天。", days("2027-01-01", "2027-01-03"), ()),
        ("１月１日至３日放假，共３天。", days("2027-01-01", "2027-01-03"), ()),
        ("1月1日—3日放假。", days("2027-01-01", "2027-01-03"), ()),
        ("1月1日～1月3日放假公休。", days("2027-01-01", "2027-01-03"), ()),
        ("1月1日-3日放假", days("2027-01-01", "2027-01-03"), ()),
        ("1月1日 到 3日 放假 。", days("2027-01-01", "2027-01-03"), ()),
        ("1月1日放假1天。", days("2027-01-01"), ()),
        ("1月1日（周五）放假，与周末连休。", days("2027-01-01"), ()),
        ("1月1日、2日放假，共2天。", days("2027-01-01", "2027-01-02"), ()),
        (
            "2026年12月31日（星期四）至2027年1月2日（星期六）放假调休，共3天。",
            days("2026-12-31", "2027-01-02"),
            (),
        ),
        ("12月31日（周四）至1月2日（周六）放假，共3天。", days("2026-12-31", "2027-01-02"), ()),
        (
            "1月1日放假；1月9日（星期六）、1月10日（星期天）正常上班。",
            days("2027-01-01"),
            (date(2027, 1, 9), date(2027, 1, 10)),
        ),
        (
            "1月1日放假，1月2日（农历冬月廿五；星期六）补休。",
            days("2027-01-01", "2027-01-02"),
            (),
        ),
    ],
)
def test_how_an_item_is_written(sentence, off, worked):
    found = first_item(sentence)
    assert list(found.closed_days) == off and found.worked == worked


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("1月1日（星期一）放假。", "是星期五"),
        ("1月1日至3日放假，共4天。", "写的是 4 天，从日子算是 3 天"),
        ("1月3日至1日放假。", "不在开始的日子以后"),
        ("1月1日至31日放假。", "超过 15 天"),
        ("2月30日放假。", "没有“2月30日”这一天"),
        ("1日放假。", "没有写月份"),
        ("1月1日。", "没有写放假还是上班"),
        ("1月1日放假。1月4日上班。", "本来就上班"),
        ("1月1日放假。上班。", "没有写哪一天上班"),
        ("1月1日放假。1月9日视情况上班。", "看不懂“视情况上班”"),
        ("1月1日放假。1月1日放假。", "写了两次"),
        ("放假。", "没有写"),
        ("", "没有写"),
        ("2025年1月1日放假。", "不在 2027 年"),
        ("2027年10月1日放假。", "写了两次：元旦、国庆节"),
        ("<b>1月1日</b>放假。", "看不懂"),
    ],
)
def test_what_is_not_understood_is_told_with_its_sentence(sentence, why):
    with pytest.raises(Unclear, match=why):
        first_item(sentence)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "没有找到分条"),
        ("元旦放假三天", "没有找到分条"),
        (FIRST, "没有写到：春节、清明、劳动、端午、中秋、国庆"),
        ("一、1月1日放假。\n" + REST, "没有写节日的名称"),
        ("现将2026年部分节假日安排通知如下。\n" + FIRST + "\n" + REST, "通知写的是 2026 年"),
        ("一、元旦：1月1日放假。\n" * 21, "最多 20 条"),
        ("长" * (MAX_TEXT + 1), "最多 20000 个字"),
    ],
)
def test_a_notice_that_is_not_one(text, why):
    with pytest.raises(Unclear, match=why):
        read_notice(text, 2027)


@pytest.mark.parametrize(
    "piece",
    ["1月1日、", "（", "1月1日（", "；", "一、", "\n一、", " \u3000", "1", "共1天", "至", "放假"],
)
def test_huge_text_takes_no_time(piece):
    text = "一、元旦：1月1日放假" + piece * ((MAX_TEXT - 20) // len(piece))
    begun = time.process_time()
    with pytest.raises(Unclear):
        read_notice(text, 2027)
    assert time.process_time() - begun < 1


@given(st.text(alphabet="一二、元旦：1月3日（）至放假上班，。共天\n星期周 2027年", max_size=200))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        read_notice("一、元旦：" + text, 2027)
    except Unclear as unclear:
        assert str(unclear)


# ------------------------------------------------- due days replayed

DAYS = st.dates(date(2026, 11, 1), date(2027, 2, 28))
CALENDARS = st.builds(
    lambda marks, notice: CalendarBook(
        {day: (is_open, "") for day, is_open in marks.items()},
        {2027: YearNotice("x", read_notice(NOTICE, 2027))} if notice else {},
    ).calendar(),
    st.dictionaries(DAYS, st.booleans(), max_size=40),
    st.booleans(),
)
HISTORIES = st.builds(
    lambda on, code, secrecy, wanted, recalled, renewed: History(
        on,
        RULES[code],
        RULES[code].mode.partition("/")[0] or "original",
        secrecy,
        None if wanted is None else on + timedelta(days=wanted),
        ((on + timedelta(days=9), on + timedelta(days=10)),) if renewed else (),
        recalled,
    ),
    DAYS,
    st.sampled_from(sorted(code for code, rule in RULES.items() if rule.allowed and rule.days)),
    st.integers(0, 3),
    st.none() | st.integers(0, 30),
    st.booleans(),
    st.booleans(),
)


def year_end_of(day: str):
    return lambda year, calendar: last_day_out(YearEnd(day), year, calendar)


@given(HISTORIES, CALENDARS, CALENDARS, DAYS, st.sampled_from(["", "12-25"]), st.booleans(), DAYS)
def test_no_change_of_the_calendar_leaves_a_loan_due_on_a_closed_day(
    history, old, new, today, day, is_replayed, other
):
    year_end = year_end_of(day)
    stored = replay(history, old, year_end) if is_replayed else other
    if stored is None:
        return
    due = moved_due(history, stored, old, new, today, year_end)
    if stored < today or old == new:
        assert due == stored
    else:
        assert new.is_open(due) and due >= today
        assert moved_due(history, due, new, new, today, year_end) == due


@given(HISTORIES, CALENDARS, DAYS, DAYS)
def test_the_same_calendar_moves_nothing(history, calendar, stored, today):
    assert moved_due(history, stored, calendar, calendar, today, year_end_of("")) == stored


@given(HISTORIES, CALENDARS, CALENDARS)
def test_there_and_back_is_where_it_was(history, old, new):
    history, today, year_end = (
        replace(history, is_recalled=False),
        date(2026, 11, 1),
        year_end_of(""),
    )
    stored, moved = replay(history, old, year_end), replay(history, new, year_end)
    if stored is None or moved is None or stored < today or moved < today or old == new:
        return
    there = moved_due(history, stored, old, new, today, year_end)
    if there == moved:
        assert moved_due(history, there, new, old, today, year_end) == max(
            stored, old.next_open(today)
        )


def test_an_upgrade_is_a_calendar_that_knows_one_year_more():
    before, after = WorkCalendar(library_year=2025), WorkCalendar(library_year=2026)
    history = History(date(2026, 9, 23), RULES["own-open-original"], "original", 1)
    year_end = year_end_of("")
    assert replay(history, before, year_end) == date(2026, 10, 7)
    today = date(2026, 9, 23)
    assert moved_due(history, date(2026, 10, 7), before, after, today, year_end) == date(
        2026, 10, 14
    )
    late = date(2026, 10, 8)
    assert moved_due(history, date(2026, 10, 7), before, after, late, year_end) == date(2026, 10, 7)
