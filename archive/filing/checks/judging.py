"""Decides every item of a stage over papers whose bytes were read. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archive.filing.checks.facts import PaperFacts
from archive.filing.checks.rules import RULES, Manual, NotDone, Verdict
from archive.filing.checks.scheme import CheckItem, load_scheme

Confirmed = Mapping[tuple[int, str], bool]


class Fault(NamedTuple):
    """What is wrong with one paper, or what a person has to look at."""

    item_id: int
    title: str
    why: str
    record_id: int | None = None


@dataclass(frozen=True)
class Result:
    """One item's outcome: how many papers passed, what is wrong with others, what is to be seen."""

    item: CheckItem
    verdict: Verdict
    passed: int
    faults: tuple[Fault, ...]
    note: str = ""
    manual: tuple[Fault, ...] = ()
    left: int = 0


@dataclass(frozen=True)
class Report:
    """The outcome of a check, item by item; ``run_id`` once it is kept."""

    stage: str
    scheme: int
    papers: int
    results: tuple[Result, ...]
    run_id: int = 0

    @property
    def stops(self) -> bool:
        """Whether what was to be done may not be done."""
        return any(one.verdict is Verdict.FAIL and one.item.veto for one in self.results)

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed."""
        return all(one.verdict is not Verdict.FAIL for one in self.results)

    @property
    def failed(self) -> frozenset[int]:
        """The items that failed anything."""
        return frozenset(fault.item_id for one in self.results for fault in one.faults)

    def vetoes(self) -> Iterator[str]:
        """Yield a sentence for every fault that stops the act."""
        for one in self.results:
            if one.verdict is Verdict.FAIL and one.item.veto:
                for fault in one.faults:
                    yield f"{one.item.code} {one.item.name}：《{fault.title}》{fault.why}"


def judge(papers: Sequence[PaperFacts], stage: str, confirmed: Confirmed | None = None) -> Report:
    """Decide every item of the scheme at a stage over every paper.

    ``confirmed`` is what a person decided before, by item and code: it stands.
    """
    scheme = load_scheme()
    results = tuple(_result(item, papers, confirmed or {}) for item in scheme.at(stage))
    return Report(stage, scheme.version, len(papers), results)


def _result(item: CheckItem, papers: Sequence[PaperFacts], confirmed: Confirmed) -> Result:
    faults, manual, passed, left, notes = [], [], 0, 0, set()
    for paper in papers:
        verdict, why = _decide(item, paper, confirmed)
        fault = Fault(paper.item_id, paper.title, why, paper.record_id)
        if verdict is Verdict.FAIL:
            faults.append(fault)
        elif verdict is Verdict.MANUAL:
            manual.append(fault)
        elif verdict is Verdict.NOT_DONE:
            notes.add(why)
            left += 1
        else:
            passed += 1
    whole = Verdict.PASS if passed else Verdict.NOT_DONE
    whole = Verdict.FAIL if faults else Verdict.MANUAL if manual else whole
    return Result(item, whole, passed, tuple(faults), "；".join(sorted(notes)), tuple(manual), left)


def _decide(item: CheckItem, paper: PaperFacts, confirmed: Confirmed) -> tuple[Verdict, str]:
    try:
        why = RULES[item.how](paper)
    except NotDone as undecided:
        return Verdict.NOT_DONE, undecided.why
    except Manual as open_question:
        decided = confirmed.get((paper.item_id, item.code))
        if decided is None:
            return Verdict.MANUAL, open_question.why
        return (Verdict.PASS, "") if decided else (Verdict.FAIL, "人工核对认定不符")
    return (Verdict.FAIL, why) if why else (Verdict.PASS, "")
