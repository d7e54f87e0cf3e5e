"""Rows of signing runs, their tasks and acts, and people's certificates."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class TaskState(StrEnum):
    """Where a signing task stands."""

    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class SigningRun(Base):
    """One pass of a record through its chain (签核流程); a return starts a new round."""

    __tablename__ = "signing_run"
    __table_args__ = (UniqueConstraint("record_id", "round"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    round: Mapped[int]
    state: Mapped[str] = mapped_column(
        String(20)
    )  # running | done | returned | rejected | withdrawn
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SigningTask(Base):
    """One step of a run, given to one person (待签任务)."""

    __tablename__ = "signing_task"
    __table_args__ = (UniqueConstraint("run_id", "seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("signing_run.id"), index=True)
    seq: Mapped[int]
    role: Mapped[str] = mapped_column(String(40))
    assignee_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    opened_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class SigningAct(Base):
    """What a signer did (append-only): approve, return, reject or withdraw, with its proof."""

    __tablename__ = "signing_act"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("signing_run.id"), index=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("signing_task.id"))
    action: Mapped[str] = mapped_column(String(20))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    opinion: Mapped[str] = mapped_column(Text, default="")
    image_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    pdf_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    certificate_serial: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime]


class PersonCertificate(Base):
    """A person's certificate and its key, encrypted with the instance's secret.

    ``user_id`` None is the key with which the company certifies a frozen paper.
    """

    __tablename__ = "person_certificate"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    serial: Mapped[str] = mapped_column(String(64), unique=True)
    certificate_pem: Mapped[str] = mapped_column(Text)
    encrypted_key_pem: Mapped[str] = mapped_column(Text)
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
