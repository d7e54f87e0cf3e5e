"""Every cell of the shipped lending matrix: four classes, four degrees of secrecy, four ways.

The table is written out from the specification (archive.md 6), not read from rules.toml, once
for plain papers and once for contracts. ``-`` is refused by a rule, ``x`` is no rule at all; else
approvals (in order), the length of the term (``w`` working days, ``d`` days, ``0`` the same day,
``*`` never due) and the renewals with their working days.
"""

from datetime import date

import pytest

from archive.core.calendar import WorkCalendar
from archive.lending.links import Links
from archive.lending.matching import Case, Mode
from archive.lending.matrix import policy, shipped_rules
from archive.lending.rules import Facts, decide
from archive.people.rights import SECRECY

MONDAY = date(2026, 11, 23)
MODES = [str(mode) for mode in Mode]
SHORT = {
    "h": "own_head",
    "o": "owner_head",
    "a": "archivist",
    "A": "archive_head",
    "L": "leader",
}
# who, secrecy: original | on site | electronic | photocopy
PLAIN = """
own     公开: h,a 10w 1x5 | a 0 | h 14d   | a,h *
own     内部: h,a 10w 1x5 | a 0 | h 14d   | a,h *
own     秘密: h,A 5w      | h 0 | h,A 5d  | A,o *
own     机密: L 3w        | L 0 | L 2d    | L *
other   公开: h,o 5w 1x5  | h 0 | h,o 7d  | o,a *
other   内部: h,o 5w 1x5  | h 0 | h,o 7d  | o,a *
other   秘密: -           | o,L 0 | L 2d  | -
other   机密: -           | o,L 0 | L 2d  | -
audit   公开: L 5w 1x5    | a 0 | A 30d   | a *
audit   内部: L 5w 1x5    | a 0 | A 30d   | a *
audit   秘密: L 5w 1x5    | a 0 | A 30d   | a *
audit   机密: L 5w 1x5    | a 0 | A 30d   | a *
outside 公开: -           | a,L 0 | -     | L *
outside 内部: -           | a,L 0 | -     | L *
outside 秘密: x           | x   | x       | x
outside 机密: x           | x   | x       | x
"""
CONTRACT_ORIGINALS = """
own     公开: h,a 0 1x2
own     内部: h,a 0 1x2
own     秘密: h,A 0
own     机密: L 0
other   公开: h,o 0 1x2
other   内部: h,o 0 1x2
other   秘密: -
other   机密: -
audit   公开: L 0 1x2
audit   内部: L 0 1x2
audit   秘密: L 0 1x2
audit   机密: L 0 1x2
outside 公开: -
outside 内部: -
outside 秘密: x
outside 机密: x
"""
# Terms counted by hand on the calendar from Monday 23 November 2026.
DUE = {
    "0": MONDAY,
    "*": None,
    "3w": date(2026, 11, 26),
    "5w": date(2026, 11, 30),
    "10w": date(2026, 12, 7),
    "2d": date(2026, 11, 25),
    "7d": date(2026, 11, 30),
    "14d": date(2026, 12, 7),
    "30d": date(2026, 12, 23),
}
# Five days end on Saturday 28 November: a secret paper is due on the open day before.
DUE_SECRET = {**DUE, "5d": date(2026, 11, 27)}


def read(table: str) -> dict[tuple[str, str], list[str]]:
    rows = {}
    for line in table.strip().splitlines():
        head, _, cells = line.partition(":")
        who, secrecy = head.split()
        rows[who, secrecy] = [cell.strip() for cell in cells.split("|")]
    return rows


def cells() -> list[tuple[str, str, str, str, str]]:
    plain, contracts = read(PLAIN), read(CONTRACT_ORIGINALS)
    found = []
    for (who, secrecy), row in plain.items():
        for mode, cell in zip(MODES, row, strict=True):
            found.append(("E01", who, secrecy, mode, cell))
            is_paper_out = mode == "original"
            contract = contracts[who, secrecy][0] if is_paper_out else cell
            found.append(("E05", who, secrecy, mode, contract))
    return found


def decision_for(form: str, who: str, secrecy: str, mode: str):
    rank = SECRECY.index(secrecy)
    asked = Facts(
        case=Case(who, mode, rank, category="KH", item_class="客户开发", form_code=form),
        on=MONDAY,
        clearance=3,
        links=Links(own_department=who == "own", customer_names=("KH2026-0001",)),
        purpose="客户续签合同核对",
        reference="KH2026-0001",
    )
    return decide(asked, shipped_rules(), WorkCalendar(), policy())


def test_the_table_has_all_cells():
    assert len(cells()) == 2 * 4 * 4 * 4
    assert len({cell[:4] for cell in cells()}) == 128


@pytest.mark.parametrize(("form", "who", "secrecy", "mode", "cell"), cells())
def test_cell(form: str, who: str, secrecy: str, mode: str, cell: str):
    decision = decision_for(form, who, secrecy, mode)
    if cell in ("-", "x"):
        reason = "mode_not_allowed" if cell == "-" else "no_rule"
        assert [one.code for one in decision.reasons] == [reason]
        return
    approvals, term, *renewal = cell.split()
    assert decision.allowed, decision.reasons
    assert decision.approvals == tuple(SHORT[one] for one in approvals.split(","))
    assert decision.due == DUE_SECRET[term]
    rule = decision.rule
    assert rule and rule.basis
    expected = renewal[0] if renewal else "0x0"
    assert f"{rule.renewals}x{rule.renewal_days}" == expected


LIMITS = {("own", "公开"): 5, ("own", "内部"): 5, ("own", "秘密"): 2, ("own", "机密"): 1}


@pytest.mark.parametrize("form", ["E01", "E05"])
@pytest.mark.parametrize(("who", "secrecy"), LIMITS)
def test_limits_on_originals(form: str, who: str, secrecy: str):
    rule = decision_for(form, who, secrecy, "original").rule
    assert rule and rule.limit == LIMITS[who, secrecy]


@pytest.mark.parametrize(
    ("who", "secrecy", "mode", "words"),
    [
        ("own", "内部", "electronic", "打印 1 份"),
        ("own", "内部", "copy", "章"),
        ("own", "秘密", "electronic", "不得打印"),
        ("own", "机密", "onsite", "在场"),
        ("own", "机密", "electronic", "水印"),
        ("own", "机密", "copy", "两人在场"),
        ("audit", "机密", "copy", "登记"),
        ("outside", "公开", "onsite", "陪同"),
        ("outside", "公开", "copy", "章"),
    ],
)
def test_what_the_desk_must_see_to(who: str, secrecy: str, mode: str, words: str):
    rule = decision_for("E01", who, secrecy, mode).rule
    assert rule and words in rule.conditions
