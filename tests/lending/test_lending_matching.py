"""Which line of the matrix wins, which lines may not stand beside each other, and due days."""

from dataclasses import replace
from datetime import date

import pytest

from archive.core.calendar import WorkCalendar
from archive.lending.links import Links
from archive.lending.matching import Case, Rule, best_rule, clashes, faults, in_force
from archive.lending.matrix import from_snapshot, shipped_rules, snapshot
from archive.lending.rules import Facts, due_day
from archive.people.rights import SECRECY

START = date(2026, 1, 1)
CONTRACT = Case("own", "original", 1, "KH", item_class="合同", form_code="E05", place="库房一")


def line(code: str, **conditions) -> Rule:
    base = Rule(code=code, version=1, valid_from=START, allowed=True, basis="试验", days=5)
    return replace(base, **conditions)


# ---------------------------------------------------------------- the most specific wins

NARROWER_LAST = [
    line("everything"),
    line("place", place="库房一"),
    line("mode", mode="original"),
    line("mode and place", mode="original", place="库房一/库房二"),
    line("mode and one place", mode="original", place="库房一"),
    line("category", category="category:KH"),
    line("class", category="class:合同"),
    line("form", category="form:E05"),
    line("form and mode", category="form:E05", mode="original"),
    line("borrower", borrower_class="own/other"),
    line("one borrower", borrower_class="own"),
    line("borrower and form", borrower_class="own", category="form:E05"),
    line("secrecy", secrecy="公开/内部"),
    line("one secrecy", secrecy="内部"),
    line("secrecy and mode", secrecy="内部", mode="original"),
    line("secrecy and borrower", secrecy="内部", borrower_class="own"),
]


@pytest.mark.parametrize("count", range(1, len(NARROWER_LAST) + 1))
def test_secrecy_then_borrower_then_category_then_mode_then_place(count: int):
    rules = NARROWER_LAST[:count]
    for order in (rules, list(reversed(rules))):
        assert best_rule(order, CONTRACT, START) == rules[-1]


@pytest.mark.parametrize(
    "conditions",
    [
        {"secrecy": "秘密"},
        {"borrower_class": "other/audit"},
        {"category": "form:E01"},
        {"category": "category:HT"},
        {"mode": "onsite/electronic"},
        {"place": "库房二"},
    ],
)
def test_a_rule_that_does_not_fit_is_not_taken(conditions):
    assert best_rule([line("no", **conditions)], CONTRACT, START) is None


def test_a_second_level_category_belongs_to_its_first():
    case = replace(CONTRACT, category="KH·01")
    assert best_rule([line("kh", category="category:KH")], case, START)


def test_newest_version_begun_by_the_day_is_in_force():
    first = line("a", days=10)
    second = line("a", version=2, days=3, valid_from=date(2026, 6, 1))
    assert in_force([second, first], date(2026, 5, 31)) == [first]
    assert in_force([first, second], date(2026, 6, 1)) == [second]


def test_an_ended_version_does_not_bring_the_one_before_back():
    first = line("a")
    ended = line("a", version=2, valid_until=date(2026, 6, 30))
    assert in_force([first, ended], date(2026, 6, 30)) == [ended]
    assert in_force([first, ended], date(2026, 7, 1)) == []


def test_of_two_equal_rules_that_should_not_be_the_refusing_one_wins():
    yes, no = line("yes", mode="original"), line("no", mode="original", allowed=False)
    assert best_rule([yes, no], CONTRACT, START) == no == best_rule([no, yes], CONTRACT, START)


# ---------------------------------------------------------------- equally specific


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"mode": "original"}, {"mode": "original"}, True),
        ({"mode": "original/copy"}, {"mode": "copy/onsite"}, True),
        ({"mode": "original"}, {"mode": "onsite"}, False),
        ({"mode": "original"}, {"mode": "original/copy"}, False),
        ({"secrecy": "内部"}, {"borrower_class": "own"}, False),
        ({"secrecy": "公开/内部"}, {"secrecy": "内部/秘密"}, True),
        ({"secrecy": "内部", "mode": "copy"}, {"secrecy": "内部", "mode": "onsite"}, False),
        ({"category": "form:E05"}, {"category": "class:合同"}, False),
        ({"category": "form:E05"}, {"category": "form:E05"}, True),
        ({}, {}, True),
        ({"place": "库房一"}, {"place": "库房二"}, False),
        ({"place": "库房一/库房二"}, {"place": "库房二/库房三"}, True),
        ({"valid_until": date(2026, 6, 30)}, {"valid_from": date(2026, 7, 1)}, False),
        ({"valid_until": date(2026, 7, 1)}, {"valid_from": date(2026, 7, 1)}, True),
    ],
)
def test_two_equally_specific_rules_clash(one, other, expected):
    first, second = line("one", **one), line("other", **other)
    assert bool(clashes(first, [second])) is expected
    assert bool(clashes(second, [first])) is expected


def test_a_rule_does_not_clash_with_its_own_earlier_version():
    assert clashes(line("a", version=2), [line("a")]) == []


def test_a_superseded_version_of_another_rule_clashes_no_more():
    old = line("b", mode="original")
    new = line("b", version=2, mode="copy", valid_from=date(2026, 3, 1))
    assert not clashes(line("a", mode="original", valid_from=date(2026, 3, 1)), [old, new])
    assert clashes(line("a", mode="original", valid_from=date(2026, 2, 28)), [old, new])


def test_the_shipped_rules_are_sound_and_never_clash():
    rules = shipped_rules()
    assert len({rule.code for rule in rules}) == len(rules) >= 30
    assert [faults(rule) for rule in rules if faults(rule)] == []
    assert [(rule.code, clashes(rule, rules)) for rule in rules if clashes(rule, rules)] == []


def test_every_inside_borrower_has_an_answer_in_the_shipped_matrix():
    for who in ("own", "other", "audit"):
        for mode in ("original", "onsite", "electronic", "copy"):
            for secrecy in range(len(SECRECY)):
                assert best_rule(shipped_rules(), Case(who, mode, secrecy), START)


@pytest.mark.parametrize(
    ("change", "entry"),
    [
        ({"secrecy": "绝密"}, "secrecy"),
        ({"borrower_class": "朋友"}, "borrower_class"),
        ({"mode": "带走"}, "mode"),
        ({"category": "E05"}, "category"),
        ({"category": "form:E05/class:合同"}, "category"),
        ({"approvals": ("boss",)}, "approvals"),
        ({"approvals": ("leader", "leader")}, "approvals"),
        ({"days": -1}, "days"),
        ({"days": 367}, "days"),
        ({"limit": 0}, "limit"),
        ({"basis": " "}, "basis"),
        ({"valid_until": date(2025, 12, 31)}, "valid_until"),
        ({"basis": "据" * 301}, "basis"),
        ({"basis": "据\x00"}, "basis"),
        ({"code": "x" * 41}, "code"),
        ({"code": ""}, "code"),
        ({"code": "new"}, "code"),
        ({"code": "a/b"}, "code"),
        ({"code": "<b>"}, "code"),
        ({"place": "库" * 81}, "place"),
    ],
)
def test_a_faulty_rule_is_named(change, entry):
    assert set(faults(replace(line("x"), **change))) == {entry}


def test_a_snapshot_gives_the_rule_back():
    for rule in (*shipped_rules(), line("x", valid_until=date(2027, 1, 1), limit=2)):
        assert from_snapshot(snapshot(rule)) == rule


# ---------------------------------------------------------------- due days


def due(on: date, days: int, *, secrecy: int = 1, working: bool = True) -> date | None:
    asked = Facts(Case("own", "original", secrecy), on, 3, Links(own_department=True))
    return due_day(line("x", days=days, working_days=working), asked, WorkCalendar())


@pytest.mark.parametrize(
    ("on", "days", "expected"),
    [
        # National Day 2026: 1–7 October closed, Saturday 10 October worked for it.
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2026, 9, 30), 4, date(2026, 10, 12)),
        # Spring Festival 2026: 15–23 February closed, Saturdays 14 and 28 February worked.
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 2, 27), 1, date(2026, 2, 28)),
        (date(2026, 2, 27), 2, date(2026, 3, 2)),
        # Handed out on a closed day: the same day moves on to the next open one.
        (date(2026, 10, 3), 0, date(2026, 10, 8)),
        # Over the year's end into a year the notice of which is not out: Monday to Friday.
        (date(2026, 12, 31), 10, date(2027, 1, 14)),
    ],
)
def test_working_days_over_holidays(on, days, expected):
    assert due(on, days) == expected


def test_a_closed_due_day_moves_on_or_for_secret_papers_back():
    assert due(date(2026, 9, 24), 8, working=False) == date(2026, 10, 8)
    assert due(date(2026, 9, 24), 8, working=False, secrecy=2) == date(2026, 9, 30)


def test_a_secret_paper_has_no_due_day_when_all_is_closed_from_the_loan_on():
    assert due(date(2026, 10, 2), 3, working=False, secrecy=2) is None


def test_a_day_closed_by_the_archivist_counts_as_closed():
    closed = WorkCalendar(frozenset({(date(2026, 11, 24), False)}))
    asked = Facts(Case("own", "original", 1), date(2026, 11, 23), 3, Links(own_department=True))
    assert due_day(line("x", days=1), asked, closed) == date(2026, 11, 25)


def test_the_far_end_of_the_calendar_has_no_due_day():
    assert due(date.max, 1) is None
    assert due(date.max, 1, working=False) is None
