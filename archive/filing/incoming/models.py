"""Rows of intake batches and the files in them, from the first byte to the item made of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class BatchState(StrEnum):
    """Whether anything of a batch is still to be done; ``label`` is shown."""

    OPEN = "open"
    CLOSED = "closed"
    DISMISSED = "dismissed"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return {"open": "整理中", "closed": "已登记完", "dismissed": "已作废"}[self.value]


class FileState(StrEnum):
    """What became of a received file; ``label`` is shown."""

    WAITING = "waiting"
    REGISTERED = "registered"
    SPLIT = "split"
    DISMISSED = "dismissed"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return _LABELS[self]


_LABELS = {
    FileState.WAITING: "待登记",
    FileState.REGISTERED: "已登记",
    FileState.SPLIT: "已拆分",
    FileState.DISMISSED: "不收",
    FileState.REFUSED: "没有收下",
}


class IntakeBatch(Base):
    """A batch of papers that came from outside (收件批次), with what they have in common.

    ``source`` is page, call or folder; ``made_by`` is empty for the watched folder. ``secrecy``
    is the rank of all of them: who is not cleared for it does not see the batch.
    """

    __tablename__ = "intake_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    secrecy: Mapped[int]
    common: Mapped[dict[str, Any]]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class IntakeFile(Base):
    """A file of a batch: its bytes by digest, its own values, and what was decided about it.

    ``sha256`` holds on to the bytes until they are an item's, or the batch is through;
    ``digest`` stays. A refused file has neither, only its name and why (``note``). ``parent_id``
    is the scan a part was cut out of. ``again`` says why a file that is filed already is kept
    once more; ``suggested`` is a customer's name read in it.
    """

    __tablename__ = "intake_file"
    __table_args__ = (Index("ix_intake_file_batch", "batch_id", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("intake_batch.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("intake_file.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    pages: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(12))
    own: Mapped[dict[str, Any]]
    suggested: Mapped[str] = mapped_column(String(120), default="")
    again: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    received_at: Mapped[datetime]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}
