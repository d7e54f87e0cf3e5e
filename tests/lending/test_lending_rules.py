"""The lending decision as a table: one line a case, every failing reason in it."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.core.calendar import WorkCalendar
from archive.lending.links import Links
from archive.lending.matching import CANDIDATES, Case, Mode
from archive.lending.matrix import policy, shipped_rules
from archive.lending.rules import Decision, Facts, Reason, borrower_class, decide
from archive.lending.visits.rules import Visitor
from archive.lending.year_end.rules import YearEnd, last_day_out

MONDAY = date(2026, 11, 23)
OWN = Links(own_department=True, customer_names=("KH2026-0001", "海信冰箱"))
KEEPER = Links(customer_names=("KH2026-0001", "青岛海信冰箱有限公司", "海信"))
COLLEAGUE = Links(record_numbers=("E10-2026-0007",))
OFFICE = Links(office=True)
NOBODY = Links()
OPEN, INTERNAL, SECRET, TOP = range(4)
GUEST = Visitor(
    "马国强", "市场监督管理局", "介〔2026〕1号", "居民身份证", "11010519491231002X", "陈晓东"
)
READS = {"who": "outside", "mode": "onsite", "links": NOBODY, "reference": "", "visitor": GUEST}


def facts(**changes) -> Facts:
    """Return the plain good case: a clerk borrows an internal paper of the own department."""
    who = changes.pop("who", "own")
    mode = changes.pop("mode", "original")
    secrecy = changes.pop("secrecy", INTERNAL)
    form = changes.pop("form", "E01")
    base = Facts(
        case=Case(who, mode, secrecy, category="KH", item_class="客户开发", form_code=form),
        on=MONDAY,
        clearance=max(secrecy, 1),
        links=OWN if who == "own" else OFFICE if who == "audit" else KEEPER,
        purpose="客户续签合同核对",
        reference="案号〔2026〕12 KH2026-0001",
    )
    return replace(base, **changes)


def decision_on(given: Facts) -> Decision:
    return decide(given, shipped_rules(), WorkCalendar(), policy())


def codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


# name: (facts, rule, approvals, due)
ALLOWED = {
    "own internal original": (
        facts(),
        "own-open-original",
        "own_head archivist",
        date(2026, 12, 7),
    ),
    "own public original": (
        facts(secrecy=OPEN),
        "own-open-original",
        "own_head archivist",
        date(2026, 12, 7),
    ),
    "own internal onsite": (facts(mode="onsite"), "own-open-onsite", "archivist", MONDAY),
    "own internal electronic": (
        facts(mode="electronic"),
        "own-open-electronic",
        "own_head",
        date(2026, 12, 7),
    ),
    "own internal copy": (facts(mode="copy"), "own-open-copy", "archivist own_head", None),
    "own secret original": (
        facts(secrecy=SECRET),
        "own-secret-original",
        "own_head archive_head",
        date(2026, 11, 30),
    ),
    "own secret onsite": (
        facts(secrecy=SECRET, mode="onsite"),
        "own-secret-onsite",
        "own_head",
        MONDAY,
    ),
    "own secret electronic ends before the weekend": (
        facts(secrecy=SECRET, mode="electronic"),
        "own-secret-electronic",
        "own_head archive_head",
        date(2026, 11, 27),
    ),
    "own secret copy": (
        facts(secrecy=SECRET, mode="copy"),
        "own-secret-copy",
        "archive_head owner_head",
        None,
    ),
    "own confidential original": (
        facts(secrecy=TOP),
        "own-confidential-original",
        "leader",
        date(2026, 11, 26),
    ),
    "own confidential onsite": (
        facts(secrecy=TOP, mode="onsite"),
        "own-confidential-onsite",
        "leader",
        MONDAY,
    ),
    "own confidential electronic": (
        facts(secrecy=TOP, mode="electronic"),
        "own-confidential-electronic",
        "leader",
        date(2026, 11, 25),
    ),
    "own confidential copy": (
        facts(secrecy=TOP, mode="copy"),
        "own-confidential-copy",
        "leader",
        None,
    ),
    "other internal original": (
        facts(who="other"),
        "other-open-original",
        "own_head owner_head",
        date(2026, 11, 30),
    ),
    "other internal onsite": (
        facts(who="other", mode="onsite"),
        "other-open-onsite",
        "own_head",
        MONDAY,
    ),
    "other internal electronic": (
        facts(who="other", mode="electronic"),
        "other-open-electronic",
        "own_head owner_head",
        date(2026, 11, 30),
    ),
    "other internal copy": (
        facts(who="other", mode="copy"),
        "other-open-copy",
        "owner_head archivist",
        None,
    ),
    "other secret onsite": (
        facts(who="other", secrecy=SECRET, mode="onsite"),
        "other-secret-onsite",
        "owner_head leader",
        MONDAY,
    ),
    "other confidential onsite": (
        facts(who="other", secrecy=TOP, mode="onsite"),
        "other-secret-onsite",
        "owner_head leader",
        MONDAY,
    ),
    "other secret electronic": (
        facts(who="other", secrecy=SECRET, mode="electronic"),
        "other-secret-electronic",
        "leader",
        date(2026, 11, 25),
    ),
    "audit internal original": (facts(who="audit"), "audit-original", "leader", date(2026, 11, 30)),
    "audit confidential original": (
        facts(who="audit", secrecy=TOP),
        "audit-original",
        "leader",
        date(2026, 11, 30),
    ),
    "audit onsite": (facts(who="audit", mode="onsite"), "audit-onsite", "archivist", MONDAY),
    "audit electronic": (
        facts(who="audit", mode="electronic"),
        "audit-electronic",
        "archive_head",
        date(2026, 12, 23),
    ),
    "audit copy": (facts(who="audit", mode="copy"), "audit-copy", "archivist", None),
    "outside onsite": (
        facts(who="outside", mode="onsite"),
        "outside-onsite",
        "archivist leader",
        MONDAY,
    ),
    "outside copy": (facts(who="outside", mode="copy"), "outside-copy", "leader", None),
    "contract own": (facts(form="E05"), "contract-own-open", "own_head archivist", MONDAY),
    "contract own secret": (
        facts(form="E05", secrecy=SECRET),
        "contract-own-secret",
        "own_head archive_head",
        MONDAY,
    ),
    "contract own confidential": (
        facts(form="E05", secrecy=TOP),
        "contract-own-confidential",
        "leader",
        MONDAY,
    ),
    "contract other": (
        facts(form="E05", who="other"),
        "contract-other-open",
        "own_head owner_head",
        MONDAY,
    ),
    "contract audit": (facts(form="E05", who="audit"), "contract-audit", "leader", MONDAY),
    "contract electronic as any paper": (
        facts(form="E05", mode="electronic"),
        "own-open-electronic",
        "own_head",
        date(2026, 12, 7),
    ),
    "colleague cites a record of the department": (
        facts(who="other", links=COLLEAGUE, reference="见 E10-2026-0007"),
        "other-open-original",
        "own_head owner_head",
        date(2026, 11, 30),
    ),
    "full width reference": (
        facts(who="other", reference="ＫＨ２０２６－０００１"),
        "other-open-original",
        "own_head owner_head",
        date(2026, 11, 30),
    ),
    "customer by short name": (
        facts(who="other", reference="海信 回访"),
        "other-open-original",
        "own_head owner_head",
        date(2026, 11, 30),
    ),
    "electronic while the original is out": (
        facts(mode="electronic", copies_in=0, copies_out=1),
        "own-open-electronic",
        "own_head",
        date(2026, 12, 7),
    ),
    "second copy in while the first is out": (
        facts(copies_in=1, copies_out=1),
        "own-open-original",
        "own_head archivist",
        date(2026, 12, 7),
    ),
    "four held, limit five": (
        facts(held=(0, 1, 1, 1)),
        "own-open-original",
        "own_head archivist",
        date(2026, 12, 7),
    ),
    "secret papers do not count against the open limit": (
        facts(held=(2, 2, 1, 1, 1)),
        "own-open-original",
        "own_head archivist",
        date(2026, 12, 7),
    ),
    "no reason asked yet": (
        facts(purpose="", reference="", asks_reason=False),
        "own-open-original",
        "own_head archivist",
        date(2026, 12, 7),
    ),
    "signer without department cites the paper": (
        facts(
            who="other",
            links=Links(took_part=True, paper_numbers=("E01-2026-0003",)),
            reference="E01-2026-0003",
        ),
        "other-open-original",
        "own_head owner_head",
        date(2026, 11, 30),
    ),
    "missing copy beside one that is in": (
        facts(copies_in=1, copies_missing=1),
        "own-open-original",
        "own_head archivist",
        date(2026, 12, 7),
    ),
    "outsider with letter, document and company": (
        facts(**READS),
        "outside-onsite",
        "archivist leader",
        MONDAY,
    ),
    "outsider and a public paper": (
        facts(**READS, secrecy=OPEN),
        "outside-onsite",
        "archivist leader",
        MONDAY,
    ),
    "done before the rule's day": (
        facts(wanted_until=date(2026, 11, 26)),
        "own-open-original",
        "own_head archivist",
        date(2026, 11, 26),
    ),
    "done on a Saturday": (
        facts(wanted_until=date(2026, 11, 28)),
        "own-open-original",
        "own_head archivist",
        date(2026, 11, 30),
    ),
    "secret, done on a Saturday": (
        facts(secrecy=SECRET, wanted_until=date(2026, 11, 28)),
        "own-secret-original",
        "own_head archive_head",
        date(2026, 11, 27),
    ),
    "done long after the rule's day": (
        facts(wanted_until=date(2027, 6, 1)),
        "own-open-original",
        "own_head archivist",
        date(2026, 12, 7),
    ),
    "done the same day": (
        facts(wanted_until=MONDAY),
        "own-open-original",
        "own_head archivist",
        MONDAY,
    ),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_allowed_with_rule_approvals_and_due_day(name: str):
    given, rule, approvals, due = ALLOWED[name]
    decision = decision_on(given)
    assert decision.reasons == ()
    assert decision.allowed
    assert decision.rule and decision.rule.code == rule
    assert decision.approvals == tuple(approvals.split())
    assert decision.due == due


REFUSED = {
    "not filed yet": (facts(item_state="catalogued"), "item_state"),
    "offered only": (facts(item_state="offered"), "item_state"),
    "copy being looked for": (facts(copies_in=0, copies_missing=1), "item_state"),
    "no paper at all": (facts(copies_in=0), "item_state"),
    "no paper to read on site": (facts(copies_in=0, mode="onsite"), "item_state"),
    "clearance too low": (facts(secrecy=SECRET, clearance=1), "clearance"),
    "clearance far too low": (facts(secrecy=TOP, clearance=0), "clearance"),
    "no purpose": (facts(purpose=""), "no_purpose"),
    "purpose of three characters": (facts(purpose="看一下"), "no_purpose"),
    "purpose of blanks and invisible marks": (facts(purpose=" 　\u200b\u200b\t "), "no_purpose"),
    "purpose padded with blanks": (facts(purpose="看 看 　 "), "no_purpose"),
    "own department without reference": (facts(reference=""), "no_business_reference"),
    "reference of one character": (facts(reference="甲"), "no_business_reference"),
    "other department cites nothing known": (
        facts(who="other", reference="领导交代的"),
        "no_business_reference",
    ),
    "other department cites a customer it does not keep": (
        facts(who="other", links=COLLEAGUE, reference="KH2026-0001"),
        "no_business_reference",
    ),
    "a record number cut short": (
        facts(who="other", links=COLLEAGUE, reference="E10-2026-000"),
        "no_business_reference",
    ),
    "unconnected": (facts(who="other", links=NOBODY), "no_business_reference not_connected"),
    "unconnected, asked without reasons": (
        facts(who="other", links=NOBODY, asks_reason=False),
        "not_connected",
    ),
    "left the company": (facts(borrower_left=True), "borrower_left"),
    "one overdue": (facts(overdue_loans=1, overdue_days=1), "borrower_overdue"),
    "six days overdue is not yet blocked": (
        facts(overdue_loans=1, overdue_days=6),
        "borrower_overdue",
    ),
    "seven days overdue is blocked": (
        facts(overdue_loans=2, overdue_days=7),
        "borrower_overdue borrower_blocked",
    ),
    "copy out": (facts(copies_in=0, copies_out=1), "copy_out"),
    "copy out, on site": (facts(copies_in=0, copies_out=1, mode="onsite"), "copy_out"),
    "one copy out, one missing": (
        facts(copies_in=0, copies_out=1, copies_missing=1),
        "copy_out",
    ),
    "five held already": (facts(held=(1, 1, 1, 0, 0)), "limit"),
    "two secret held already": (facts(secrecy=SECRET, held=(2, 2)), "limit"),
    "one confidential held already": (facts(secrecy=TOP, held=(3,)), "limit"),
    "contract limit": (facts(form="E05", held=(1, 1, 1, 1, 1)), "limit"),
    "other department, secret original": (
        facts(who="other", secrecy=SECRET),
        "mode_not_allowed",
    ),
    "other department, confidential copy": (
        facts(who="other", secrecy=TOP, mode="copy"),
        "mode_not_allowed",
    ),
    "other department, secret contract": (
        facts(who="other", secrecy=SECRET, form="E05"),
        "mode_not_allowed",
    ),
    "outsider takes nothing out": (facts(who="outside"), "mode_not_allowed"),
    "outsider sees nothing electronic": (
        facts(who="outside", mode="electronic"),
        "mode_not_allowed",
    ),
    "no file to show": (facts(mode="electronic", has_file=False), "mode_not_allowed"),
    "outsider and a secret": (facts(who="outside", secrecy=SECRET, mode="onsite"), "no_rule"),
    "class nobody wrote a rule for": (facts(who="", links=OWN), "no_rule"),
    "before any rule began": (facts(on=date(1999, 12, 31)), "no_rule"),
    "no head above the borrower": (
        facts(fillable=frozenset(CANDIDATES) - {"own_head"}),
        "no_approver",
    ),
    "nobody at all to approve": (facts(fillable=frozenset()), "no_approver"),
    "leader lends to himself": (
        facts(secrecy=TOP, fillable=frozenset(CANDIDATES) - {"leader"}),
        "no_approver",
    ),
    "secret on site on a closed day": (
        facts(secrecy=SECRET, mode="onsite", on=date(2026, 10, 3)),
        "no_due_date",
    ),
    "end of the calendar": (facts(on=date.max), "no_due_date"),
    "done on a day that is past": (facts(wanted_until=date(2026, 11, 22)), "date_past"),
    "outsider without a letter": (
        facts(**READS | {"visitor": replace(GUEST, letter_number=" ")}),
        "no_letter",
    ),
    "outsider of no unit": (facts(**READS | {"visitor": replace(GUEST, unit="")}), "no_letter"),
    "outsider without a document": (
        facts(**READS | {"visitor": replace(GUEST, id_number="")}),
        "no_identity",
    ),
    "outsider whose number does not add up": (
        facts(**READS | {"visitor": replace(GUEST, id_number="110105194912310021")}),
        "no_identity",
    ),
    "outsider without a name": (
        facts(**READS | {"visitor": replace(GUEST, name="")}),
        "no_identity",
    ),
    "outsider with a card of a club": (
        facts(**READS | {"visitor": replace(GUEST, id_kind="会员卡")}),
        "no_identity",
    ),
    "outsider alone": (
        facts(**READS | {"visitor": replace(GUEST, accompanied_by="")}),
        "not_accompanied",
    ),
    "outsider with nothing at all": (
        facts(**READS | {"visitor": Visitor(), "purpose": ""}),
        "no_purpose no_letter no_identity not_accompanied",
    ),
    "outsider who would take it out": (facts(**READS | {"mode": "original"}), "mode_not_allowed"),
    "outsider who would see it elsewhere": (
        facts(**READS | {"mode": "electronic"}),
        "mode_not_allowed",
    ),
    "outsider and a secret, all in order": (facts(**READS, secrecy=SECRET), "no_rule"),
    "outsider and a confidential paper": (facts(**READS, secrecy=TOP), "no_rule"),
    "outsider while the copy is out": (
        facts(**READS, copies_in=0, copies_out=1),
        "copy_out",
    ),
    "outsider and a destroyed paper": (facts(**READS, item_state="destroyed"), "item_state"),
    "everything at once": (
        facts(
            who="other",
            secrecy=TOP,
            clearance=0,
            links=NOBODY,
            purpose="",
            reference="",
            item_state="appraised",
            copies_in=0,
            copies_out=1,
            borrower_left=True,
            overdue_loans=3,
            overdue_days=30,
        ),
        "item_state clearance no_purpose no_business_reference not_connected borrower_left "
        "borrower_blocked borrower_overdue copy_out mode_not_allowed",
    ),
    "limit and approver together": (
        facts(held=(1,) * 5, fillable=frozenset({"archivist"})),
        "limit no_approver",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_every_reason(name: str):
    given, expected = REFUSED[name]
    decision = decision_on(given)
    assert codes(decision) == set(expected.split())
    assert not decision.allowed
    assert decision.due is None and decision.approvals == ()


def test_every_reason_is_a_whole_chinese_sentence():
    for facts, _ in REFUSED.values():
        for reason in decision_on(facts).reasons:
            assert isinstance(reason, Reason)
            assert reason.text.endswith("。") and len(reason.text) > 8


def test_the_table_knows_every_reason():
    seen = {code for case, _ in REFUSED.values() for code in codes(decision_on(case))}
    known = (
        "item_state clearance no_purpose no_business_reference not_connected borrower_left "
        "borrower_blocked borrower_overdue copy_out limit mode_not_allowed no_rule no_approver "
        "no_due_date date_past no_letter no_identity not_accompanied"
    )
    assert seen == set(known.split())


def test_copy_out_says_when_it_is_due_back():
    decision = decision_on(facts(copies_in=0, copies_out=1, back_on=date(2026, 11, 30)))
    assert "2026年11月30日" in decision.reasons[0].text


@pytest.mark.parametrize(
    ("roles", "own", "expected"),
    [
        ({"clerk"}, True, "own"),
        ({"clerk"}, False, "other"),
        ({"audit"}, True, "audit"),
        ({"legal", "clerk"}, False, "audit"),
        ({"leader"}, False, "other"),
    ],
)
def test_class_of_borrower(roles, own, expected):
    assert borrower_class(roles=frozenset(roles), own_department=own) == expected


# ---------------------------------------------------------------- invariants

some_facts = st.builds(
    facts,
    who=st.sampled_from(["own", "other", "audit", "outside", "strange"]),
    mode=st.sampled_from([str(mode) for mode in Mode]),
    secrecy=st.integers(0, 3),
    form=st.sampled_from(["E01", "E05", ""]),
    clearance=st.integers(0, 3),
    links=st.sampled_from([OWN, KEEPER, COLLEAGUE, OFFICE, NOBODY]),
    purpose=st.sampled_from(["", "核对", "客户续签合同核对"]),
    reference=st.sampled_from(["", "KH2026-0001", "E10-2026-0007", "无"]),
    asks_reason=st.booleans(),
    item_state=st.sampled_from(["shelved", "catalogued"]),
    copies_in=st.integers(0, 2),
    copies_out=st.integers(0, 2),
    copies_missing=st.integers(0, 1),
    has_file=st.booleans(),
    borrower_left=st.booleans(),
    overdue_loans=st.integers(0, 3),
    overdue_days=st.integers(0, 20),
    held=st.lists(st.integers(0, 3), max_size=6).map(tuple),
    fillable=st.frozensets(st.sampled_from(sorted(CANDIDATES))),
    on=st.dates(date(2025, 1, 1), date(2030, 12, 31)),
    wanted_until=st.none() | st.dates(date(2025, 1, 1), date(2030, 12, 31)),
    visitor=st.sampled_from(
        [None, None, GUEST, Visitor(), replace(GUEST, letter_number=""), replace(GUEST, name="")]
    ),
)

WORSE = [
    {"item_state": "offered"},
    {"clearance": -1},
    {"purpose": "", "asks_reason": True},
    {"reference": "", "asks_reason": True},
    {"links": NOBODY},
    {"borrower_left": True},
    {"overdue_loans": 1},
    {"overdue_days": 99},
    {"copies_in": 0},
    {"has_file": False},
    {"held": (0, 0, 1, 1, 2, 2, 3, 3) * 3},
    {"fillable": frozenset()},
    {"wanted_until": date(2000, 1, 1)},
    {"year_end": date(2000, 1, 1)},
]


@given(some_facts, st.sampled_from(WORSE))
def test_a_failing_fact_more_never_turns_refusal_into_permission(given_facts: Facts, worse):
    before, after = decision_on(given_facts), decision_on(replace(given_facts, **worse))
    assert before.allowed or not after.allowed
    assert codes(before) <= codes(after) | {"copy_out", "item_state", "no_business_reference"}


@given(some_facts)
def test_without_rules_nothing_is_lent(given_facts: Facts):
    decision = decide(given_facts, (), WorkCalendar(), policy())
    assert not decision.allowed and "no_rule" in codes(decision)


@given(some_facts)
def test_allowed_exactly_when_there_is_no_reason(given_facts: Facts):
    decision = decision_on(given_facts)
    assert decision.allowed == (not decision.reasons)
    assert not decision.allowed or (decision.rule is not None and decision.rule.allowed)


@given(some_facts)
def test_a_due_day_is_open_and_not_before_the_loan(given_facts: Facts):
    due = decision_on(given_facts).due
    assert due is None or (due >= given_facts.on and WorkCalendar().is_open(due))


@given(some_facts, st.dates(date(2024, 10, 1), date(2024, 12, 31)))
def test_no_original_is_due_beyond_the_last_day_of_its_year(given_facts: Facts, day: date):
    last = last_day_out(YearEnd(f"{day:%m-%d}"), given_facts.on.year, WorkCalendar())
    assert last is not None and WorkCalendar().is_open(last) and last.year == given_facts.on.year
    without, decision = decision_on(given_facts), decision_on(replace(given_facts, year_end=last))
    if given_facts.case.mode != Mode.ORIGINAL:
        assert decision == without
    elif given_facts.on > last:
        assert not decision.allowed and codes(decision) >= codes(without) - {"no_due_date"}
        assert "year_end" in codes(decision)
    elif decision.due is not None:
        assert without.due is not None and decision.due == min(without.due, last)
        assert WorkCalendar().is_open(decision.due) and decision.due >= given_facts.on
        assert bool(decision.due_note) is (decision.due < without.due)


@given(some_facts)
def test_the_day_asked_for_only_ever_brings_the_due_day_forward(given_facts: Facts):
    due = decision_on(given_facts).due
    without = decision_on(replace(given_facts, wanted_until=None)).due
    assert due is None or (without is not None and due <= without)


@given(some_facts)
def test_no_outsider_reads_without_letter_document_and_company(given_facts: Facts):
    visitor = given_facts.visitor
    if visitor is not None and decision_on(given_facts).allowed:
        assert visitor == GUEST


@given(some_facts)
def test_nobody_gets_what_is_above_their_clearance(given_facts: Facts):
    decision = decision_on(given_facts)
    assert not decision.allowed or given_facts.clearance >= given_facts.case.secrecy


@given(some_facts)
def test_the_same_question_has_the_same_answer(given_facts: Facts):
    assert decision_on(given_facts) == decision_on(given_facts)
