"""Rows of signing: runs, their steps, tasks and acts; copies, delegations; certificates.

Reminders and phrases too.

A run's steps are a snapshot taken at submission: what the form says later changes no run under
way. Acts are append-only.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class TaskState(StrEnum):
    """Where a signing task stands; VOID was done and undone again by a return."""

    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"
    VOID = "void"


class TaskKind(StrEnum):
    """How a person came to a task: by the chain, or added by a signer on the way."""

    NORMAL = "normal"
    BEFORE = "before"  # 前加签
    AFTER = "after"  # 后加签
    AGAIN = "again"  # 退回某人重签，签后直接送回退回人
    ADVICE = "advice"  # 委派：只出意见，不签字


class SigningRun(Base):
    """One pass of a record through its chain (签核流程); a return to the author ends it."""

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
    flow_version: Mapped[int] = mapped_column(default=1)  # the form's version it was planned by


class SigningStep(Base):
    """One step of a run (环节), as the form had it at submission; immutable but for its state."""

    __tablename__ = "signing_step"
    __table_args__ = (UniqueConstraint("run_id", "seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("signing_run.id"), index=True)
    seq: Mapped[int]
    role: Mapped[str] = mapped_column(String(40))
    candidate: Mapped[str] = mapped_column(String(80), default="")
    mode: Mapped[str] = mapped_column(String(20), default="one")
    needed: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(20))  # waiting | open | done | skipped
    note: Mapped[str] = mapped_column(String(200), default="")  # why it was skipped
    allow_same: Mapped[bool] = mapped_column(default=False)
    issues: Mapped[bool] = mapped_column(default=False)
    days: Mapped[int] = mapped_column(default=0)
    late: Mapped[str] = mapped_column(String(10), default="remind")


class SigningTask(Base):
    """One person's part in a step (待签任务).

    ``seq`` is the step's place, ``slot`` the number of its field in the PDF (0: none), ``pass_no``
    rises when a step is done over after a return. ``owner_id`` is whose task it was where another
    acts: handed over (转交), or for the owner (委托, ``is_proxy``).
    """

    __tablename__ = "signing_task"
    __table_args__ = (Index("ix_signing_task_inbox", "assignee_id", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("signing_run.id"), index=True)
    seq: Mapped[int]
    role: Mapped[str] = mapped_column(String(40))
    assignee_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    opened_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    slot: Mapped[int] = mapped_column(default=0)
    pass_no: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str] = mapped_column(String(10), default=TaskKind.NORMAL)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("signing_task.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    is_proxy: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(20), default="")
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class SigningAct(Base):
    """What somebody did in a run (append-only), with its proof.

    ``before_sha256`` is the PDF that was signed on, so that undoing goes back to it;
    ``other_id`` the person the act is about (加签, 转交, 委派, 抄送, 催办).
    """

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
    on_behalf_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    other_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    before_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    content_digest: Mapped[str] = mapped_column(String(64), default="")
    filled: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SigningCopy(Base):
    """A paper sent to somebody to read (抄送, 知会); once per person and run."""

    __tablename__ = "signing_copy"
    __table_args__ = (UniqueConstraint("run_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("signing_run.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    sent_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class SigningReminder(Base):
    """A reminder (催办) to the person of a task; ``by_id`` None is the office's own, when late."""

    __tablename__ = "signing_reminder"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("signing_task.id"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]


class Delegation(Base):
    """A standing delegation (委托): the owner's tasks go to the agent from day to day.

    ``form_code`` empty means every form. It ends early with ``ended_at``.
    """

    __tablename__ = "signing_delegation"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    form_code: Mapped[str] = mapped_column(String(40), default="")
    from_day: Mapped[date]
    until_day: Mapped[date]
    reason: Mapped[str] = mapped_column(String(200), default="")
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PersonMark(Base):
    """A person's name seal or kept signature (名章), used where nothing is drawn."""

    __tablename__ = "person_mark"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    image_sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"))
    kept_at: Mapped[datetime]


class OpinionPhrase(Base):
    """A ready phrase (常用批语); ``owner_id`` None is everybody's, kept by the administrator."""

    __tablename__ = "opinion_phrase"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    text: Mapped[str] = mapped_column(String(100))
    place: Mapped[int] = mapped_column(default=0)


class PersonCertificate(Base):
    """A person's certificate and its key, encrypted with the instance's secret.

    Without ``user_id`` it is that of a seal, or, without ``seal_id`` too, the one with which the
    company certifies a frozen paper.
    """

    __tablename__ = "person_certificate"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    seal_id: Mapped[int | None] = mapped_column(ForeignKey("company_seal.id"), index=True)
    serial: Mapped[str] = mapped_column(String(64), unique=True)
    certificate_pem: Mapped[str] = mapped_column(Text)
    encrypted_key_pem: Mapped[str] = mapped_column(Text)
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
