"""Rows of long work: what is asked, how far it is, and the files it reads and makes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class TaskState(StrEnum):
    """Where a task stands; ``label`` is what people read."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return _LABELS[self]

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens unless someone asks for it."""
        return self in (TaskState.STOPPED, TaskState.DONE, TaskState.FAILED)


_LABELS = {
    TaskState.QUEUED: "等待中",
    TaskState.RUNNING: "进行中",
    TaskState.STOPPING: "正在停下",
    TaskState.STOPPED: "已停下",
    TaskState.DONE: "已完成",
    TaskState.FAILED: "没有做成",
}


class Task(Base):
    """A piece of long work (任务); ``ticket`` tells the worker in charge from one before it."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_owner", "owner_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    state: Mapped[str] = mapped_column(String(12), index=True)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(Text, default="")
    params: Mapped[dict[str, Any]]
    memory: Mapped[dict[str, Any]]  # what the work keeps from one slice to the next
    result: Mapped[dict[str, Any]]
    ticket: Mapped[int] = mapped_column(default=1)
    tries: Mapped[int] = mapped_column(default=0)  # failures since it last got on
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]


class TaskFile(Base):
    """A file of a task: what it reads (input), keeps on its way (part), or makes (result)."""

    __tablename__ = "task_file"
    __table_args__ = (UniqueConstraint("task_id", "role", "n"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    role: Mapped[str] = mapped_column(String(8))
    n: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    note: Mapped[str] = mapped_column(String(200), default="")
