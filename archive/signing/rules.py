"""Who may sign what, when: pure decisions on plain values.

Source: conventions.md 审批 (依次); the rule that nobody signs what they submitted, except in
the submitter's own step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive.core.errors import Conflict, Invalid
from doc_templates import Signer

OPINION_LIMIT = 500


@dataclass(frozen=True)
class PlannedStep:
    """One step of a run: its place in the order, the printed role, and who signs."""

    seq: int
    role: str
    assignee_id: int


def plan_chain(
    chain: Sequence[Signer], author_id: int, candidates: Mapping[str, Sequence[int]]
) -> tuple[PlannedStep, ...]:
    """Give each electronic step to a person; raise Invalid where nobody can take it.

    ``candidates`` lists who may take a step, best first, by the step's candidate word. The
    author takes the submitter's step only; a person takes a second step only when nobody else
    can.
    """
    steps: list[PlannedStep] = []
    for seq, signer in enumerate(chain, start=1):
        taken = [step.assignee_id for step in steps]
        steps.append(PlannedStep(seq, signer.role, _pick(signer, author_id, candidates, taken)))
    if not steps:
        raise Invalid("这张表没有定义签核人，请系统管理员检查表单定义。")
    return tuple(steps)


def check_turn(state: str, assignee_id: int, actor_id: int) -> None:
    """Raise Conflict unless the task is open and given to this person."""
    if assignee_id != actor_id:
        raise Conflict("现在还没轮到您签，或这一步由别人签。")
    if state == "done":
        raise Conflict("这一步您已经签过了，不用再签。")
    if state != "open":
        raise Conflict("前面的人还没签完，轮到您时会出现在“待办”里。")


def clean_opinion(opinion: str, *, required: bool) -> str:
    """Return the opinion trimmed; raise Invalid when too long, or empty where one is needed."""
    text = opinion.strip()
    if required and not text:
        raise Invalid("请写明原因，提交人要照它改。", {"opinion": "不能为空"})
    if len(text) > OPINION_LIMIT:
        raise Invalid(
            "意见太长。", {"opinion": f"不超过 {OPINION_LIMIT} 个字，现有 {len(text)} 个"}
        )
    if any(ord(char) < 32 and char not in "\n\t" for char in text):
        raise Invalid("意见里有不能打印的控制字符，请删去。", {"opinion": "含有控制字符"})
    return text


def field_name(seq: int) -> str:
    """Return the PDF field of a step."""
    return f"step{seq}"


def _pick(
    signer: Signer, author_id: int, candidates: Mapping[str, Sequence[int]], taken: Sequence[int]
) -> int:
    if signer.candidate == "submitter":
        return author_id
    able = [one for one in candidates.get(signer.candidate, ()) if one != author_id]
    fresh = [one for one in able if one not in taken]
    if fresh:
        return fresh[0]
    if able:
        return able[0]
    raise Invalid(
        f"没有人可以签“{signer.role}”这一步（提交人本人不能签）。请系统管理员先设好相应的负责人。",
        {signer.role: "没有可签的人"},
    )
