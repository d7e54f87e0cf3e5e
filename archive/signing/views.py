"""What pages, calls and later stations see of signing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archive.signing.seals.views import SealUseView
from doc_templates import SEAL_ROLE

TASK_STATES = {
    "waiting": "等待",
    "open": "待签",
    "done": "已签",
    "cancelled": "已取消",
    "void": "已作废",
}
KINDS = {"before": "前加签", "after": "后加签", "again": "重签", "advice": "委派"}
ACTIONS = {
    "submit": "提交",
    "approve": "签字",
    "circle": "圈阅",
    "seal": "用印",
    "lapse": "逾期未办，视为同意",
    "hand_on": "逾期未办，转给",
    "refuse": "不同意",
    "advise": "提出意见",
    "return": "退回",
    "reject": "拒绝",
    "withdraw": "撤回",
    "take_back": "收回签字",
    "add": "加签",
    "remove": "减签",
    "hand_over": "转交",
    "delegate": "委派",
    "reassign": "改派",
    "remind": "催办",
    "copy": "抄送",
    "invite": "请对方签字",
    "uninvite": "收回邀请",
    "outside": "对方签字",
    "outside_no": "对方不签",
    "scan": "收到对方签好的扫描件",
}


@dataclass(frozen=True)
class TaskView:
    """One person's part in a run as people see it.

    ``on_behalf_of`` is the owner's name where a standing delegation (委托) made another sign;
    ``ends_run`` is set on the task that is about to be signed when nothing comes after it.
    """

    id: int
    seq: int
    role: str
    assignee_id: int
    assignee_name: str
    state: str
    done_at: datetime | None
    opinion: str = ""
    slot: int = 0
    pass_no: int = 1
    kind: str = "normal"
    parent_id: int | None = None
    owner_id: int | None = None
    owner_name: str = ""
    is_proxy: bool = False
    opened_at: datetime | None = None
    due_at: datetime | None = None
    outcome: str = ""
    reminders: int = 0
    ends_run: bool = False

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        if self.state == "done":
            told = {
                "refuse": "不同意",
                "advise": "已提意见",
                "circle": "已圈阅",
                "seal": "已用印",
                "lapse": "逾期视为同意",
            }
            return told.get(self.outcome, TASK_STATES["done"])
        return TASK_STATES[self.state]

    @property
    def kind_label(self) -> str:
        """How the person came to the task; empty for a step of the chain."""
        return KINDS.get(self.kind, "")

    @property
    def stands_as(self) -> str:
        """What prints before the date of a signature that has no box of the form; else empty."""
        return {"before": "加签", "after": "加签", "again": "重签"}.get(self.kind, "")

    @property
    def on_behalf_of(self) -> str:
        """Whose name prints after 代; empty when people sign for themselves."""
        return self.owner_name if self.is_proxy else ""

    @property
    def is_seal(self) -> bool:
        """Whether the company's seal is put on here, by its keeper."""
        return self.role == SEAL_ROLE and self.kind == "normal"

    @property
    def is_advice(self) -> bool:
        """Whether only words are asked for, no signature."""
        return self.kind == "advice"


@dataclass(frozen=True)
class StepView:
    """One step of the chain as fixed at submission."""

    seq: int
    role: str
    mode: str
    needed: int
    state: str
    note: str = ""
    issues: bool = False
    is_outside: bool = False

    @property
    def mode_label(self) -> str:
        """How several people of the step count; empty for one."""
        if self.mode.startswith("ratio:"):
            return f"会签，须 {self.needed} 人同意"
        return {"all": "会签，须全部同意", "any": "或签，一人即可"}.get(self.mode, "")


@dataclass(frozen=True)
class ActView:
    """Something that happened in a run: who did what, when, with what words."""

    action: str
    by_name: str
    role: str
    opinion: str
    at: datetime
    on_behalf_of: str = ""
    other_name: str = ""

    @property
    def action_label(self) -> str:
        """The act as shown to people."""
        return ACTIONS[self.action]


@dataclass(frozen=True)
class RunView:
    """The present run of a record: its steps, and everything that happened in all runs."""

    id: int
    record_id: int
    round: int
    state: str
    tasks: tuple[TaskView, ...]
    acts: tuple[ActView, ...]
    steps: tuple[StepView, ...] = ()
    seal: SealUseView | None = None

    @property
    def open_task(self) -> TaskView | None:
        """The first task whose turn it is."""
        return next(iter(self.open_tasks), None)

    @property
    def open_tasks(self) -> tuple[TaskView, ...]:
        """Every task whose turn it is: several in a 会签 or 或签."""
        return tuple(task for task in self.tasks if task.state == "open")

    @property
    def waits_for(self) -> str:
        """Whom the run waits for, in words."""
        names = [f"{one.role} {one.assignee_name}" for one in self.open_tasks]
        if self.outside_step:
            names.append(f"{self.outside_step.role}（对方）")
        return "、".join(names)

    @property
    def outside_step(self) -> StepView | None:
        """The step that waits for the other party, or None."""
        return next((one for one in self.steps if one.is_outside and one.state == "open"), None)

    @property
    def live_tasks(self) -> tuple[TaskView, ...]:
        """The tasks that still count: nothing cancelled or voided."""
        return tuple(one for one in self.tasks if one.state not in ("cancelled", "void"))

    def open_task_of(self, person_id: int) -> TaskView | None:
        """The task that waits for this person, or None."""
        return next((one for one in self.open_tasks if one.assignee_id == person_id), None)

    def step(self, seq: int) -> StepView | None:
        """The step with this place, or None (in runs from before steps were kept)."""
        return next((one for one in self.steps if one.seq == seq), None)


@dataclass(frozen=True)
class InboxEntry:
    """A paper in one of a person's lists: to sign, signed, submitted, copied to them."""

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
    kind: str = "normal"
    owner_name: str = ""
    due_at: datetime | None = None
    is_late: bool = False
    reminders: int = 0
    waits_for: str = ""
    age: str = ""
    outcome: str = ""
    record_state: str = ""

    @property
    def kind_label(self) -> str:
        """How the person came to the task; empty for a step of the chain."""
        return KINDS.get(self.kind, "")


@dataclass(frozen=True)
class Counts:
    """How many papers stand in each of a person's lists."""

    waiting: int
    late: int
    mine: int
    unread: int


@dataclass(frozen=True)
class DelegationView:
    """A standing delegation as shown to people."""

    id: int
    owner_id: int
    owner_name: str
    agent_id: int
    agent_name: str
    form_code: str
    form_title: str
    from_day: str
    until_day: str
    reason: str
    state: str

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return {"ahead": "未开始", "now": "生效中", "over": "已结束"}[self.state]


@dataclass(frozen=True)
class PhraseView:
    """A ready phrase for an opinion; ``is_common`` is everybody's."""

    id: int
    text: str
    is_common: bool


@dataclass(frozen=True)
class Filled:
    """What a signer entered at his step: canonical values by entry, with labels."""

    values: Mapping[str, str]
    labels: Mapping[str, str]
