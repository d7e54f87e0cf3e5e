"""Counts uses of the archive into tables. Pure: plain values in, plain values out.

A use is a copy handed out, an electronic view opened or a photocopy made, at its local day.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

from archive.lending.matching import Mode

ORDER = (Mode.ORIGINAL, Mode.ONSITE, Mode.ELECTRONIC, Mode.COPY)
REASONS = {
    "approval_refused": "审批人不同意",
    "borrower_blocked": "借阅人逾期太久，暂停借阅",
    "borrower_left": "借阅人已离职",
    "borrower_overdue": "借阅人有逾期未还",
    "clearance": "密级超出借阅人的权限",
    "copy_out": "实体已借出",
    "copy_reserved": "实体为别人保留",
    "date_past": "填的日期已经过去",
    "item_state": "档案的状态不能借",
    "limit": "超过同时可借的件数",
    "mode_not_allowed": "规则不许这样借",
    "no_approver": "找不到审批人",
    "no_business_reference": "没有业务依据",
    "no_identity": "外来人员没有有效证件",
    "no_letter": "外来人员没有介绍信",
    "no_due_date": "算不出应还日期",
    "no_purpose": "没有写明用途",
    "no_rule": "没有适用的规则",
    "not_accompanied": "外来人员没有人陪同",
    "not_connected": "没有业务联系",
}
LONGEST_TABLE = 20


@dataclass(frozen=True)
class Use:
    """One use: in which mode, on what local day, by whose department, of what."""

    mode: str
    day: date
    department: str
    borrower_class: str
    item_class: str
    customer: str


@dataclass(frozen=True)
class Out:
    """A copy handed out: from when to when (None: still out), and until what day."""

    handed_at: datetime
    returned_at: datetime | None
    due_on: date
    back_on: date


@dataclass(frozen=True)
class Line:
    """One line of a table: its label, the uses by mode (in ``ORDER``), all together."""

    label: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All modes together."""
        return sum(self.counts)


@dataclass(frozen=True)
class Table:
    """Uses divided by one trait."""

    key: str
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Stay:
    """How long copies stay out, in days, and how many were late; None where none is back."""

    lent: int
    still_out: int
    late: int
    median_days: float | None
    longest_days: float | None

    @property
    def late_share(self) -> float | None:
        """The overdue rate in percent of all handed out."""
        return 100 * self.late / self.lent if self.lent else None


def totals(uses: Iterable[Use]) -> Line:
    """Return all uses by mode."""
    counted = Counter(use.mode for use in uses)
    return Line("合计", tuple(counted[mode] for mode in ORDER))


def tables(uses: Sequence[Use]) -> tuple[Table, ...]:
    """Return the uses by month, department, class, customer and kind of borrower."""
    return (
        Table("month", "按月", _divided(uses, lambda use: f"{use.day:%Y-%m}", by_label=True)),
        Table("department", "按部门", _divided(uses, lambda use: use.department)),
        Table("class", "按类目", _divided(uses, lambda use: use.item_class or "（未分类）")),
        Table("customer", "按客户", _divided(uses, lambda use: use.customer)),
        Table("borrower", "按借阅人", _divided(uses, lambda use: use.borrower_class)),
    )


def stay(outs: Sequence[Out]) -> Stay:
    """Return how long copies stayed out; late is whoever is back, or still out, after the day."""
    days = [
        (one.returned_at - one.handed_at).total_seconds() / 86400
        for one in outs
        if one.returned_at is not None
    ]
    return Stay(
        lent=len(outs),
        still_out=sum(one.returned_at is None for one in outs),
        late=sum(one.back_on > one.due_on for one in outs),
        median_days=median(days) if days else None,
        longest_days=max(days, default=None),
    )


def refusals(codes: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return how often each reason stood in a refusal, the most frequent first."""
    counted = Counter(REASONS.get(code, code) for code in codes)
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def _divided(
    uses: Sequence[Use], label_of: Callable[[Use], str], *, by_label: bool = False
) -> tuple[Line, ...]:
    counted: dict[str, Counter[str]] = {}
    for use in uses:
        counted.setdefault(label_of(use), Counter())[use.mode] += 1
    lines = [Line(key, tuple(one[mode] for mode in ORDER)) for key, one in counted.items()]
    if by_label:
        return tuple(sorted(lines, key=lambda line: line.label))
    lines.sort(key=lambda line: (-line.total, line.label))
    rest = lines[LONGEST_TABLE:]
    if not rest:
        return tuple(lines)
    others = tuple(sum(column) for column in zip(*(line.counts for line in rest), strict=True))
    return (*lines[:LONGEST_TABLE], Line(f"其余 {len(rest)} 项", others))
