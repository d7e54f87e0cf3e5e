"""What pages, calls and the chain see of seals."""

from dataclasses import dataclass
from datetime import datetime

STATES = {"in_use": "在用", "suspended": "停用", "destroyed": "已销毁"}
USE_STATES = {"asked": "待用印", "done": "已用印", "ended": "未用印", "void": "已作废"}


@dataclass(frozen=True)
class SealView:
    """A seal as shown to people; ``out_with`` names who has it outside, empty when it is in.

    ``has_no_keeper``: its keeper has left, and the administrator must name another.
    """

    id: int
    name: str
    kind: str
    width_mm: float
    height_mm: float
    keeper_id: int
    keeper_name: str
    state: str
    note: str
    version: int
    image_sha256: str
    is_kept: bool
    out_with: str = ""
    out_since: datetime | None = None
    is_late: bool = False
    has_no_keeper: bool = False

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return STATES[self.state]

    @property
    def size_label(self) -> str:
        """Its size: 42 mm, or 45 × 30 mm."""
        if self.width_mm == self.height_mm:
            return f"{self.width_mm:g} mm"
        return f"{self.width_mm:g} × {self.height_mm:g} mm"


@dataclass(frozen=True)
class SealAsked:
    """A seal asked for at submission, checked: what freezing and the run need to know."""

    seal_id: int
    name: str
    keeper_id: int
    width_mm: float
    height_mm: float
    copies: int
    why: str
    across: bool


@dataclass(frozen=True)
class SealUseView:
    """One line of the 用印登记."""

    id: int
    seal_id: int
    seal_name: str
    record_id: int | None
    title: str
    why: str
    approved_by: str
    asked_by_name: str
    asked_at: datetime
    copies_approved: int
    copies_stamped: int
    across: bool
    pages: int
    width_mm: float
    height_mm: float
    state: str
    done_by_id: int | None
    done_by_name: str
    done_at: datetime | None
    note: str
    image_sha256: str

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return USE_STATES[self.state]


@dataclass(frozen=True)
class OutingView:
    """A seal taken out and back."""

    id: int
    seal_name: str
    taken_by_name: str
    approved_by_name: str
    where_to: str
    why: str
    taken_at: datetime
    handed_by_name: str
    back_at: datetime | None
    received_by_name: str
    note: str
    is_late: bool
