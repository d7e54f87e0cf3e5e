"""Every act on a paper under way but submitting and signing, by name: one table for page and API.

Called by the edge, which has asked for the password where the act needs one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archive.core.errors import Invalid
from archive.people.rights import Actor
from archive.signing import audience, detours, service
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Asked:
    """What came with an act: words, people by name or number, and the act's own choices."""

    words: str = ""
    people: tuple[str, ...] = ()
    way: str = ""
    to: int = 0
    straight_back: bool = False
    task_id: int = 0


@dataclass(frozen=True)
class ActRule:
    """How an act is done, what is told when it is done, and whether it asks the password."""

    do: Callable[[UnitOfWork, Actor, int, Asked], object]
    done: str
    needs_password: bool = False


def find_act(name: str) -> ActRule:
    """Return the act of this name; raise Invalid for any other."""
    if name not in ACTS:
        raise Invalid("没有这种办法，请刷新页面后重试。")
    return ACTS[name]


def _one(uow: UnitOfWork, asked: Asked) -> Actor:
    if len([text for text in asked.people if text.strip()]) > 1:
        raise Invalid("这里只能写一个人。", {"person": "请只写一个人"})
    return audience.person_named(uow, asked.people[0] if asked.people else "")


def _return(uow: UnitOfWork, actor: Actor, record_id: int, asked: Asked) -> object:
    return service.return_record(
        uow, actor, record_id, asked.words, asked.to, straight_back=asked.straight_back
    )


def _add(uow: UnitOfWork, actor: Actor, record_id: int, asked: Asked) -> object:
    people = audience.people_named(uow, asked.people)
    return detours.add_signers(uow, actor, record_id, people, asked.way, asked.words)


ACTS: Mapping[str, ActRule] = {
    "return": ActRule(_return, "已退回。", needs_password=True),
    "reject": ActRule(
        lambda uow, actor, record_id, asked: service.reject_record(
            uow, actor, record_id, asked.words
        ),
        "已拒绝。",
        needs_password=True,
    ),
    "withdraw": ActRule(
        lambda uow, actor, record_id, asked: service.withdraw_record(uow, actor, record_id),
        "已撤回，可以修改后重新提交。",
    ),
    "take-back": ActRule(
        lambda uow, actor, record_id, asked: service.take_back(uow, actor, record_id),
        "已收回您的签字，又轮到您办理。",
    ),
    "add-signer": ActRule(_add, "已加签。"),
    "remove-signer": ActRule(
        lambda uow, actor, record_id, asked: detours.remove_signer(
            uow, actor, record_id, asked.task_id
        ),
        "已减签。",
    ),
    "hand-over": ActRule(
        lambda uow, actor, record_id, asked: detours.hand_over(
            uow, actor, record_id, _one(uow, asked), asked.words
        ),
        "已转交。",
    ),
    "delegate": ActRule(
        lambda uow, actor, record_id, asked: detours.delegate(
            uow, actor, record_id, _one(uow, asked), asked.words
        ),
        "已请他提意见，写好后会回到您这里。",
    ),
    "advise": ActRule(
        lambda uow, actor, record_id, asked: detours.advise(uow, actor, record_id, asked.words),
        "意见已交回。",
    ),
    "remind": ActRule(
        lambda uow, actor, record_id, asked: detours.remind(uow, actor, record_id),
        "已催办。",
    ),
    "copy": ActRule(
        lambda uow, actor, record_id, asked: detours.copy_to(
            uow, actor, record_id, audience.people_named(uow, asked.people)
        ),
        "已抄送。",
    ),
}
