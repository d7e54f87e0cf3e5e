"""Who may change what about a person: the offices kept apart (三员分立). Called by ``service``.

Nobody changes their own rights; an office is never left without anybody. What would let the system
administrator in as somebody else (a password given, a second factor or an outside identity taken
away, a name changed to one an outside identity fits) lets the roles rest until the security
administrator has released them.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.people.actors import present
from archive.people.models import RoleGrant, User
from archive.people.offices import ALWAYS_HELD
from archive.people.rights import ROLES, Actor, can, require
from storage.journal import JournalEntry
from storage.work import UnitOfWork

if TYPE_CHECKING:
    from archive.people.service import UserFields


def require_offices(uow: UnitOfWork, actor: Actor, row: User, fields: "UserFields") -> None:
    """Let each administrator change only what is theirs, and nobody their own rights."""
    account = ("username", "staff_no", "name", "email")
    if any(getattr(row, key) != getattr(fields, key) for key in account):
        require(actor, "people.edit")
    held = frozenset(grant.role for grant in row.roles)
    place = (row.department_id, row.position) != (fields.department_id, fields.position)
    rights = (held, row.clearance) != (fields.roles, fields.clearance)
    if not can(actor, "people.edit") or rights or (place and held):
        require(actor, "people.rights")
    if (rights or place) and actor.id == row.id:
        raise Invalid(
            "不能改自己的角色、密级、部门和岗位，请由另一位安全管理员来改。",
            {"roles": "不能改自己的"},
        )
    if held != fields.roles:
        require_office_kept(uow, row, fields.roles)


def require_office_kept(uow: UnitOfWork, row: User, roles: Iterable[str] = ()) -> None:
    """Raise Invalid when nobody present would hold an office that ``row`` gives up."""
    kept = set(roles)
    for office in ALWAYS_HELD:
        query = select(User.id).join(RoleGrant, RoleGrant.user_id == User.id)
        holders = set(uow.session.scalars(query.where(RoleGrant.role == office, present(uow))))
        if office not in kept and holders == {row.id}:
            raise Invalid(
                f"{row.name}是唯一的{ROLES[office]}，请先把这个角色给另一个人。",
                {"roles": f"至少要有一位{ROLES[office]}"},
            )


def rest_rights(uow: UnitOfWork, actor: Actor, row: User) -> bool:
    """Let a person's roles rest after somebody else changed by what they sign in; say whether.

    Else who resets passwords could read as anybody. Whoever gives roles anyway needs no second.
    Noted in the journal.
    """
    if not row.roles or row.awaits_release or can(actor, "people.rights"):
        return False
    row.awaits_release = True
    uow.journal(actor.id, "user.rest", "user", row.id, {})
    return True


def renamed(actor: Actor, row: User, fields: "UserFields") -> tuple[str, ...]:
    """Return which names that an outside identity may fit somebody changes who gives no roles."""
    if can(actor, "people.rights"):
        return ()
    names = ("username", "staff_no", "email")
    return tuple(name for name in names if getattr(row, name) != getattr(fields, name))


def rest_if_renamed(uow: UnitOfWork, row: User, name: str) -> None:
    """Let the roles of a person rest whom an outside identity fits only since they were renamed."""
    acts = uow.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.object_type == "user", JournalEntry.object_id == str(row.id))
        .where(JournalEntry.action.in_(("user.edit", "user.release")))
        .order_by(JournalEntry.seq.desc())
    )
    for act in acts:
        if act.action == "user.release" or not row.roles:
            return
        if name in json.loads(act.detail).get("renamed", ()):
            row.awaits_release = True
            uow.journal(None, "user.rest", "user", row.id, {"renamed": name})
            return


def release(uow: UnitOfWork, actor: Actor | None, user_id: int) -> str:
    """Let a person's roles count again (复核放行) and return their name.

    ``actor`` None is the command line.
    """
    if actor is not None:
        require(actor, "people.rights")
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    if actor is not None and actor.id == user_id:
        raise Invalid("不能放行自己，请由另一位安全管理员来办。")
    if not row.awaits_release:
        raise Conflict(f"{row.name}的权限没有停用，不用放行。")
    row.awaits_release = False
    uow.journal(actor.id if actor else None, "user.release", "user", user_id, {})
    uow.session.flush()
    return row.name
