"""What is shown of several papers asked for at once: frozen, no rows."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from archive.lending.matching import Mode
from archive.lending.models import RequestState
from archive.lending.views import Preview, Refused, RequestView


@dataclass(frozen=True)
class Considered:
    """One paper of a basket with its decision.

    ``copies`` is how many would be asked for, ``instead`` in which other ways it could be had
    (labels), ``already`` says why it is not asked for again.
    """

    preview: Preview
    volume_id: int | None
    volume: str
    copies: int
    instead: tuple[str, ...]
    already: str = ""

    @property
    def may_send(self) -> bool:
        """Whether it would be sent as things stand."""
        return self.preview.decision.allowed and not self.already

    @property
    def may_queue(self) -> bool:
        """Whether it could stand in line."""
        return self.preview.decision.may_queue and not self.already


@dataclass(frozen=True)
class GroupView:
    """A loan note with its requests, one a copy."""

    id: int
    number: str
    borrower_id: int
    borrower_name: str
    borrower_department: str
    mode: str
    purpose: str
    business_reference: str
    wanted_until: date | None
    created_at: datetime
    requests: tuple[RequestView, ...]

    @property
    def mode_label(self) -> str:
        """The mode as shown to people."""
        return Mode(self.mode).label

    @property
    def state_label(self) -> str:
        """How the note stands: how many of its requests are in which state."""
        counted = Counter(one.state_label for one in self.requests)
        if len(counted) == 1:
            return next(iter(counted))
        return "、".join(f"{label} {count}" for label, count in counted.items())

    @property
    def my_turns(self) -> tuple[RequestView, ...]:
        """What the viewer is to decide now."""
        return tuple(one for one in self.requests if one.is_my_turn)

    @property
    def ready(self) -> tuple[RequestView, ...]:
        """What may be handed out now."""
        return tuple(
            one
            for one in self.requests
            if one.state == RequestState.APPROVED and one.pick_up_by is not None
        )

    @property
    def out(self) -> tuple[RequestView, ...]:
        """What is out now and has not come back."""
        return tuple(one for one in self.requests if one.loan is not None and one.loan.is_open)


@dataclass(frozen=True)
class Outcome:
    """What came of asking for several: the note of what went in, and each paper refused."""

    group: GroupView | None
    refused: tuple[Refused, ...]
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeskLine:
    """A request of a note at the desk, with the copies on the shelf it may be served from."""

    request: RequestView
    barcodes: tuple[str, ...]
    location: str
    pages: int
