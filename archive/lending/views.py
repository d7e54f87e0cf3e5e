"""What lending shows of itself to routes, later stations and commands: frozen, no rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from archive.core.clock import show_day
from archive.filing.service import Lendable
from archive.lending.approvers import Approver, candidate_label
from archive.lending.confirming.rules import Way
from archive.lending.matching import Mode
from archive.lending.models import RequestState
from archive.lending.rules import Decision, Reason
from archive.lending.year_end.rules import YEAR_END

HIDDEN_TITLE = "（无权查看题名）"
_SCREEN_STATES: Mapping[tuple[str, str], str] = {
    (Mode.ELECTRONIC, RequestState.HANDED_OUT): "可阅览",
    (Mode.ELECTRONIC, RequestState.CLOSED): "阅览已结束",
    (Mode.COPY, RequestState.APPROVED): "已批准，待复印",
    (Mode.COPY, RequestState.HANDED_OUT): "复印件在外",
    (Mode.COPY, RequestState.CLOSED): "已办结",
}


@dataclass(frozen=True)
class ApprovalView:
    """One approval of a request: in what capacity, of whom, how it stands.

    ``deputy`` is who decided, or would decide today, in the approver's name (代).
    """

    seq: int
    candidate: str
    approver_id: int
    approver_name: str
    state: str
    opinion: str
    decided_at: datetime | None
    is_renewal: bool = False
    deputy: str = ""

    @property
    def who(self) -> str:
        """By whom it was or is to be decided, as shown and printed."""
        if not self.deputy:
            return self.approver_name
        if self.decided_at is not None:
            return f"{self.deputy} 代 {self.approver_name}"
        return f"{self.approver_name}（今天委托{self.deputy}）"

    @property
    def label(self) -> str:
        """In what capacity the person approves."""
        label = candidate_label(self.candidate)
        return f"续借 · {label}" if self.is_renewal else label

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return {
            "waiting": "未到",
            "open": "待审批",
            "approved": "同意",
            "refused": "不同意",
            "cancelled": "已取消",
        }[self.state]


@dataclass(frozen=True)
class Signed:
    """How the borrower signed at the desk, and the digest (SHA-256) of what was signed."""

    way: Way
    digest: str
    has_picture: bool = False

    @property
    def label(self) -> str:
        """The way as shown to people."""
        return self.way.label


@dataclass(frozen=True)
class LoanView:
    """A copy handed out: to whom, until when, and how it came back."""

    id: int
    request_id: int
    request_number: str
    item_id: int
    item_title: str
    item_code: str
    copy_id: int
    barcode: str
    location: str
    borrower_id: int
    borrower_name: str
    borrower_department: str
    mode: str
    purpose: str
    rule: str
    handed_at: datetime
    handed_by_name: str
    due_on: date
    pages_out: int
    returned_at: datetime | None
    received_by_name: str
    pages_in: int | None
    intact: bool | None
    condition: str
    days_left: int
    renewals: int = 0
    recalled_at: datetime | None = None
    recall_reason: str = ""
    borrower_left: bool = False
    signed_out: Signed | None = None
    signed_back: Signed | None = None
    group_id: int | None = None

    @property
    def mode_label(self) -> str:
        """The mode as shown to people."""
        return Mode(self.mode).label

    @property
    def is_open(self) -> bool:
        """Whether the copy is still out."""
        return self.returned_at is None

    @property
    def is_overdue(self) -> bool:
        """Whether the copy is out past its due day."""
        return self.is_open and self.days_left < 0

    @property
    def state_label(self) -> str:
        """How the loan stands, as shown to people."""
        if not self.is_open:
            return "已归还" if self.intact else "已归还，有异常"
        if self.is_overdue:
            return f"逾期 {-self.days_left} 个工作日"
        if self.recalled_at is not None:
            return "已催回"
        return "今天到期" if self.days_left == 0 else "借出"

    @property
    def tone(self) -> str:
        """The colour of the state's badge."""
        if not self.is_open:
            return "green" if self.intact else "amber"
        is_pressing = self.days_left == 0 or self.recalled_at is not None
        return "red" if self.is_overdue else "amber" if is_pressing else "blue"


@dataclass(frozen=True)
class RequestView:
    """A request to borrow with its approvals and, once handed out, its loan.

    ``place`` is the place in line (1 is next), 0 for whoever stands in none; ``pick_up_by`` the
    last day a copy is held; ``next_in_line`` says, after a return, for whom the copy now stays
    at the desk.
    """

    id: int
    number: str
    item_id: int
    item_title: str
    item_code: str
    borrower_id: int
    borrower_name: str
    borrower_department: str
    mode: str
    purpose: str
    business_reference: str
    state: str
    rule: str
    rule_basis: str
    conditions: str
    due: date | None
    created_at: datetime
    approvals: tuple[ApprovalView, ...]
    loan: LoanView | None
    version: int
    queued: bool = False
    pick_up_by: date | None = None
    place: int = 0
    closing_note: str = ""
    next_in_line: str = ""
    group_id: int | None = None
    volume_id: int | None = None
    visit_id: int | None = None
    wanted_until: date | None = None
    is_my_turn: bool = False

    @property
    def mode_label(self) -> str:
        """The mode as shown to people."""
        return Mode(self.mode).label

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        if self.place and self.state == RequestState.APPROVED:
            return f"已批准，排队第 {self.place} 位"
        if self.place:
            return f"预约待审批，排队第 {self.place} 位"
        if not Mode(self.mode).takes_the_paper:
            return _SCREEN_STATES.get((self.mode, self.state), RequestState(self.state).label)
        return RequestState(self.state).label

    @property
    def tone(self) -> str:
        """The colour of the state's badge."""
        if self.place:
            return "blue"
        if self.mode == Mode.ELECTRONIC and self.state == RequestState.HANDED_OUT:
            return "green"
        return {
            "waiting": "blue",
            "approved": "green",
            "refused": "red",
            "handed_out": "amber",
        }.get(self.state, "gray")

    @property
    def waits_for(self) -> ApprovalView | None:
        """The approval it waits for now, or None."""
        return next((one for one in self.approvals if one.state == "open"), None)

    @property
    def may_be_withdrawn(self) -> bool:
        """Whether the borrower can still take it back."""
        return self.state in (RequestState.WAITING, RequestState.APPROVED)


@dataclass(frozen=True)
class RefusalView:
    """A refused request as the log shows it."""

    id: int
    item_id: int
    item_title: str
    item_code: str
    borrower_id: int
    borrower_name: str
    borrower_department: str
    mode: str
    purpose: str
    business_reference: str
    reasons: tuple[Reason, ...]
    at: datetime

    @property
    def mode_label(self) -> str:
        """The mode as shown to people."""
        return Mode(self.mode).label


@dataclass(frozen=True)
class Refused:
    """The answer to a request the rules refuse; the refusal is in the log once committed."""

    refusal_id: int
    item_id: int
    mode: str
    reasons: tuple[Reason, ...]
    rule: str
    what: str = "借阅"

    @property
    def message(self) -> str:
        """All reasons in one sentence."""
        return f"不能{self.what}：" + "".join(reason.text for reason in self.reasons)


@dataclass(frozen=True)
class Preview:
    """The decision shown before a request is sent, with the persons who would approve.

    ``title`` is hidden from whoever may not read the item; ``already`` names their own request
    that is still open.
    """

    item_id: int
    title: str
    code: str
    mode: str
    decision: Decision
    approvers: tuple[Approver, ...]
    already: str = ""

    @property
    def mode_label(self) -> str:
        """The mode as shown to people."""
        return Mode(self.mode).label

    @property
    def due_text(self) -> str:
        """Until when, as shown to people."""
        if self.decision.due is None:
            return ""
        later = "（该年放假安排尚未公布，暂定）" if self.decision.is_provisional else ""
        why = f"（{YEAR_END}）" if self.decision.due_note else ""
        return show_day(self.decision.due) + later + why


@dataclass(frozen=True)
class Scan:
    """What a barcode at the desk calls for.

    ``kind``: ``take_back`` (``loan`` is set), ``hand_out`` (``requests`` are the approved ones)
    or ``nothing``; ``message`` says in words what the copy is and what to do.
    """

    kind: str
    barcode: str
    message: str
    item: Lendable
    title: str
    pages: int
    location: str
    loan: LoanView | None = None
    requests: tuple[RequestView, ...] = ()


@dataclass(frozen=True)
class LogLine:
    """One event in the lending history of an item or a person."""

    at: datetime
    what: str
    who: str
    note: str
    request_number: str
    item_id: int


@dataclass(frozen=True)
class ItemPanel:
    """What the item's page shows of lending; ``log`` is for those who keep the register."""

    item_id: int
    out: tuple[LoanView, ...]
    mine: tuple[RequestView, ...]
    may_ask: bool
    log: tuple[LogLine, ...]
    keeps_log: bool
