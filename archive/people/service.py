"""Departments and users: who there is, who heads what, and changes an administrator makes.

Passwords, sessions and tokens are in ``people.access``.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm.attributes import flag_modified

from archive.core.errors import Conflict, Invalid, NotFound
from archive.people.actors import WITH_ROLES, as_actors, has_left, present
from archive.people.models import Department, RoleGrant, User
from archive.people.offices import check_roles
from archive.people.rights import (
    CONFIDENTIAL,
    INTERNAL,
    OFFICES,
    ROLES,
    Actor,
    require,
)
from archive.people.separation import renamed, require_offices
from storage.work import UnitOfWork


@dataclass(frozen=True)
class DepartmentView:
    """A department as other stations see it."""

    id: int
    code: str
    name: str
    parent_id: int | None


@dataclass(frozen=True)
class UserView:
    """A user as the administrator's pages show them."""

    id: int
    username: str
    staff_no: str
    name: str
    email: str
    department_id: int
    department_name: str
    roles: tuple[str, ...]
    clearance: int
    left_on: date | None
    version: int
    position: str = ""
    awaits_release: bool = False

    @property
    def role_labels(self) -> tuple[str, ...]:
        """The roles as shown to people."""
        return tuple(ROLES[role] for role in self.roles)


@dataclass(frozen=True)
class UserFields:
    """What administrators enter about a user.

    The account (user name, number, name, e-mail) is the system administrator's; department,
    position, roles and clearance decide what a person may see and are the security one's.
    """

    username: str
    staff_no: str
    name: str
    department_id: int
    roles: frozenset[str]
    clearance: int = 1
    email: str = ""
    position: str = ""


def departments(uow: UnitOfWork) -> list[DepartmentView]:
    """Return every department, by code."""
    rows = uow.session.scalars(select(Department).order_by(Department.code))
    return [DepartmentView(row.id, row.code, row.name, row.parent_id) for row in rows]


def add_department(uow: UnitOfWork, code: str, name: str, parent_id: int | None = None) -> int:
    """Add a department and return its id; its code must be three letters or digits."""
    if not (len(code) == 3 and code.isascii() and code.isalnum()):
        raise Invalid(f"机构代码“{code}”不对，应为 3 位字母或数字。", {"code": "3 位字母或数字"})
    row = Department(code=code.upper(), name=name, parent_id=parent_id)
    uow.session.add(row)
    uow.session.flush()
    return row.id


def find_actor(uow: UnitOfWork, user_id: int) -> Actor | None:
    """Return the person as an actor, or None when unknown or gone."""
    row = uow.session.get(User, user_id, options=WITH_ROLES)
    return None if row is None or has_left(uow, row) else as_actors(uow, [row])[0]


def get_actor(uow: UnitOfWork, user_id: int) -> Actor:
    """Return the person as an actor; raise NotFound when unknown or gone."""
    actor = find_actor(uow, user_id)
    if actor is None:
        raise NotFound("没有这位用户，或其已离职。")
    return actor


def find_actor_by_username(uow: UnitOfWork, username: str) -> Actor | None:
    """Return the person who signs in under this name, or None when unknown or gone."""
    row = uow.session.scalar(select(User).where(User.username == username.strip()))
    return None if row is None or has_left(uow, row) else as_actors(uow, [row])[0]


def actors_with_role(uow: UnitOfWork, role: str) -> list[Actor]:
    """Return everyone who holds the role and has not left, by staff number."""
    rows = uow.session.scalars(
        select(User)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(RoleGrant.role == role, present(uow))
        .order_by(User.staff_no)
    )
    return as_actors(uow, rows.unique())


def in_charge(
    uow: UnitOfWork, roles: Collection[str], headed: Collection[int]
) -> list[tuple[str, Actor]]:
    """Return who present holds one of the roles, and who heads one of the departments.

    Each with the role, by staff number; the statements are as many whoever and however many.
    """
    heads = and_(RoleGrant.role == "head", User.department_id.in_(headed))
    rows = uow.session.execute(
        select(RoleGrant.role, User)
        .join(User, RoleGrant.user_id == User.id)
        .where(or_(RoleGrant.role.in_(roles), heads), present(uow))
        .order_by(User.staff_no)
    ).all()
    people = {row.id: row for _, row in rows}
    actors = {one.id: one for one in as_actors(uow, people.values())}
    return [(role, actors[row.id]) for role, row in rows]


def everyone_present(uow: UnitOfWork) -> list[Actor]:
    """Return everybody who has not left, by staff number, in a fixed number of statements."""
    rows = uow.session.scalars(select(User).where(present(uow)).order_by(User.staff_no))
    return as_actors(uow, rows)


def paper_handlers() -> Select[int]:
    """Return the query for whoever has more than an administrator's office."""
    return select(RoleGrant.user_id).where(RoleGrant.role.not_in(OFFICES))


def office_holders(uow: UnitOfWork) -> dict[str, tuple[str, ...]]:
    """Return the names of those present by the role they hold, every role named."""
    found: dict[str, list[str]] = {role: [] for role in ROLES}
    rows = uow.session.execute(
        select(RoleGrant.role, User.name)
        .join(User, User.id == RoleGrant.user_id)
        .where(present(uow))
        .order_by(User.staff_no)
    )
    for role, name in rows:
        found.setdefault(role, []).append(name)
    return {role: tuple(names) for role, names in found.items()}


def actors_in_position(uow: UnitOfWork, position: str, department_id: int) -> list[Actor]:
    """Return everyone present in a position (岗位), those of the department first."""
    rows = uow.session.scalars(
        select(User)
        .where(User.position == position, present(uow))
        .order_by(User.department_id != department_id, User.staff_no)
    )
    return as_actors(uow, rows.unique())


def head_of(uow: UnitOfWork, department_id: int | None) -> Actor | None:
    """Return the head of the department, or of the nearest one above that has a head."""
    while department_id is not None:
        row = uow.session.scalar(
            select(User)
            .join(RoleGrant, RoleGrant.user_id == User.id)
            .where(User.department_id == department_id, RoleGrant.role == "head", present(uow))
            .order_by(User.staff_no)
            .limit(1)
        )
        if row is not None:
            return as_actors(uow, [row])[0]
        unit = uow.session.get(Department, department_id)
        department_id = None if unit is None else unit.parent_id
    return None


def names_of(uow: UnitOfWork, ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of the users with these ids, leavers included."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    rows = uow.session.execute(select(User.id, User.name).where(User.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def staff(uow: UnitOfWork, text: str = "", limit: int = 20) -> list[Actor]:
    """Return people present whose name, user name or staff number contains the text."""
    query = select(User).where(present(uow)).order_by(User.staff_no).limit(limit)
    if text.strip():
        fields = (User.name, User.username, User.staff_no)
        query = query.where(
            or_(*(column.contains(text.strip(), autoescape=True) for column in fields))
        )
    return as_actors(uow, uow.session.scalars(query))


def list_users(uow: UnitOfWork, actor: Actor) -> list[UserView]:
    """Return every user, leavers included, for the administrator."""
    require(actor, "people.list")
    return [_as_view(row) for row in uow.session.scalars(select(User).order_by(User.staff_no))]


def get_user(uow: UnitOfWork, actor: Actor, user_id: int) -> UserView:
    """Return one user for the administrator; raise NotFound."""
    require(actor, "people.list")
    return _as_view(_get_row(uow, user_id))


def add_user(
    uow: UnitOfWork,
    actor: Actor | None,
    fields: UserFields,
    password_hash: str,
    *,
    must_change_password: bool = True,
) -> int:
    """Add a user with a first password and return the id; ``actor`` None is the command line."""
    if actor is not None:
        require(actor, "people.edit")
        if fields.roles or fields.clearance > INTERNAL:
            require(actor, "people.rights")
    _check_fields(uow, fields, user_id=None)
    row = User(
        username=fields.username.strip(),
        staff_no=fields.staff_no.strip(),
        name=fields.name.strip(),
        email=fields.email.strip(),
        position=fields.position.strip(),
        department_id=fields.department_id,
        password_hash=password_hash,
        must_change_password=must_change_password,
        clearance=fields.clearance,
        created_at=uow.now(),
        roles=[RoleGrant(role=role) for role in sorted(fields.roles)],
    )
    uow.session.add(row)
    uow.session.flush()
    uow.journal(
        actor.id if actor else None, "user.add", "user", row.id, {"roles": sorted(fields.roles)}
    )
    return row.id


def edit_user(
    uow: UnitOfWork, actor: Actor, user_id: int, fields: UserFields, version: int
) -> UserView:
    """Change a user; raise Conflict when they were changed meanwhile.

    Raises Forbidden for what is another administrator's, Invalid for one's own rights and when
    an office would be left without anybody.
    """
    require(actor, "people.list")
    row = _get_row(uow, user_id)
    if row.row_version != version:
        raise Conflict("这位用户的资料刚被别人改过，请刷新后再改。")
    fields = replace(fields, position=fields.position.strip())
    _check_fields(uow, fields, user_id)
    require_offices(uow, actor, row, fields)
    names = renamed(actor, row, fields)
    row.username, row.staff_no, row.name = fields.username, fields.staff_no, fields.name
    row.email, row.position = fields.email, fields.position
    row.department_id, row.clearance = fields.department_id, fields.clearance
    held = {grant.role for grant in row.roles}
    row.roles = [grant for grant in row.roles if grant.role in fields.roles]
    row.roles += [RoleGrant(role=role) for role in sorted(fields.roles - held)]
    flag_modified(row, "clearance")  # roles stand in rows of their own: the version counts them too
    detail = {
        "roles": sorted(fields.roles),
        "gained": sorted(fields.roles - held),
        "lost": sorted(held - fields.roles),
        "clearance": fields.clearance,
        "department": fields.department_id,
        **({"renamed": names} if names else {}),
    }
    uow.journal(actor.id, "user.edit", "user", user_id, detail)
    uow.session.flush()
    return _as_view(row)


def _check_fields(uow: UnitOfWork, fields: UserFields, user_id: int | None) -> None:
    wrong: dict[str, str] = {}
    for key, label in (("username", "用户名"), ("staff_no", "工号"), ("name", "姓名")):
        value = getattr(fields, key).strip()
        if not value or len(value) > 40 or not value.isprintable():
            wrong[key] = f"请填写{label}，不超过 40 个字"
    if uow.session.get(Department, fields.department_id) is None:
        wrong["department_id"] = "没有这个部门"
    if fields.roles - ROLES.keys():
        wrong["roles"] = "没有这个角色"
    if not 0 <= fields.clearance <= CONFIDENTIAL:
        wrong["clearance"] = "密级范围不对"
    others = select(User.id).where(User.id != (user_id or 0))
    if uow.session.scalar(others.where(User.username == fields.username.strip())):
        wrong["username"] = "这个用户名已有人用"
    if uow.session.scalar(others.where(User.staff_no == fields.staff_no.strip())):
        wrong["staff_no"] = "这个工号已有人用"
    if wrong:
        raise Invalid("用户资料有误，请按提示改正。", wrong)
    check_roles(fields.roles)


def _get_row(uow: UnitOfWork, user_id: int) -> User:
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    return row


def _as_view(row: User) -> UserView:
    return UserView(
        id=row.id,
        username=row.username,
        staff_no=row.staff_no,
        name=row.name,
        email=row.email,
        department_id=row.department_id,
        department_name=row.department.name,
        roles=tuple(sorted(grant.role for grant in row.roles)),
        clearance=row.clearance,
        left_on=row.left_on,
        version=row.row_version,
        position=row.position,
        awaits_release=row.awaits_release,
    )
