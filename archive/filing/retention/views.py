"""What the end of the keeping shows of itself: frozen, no rows."""

from dataclasses import dataclass
from datetime import date, datetime

from archive.filing.plan import load_plan
from archive.filing.retention.models import AppraisalState, ListState
from archive.filing.retention.rules import DESTROY, OUTCOMES, Parts, due_on

HELD_BACK = "held"
OUTCOME_LABELS = {"": "未定", HELD_BACK: "冻结，未定", **OUTCOMES}


def term_label(retention: str) -> str:
    """Return a term as shown to people."""
    return load_plan().terms.get(retention, retention)


@dataclass(frozen=True)
class OpinionView:
    """What one member thinks of one item."""

    user_id: int
    user_name: str
    opinion: str
    new_term: str
    reason: str

    @property
    def label(self) -> str:
        """The opinion as shown to people."""
        term = f"到{term_label(self.new_term)}" if self.new_term else ""
        return OUTCOMES[self.opinion] + term


@dataclass(frozen=True)
class AppraisalLineView:
    """One item before the committee: its term, everyone's opinion, what came of it."""

    id: int
    item_id: int
    place: int
    code: str
    title: str
    year: int
    department_name: str
    pages: int
    base_year: int
    retention: str
    outcome: str
    new_term: str
    why: str
    is_open: bool
    opinions: tuple[OpinionView, ...]

    @property
    def term_label(self) -> str:
        """The present term as shown to people."""
        return term_label(self.retention)

    @property
    def due_on(self) -> date | None:
        """The day from which it was due."""
        return due_on(self.base_year, self.retention)

    @property
    def outcome_label(self) -> str:
        """What came of it as shown to people."""
        term = f"（{term_label(self.new_term)}）" if self.new_term else ""
        return OUTCOME_LABELS[self.outcome] + term

    def opinion_of(self, user_id: int) -> OpinionView | None:
        """Return one member's opinion, or None."""
        return next((one for one in self.opinions if one.user_id == user_id), None)


@dataclass(frozen=True)
class MemberView:
    """A member of the committee and whether they have signed."""

    user_id: int
    name: str
    is_leader: bool
    signed_at: datetime | None
    missing: int


@dataclass(frozen=True)
class AppraisalView:
    """An appraisal; its lines are those the actor may read, ``is_whole`` when that is all."""

    id: int
    number: str
    state: str
    note: str
    leader_id: int
    opened_name: str
    opened_at: datetime
    decided_at: datetime | None
    withdrawn_name: str
    withdrawn_at: datetime | None
    reason: str
    members: tuple[MemberView, ...]
    lines: tuple[AppraisalLineView, ...]
    is_whole: bool

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return AppraisalState(self.state).label

    @property
    def leader_name(self) -> str:
        """Who leads the committee."""
        return next((one.name for one in self.members if one.is_leader), "")

    def member(self, user_id: int) -> MemberView | None:
        """Return the member with this id, or None."""
        return next((one for one in self.members if one.user_id == user_id), None)

    def waiting(self, outcome: str) -> int:
        """Return how many items with this outcome are not carried out yet."""
        return sum(one.outcome == outcome and one.is_open for one in self.lines)


@dataclass(frozen=True)
class AppraisalSummary:
    """An appraisal among others; ``waits_for_me`` when one is a member and has not signed."""

    id: int
    number: str
    state: str
    opened_name: str
    opened_at: datetime
    items: int
    signed: int
    members: int
    waits_for_me: bool

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return AppraisalState(self.state).label


@dataclass(frozen=True)
class DisposalLineView:
    """One item on a destruction or transfer list, as it was when the list was made."""

    item_id: int
    place: int
    code: str
    title: str
    year: int
    retention: str
    kept_years: int
    pages: int
    note: str
    files: int
    shared: int
    done_at: datetime | None

    @property
    def term_label(self) -> str:
        """How long it had to be kept, as shown to people."""
        return term_label(self.retention)


@dataclass(frozen=True)
class WitnessView:
    """A 监销人: who, when, how and where."""

    user_id: int
    name: str
    at: datetime
    method: str
    location: str


@dataclass(frozen=True)
class DisposalView:
    """A destruction or transfer list; ``parts`` says who did what."""

    id: int
    number: str
    kind: str
    appraisal_id: int
    appraisal_number: str
    leader_name: str
    appraised_at: datetime | None
    state: str
    note: str
    digest: str
    made_name: str
    made_at: datetime
    approved_name: str
    approved_at: datetime | None
    cooling_until: date | None
    cooling_basis: str
    receiver: str
    receiver_name: str
    carried_name: str
    carried_at: datetime | None
    done_at: datetime | None
    withdrawn_name: str
    withdrawn_at: datetime | None
    reason: str
    parts: Parts
    witnesses: tuple[WitnessView, ...]
    lines: tuple[DisposalLineView, ...]
    is_whole: bool

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return ListState(self.state).label

    @property
    def is_destruction(self) -> bool:
        """Whether it is a destruction list; else it is a transfer list."""
        return self.kind == DESTROY

    @property
    def kind_label(self) -> str:
        """What kind of list it is, as shown to people."""
        return "档案销毁清册" if self.is_destruction else "档案移交清册"

    @property
    def pages(self) -> int:
        """How many pages the items have together."""
        return sum(line.pages for line in self.lines)


@dataclass(frozen=True)
class DisposalSummary:
    """A list among others."""

    id: int
    number: str
    kind: str
    state: str
    items: int
    made_name: str
    made_at: datetime
    cooling_until: date | None
    done_at: datetime | None

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return ListState(self.state).label

    @property
    def kind_label(self) -> str:
        """What kind of list it is, as shown to people."""
        return "销毁清册" if self.kind == DESTROY else "移交清册"
