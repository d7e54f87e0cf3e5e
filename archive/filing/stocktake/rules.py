"""Decisions of a stocktake on plain values: what a sighting means, and what may be done of it.

Source: archive.md 6 (盘点: missing, misplaced, on loan but seen, unknown). No rows, no rights.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from archive.core.errors import Invalid
from archive.filing.models import CopyStatus
from archive.filing.places.rules import is_within

MOST_EXPECTED = 50_000
MOST_SCANS = 20_000
MOST_AT_ONCE = 2_000
LONGEST_CODE = 40


class Outcome(StrEnum):
    """What came of one barcode; ``label`` is shown."""

    PRESENT = "present"
    LENT = "lent"
    OUTSIDE = "outside"
    MISSING = "missing"
    MISPLACED = "misplaced"
    OUT_SEEN = "out_seen"
    FOUND = "found"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        """Return the outcome as shown to people."""
        return _LABELS[self]

    @property
    def is_difference(self) -> bool:
        """Whether somebody has to decide what becomes of it."""
        return self in DECISIONS


class Decision(StrEnum):
    """What was decided of a difference; ``label`` is shown."""

    MARK_MISSING = "missing"
    FOUND = "found"
    PUT_BACK = "put_back"
    MOVE_HERE = "move_here"
    DESK = "desk"
    NOTED = "noted"

    @property
    def label(self) -> str:
        """Return the decision as shown to people."""
        return _DECISION_LABELS[self]


_LABELS = {
    Outcome.PRESENT: "在架",
    Outcome.LENT: "借出",
    Outcome.OUTSIDE: "范围外，位置相符",
    Outcome.MISSING: "缺失",
    Outcome.MISPLACED: "错位",
    Outcome.OUT_SEEN: "借出却在架",
    Outcome.FOUND: "待查又见",
    Outcome.UNKNOWN: "不明条码",
}
_DECISION_LABELS = {
    Decision.MARK_MISSING: "标记待查",
    Decision.FOUND: "已找到",
    Decision.PUT_BACK: "已放回原位",
    Decision.MOVE_HERE: "改存在见到的位置",
    Decision.DESK: "送借阅台办归还",
    Decision.NOTED: "已查明，只记情况",
}
DECISIONS: Mapping[Outcome, tuple[Decision, ...]] = {
    Outcome.MISSING: (Decision.MARK_MISSING, Decision.FOUND),
    Outcome.MISPLACED: (Decision.PUT_BACK, Decision.MOVE_HERE),
    Outcome.OUT_SEEN: (Decision.DESK, Decision.NOTED),
    Outcome.FOUND: (Decision.FOUND,),
    Outcome.UNKNOWN: (Decision.NOTED,),
}
NEEDS_NOTE = {
    (Outcome.MISSING, Decision.FOUND),
    (Outcome.OUT_SEEN, Decision.NOTED),
    (Outcome.UNKNOWN, Decision.NOTED),
}


@dataclass(frozen=True)
class Expected:
    """A copy as it was expected: its home, its status at the start and now."""

    copy_id: int
    barcode: str
    home_id: int | None
    home_text: str
    status_then: str
    status_now: str


@dataclass(frozen=True)
class Sighting:
    """A barcode as it was seen: where, and the copy's home and status when it was taken in."""

    barcode: str
    copy_id: int | None
    place_id: int | None
    place_text: str
    home_id: int | None
    home_text: str
    status: str
    seen_at: datetime


@dataclass(frozen=True)
class Finding:
    """What came of one barcode: where it belongs, where it was seen last."""

    barcode: str
    copy_id: int | None
    outcome: Outcome
    home_id: int | None
    home_text: str
    seen_id: int | None
    seen_text: str


def judge(
    expected: Expected | None, seen: Sequence[Sighting], lineages: Mapping[int, str]
) -> Finding:
    """Return what came of one barcode; ``seen`` in the order of time, empty when not seen.

    Seen twice counts once: where it was seen last counts. A place says no more than it can:
    seen on a shelf while its home is a box there (or the room around it) is at its place.
    """
    if expected is None:
        return _stranger(seen, lineages)
    if not seen:
        lent = CopyStatus.OUT in (expected.status_now, expected.status_then)
        gone = expected.status_now != CopyStatus.OUT and not (
            lent and expected.status_now == CopyStatus.IN
        )
        outcome = Outcome.MISSING if gone else Outcome.LENT
        return Finding(
            expected.barcode,
            expected.copy_id,
            outcome,
            expected.home_id,
            expected.home_text,
            None,
            "",
        )
    last = seen[-1]
    return _finding(last, expected.home_id, expected.home_text, Outcome.PRESENT, lineages)


def check_decision(outcome: Outcome, decision: str, note: str) -> Decision:
    """Return the decision when it fits the difference; raise Invalid."""
    possible = DECISIONS.get(outcome, ())
    if decision not in possible:
        words = "、".join(one.label for one in possible)
        raise Invalid(
            f"“{outcome.label}”不能这样处理，可以选：{words}。", {"decision": "请从列表中选"}
        )
    chosen = Decision(decision)
    if (outcome, chosen) in NEEDS_NOTE and not note:
        raise Invalid(f"选“{chosen.label}”要写明情况。", {"note": "请写明情况"})
    return chosen


def tally(findings: Sequence[Finding]) -> dict[str, int]:
    """Return how many there are of every outcome, noughts included."""
    counts = {str(outcome): 0 for outcome in Outcome}
    for finding in findings:
        counts[finding.outcome] += 1
    return counts


def take_digest(number: str, findings: Sequence[Finding], decided: Sequence[Sequence[str]]) -> str:
    """Return SHA-256 over what is signed at the end: every outcome and every decision."""
    told = sorted([one.barcode, str(one.outcome), one.home_text, one.seen_text] for one in findings)
    whole = [number, told, sorted(list(row) for row in decided)]
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _stranger(seen: Sequence[Sighting], lineages: Mapping[int, str]) -> Finding:
    last = seen[-1]
    if last.copy_id is None:
        return Finding(
            last.barcode, None, Outcome.UNKNOWN, None, "", last.place_id, last.place_text
        )
    first = seen[0]
    return _finding(last, first.home_id, first.home_text, Outcome.OUTSIDE, lineages)


def _finding(
    last: Sighting,
    home_id: int | None,
    home_text: str,
    at_home: Outcome,
    lineages: Mapping[int, str],
) -> Finding:
    if last.status == CopyStatus.OUT:
        outcome = Outcome.OUT_SEEN
    elif last.status == CopyStatus.MISSING:
        outcome = Outcome.FOUND
    elif last.place_id is not None and not _is_home(home_id, last.place_id, lineages):
        outcome = Outcome.MISPLACED
    else:
        outcome = at_home
    return Finding(
        last.barcode, last.copy_id, outcome, home_id, home_text, last.place_id, last.place_text
    )


def _is_home(home_id: int | None, place_id: int, lineages: Mapping[int, str]) -> bool:
    home, seen = lineages.get(home_id or 0, ""), lineages.get(place_id, "")
    return is_within(home, seen) or is_within(seen, home)
