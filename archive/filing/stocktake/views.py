"""What stocktakes show of themselves: frozen, no rows."""

from dataclasses import dataclass
from datetime import datetime

from archive.filing.stocktake.models import TakeState
from archive.filing.stocktake.rules import DECISIONS, Decision, Outcome


@dataclass(frozen=True)
class TakeSummary:
    """A stocktake among others."""

    id: int
    number: str
    scope: str
    state: str
    expected: int
    seen: int
    opened_name: str
    opened_at: datetime
    ended_name: str
    ended_at: datetime | None

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return TakeState(self.state).label


@dataclass(frozen=True)
class FindingView:
    """A difference: what it is of, where it belongs, where it was seen, what was decided."""

    barcode: str
    outcome: Outcome
    item_id: int | None
    title: str
    code: str
    home_text: str
    seen_text: str
    decision: str = ""
    note: str = ""
    decided_name: str = ""
    decided_at: datetime | None = None

    @property
    def outcome_label(self) -> str:
        """The kind of difference as shown to people."""
        return self.outcome.label

    @property
    def decision_label(self) -> str:
        """The decision as shown to people; empty while nothing is decided."""
        return Decision(self.decision).label if self.decision else ""

    @property
    def choices(self) -> tuple[Decision, ...]:
        """What may be decided of it."""
        return DECISIONS[self.outcome]


@dataclass(frozen=True)
class TakeView:
    """A stocktake whole: its counts by outcome and every difference, undecided ones first.

    ``digest`` is what a signature now would be over, or was over once it is closed.
    """

    id: int
    number: str
    scope: str
    state: str
    note: str
    expected: int
    scans: int
    opened_name: str
    opened_at: datetime
    journal_seq: int
    ended_name: str
    ended_at: datetime | None
    end_note: str
    counts: dict[str, int]
    findings: tuple[FindingView, ...]
    digest: str
    scanners: tuple[str, ...]

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return TakeState(self.state).label

    @property
    def undecided(self) -> int:
        """How many differences wait for a decision."""
        return sum(not one.decision for one in self.findings)

    @property
    def tiles(self) -> tuple[tuple[str, int], ...]:
        """The counts by outcome with their labels."""
        return tuple((outcome.label, self.counts.get(outcome, 0)) for outcome in Outcome)


@dataclass(frozen=True)
class LineView:
    """A copy that is expected or was seen, and what came of it."""

    barcode: str
    code: str
    title: str
    home_text: str
    seen_text: str
    outcome_label: str


@dataclass(frozen=True)
class ScanView:
    """A scan as the page answers it: what came of that barcode so far."""

    barcode: str
    title: str
    outcome: Outcome
    home_text: str
    seen_text: str
    seen_at: datetime
    by_name: str

    @property
    def outcome_label(self) -> str:
        """What came of it, as shown to people."""
        return self.outcome.label


@dataclass(frozen=True)
class Taken:
    """What came of sending scans: how many were new, which were there already."""

    new: int
    known: int
    unknown_places: tuple[str, ...] = ()
