"""The rules of the keeping's end, on plain values: terms, votes, who may not act twice."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.filing.retention.rules import (
    DESTROY,
    EXTEND,
    TRANSFER,
    Parts,
    Vote,
    approver_fault,
    decide,
    due_on,
    executor_fault,
    last_due_year,
    load_policy,
    months_after,
    witness_fault,
    years_of,
)

TERMS = ["Y", "D30", "D10"]
REPRESENTATIVE, DAY = 4, date(2057, 4, 25)
people = st.integers(1, 6)


@pytest.mark.parametrize(
    ("votes", "outcome", "term"),
    [
        ([Vote(DESTROY)] * 3, DESTROY, ""),
        ([Vote(DESTROY), Vote(DESTROY), Vote(EXTEND, "D10")], DESTROY, ""),
        ([Vote(DESTROY), Vote(TRANSFER), Vote(EXTEND, "D10")], EXTEND, "D10"),
        ([Vote(DESTROY), Vote(DESTROY), Vote(TRANSFER), Vote(TRANSFER)], EXTEND, "D30"),
        ([Vote(DESTROY), Vote(DESTROY), Vote(EXTEND, "D10"), Vote(EXTEND, "Y")], EXTEND, "Y"),
        ([Vote(TRANSFER), Vote(TRANSFER), Vote(DESTROY)], TRANSFER, ""),
    ],
)
def test_more_than_half_must_agree_or_it_is_kept(votes, outcome, term):
    done = decide(votes, TERMS, "D30")
    assert (done.outcome, done.new_term) == (outcome, term)


@given(st.integers(1900, 2100), st.sampled_from(["D10", "D30"]), st.integers(1990, 2200))
def test_what_the_list_asks_for_and_what_the_item_says_agree(base, term, year):
    for today in (date(year, 1, 1), date(year, 12, 31)):
        assert (base <= last_due_year(today, term)) == (due_on(base, term) <= today)


def test_what_is_kept_for_ever_is_never_due():
    assert due_on(1900, "Y") is None and last_due_year(DAY, "Y") is None
    assert [years_of(term) for term in ("D10", "", "Y", "10", "Dx")] == [10, None, None, None, None]
    assert months_after(date(2056, 11, 30), 3) == date(2057, 2, 28)


@given(people, st.lists(st.tuples(st.sampled_from("asx"), people), max_size=12))
def test_however_they_try_no_destruction_has_fewer_than_four_people(maker, tries):
    """a: approve, s: sign as 监销人, x: carry out; whatever the order, whoever tries."""
    parts = Parts(maker)
    for act, person in tries:
        if act == "a" and not approver_fault(parts, person, REPRESENTATIVE):
            parts = Parts(maker, person, None, parts.witnesses)
        elif act == "s" and parts.approver and not witness_fault(parts, person):
            parts = Parts(maker, parts.approver, None, (*parts.witnesses, person))
        elif act == "x" and not executor_fault(parts, person, DAY, DAY):
            assert len({maker, person, parts.approver, *parts.witnesses}) >= 4
            assert parts.approver == REPRESENTATIVE
            assert maker != parts.approver != person
            watching = set(parts.witnesses) - {maker, person, parts.approver}
            assert len(watching) >= load_policy().witness_minimum
            return
