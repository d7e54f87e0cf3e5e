"""What filing shows of itself to routes, later stations and commands: frozen, no rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from archive.filing.models import CopyStatus, ItemState, VolumeState
from archive.filing.rules import next_step

ROLE_LABELS = {
    "master": "正本",
    "word": "Word 稿",
    "scan": "扫描件",
    "stamped": "盖章扫描件",
    "evidence": "存证单",
}


@dataclass(frozen=True)
class CopyView:
    """A physical copy: its barcode, where it stands, whether it is there."""

    id: int
    barcode: str
    pages: int
    location: str
    status: str
    place_id: int | None = None

    @property
    def status_label(self) -> str:
        """The status as shown to people."""
        return CopyStatus(self.status).label


@dataclass(frozen=True)
class FileView:
    """A file of an item: ``role`` is master, word or attachment; ``size`` in bytes."""

    id: int
    role: str
    name: str
    sha256: str
    size: int
    media_type: str

    @property
    def role_label(self) -> str:
        """The role as shown to people."""
        return ROLE_LABELS.get(self.role, "附件")


@dataclass(frozen=True)
class StepView:
    """One of the four steps that was done: by whom and when (UTC)."""

    step: str
    by_name: str
    at: datetime
    note: str


@dataclass(frozen=True)
class ItemView:
    """An item with its description, files, copies and steps.

    ``status`` is the word people filter by: the one an import brought, else where the paper is.
    ``text`` is filled for a single item and left empty in lists.
    """

    id: int
    external_id: str | None
    record_id: int | None
    title: str
    customer_id: int | None
    customer_name: str
    form_code: str
    form_title: str
    document_number: str
    responsible: str
    author_id: int | None
    author_name: str
    department_id: int | None
    department_name: str
    document_date: date | None
    year: int
    category: str
    item_class: str
    retention: str
    retention_label: str
    unit: str
    secrecy: int
    secrecy_label: str
    pages: int
    plan_version: int | None
    volume_id: int | None
    volume_title: str
    serial: int | None
    provisional_code: str | None
    reference_code: str | None
    state: str
    status: str
    note: str
    elements: Mapping[str, str]
    created_at: datetime
    version: int
    text: str = field(default="", repr=False)
    copies: tuple[CopyView, ...] = ()
    files: tuple[FileView, ...] = ()
    steps: tuple[StepView, ...] = ()

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return ItemState(self.state).label

    @property
    def next_step(self) -> str:
        """The step the item waits for; empty when it is shelved."""
        return next_step(self.state)

    @property
    def code(self) -> str:
        """The 档号, or the provisional code before sealing, or nothing yet."""
        return self.reference_code or self.provisional_code or ""

    @property
    def is_lent(self) -> bool:
        """Whether a copy is out."""
        return any(copy.status == CopyStatus.OUT for copy in self.copies)


@dataclass(frozen=True)
class VolumeView:
    """A yearly volume and how many items and pages it holds."""

    id: int
    fonds: str
    category: str
    category_title: str
    year: int
    retention: str
    retention_label: str
    unit: str
    item_class: str
    title: str
    state: str
    customer_id: int | None
    items: int
    pages: int

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return VolumeState(self.state).label


@dataclass(frozen=True)
class SealView:
    """How a volume was or is being sealed: by whom, what was counted, over which catalogue."""

    prepared_by: int
    prepared_name: str
    prepared_at: datetime
    note: str
    digest: str
    items: int
    pages: int
    confirmed_name: str
    confirmed_at: datetime | None
    first_code: str
    last_code: str


@dataclass(frozen=True)
class MoveView:
    """An item's move from one place in the plan to another, told by its codes."""

    from_code: str
    to_code: str
    by_name: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class CatalogueLine:
    """One line of a volume's catalogue (卷内文件目录), in the columns of DA/T 22 5.5.2."""

    item_id: int
    place: int
    code: str
    document_number: str
    responsible: str
    title: str
    document_date: date | None
    secrecy_label: str
    pages: int
    note: str


@dataclass(frozen=True)
class RefusalView:
    """A paper the archive gave back: by whom, when, why; a record's, or an item's from outside."""

    by_name: str
    at: datetime
    reason: str
    record_id: int | None = None
    item_id: int | None = None


@dataclass(frozen=True)
class Defaults:
    """What the filing screen proposes for a record or item, from the form and the plan."""

    category: str
    item_class: str
    year: int
    retention: str
    unit: str
    secrecy: int
    pages: int
