"""May this loan be renewed, until when, and who has to agree (续借); and a recall's due day.

Pure: plain facts in, the answer with every reason against it out (archive.md 6, Renewal, Recall).
Rows and acts are in ``lending.renewals`` and ``lending.recalls``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from archive.core.calendar import WorkCalendar
from archive.core.clock import show_day
from archive.lending.matching import Rule
from archive.lending.rules import Policy, Reason
from archive.lending.year_end.rules import due_by_year_end, told_limit
from archive.people.rights import SECRET


@dataclass(frozen=True)
class RenewalFacts:
    """Everything the decision looks at.

    ``rule`` is the loan's own snapshot; ``secrecy_then`` the rank it was approved for;
    ``somebody_waits`` whether another stands in line; ``is_asked`` whether a renewal waits
    for approval already, ``is_renewed_today`` whether one asked for today was granted;
    ``year_end`` the year's last day for originals out, where one is set.
    """

    on: date
    due_on: date
    rule: Rule
    renewals_done: int
    secrecy: int
    secrecy_then: int
    somebody_waits: bool = False
    is_recalled: bool = False
    is_asked: bool = False
    is_renewed_today: bool = False
    borrower_left: bool = False
    year_end: date | None = None


@dataclass(frozen=True)
class RenewalDecision:
    """The answer: the new due day, or every reason why not.

    ``due_note`` says why it is due before the rule's term.
    """

    allowed: bool
    reasons: tuple[Reason, ...]
    due: date | None
    needs_approval: bool
    due_note: str = ""


def decide_renewal(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> RenewalDecision:
    """Return the decision; for 秘密 and up the loan's approvals are needed again."""
    found = [check(facts, calendar, policy) for check in _CHECKS]
    reasons = tuple(reason for reason in found if reason is not None)
    if reasons:
        return RenewalDecision(False, reasons, None, False)
    due = renewed_due(facts, calendar)
    is_cut = due < renewed_due(replace(facts, year_end=None), calendar)
    return RenewalDecision(
        True, (), due, facts.secrecy >= SECRET, told_limit(due) if is_cut else ""
    )


def renewed_due(facts: RenewalFacts, calendar: WorkCalendar) -> date:
    """Return the day due after the renewal, counted from the day due now.

    A closed day moves to the next open one, for 秘密 and up to the one before; never beyond the
    year's last day.
    """
    if facts.rule.working_days:
        day = calendar.add_working_days(facts.due_on, facts.rule.renewal_days)
    else:
        day = facts.due_on + timedelta(days=facts.rule.renewal_days)
    day = calendar.next_open(day) if facts.secrecy < SECRET else calendar.previous_open(day)
    return day if facts.year_end is None else min(day, facts.year_end)


def recalled_due(
    due_on: date, on: date, calendar: WorkCalendar, policy: Policy, year_end: date | None = None
) -> date:
    """Return the day due after a recall: the earlier of the day due now and two working days on.

    Never beyond the year's last day for originals, where that is still to come.
    """
    grace = policy.recall_working_days
    due = min(due_on, calendar.add_working_days(on, grace))
    return due_by_year_end(due, year_end, on, calendar, grace)


def _left(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    return Reason("borrower_left", "借阅人已离职，请归还。") if facts.borrower_left else None


def _asked(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    return Reason("renewal_asked", "续借已经申请，正等审批。") if facts.is_asked else None


def _renewed_today(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    if not facts.is_renewed_today:
        return None
    told = f"今天已经续借过，现在应于{show_day(facts.due_on)}归还；还要再续的请改天办理。"
    return Reason("renewed_today", told)


def _recalled(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    if not facts.is_recalled:
        return None
    return Reason("recalled", f"这件档案已被催回，请在{show_day(facts.due_on)}前归还。")


def _overdue(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    if facts.on <= facts.due_on:
        return None
    return Reason("overdue", f"已经逾期（应于{show_day(facts.due_on)}归还），不能续借，请先归还。")


def _raised(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    if facts.secrecy <= facts.secrecy_then:
        return None
    return Reason("secrecy_raised", "借出以后这件档案的密级提高了，不能续借，请归还后另行申请。")


def _reserved(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    if not facts.somebody_waits:
        return None
    return Reason("reserved", "有人在等这件档案，不能续借，请按期归还；还需要的可以再预约。")


def _year_end(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    if facts.year_end is None or facts.due_on < facts.year_end:
        return None
    return Reason("year_end", f"{told_limit(facts.year_end)}，不能再续借。")


def _used_up(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    allowed = facts.rule.renewals if facts.rule.renewal_days else 0
    if allowed == 0:
        return Reason("not_renewable", f"按规定这种借阅不能续借（{facts.rule.basis}）。")
    if facts.renewals_done < allowed:
        return None
    return Reason("used_up", f"按规定只能续借 {allowed} 次，已经用完，请按期归还。")


def _too_early(facts: RenewalFacts, calendar: WorkCalendar, policy: Policy) -> Reason | None:
    opens = policy.renewal_opens_working_days
    if calendar.working_days_between(facts.on, facts.due_on) <= opens:
        return None
    return Reason("too_early", f"还早：到期前 {opens} 个工作日起才能续借。")


_CHECKS: tuple[Callable[[RenewalFacts, WorkCalendar, Policy], Reason | None], ...] = (
    _left,
    _asked,
    _renewed_today,
    _recalled,
    _overdue,
    _raised,
    _reserved,
    _year_end,
    _used_up,
    _too_early,
)
