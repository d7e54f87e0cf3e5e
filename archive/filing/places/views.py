"""What places show of themselves: frozen, no rows."""

from dataclasses import dataclass
from datetime import datetime

from archive.filing.models import CopyStatus
from archive.filing.places.models import PlaceKind


@dataclass(frozen=True)
class PlaceView:
    """A place: its line, level, barcode and capacity (in copies; None where not told)."""

    id: int
    parent_id: int | None
    kind: str
    name: str
    path: str
    lineage: str
    barcode: str
    capacity: int | None
    is_closed: bool
    version: int

    @property
    def kind_label(self) -> str:
        """The level as shown to people."""
        return PlaceKind(self.kind).label

    @property
    def depth(self) -> int:
        """How many places it lies in."""
        return self.lineage.count("/") - 2


@dataclass(frozen=True)
class StandingPlace:
    """A place in a plan, with how many copies stand in it and everything below it.

    ``own`` counts those that stand right there; ``out`` those of ``held`` that are not in.
    """

    place: PlaceView
    own: int
    held: int
    out: int
    children: tuple["StandingPlace", ...] = ()

    @property
    def fill(self) -> int | None:
        """How full it is in percent, rounded; None without a capacity."""
        capacity = self.place.capacity
        return None if not capacity else round(self.held * 100 / capacity)


@dataclass(frozen=True)
class StandingCopy:
    """A copy with its paper and home, in lists of what stands where."""

    id: int
    item_id: int
    barcode: str
    title: str
    code: str
    place_id: int | None
    location: str
    status: str
    volume_id: int | None
    volume_title: str

    @property
    def status_label(self) -> str:
        """The status as shown to people."""
        return CopyStatus(self.status).label


@dataclass(frozen=True)
class CopyMoveView:
    """A move: what was moved (a copy or a box), from where, to where, by whom, when, why."""

    what: str
    from_text: str
    to_text: str
    by_name: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Moved:
    """What came of moving: how many things went, and what stood there already."""

    place: PlaceView
    moved: tuple[str, ...]
    there: tuple[str, ...]
