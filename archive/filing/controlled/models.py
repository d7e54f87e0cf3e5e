"""Rows of controlled documents, their versions, the copies issued, refusals and notices."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class Ending(StrEnum):
    """How a copy went out of use; ``label`` is shown."""

    RETURNED = "returned"
    DESTROYED = "destroyed"
    LOST = "lost"

    @property
    def label(self) -> str:
        """Return the ending as shown to people."""
        return {"returned": "已收回", "destroyed": "已销毁", "lost": "已报失"}[self.value]


class ControlledDocument(Base):
    """A controlled document (受控文件) under its own number, whatever version is valid."""

    __tablename__ = "controlled_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]


class ControlledVersion(Base):
    """A version of a controlled document: a filed item, its label, and from when it is valid.

    The valid version on a day is the one with the latest ``valid_from`` up to that day;
    ``source_sha256`` is the PDF its copies are made of, nothing once the item is destroyed.
    """

    __tablename__ = "controlled_version"
    __table_args__ = (
        UniqueConstraint("document_id", "label"),
        UniqueConstraint("document_id", "valid_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("controlled_document.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), unique=True)
    label: Mapped[str] = mapped_column(String(20))
    valid_from: Mapped[date]
    source_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    declared_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    declared_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")
    withdrawn_at: Mapped[datetime | None]  # out of use without a newer version (作废)


class ControlledCopy(Base):
    """A numbered copy (受控副本) of one version, given to a department and its receiver.

    ``sha256`` is the stamped PDF. The receiver signs with the password, or a signature on paper
    is noted by the archivist (``received_how`` password | paper).
    """

    __tablename__ = "controlled_copy"
    __table_args__ = (UniqueConstraint("document_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("controlled_document.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("controlled_version.id"), index=True)
    number: Mapped[int]
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    issued_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    issued_at: Mapped[datetime]
    sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    pages: Mapped[int]
    received_at: Mapped[datetime | None]
    received_how: Mapped[str] = mapped_column(String(10), default="")
    received_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    recalled_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_how: Mapped[str] = mapped_column(String(10), default="")
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class ControlledRefusal(Base):
    """A paper refused as controlled (append-only): not legible, or else; who, when, why."""

    __tablename__ = "controlled_refusal"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class ControlledNotice(Base):
    """What a holder was told of a copy, once (``key``): read in the app, mailed by the worker."""

    __tablename__ = "controlled_notice"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    copy_id: Mapped[int] = mapped_column(ForeignKey("controlled_copy.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
