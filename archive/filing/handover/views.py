"""What the hand-over station shows of itself: frozen, no rows."""

from dataclasses import dataclass
from datetime import date, datetime

from archive.filing.handover.models import ListState
from archive.filing.handover.rules import ListedFile
from archive.people.rights import SECRECY


@dataclass(frozen=True)
class LineView:
    """A paper on a list, as it is described there."""

    place: int
    record_id: int
    number: str
    title: str
    author_name: str
    secrecy: int
    signed_on: date
    pages: int
    files: tuple[ListedFile, ...]

    @property
    def secrecy_label(self) -> str:
        """The secrecy as shown to people."""
        return SECRECY[self.secrecy]


@dataclass(frozen=True)
class ReturnView:
    """A list given or taken back: by whom, when, why."""

    by_name: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class ListSummary:
    """A hand-over list among others; counts are of the papers the reader may see."""

    id: int
    number: str
    department_name: str
    month: date
    state: str
    papers: int
    pages: int
    made_name: str
    handed_name: str
    handed_at: datetime | None
    received_name: str
    received_at: datetime | None

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return ListState(self.state).label

    @property
    def month_label(self) -> str:
        """The month as shown to people."""
        return f"{self.month:%Y-%m}"


@dataclass(frozen=True)
class ListView:
    """A hand-over list; its lines are those the actor may read, ``is_whole`` when that is all.

    Counts are of those lines. ``digest`` is what a signature now would be over.
    """

    id: int
    number: str
    department_id: int
    department_name: str
    month: date
    state: str
    note: str
    made_name: str
    made_at: datetime
    digest: str
    handed_by: int | None
    handed_name: str
    handed_at: datetime | None
    received_name: str
    received_at: datetime | None
    lines: tuple[LineView, ...]
    is_whole: bool
    returns: tuple[ReturnView, ...] = ()

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return ListState(self.state).label

    @property
    def month_label(self) -> str:
        """The month as shown to people."""
        return f"{self.month:%Y-%m}"

    @property
    def title(self) -> str:
        """What the list is called."""
        return f"{self.department_name} {self.month_label} 归档移交清单"

    @property
    def pages(self) -> int:
        """How many pages the lines have together."""
        return sum(line.pages for line in self.lines)

    @property
    def file_count(self) -> int:
        """How many files the lines have together."""
        return sum(len(line.files) for line in self.lines)

    @property
    def size(self) -> int:
        """How many bytes the files have together."""
        return sum(file.size for line in self.lines for file in line.files)
