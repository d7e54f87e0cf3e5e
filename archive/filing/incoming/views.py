"""What intake batches show of themselves: frozen values, no rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archive.filing.incoming.models import BatchState, FileState
from archive.filing.incoming.rules import Common, Own
from archive.people.rights import SECRECY

SOURCES = {"page": "上传", "call": "接口", "folder": "收件文件夹"}


@dataclass(frozen=True)
class BatchView:
    """A batch, what its papers have in common, and how many are in which state."""

    id: int
    title: str
    source: str
    state: str
    department_id: int | None
    department_name: str
    common: Common
    made_by: int | None
    made_name: str
    made_at: datetime
    version: int
    counts: Mapping[str, int]

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return BatchState(self.state).label

    @property
    def source_label(self) -> str:
        """The source as shown to people."""
        return SOURCES[self.source]

    @property
    def secrecy_label(self) -> str:
        """The secrecy as shown to people."""
        return SECRECY[self.common.secrecy]

    @property
    def waiting(self) -> int:
        """How many files wait to be registered."""
        return self.counts.get(FileState.WAITING, 0)

    @property
    def registered(self) -> int:
        """How many files have become items."""
        return self.counts.get(FileState.REGISTERED, 0)

    @property
    def refused(self) -> int:
        """How many files were not taken."""
        return self.counts.get(FileState.REFUSED, 0)

    @property
    def total(self) -> int:
        """How many files there are, of whatever state."""
        return sum(self.counts.values())

    @property
    def is_open(self) -> bool:
        """Whether files may still be added and changed."""
        return self.state == BatchState.OPEN


@dataclass(frozen=True)
class FileView:
    """A file of a batch; ``is_held`` while the batch has its bytes.

    ``twins`` says in words where the same bytes are already.
    """

    id: int
    batch_id: int
    parent_id: int | None
    name: str
    digest: str
    size: int
    media_type: str
    pages: int
    state: str
    own: Own
    suggested: str
    again: str
    note: str
    item_id: int | None
    received_at: datetime
    version: int
    is_held: bool
    twins: tuple[str, ...] = ()

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return FileState(self.state).label

    @property
    def is_splittable(self) -> bool:
        """Whether it may be cut at separator sheets: a scan of several pages."""
        is_scan = self.media_type in ("application/pdf", "image/tiff")
        return self.state == FileState.WAITING and is_scan and self.pages > 1

    @property
    def is_undecided(self) -> bool:
        """Whether the archivist still has to say what becomes of a double."""
        return self.state == FileState.WAITING and bool(self.twins) and not self.again
