"""What pages, calls and the kinds of work see of a task: frozen values, never rows."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archive.core.resources import Resources
from archive.tasks.models import TaskState
from archive.tasks.rules import percent
from storage.blobs import BlobRef

INPUT, PART, RESULT = "input", "part", "result"


@dataclass(frozen=True)
class TaskFileView:
    """A file of a task."""

    id: int
    role: str
    n: int
    name: str
    sha256: str
    size: int
    media_type: str
    note: str


@dataclass(frozen=True)
class TaskView:
    """A task; ``params`` is what was asked, ``memory`` what the work kept, ``result`` its end.

    ``result["next"]`` is a path of ours worth going to when it is done, ``result["notes"]``
    sentences for the person, ``result["links"]`` pairs of words and path.
    """

    id: int
    kind: str
    title: str
    owner_id: int
    state: str
    state_label: str
    done: int
    total: int
    message: str
    params: Mapping[str, Any]
    memory: Mapping[str, Any]
    result: Mapping[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    files: tuple[TaskFileView, ...] = ()

    @property
    def percent(self) -> int:
        """How much is done, 0 to 100."""
        return percent(self.done, self.total, self.state)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens unless someone asks for it."""
        return TaskState(self.state).has_ended

    @property
    def is_resumable(self) -> bool:
        """Whether it can be taken up again."""
        return self.state in (TaskState.STOPPED, TaskState.FAILED)

    @property
    def is_stoppable(self) -> bool:
        """Whether it can be asked to stop."""
        return self.state in (TaskState.QUEUED, TaskState.RUNNING)

    @property
    def tone(self) -> str:
        """The colour of its state's badge."""
        return _TONES[TaskState(self.state)]

    def of_role(self, role: str) -> tuple[TaskFileView, ...]:
        """Return its files of one role, in order."""
        return tuple(one for one in self.files if one.role == role)


_TONES = {
    TaskState.QUEUED: "gray",
    TaskState.RUNNING: "blue",
    TaskState.STOPPING: "amber",
    TaskState.STOPPED: "amber",
    TaskState.DONE: "green",
    TaskState.FAILED: "red",
}


@dataclass(frozen=True)
class NewFile:
    """A file to note with a task; its bytes are kept already. ``n`` counts within the role."""

    role: str
    n: int
    name: str
    ref: BlobRef
    note: str = ""


@dataclass(frozen=True)
class Follow:
    """Work that begins when another ends."""

    kind: str
    title: str
    params: Mapping[str, Any]
    files: tuple[NewFile, ...] = ()


@dataclass(frozen=True)
class Deed:
    """What the journal is to say was done, by the task's owner."""

    action: str
    object_type: str
    object_id: str | int
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is; what is None stays as it was.

    ``is_end`` ends the task in the same transaction, notes its deed and begins what follows:
    exactly once.
    """

    done: int
    total: int
    message: str = ""
    memory: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    files: tuple[NewFile, ...] = ()
    is_end: bool = False
    follow: Follow | None = None
    deed: Deed | None = None

    @property
    def is_checkpoint(self) -> bool:
        """Whether the work, begun again, goes on from here; a mere message brings it no further."""
        return self.memory is not None or bool(self.files)


# A kind of work: does a little, yields how far it is, and so on to its end. Between two steps
# it may be cut off for good; begun again it finds in the task's memory, in its files and in
# the rows it wrote where it was. It raises ArchiveError to end with a sentence. A last step
# that takes long carries ``is_end``: there is no turn after it in which it would be done again.
Work = Callable[[Resources, TaskView], Generator[Progress, None, None]]
