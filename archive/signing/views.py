"""What pages, calls and later stations see of signing."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class TaskView:
    """One step of a run as people see it."""

    id: int
    seq: int
    role: str
    assignee_id: int
    assignee_name: str
    state: str
    done_at: datetime | None
    opinion: str = ""

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        labels = {"waiting": "等待", "open": "待签", "done": "已签", "cancelled": "已取消"}
        return labels[self.state]


@dataclass(frozen=True)
class ActView:
    """Something that happened in a run: who did what, when, with what words."""

    action: str
    by_name: str
    role: str
    opinion: str
    at: datetime

    @property
    def action_label(self) -> str:
        """The act as shown to people."""
        labels = {
            "submit": "提交",
            "approve": "签字",
            "return": "退回",
            "reject": "拒绝",
            "withdraw": "撤回",
        }
        return labels[self.action]


@dataclass(frozen=True)
class RunView:
    """The present run of a record: its steps, and everything that happened in all runs."""

    id: int
    record_id: int
    round: int
    state: str
    tasks: tuple[TaskView, ...]
    acts: tuple[ActView, ...]

    @property
    def open_task(self) -> TaskView | None:
        """The step whose turn it is."""
        return next((task for task in self.tasks if task.state == "open"), None)


@dataclass(frozen=True)
class InboxEntry:
    """A paper that waits for someone's signature."""

    task_id: int
    record_id: int
    role: str
    number: str
    title: str
    form_title: str
    author_name: str
    opened_at: datetime | None
    done_at: datetime | None
    state: str
