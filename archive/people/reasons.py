"""Why somebody may see a thing, or why not, in words. Pure; follows the tokens ``can`` decides by.

Every reason to see is a token the person and the thing have in common, so the words cannot say
anything but what ``can`` does. Why not is found by asking again with one fact changed.
"""

from dataclasses import replace

from archive.people.rights import (
    CONFIDENTIAL,
    INTERNAL,
    ROLES,
    SECRECY,
    Actor,
    Thing,
    actor_tokens,
    can,
    reader_tokens,
)

GRANTED = "授权"
_OFFICE_ROLES = {
    "archive": ("archive_head", "archivist"),
    "leader": ("leader",),
    "audit": ("audit", "legal"),
}
_STRONGEST = ("经办人", "客户负责人", "签字人", "部门负责人", "客户部门负责人")


def why(actor: Actor, thing: Thing) -> tuple[str, ...]:
    """Return every reason why the person may read the thing, the nearest first; empty if not."""
    if not can(actor, f"{thing.kind}.read", thing):
        return ()
    if thing.kind == "customer":
        return _why_customer(actor, thing)
    met = actor_tokens(actor) & reader_tokens(thing)
    found = {reason for token in met for reason in _reasons(token, actor, thing)}
    return tuple(sorted(found, key=_rank))


def why_not(actor: Actor, thing: Thing) -> tuple[str, ...]:
    """Return what stands in the way of a person who may not read the thing; empty if they may."""
    if can(actor, f"{thing.kind}.read", thing):
        return ()
    if actor.awaits_release:
        return ("登录方式刚由系统管理员改过，权限停用，等安全管理员放行",)
    if not actor.roles:
        return ("还没有角色",)
    if not actor.handles_papers:
        offices = "、".join(label for role, label in ROLES.items() if role in actor.roles)
        return (f"只有管理职务（{offices}），凭这个职务不看文件",)
    if thing.kind == "record" and thing.state == "draft":
        return ("还是草稿，只有填表人（和退回前签过的人）看得到",)
    return _obstacles(actor, thing)


def _obstacles(actor: Actor, thing: Thing) -> tuple[str, ...]:
    """Name the clearance and the state where either keeps the person out, else whose it is."""
    cleared, signed = replace(actor, clearance=CONFIDENTIAL), replace(thing, state="signed")
    told = []
    both = _reads(cleared, signed)
    if both and not _reads(actor, signed):
        by_grant = "有授权，但授权不提高密级；" if actor.grants & thing.grants else ""
        told.append(
            f"{by_grant}密级不够：文件是{SECRECY[thing.secrecy]}，"
            f"本人可看到{SECRECY[min(actor.clearance, CONFIDENTIAL)]}"
        )
    if both and not _reads(cleared, thing):
        told.append("还没有签完：签完以前只有经办、签字的人和部门负责人、公司领导看得到")
    if told:
        return tuple(told)
    if _reads(actor, replace(signed, secrecy=INTERNAL)):
        return (
            f"{SECRECY[thing.secrecy]}文件不向本部门职员公开，"
            "只有写的人、签的人、部门负责人和档案、领导、审计岗位看得到",
        )
    return ("不是写的人、签的人，文件和客户都不属于其部门，也没有授权",)


def _reads(actor: Actor, thing: Thing) -> bool:
    return bool(actor_tokens(actor) & reader_tokens(thing))


def _reasons(token: str, actor: Actor, thing: Thing) -> tuple[str, ...]:
    name = token.partition(".")[0]
    if name in _OFFICE_ROLES:
        return tuple(ROLES[role] for role in _OFFICE_ROLES[name] if role in actor.roles)
    if name == "all":
        return ("公开文件，办文的人都能看",)
    kind, number = name[0], int(name[1:])
    if kind == "u":
        return _as_person(number, thing)
    if kind == "g":
        return (GRANTED,)
    of_customer = number != thing.department_id
    if kind == "h" or number in actor.headed:
        return ("客户部门负责人" if of_customer else "部门负责人",)
    return ("客户所在部门的职员" if of_customer else "本部门职员",)


def _as_person(number: int, thing: Thing) -> tuple[str, ...]:
    parts = (
        ("经办人", number == thing.owner_id),
        ("客户负责人", number == thing.customer_owner_id),
        ("签字人", number in thing.participants),
    )
    return tuple(label for label, is_so in parts if is_so)


def _why_customer(actor: Actor, thing: Thing) -> tuple[str, ...]:
    parts = (
        ("客户负责人", thing.owner_id == actor.id),
        ("部门负责人", thing.department_id in actor.headed),
        ("本部门职员", thing.department_id == actor.department_id),
    )
    found = tuple(label for label, is_so in parts if is_so)
    if "部门负责人" in found:
        found = tuple(label for label in found if label != "本部门职员")
    return found or ("客户资料，办文的人都能看；客户的文件另按每份文件算",)


def _rank(reason: str) -> tuple[int, str]:
    known = reason in _STRONGEST
    return (_STRONGEST.index(reason) if known else len(_STRONGEST), reason)
