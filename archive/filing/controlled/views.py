"""What is shown of controlled documents: frozen values, no rows."""

from dataclasses import dataclass
from datetime import date, datetime

from archive.filing.controlled.models import Ending

RECEIVED = {"password": "输密码签收", "paper": "纸上签字，档案员登记"}


def copy_label(number: int) -> str:
    """Return a copy's number as it is stamped: 001."""
    return f"{number:03d}"


@dataclass(frozen=True)
class CopyView:
    """A numbered copy: of which version, with whom, received or not, recalled, out of use."""

    id: int
    document_id: int
    document_number: str
    document_title: str
    version_id: int
    version_label: str
    number: int
    department_name: str
    person_id: int
    person_name: str
    issued_by: str
    issued_at: datetime
    sha256: str | None
    pages: int
    received_at: datetime | None
    received_how: str
    recalled_at: datetime | None
    ended_at: datetime | None
    ended_how: str
    ended_by: str
    note: str
    is_valid: bool
    version: int

    @property
    def number_label(self) -> str:
        """The number as it is stamped."""
        return copy_label(self.number)

    @property
    def received_label(self) -> str:
        """How it was received, as shown to people."""
        return RECEIVED.get(self.received_how, "待签收")

    @property
    def is_old(self) -> bool:
        """Whether it is still out although its version is no longer valid."""
        return self.ended_at is None and not self.is_valid

    @property
    def state_label(self) -> str:
        """Where it stands, as shown to people."""
        if self.ended_how:
            return Ending(self.ended_how).label
        if not self.is_valid:
            return "旧版，待收回"
        return "使用中" if self.received_at else "待签收"

    @property
    def tone(self) -> str:
        """The colour of its state's badge."""
        if self.ended_how:
            return "gray"
        return "red" if not self.is_valid else "green" if self.received_at else "amber"


@dataclass(frozen=True)
class VersionView:
    """A version of a controlled document; ``state`` is valid, coming or past."""

    id: int
    item_id: int
    label: str
    valid_from: date
    declared_by: str
    declared_at: datetime
    note: str
    withdrawn_at: datetime | None
    state: str
    may_read_item: bool

    @property
    def item_to_read(self) -> int | None:
        """The filed paper, for whom may read it."""
        return self.item_id if self.may_read_item else None

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        if self.withdrawn_at:
            return "已作废"
        return {"valid": "有效", "coming": "尚未生效", "past": "已被替代"}[self.state]


@dataclass(frozen=True)
class DocumentView:
    """A controlled document with its versions (newest first) and, on its own page, its copies."""

    id: int
    number: str
    title: str
    versions: tuple[VersionView, ...]
    copies: tuple[CopyView, ...] = ()
    out: int = 0
    old_out: int = 0

    @property
    def valid(self) -> VersionView | None:
        """The version that is valid today."""
        return next((one for one in self.versions if one.state == "valid"), None)

    @property
    def last_number(self) -> int:
        """The number of the newest copy known here, 0 where there is none."""
        return max((one.number for one in self.copies), default=0)

    @property
    def valid_label(self) -> str | None:
        """The name of the version that is valid today."""
        return self.valid.label if self.valid else None
