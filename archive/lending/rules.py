"""The lending decision (借阅裁定): plain facts in, permission or every reason against it out.

Pure: no rows, no clock. Default deny: no rule, no loan (archive.md 6). ``lending.facts`` gathers
the facts, ``lending.matching`` picks the rule; requests and the desk act on the decision.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from archive.core.calendar import WorkCalendar
from archive.core.clock import show_day
from archive.filing.models import ItemState
from archive.lending.links import Links, cites_a_link, fold
from archive.lending.matching import CANDIDATES, Case, Mode, Rule, best_rule, labels
from archive.lending.visits.rules import Visitor, is_good_id
from archive.lending.year_end.rules import told_late, told_limit
from archive.people.rights import SECRECY, SECRET

MAX_PURPOSE = 500
MAX_REFERENCE = 200
QUEUE_REASONS = frozenset({"copy_out", "copy_reserved"})


@dataclass(frozen=True)
class Reason:
    """Why a loan is refused: a stable code and a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True)
class Policy:
    """The values of the decision that belong to no single rule (shipped in rules.toml).

    ``confirmations``: the ways in which a borrower may sign at the desk, ``/`` between them;
    ``outsider_id_years``: how long after the visit the number of an outsider's document is kept;
    ``year_end``: the day by which originals are back each year (``12-25``), with its basis.
    """

    shortest_purpose: int
    shortest_reference: int
    blocked_after_working_days: int
    pick_up_working_days: int = 3
    renewal_opens_working_days: int = 3
    recall_working_days: int = 2
    confirmations: str = "password/pin/drawn/paper"
    outsider_id_years: int = 3
    year_end: str = ""
    year_end_basis: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything the decision looks at.

    ``asks_reason`` False leaves purpose and reference aside (asking before there is a request).
    ``held`` are the secrecy ranks of what the borrower has out or has asked for in this mode;
    ``fillable`` the approver candidates for whom there is a person other than the borrower;
    ``overdue_days`` the working days by which the oldest loan is late; ``back_on`` the day a
    lent copy is due; ``copies_held`` are on the shelf for others. ``joins_queue`` leaves the
    copies aside: the question of whoever stands in line. ``wanted_until`` is the day the asker
    gave. With a ``visitor`` it is an outsider who reads, in place of the borrower's own ties.
    ``year_end`` is the last day of that year for originals out; None where none is set.
    """

    case: Case
    on: date
    clearance: int
    links: Links
    purpose: str = ""
    reference: str = ""
    asks_reason: bool = True
    item_state: str = ItemState.SHELVED
    copies_in: int = 1
    copies_out: int = 0
    copies_missing: int = 0
    copies_lost: int = 0
    copies_held: int = 0
    joins_queue: bool = False
    back_on: date | None = None
    has_file: bool = True
    in_quarantine: bool = False
    borrower_left: bool = False
    overdue_loans: int = 0
    overdue_days: int = 0
    held: tuple[int, ...] = ()
    fillable: frozenset[str] = frozenset(CANDIDATES)
    wanted_until: date | None = None
    visitor: Visitor | None = None
    year_end: date | None = None


@dataclass(frozen=True)
class Decision:
    """The answer: allowed with its approvals and due date, or every reason why not.

    ``is_provisional`` says that the due year's official working days are not published yet;
    ``due_note`` why it is due before the rule's term.
    """

    allowed: bool
    reasons: tuple[Reason, ...]
    rule: Rule | None
    approvals: tuple[str, ...]
    due: date | None
    is_provisional: bool = False
    due_note: str = ""

    @property
    def may_queue(self) -> bool:
        """Whether nothing but the missing copy stands against it, so that one may stand in line."""
        return bool(self.reasons) and {one.code for one in self.reasons} <= QUEUE_REASONS


def decide(facts: Facts, rules: Sequence[Rule], calendar: WorkCalendar, policy: Policy) -> Decision:
    """Return the decision with all failing reasons, in the order of archive.md 6."""
    rule = best_rule(rules, facts.case, facts.on)
    due = None if rule is None else due_day(rule, facts, calendar)
    found = [check(facts, policy) for check in _CHECKS]
    found += _rule_reasons(facts, rule, due)
    reasons = tuple(reason for reason in found if reason is not None)
    if reasons or rule is None:
        return Decision(False, reasons, rule, (), None)
    return Decision(
        allowed=True,
        reasons=(),
        rule=rule,
        approvals=rule.approvals,
        due=due,
        is_provisional=due is not None and not calendar.is_known(due),
        due_note=_due_note(rule, facts, calendar, due),
    )


def due_day(rule: Rule, facts: Facts, calendar: WorkCalendar) -> date | None:
    """Return the day whose close is the due time; None when there is none or none can be found.

    A closed day moves to the next open one; for 秘密 and up to the one before, which must not
    lie before the loan. An earlier day that the asker gave counts. An original is back by the
    year's last day for it. A photocopy is not due back.
    """
    if facts.case.mode == Mode.COPY:
        return None
    try:
        if rule.working_days:
            day = calendar.add_working_days(facts.on, rule.days)
        else:
            day = facts.on + timedelta(days=rule.days)
        if facts.wanted_until is not None and facts.wanted_until >= facts.on:
            day = min(day, facts.wanted_until)
        moves_on = facts.case.secrecy < SECRET
        day = calendar.next_open(day) if moves_on else calendar.previous_open(day)
    except OverflowError:
        return None
    if facts.year_end is not None and facts.case.mode == Mode.ORIGINAL:
        day = min(day, facts.year_end)
    return day if day >= facts.on else None


def _due_note(rule: Rule, facts: Facts, calendar: WorkCalendar, due: date | None) -> str:
    without = due_day(rule, replace(facts, year_end=None), calendar)
    return "" if due is None or due == without else told_limit(due)


def borrower_class(*, roles: frozenset[str], own_department: bool) -> str:
    """Return the borrower's class for the matrix."""
    if roles & {"audit", "legal"}:
        return "audit"
    return "own" if own_department else "other"


_ENDING = {
    ItemState.REVIEWING: "这件档案保管期满，正在鉴定（待鉴定），鉴定有结果以前不能借阅。",
    ItemState.TRANSFERRED: "这件档案已移交给别的单位，这里不能借阅；移交到哪里请看档案页。",
    ItemState.DESTROYED: "这件档案已按规定销毁，不能借阅；销毁清册号请看档案页。",
}


def _state(facts: Facts, policy: Policy) -> Reason | None:
    if facts.item_state in _ENDING:
        return Reason("item_state", _ENDING[ItemState(facts.item_state)])
    if facts.item_state != ItemState.SHELVED:
        label = ItemState(facts.item_state).label
        return Reason("item_state", f"这件档案还没有上架（现在是“{label}”），归档完成后才能借阅。")
    if not Mode(facts.case.mode).takes_the_paper:
        if facts.in_quarantine and facts.case.mode == Mode.ELECTRONIC:
            told = "这件档案的电子文件在隔离中，处理好之前不能电子借阅，请向档案室查询。"
            return Reason("item_state", told)
        return None
    if facts.copies_lost and not facts.copies_in + facts.copies_out + facts.copies_missing:
        return Reason(
            "item_state", "这件档案的纸质实体已经遗失，不能借原件；有电子文件的可以申请电子阅览。"
        )
    if facts.copies_in + facts.copies_out + facts.copies_missing == 0:
        return Reason("item_state", "这件档案没有登记纸质实体，不能借原件，请向档案室查询。")
    if facts.copies_missing and not facts.copies_in + facts.copies_out:
        return Reason("item_state", "这件档案的实体正在查找，找到之前不能借阅，请向档案室查询。")
    return None


def _clearance(facts: Facts, policy: Policy) -> Reason | None:
    if facts.case.secrecy <= facts.clearance:
        return None
    return Reason(
        "clearance", "这件档案的密级高于您的权限，不能借阅；工作确有需要的，请由有权限的同事办理。"
    )


def _purpose(facts: Facts, policy: Policy) -> Reason | None:
    if not facts.asks_reason or len(fold(facts.purpose)) >= policy.shortest_purpose:
        return None
    return Reason(
        "no_purpose",
        f"没有写明借阅用途：请用至少 {policy.shortest_purpose} 个字说明办什么事要用。",
    )


def _reference(facts: Facts, policy: Policy) -> Reason | None:
    if (
        facts.visitor
        or not facts.asks_reason
        or cites_a_link(facts.reference, facts.links, policy.shortest_reference)
    ):
        return None
    return Reason(
        "no_business_reference",
        "没有业务依据：请填写本部门所管客户的编号或名称，或本部门就该客户所办文件的编号"
        "（审计、法务填案号）。",
    )


def _connection(facts: Facts, policy: Policy) -> Reason | None:
    if facts.visitor or facts.links.is_connected:
        return None
    return Reason(
        "not_connected",
        "您和您的部门与这件档案及其客户没有业务联系，不能借阅；请由经办部门的同事申请。",
    )


def _left(facts: Facts, policy: Policy) -> Reason | None:
    return Reason("borrower_left", "借阅人已离职，不能借阅。") if facts.borrower_left else None


def _blocked(facts: Facts, policy: Policy) -> Reason | None:
    if facts.overdue_days < policy.blocked_after_working_days:
        return None
    return Reason(
        "borrower_blocked",
        f"有借阅逾期已满 {policy.blocked_after_working_days} 个工作日，暂停新的借阅；"
        "请先归还并向档案室说明。",
    )


def _overdue(facts: Facts, policy: Policy) -> Reason | None:
    if not facts.overdue_loans:
        return None
    return Reason("borrower_overdue", f"有 {facts.overdue_loans} 件借阅已经逾期，请先归还。")


def _copy(facts: Facts, policy: Policy) -> Reason | None:
    if not Mode(facts.case.mode).takes_the_paper or facts.joins_queue:
        return None
    if facts.copies_in > facts.copies_held:
        return None
    if facts.copies_in:
        return Reason("copy_reserved", "这件档案在库，但已为先来的借阅人保留；可以预约排队。")
    if not facts.copies_out:
        return None
    when = f"，应于{show_day(facts.back_on)}归还" if facts.back_on else ""
    return Reason("copy_out", f"这件档案已经借出{when}；可以预约，归还后按先后保留。")


def _wanted(facts: Facts, policy: Policy) -> Reason | None:
    if facts.wanted_until is None or facts.wanted_until >= facts.on:
        return None
    return Reason("date_past", f"用到{show_day(facts.wanted_until)}为止，这一天已经过去，请改正。")


def _year_end(facts: Facts, policy: Policy) -> Reason | None:
    if not _is_after_year_end(facts) or facts.year_end is None:
        return None
    return Reason("year_end", told_late(facts.year_end))


def _is_after_year_end(facts: Facts) -> bool:
    is_out = facts.case.mode == Mode.ORIGINAL
    return is_out and facts.year_end is not None and facts.on > facts.year_end


def _letter(facts: Facts, policy: Policy) -> Reason | None:
    visitor = facts.visitor
    if visitor is None or (visitor.unit.strip() and visitor.letter_number.strip()):
        return None
    return Reason("no_letter", "外来查阅要有单位介绍信：请登记来人的单位和介绍信编号。")


def _identity(facts: Facts, policy: Policy) -> Reason | None:
    visitor = facts.visitor
    if visitor is None or (visitor.name.strip() and is_good_id(visitor.id_kind, visitor.id_number)):
        return None
    return Reason("no_identity", "外来查阅要核对本人证件：请登记姓名、证件种类和正确的证件号码。")


def _accompanied(facts: Facts, policy: Policy) -> Reason | None:
    visitor = facts.visitor
    if visitor is None or visitor.accompanied_by.strip():
        return None
    return Reason("not_accompanied", "外来查阅要有本公司人员全程陪同：请登记陪同人。")


_CHECKS: tuple[Callable[[Facts, Policy], Reason | None], ...] = (
    _state,
    _clearance,
    _purpose,
    _reference,
    _connection,
    _left,
    _blocked,
    _overdue,
    _copy,
    _wanted,
    _year_end,
    _letter,
    _identity,
    _accompanied,
)


def _rule_reasons(facts: Facts, rule: Rule | None, due: date | None) -> list[Reason | None]:
    mode = Mode(facts.case.mode).label
    if rule is None and facts.visitor is not None:
        told = f"{SECRECY[facts.case.secrecy]}档案没有允许外来人员{mode}的规则，不能提供。"
        return [Reason("no_rule", told)]
    if rule is None:
        return [Reason("no_rule", f"没有允许这样借阅的规则（{mode}），请向档案室查询。")]
    if not rule.allowed:
        return [
            Reason("mode_not_allowed", f"按规定不能办理{mode}（{rule.basis}）；可改用其他方式。")
        ]
    found = [_limit(facts, rule), _approver(facts, rule)]
    if facts.case.mode == Mode.ELECTRONIC and not facts.has_file:
        found.append(Reason("mode_not_allowed", "这件档案没有电子文件，不能电子阅览；可借纸质件。"))
    if due is None and facts.case.mode != Mode.COPY and not _is_after_year_end(facts):
        found.append(
            Reason("no_due_date", "算不出应还日期：当天到期之前没有开放日，请改在工作日办理。")
        )
    return found


def _limit(facts: Facts, rule: Rule) -> Reason | None:
    if rule.limit is None:
        return None
    counted = labels(rule.secrecy) or frozenset(SECRECY)
    held = sum(SECRECY[rank] in counted for rank in facts.held)
    if held < rule.limit:
        return None
    return Reason(
        "limit", f"同时最多借 {rule.limit} 件，现已借出或申请 {held} 件；请先归还或撤回。"
    )


def _approver(facts: Facts, rule: Rule) -> Reason | None:
    missing = [CANDIDATES[one] for one in rule.approvals if one not in facts.fillable]
    if not missing:
        return None
    return Reason(
        "no_approver",
        f"找不到可以审批的人（{'、'.join(missing)}）：本人不能批自己的申请，请联系系统管理员。",
    )
