"""Rows of filled forms and their versions."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class RecordState(StrEnum):
    """Where a record stands on its way; ``label`` is what people read."""

    DRAFT = "draft"
    IN_SIGNING = "in_signing"
    RETURNED = "returned"
    REJECTED = "rejected"
    SIGNED = "signed"
    FILED = "filed"
    DESTROYED = "destroyed"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return _LABELS[self]


_LABELS = {
    RecordState.DRAFT: "草稿",
    RecordState.IN_SIGNING: "签核中",
    RecordState.RETURNED: "已退回",
    RecordState.REJECTED: "已拒绝",
    RecordState.SIGNED: "已签，待归档",
    RecordState.FILED: "已归档",
    RecordState.DESTROYED: "已销毁",
}


class Record(Base):
    """A filled form (表单记录); ``row_version`` is the version an edit must be made from."""

    __tablename__ = "record"

    id: Mapped[int] = mapped_column(primary_key=True)
    form_code: Mapped[str] = mapped_column(String(40), index=True)
    form_version: Mapped[int]
    number: Mapped[str | None] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    secrecy: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), index=True)
    year: Mapped[int] = mapped_column(index=True)
    draft_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    content: Mapped[dict[str, Any]]
    round: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    participants: Mapped[list[Any]] = mapped_column(default=list)  # user ids of those who sign
    state_note: Mapped[str] = mapped_column(Text, default="")  # why it was returned or rejected
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class RecordVersion(Base):
    """What a record held at one time: its values, their digest, who changed them and why.

    ``kind``: ``submit`` (sent to be signed), ``sign`` (a signer's entries), ``save`` (kept while
    it was being filled in; nothing printed carries its digest).
    """

    __tablename__ = "record_version"
    __table_args__ = (UniqueConstraint("record_id", "n"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    n: Mapped[int]
    content: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(8), default="sign", server_default="sign")


class RecordCorrection(Base):
    """A paper made to correct (更正) a signed one that it cites; the signed one never changes.

    ``claim`` is the corrected record while this correction stands, so that no two stand at once;
    ``cited_code`` the 档号 the old one had then.
    """

    __tablename__ = "record_correction"

    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), primary_key=True)
    corrects_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    claim: Mapped[int | None] = mapped_column(ForeignKey("record.id"), unique=True)
    cited_number: Mapped[str] = mapped_column(String(40))
    cited_code: Mapped[str] = mapped_column(String(60), default="")
    reason: Mapped[str] = mapped_column(Text)
    made_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]


class RecordPicture(Base):
    """A picture uploaded for an entry of a record; only these may stand in its values."""

    __tablename__ = "record_picture"
    __table_args__ = (UniqueConstraint("record_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"))
    made_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
