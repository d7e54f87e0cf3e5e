"""Rows of hand-over lists, their lines, and how often one was given back."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class ListState(StrEnum):
    """How far a hand-over list has come; ``label`` is shown."""

    DRAFT = "draft"
    HANDED = "handed"
    RECEIVED = "received"
    DISCARDED = "discarded"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return _LABELS[self]


_LABELS = {
    ListState.DRAFT: "整理中",
    ListState.HANDED: "已移交，待接收",
    ListState.RECEIVED: "已接收",
    ListState.DISCARDED: "已作废",
}


class HandoverList(Base):
    """A hand-over list (归档移交清单) of one department and month.

    ``month`` is the month's first day. ``digest`` is over the lines as the filer signed them; the
    archivist receives exactly that. A number is given when it is first handed over.
    """

    __tablename__ = "handover_list"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str | None] = mapped_column(String(40), unique=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    month: Mapped[date] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    made_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(64), default="")
    handed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    handed_at: Mapped[datetime | None]
    received_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    received_at: Mapped[datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class HandoverLine(Base):
    """A paper on a hand-over list, described as it was when it was put there.

    ``files`` are ``[role, name, sha256, size, round, stage]`` each; ``claim`` is the record while
    the paper belongs to this list, so that no paper stands on two.
    """

    __tablename__ = "handover_line"
    __table_args__ = (UniqueConstraint("list_id", "record_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("handover_list.id"))
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    claim: Mapped[int | None] = mapped_column(ForeignKey("record.id"), unique=True)
    number: Mapped[str] = mapped_column(String(80), default="")
    title: Mapped[str] = mapped_column(String(300))
    author_name: Mapped[str] = mapped_column(String(80), default="")
    secrecy: Mapped[int]
    signed_on: Mapped[date]
    pages: Mapped[int]
    files: Mapped[list[Any]]


class HandoverReturn(Base):
    """A hand-over list given back by the archive or taken back by the filer (append-only)."""

    __tablename__ = "handover_return"

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("handover_list.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
