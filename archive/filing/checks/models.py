"""Rows of the four-property check: runs, what did not pass, what is in files, and quarantine."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class CheckRun(Base):
    """One check (四性检测): when, why, by which scheme, by whom, and how it came out.

    ``summary`` holds, by code, how many papers passed, failed, wait for a person or were left
    aside, and why. A night's sample has its ``day``, so that there is one a day, and how many
    papers are ``wanted``; ``ended_at`` is None while it is under way.
    """

    __tablename__ = "check_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(String(12), index=True)
    why: Mapped[str] = mapped_column(String(200), default="")
    scheme: Mapped[int]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    volume_id: Mapped[int | None] = mapped_column(ForeignKey("volume.id"), index=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    day: Mapped[str | None] = mapped_column(String(10), unique=True)
    wanted: Mapped[int] = mapped_column(default=0)
    papers: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    stops: Mapped[bool] = mapped_column(default=False)
    summary: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class CheckFinding(Base):
    """A paper that did not pass an item of a run: it failed, or a person has to look at it.

    A paper that was refused at 鉴别 has a record and no item yet.
    """

    __tablename__ = "check_finding"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("check_run.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"))
    code: Mapped[str] = mapped_column(String(12))
    verdict: Mapped[str] = mapped_column(String(8))
    detail: Mapped[str] = mapped_column(Text)
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    confirmed_at: Mapped[datetime | None]
    is_good: Mapped[bool | None]
    note: Mapped[str] = mapped_column(Text, default="")


class FileContent(Base):
    """What was found inside the bytes of a digest, so that they are looked into once.

    It follows from the bytes alone and from the version of the ``inspector``; no text of theirs
    is kept. Not tied to ``stored_file``: a file destroyed takes its row with it without asking.
    """

    __tablename__ = "file_content"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    inspector: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    signature: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    looked_at: Mapped[datetime]


class ItemFixity(Base):
    """When a filed item was checked last by the nightly sample, and in which run."""

    __tablename__ = "item_fixity"
    __table_args__ = (Index("ix_item_fixity_checked", "checked_at"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    checked_at: Mapped[datetime]
    run_id: Mapped[int] = mapped_column(ForeignKey("check_run.id"))


class Quarantine(Base):
    """An item put aside (隔离) because its files are changed, infected or unreadable.

    ``holds`` is the item while it is aside, so that it is aside once; a release is written into
    the same row. Accepting it as it is takes the archive's head and a second person.
    """

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    holds: Mapped[int | None] = mapped_column(ForeignKey("item.id"), unique=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("check_run.id"))
    codes: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(Text)
    put_at: Mapped[datetime]
    accept_reason: Mapped[str] = mapped_column(Text, default="")
    accept_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    accept_at: Mapped[datetime | None]
    released_how: Mapped[str] = mapped_column(String(12), default="")
    released_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    released_at: Mapped[datetime | None]
