"""Who may sign what, when: pure decisions on plain values.

Source: conventions.md 审批 (依次, 会签, 或签, 加签 …); nobody signs what they submitted, except in
the submitter's own step; one person takes two steps only where the form allows it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from archive.core.errors import Conflict, Invalid
from archive.signing.reserved import ADDED_PREFIX
from doc_templates import Signer

OPINION_LIMIT = 500
MOST_PEOPLE = 9  # in one step: their signatures share one box
SPARE_FIELDS = 6  # signature fields kept for people added on the way
SPARE_BASE = 100  # their slots are numbered from 101
OUTSIDE = "external"  # the candidate that is no person of ours
REMIND_EVERY = timedelta(hours=4)
_AGAINST = re.compile(r"不同意(?!见)|缓办|请补充")
_RATIO = re.compile(r"ratio:(\d{1,2})/(\d{1,2})")
_DONE = {  # what somebody has done at a step, where it was not signing it
    "seal": "用过印了，不用再用印",
    "refuse": "写过不同意了，不用再办",
    "advise": "提过意见了，不用再提",
}
_ENDED = {
    "done": "已经签完",
    "returned": "已经退回提交人",
    "rejected": "已经被拒绝",
    "withdrawn": "已经由提交人撤回",
}


@dataclass(frozen=True)
class PlannedField:
    """One signature field of the paper: its number, and its share of the role's box."""

    slot: int
    role: str
    share: int = 0
    shares: int = 1


@dataclass(frozen=True)
class PlannedStep:
    """One step of a run as planned at submission: who signs, how many must agree.

    A step that the paper does not need carries the reason in ``skipped`` and nobody.
    """

    seq: int
    role: str
    people: tuple[int, ...]
    candidate: str = ""
    mode: str = "one"
    needed: int = 1
    first_slot: int = 1
    allow_same: bool = False
    issues: bool = False
    days: int = 0
    late: str = "remind"
    skipped: str = ""

    @property
    def is_outside(self) -> bool:
        """Whether the other party signs this step, by a link and not as one of our people."""
        return self.candidate == OUTSIDE and not self.skipped

    @property
    def slots(self) -> tuple[int, ...]:
        """The field of each person; those of whom one signs for all (或签) share one."""
        if self.is_outside:
            return (self.first_slot,)
        if self.mode == "any":
            return (self.first_slot,) * len(self.people)
        return tuple(range(self.first_slot, self.first_slot + len(self.people)))


@dataclass(frozen=True)
class Plan:
    """A whole chain, every step given to people."""

    steps: tuple[PlannedStep, ...]

    @property
    def people(self) -> frozenset[int]:
        """Everyone who has a part."""
        return frozenset(person for step in self.steps for person in step.people)

    @property
    def fields(self) -> tuple[PlannedField, ...]:
        """The signature fields the paper needs, in signing order."""
        fields: list[PlannedField] = []
        for step in self.steps:
            slots = tuple(dict.fromkeys(step.slots))
            fields += [
                PlannedField(slot, step.role, share, len(slots)) for share, slot in enumerate(slots)
            ]
        return tuple(fields)


def plan_chain(
    chain: Sequence[Signer],
    author_id: int,
    candidates: Sequence[Sequence[int]],
    unneeded: Mapping[int, str],
) -> Plan:
    """Give each step to people; raise Invalid where nobody can take it.

    ``candidates`` lists who may take each step, best first; ``unneeded`` the steps (from 0) that
    this paper does not need, with the reason. The author takes the submitter's step only.
    """
    steps: list[PlannedStep] = []
    slot, taken = 1, set[int]()
    before: tuple[int, ...] = ()
    for place, (signer, able) in enumerate(zip(chain, candidates, strict=True)):
        skipped = unneeded.get(place, "")
        is_outside = signer.candidate == OUTSIDE and not skipped
        people: tuple[int, ...] = ()
        if not skipped and not is_outside:
            people, skipped = _given(signer, author_id, able, taken, before)
        before = people or before
        needed = 1 if is_outside else needed_of(signer.mode, len(people))
        step = PlannedStep(
            seq=place + 1,
            role=signer.role,
            people=people,
            candidate=signer.candidate,
            mode=signer.mode,
            needed=needed,
            first_slot=slot,
            allow_same=signer.allow_same,
            issues=signer.issues,
            days=signer.days,
            late=signer.late,
            skipped=skipped,
        )
        steps.append(step)
        slot += len(set(step.slots))
        taken |= set(people)
    if not any(step.people for step in steps):
        raise Invalid("这张表没有定义签核人，请系统管理员检查表单定义。")
    _check_outside_last(steps)
    return Plan(tuple(steps))


def _check_outside_last(steps: Sequence[PlannedStep]) -> None:
    """Raise Invalid unless the other party signs alone and last, on a paper whole on our side."""
    places = [step.seq for step in steps if step.is_outside]
    rest = [step.seq for step in steps if step.people]
    if len(places) > 1 or (places and places[0] < max(rest)):
        raise Invalid("在线签字时，对方只能有一步，而且排在最后。请系统管理员检查表单定义。")


def needed_of(mode: str, people: int) -> int:
    """Return how many must agree: one, all, or a share rounded up (``ratio:2/3``)."""
    if mode == "all":
        return people
    ratio = _RATIO.fullmatch(mode)
    if ratio is None or not people:
        return min(1, people)
    return max(1, -(-people * int(ratio[1]) // int(ratio[2])))


def outcome_of(needed: int, yes: int, still_out: int) -> str:
    """Return what a step has come to: "approved", "refused", or "" while it is undecided."""
    if yes >= needed:
        return "approved"
    return "refused" if yes + still_out < needed else ""


def check_turn(state: str, assignee_id: int, actor_id: int, outcome: str = "") -> None:
    """Raise Conflict unless the task is open and given to this person."""
    if assignee_id != actor_id:
        raise Conflict("现在还没轮到您签，或这一步由别人签。")
    if state == "done":
        raise Conflict(f"这一步您已经{_DONE.get(outcome, '签过了，不用再签')}。")
    if state in ("cancelled", "void"):
        raise Conflict("这一步已经由别人办完，或已取消，不用您签了。")
    if state != "open":
        raise Conflict("前面的人还没签完，轮到您时会出现在“待办”里。")


def why_closed(state: str, outcome: str = "") -> str:
    """Say of a run that is over how it ended; ``outcome``: of who asks, where they have acted."""
    if state == "done" and outcome:
        return f"这份表的签核已经完成，您已经{_DONE.get(outcome, '签过了，不用再签')}。"
    return f"这份表{_ENDED.get(state, '现在不在签核中')}，请刷新看看它的状态。"


def check_newcomer(
    person_id: int, name: str, actor_id: int, author_id: int, present: Collection[int]
) -> None:
    """Raise Invalid for a person who cannot be brought into a step.

    Not oneself, not the paper's author, not somebody who has a part in the step already.
    """
    if person_id == actor_id:
        raise Invalid("不能选自己。", {"person": "请选另一个人"})
    if person_id == author_id:
        raise Invalid(
            f"{name}是这份文件的提交人，不能审批自己提交的文件。", {"person": "请选另一个人"}
        )
    if person_id in present:
        raise Invalid(
            f"{name}已经在这一步里，不用再加。", {"person": f"{name}已在这一步，请选另一个人"}
        )


def check_reminder(last: datetime | None, now: datetime) -> None:
    """Raise Conflict when the last reminder is too fresh."""
    if last is not None and now - last < REMIND_EVERY:
        hours = int(REMIND_EVERY.total_seconds() // 3600)
        raise Conflict(f"刚催过，{hours} 小时内不能再催。")


def check_agreement(opinion: str, *, circled: bool, issues: bool) -> None:
    """Raise Invalid where the words go against a signature: 不同意, or a mere 圈阅 for 签发."""
    if _AGAINST.match(opinion):
        raise Invalid(
            "意见写的是不同意或暂缓，不能按“签字”（签字表示同意）。请改用“退回”或“拒绝”。",
            {"opinion": "与签字相矛盾"},
        )
    if issues and (circled or opinion in ("圈阅", "圈阅。", "已阅", "已阅。")):
        raise Invalid(
            "这一步是签发，只圈阅不算同意；请写明“同意”或“同意印发”再签。",
            {"opinion": "签发须写明意见"},
        )


def clean_opinion(opinion: str, *, required: bool) -> str:
    """Return the opinion trimmed; raise Invalid when too long, or empty where one is needed."""
    text = opinion.strip()
    if required and not text:
        raise Invalid("请写明原因，提交人要照它改。", {"opinion": "不能为空"})
    if len(text) > OPINION_LIMIT:
        raise Invalid(
            "意见太长。", {"opinion": f"不超过 {OPINION_LIMIT} 个字，现有 {len(text)} 个"}
        )
    if any(ord(char) < 32 and char not in "\r\n\t" for char in text):
        raise Invalid("意见里有不能打印的控制字符，请删去。", {"opinion": "含有控制字符"})
    return text


def field_name(slot: int) -> str:
    """Return the PDF field of a slot; people added on the way have theirs beyond the chain's."""
    return f"step{slot}" if slot <= SPARE_BASE else f"{ADDED_PREFIX}{slot - SPARE_BASE}"


def spare_slots() -> tuple[int, ...]:
    """Return the slots kept for people added on the way."""
    return tuple(range(SPARE_BASE + 1, SPARE_BASE + SPARE_FIELDS + 1))


def _is_same_again(
    signer: Signer, people: Collection[int], taken: Collection[int], before: Collection[int]
) -> bool:
    """Whether those who would sign signed already, and the form lets once count for both."""
    if signer.same == "each" or not set(people) <= set(taken):
        return False
    return signer.same == "once" or set(people) <= set(before)


def _given(
    signer: Signer,
    author_id: int,
    able: Sequence[int],
    taken: Collection[int],
    before: Collection[int],
) -> tuple[tuple[int, ...], str]:
    """Return who takes a step, or nobody and why it is skipped; raise Invalid."""
    if signer.own == "skip" and _falls_to(author_id, signer, able):
        return (), "轮到的是提交人本人，按流程跳过"
    people = _take(signer, author_id, able, taken)
    if people and _is_same_again(signer, people, taken, before):
        return (), "同一人已在前面签过，按流程不重复签"
    return people, "" if people else "没有人可签，按流程跳过"


def _falls_to(author_id: int, signer: Signer, able: Sequence[int]) -> bool:
    """Whether a step that is not meant for the author falls to him: as the head, or to him alone.

    Heads come nearest first; of those who hold a role another can sign.
    """
    is_head = signer.candidate.partition(":")[0] == "head"
    first = able[:1] if is_head and signer.mode == "one" else able
    return signer.candidate != "submitter" and set(first) == {author_id}


def _take(
    signer: Signer, author_id: int, able: Sequence[int], taken: Collection[int]
) -> tuple[int, ...]:
    if signer.candidate == "submitter":
        return (author_id,)
    people = [one for one in dict.fromkeys(able) if one != author_id]
    fresh = [one for one in people if one not in taken]
    found = people if signer.allow_same and not fresh else fresh
    if signer.mode == "one":
        found = found[:1]
    if len(found) > MOST_PEOPLE:
        raise Invalid(
            f"“{signer.role}”这一步有 {len(found)} 个人，最多 {MOST_PEOPLE} 个。",
            {signer.role: "人太多"},
        )
    if found or signer.empty == "skip":
        return tuple(found)
    why = "可签的人已在前面签过" if people else "提交人本人不能签" if able else "现在没有这样的人"
    raise Invalid(
        f"没有人可以签“{signer.role}”这一步（{why}）。请系统管理员先设好相应的负责人。",
        {signer.role: "没有可签的人"},
    )
