"""Who may change what about a person: the offices kept apart (三员分立). Called by ``service``.

Nobody changes their own rights; an office is never left without anybody; a password given by the
system administrator lets the roles rest until the security administrator has released them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.people.actors import present
from archive.people.models import RoleGrant, User
from archive.people.offices import ALWAYS_HELD
from archive.people.rights import ROLES, Actor, can, require
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


def rest_rights(actor: Actor, row: User) -> bool:
    """Let a person's roles rest after somebody else gave them a password; say whether they do.

    Else who resets passwords could read as anybody. Whoever gives roles anyway needs no second.
    """
    if not row.roles or can(actor, "people.rights"):
        return False
    row.awaits_release = True
    return True


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
