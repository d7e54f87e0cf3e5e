"""Rules of long work on plain values: which state may follow which, and how much is allowed."""

from datetime import datetime, timedelta

from archive.core.errors import Conflict
from archive.tasks.models import TaskState

LARGEST_ID = 2**63 - 1
TITLE_LIMIT = 200
MOST_TRIES = 5
SILENCE = timedelta(seconds=60)  # after it, whoever worked on a task is taken to be gone
KEEP_FOR = timedelta(days=30)


def state_after_stop(state: str, heartbeat: datetime | None, now: datetime) -> TaskState:
    """Return the state of a task that is asked to stop; raise Conflict when it has ended."""
    present = TaskState(state)
    if present.has_ended:
        raise Conflict(f"这项任务{present.label}，不用再停。")
    is_worked_on = present is not TaskState.QUEUED and heartbeat is not None
    if is_worked_on and heartbeat is not None and now - heartbeat < SILENCE:
        return TaskState.STOPPING
    return TaskState.STOPPED


def require_resumable(state: str) -> None:
    """Refuse to take up a task that is under way or done."""
    if TaskState(state) not in (TaskState.STOPPED, TaskState.FAILED):
        raise Conflict(f"这项任务{TaskState(state).label}，不能继续；请刷新页面看最新情况。")


def clean_title(text: str) -> str:
    """Return a title fit for a line of a list."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1] + "…"


def percent(done: int, total: int, state: str) -> int:
    """Return how much is done, 0 to 100; 100 only when it is done."""
    if state == TaskState.DONE:
        return 100
    return min(99, done * 100 // total) if total > 0 else 0
