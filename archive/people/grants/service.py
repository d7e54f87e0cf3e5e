"""Grants given, withdrawn and listed. What they are on, and who may give them, the caller checks.

A grant never passes clearance on: the person reads what their own clearance reaches.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, or_, select

from archive.core.clock import local_day, show_instant
from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.pages import Page, clean_paging
from archive.people.grants.held import lasting
from archive.people.grants.models import AccessGrant
from archive.people.grants.rules import check_until, clean_reason
from archive.people.grants.views import GrantView
from archive.people.models import User
from archive.people.rights import Actor, require
from archive.people.service import names_of
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class GrantFields:
    """What is opened to whom, until the end of which day, and why."""

    kind: str
    thing_id: int
    until: date
    reason: str


def give(uow: UnitOfWork, actor: Actor, person: Actor, fields: GrantFields) -> int:
    """Let a person in until a day; return the grant's id. Raises Invalid, Conflict."""
    check_until(fields.until, local_day(uow.now()))
    reason = clean_reason(fields.reason)
    if person.id == actor.id:
        raise Invalid("不能授权给自己，请由另一位有权的人来办。", {"person": "请选另一个人"})
    if not person.handles_papers:
        raise Invalid(f"{person.name}没有办文的角色，不能看文件。", {"person": "请选另一个人"})
    same = (
        AccessGrant.user_id == person.id,
        AccessGrant.kind == fields.kind,
        AccessGrant.thing_id == fields.thing_id,
    )
    if uow.session.scalar(select(AccessGrant.id).where(*same, *lasting(uow)).limit(1)):
        raise Conflict(f"{person.name}已有这项授权；要改日期，请先收回再授。")
    row = AccessGrant(
        user_id=person.id,
        kind=fields.kind,
        thing_id=fields.thing_id,
        given_by=actor.id,
        given_at=uow.now(),
        until=fields.until,
        reason=reason,
        withdrawn_by=None,
        withdrawn_at=None,
    )
    uow.session.add(row)
    uow.session.flush()
    detail = {"grant": row.id, "to": person.id, "until": f"{fields.until}"}
    uow.journal(actor.id, "access.grant", fields.kind, fields.thing_id, detail)
    return row.id


def withdraw(uow: UnitOfWork, actor: Actor, grant_id: int, reason: str) -> None:
    """End a grant now; raise Conflict when it is over already."""
    row = get_row(uow, grant_id)
    why = clean_reason(reason, "收回")
    if row.withdrawn_at is not None or row.until < local_day(uow.now()):
        raise Conflict("这项授权已经结束了。")
    row.withdrawn_by, row.withdrawn_at, row.withdrawn_why = actor.id, uow.now(), why
    detail = {"grant": row.id, "to": row.user_id}
    uow.journal(actor.id, "access.withdraw", row.kind, row.thing_id, detail)
    uow.session.flush()


def get_row(uow: UnitOfWork, grant_id: int) -> AccessGrant:
    """Return the row of a grant; raise NotFound."""
    row = uow.session.get(AccessGrant, grant_id) if 0 < grant_id <= LARGEST_ID else None
    if row is None:
        raise NotFound("没有这项授权，或者不由您管。")
    return row


def list_grants(
    uow: UnitOfWork, actor: Actor, *, only_live: bool = False, page: int = 1, per_page: int = 20
) -> Page[GrantView]:
    """Return grants, newest first: all for the security administrator and the archive's head.

    The head of a department sees those they gave and those given to its people.
    """
    require(actor, "grant.list")
    page, per_page = clean_paging(page, per_page)
    wanted: list[ColumnElement[bool]] = list(lasting(uow)) if only_live else []
    if not actor.roles & {"security_admin", "archive_head"}:
        theirs = select(User.id).where(User.department_id.in_(actor.headed))
        wanted.append(or_(AccessGrant.given_by == actor.id, AccessGrant.user_id.in_(theirs)))
    total = uow.session.scalar(select(func.count()).select_from(AccessGrant).where(*wanted)) or 0
    rows = uow.session.scalars(
        select(AccessGrant)
        .where(*wanted)
        .order_by(AccessGrant.id.desc())
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    return Page(_views(uow, rows), total, page, per_page)


def grants_of(uow: UnitOfWork, person: Actor, limit: int = 100) -> tuple[GrantView, ...]:
    """Return what is open to a person by grant now, the soonest to end first."""
    rows = uow.session.scalars(
        select(AccessGrant)
        .where(AccessGrant.user_id == person.id, *lasting(uow))
        .order_by(AccessGrant.until, AccessGrant.id)
        .limit(limit)
    )
    return _views(uow, rows)


def grants_about(
    uow: UnitOfWork, things: Iterable[tuple[str, int | None]], limit: int = 200
) -> tuple[GrantView, ...]:
    """Return the grants on any of these things, ended ones too, newest first."""
    either = [
        and_(AccessGrant.kind == kind, AccessGrant.thing_id == number)
        for kind, number in things
        if number is not None
    ]
    if not either:
        return ()
    rows = uow.session.scalars(
        select(AccessGrant).where(or_(*either)).order_by(AccessGrant.id.desc()).limit(limit)
    )
    return _views(uow, rows)


def _views(uow: UnitOfWork, rows: Iterable[AccessGrant]) -> tuple[GrantView, ...]:
    found, today = list(rows), local_day(uow.now())
    people = {one for row in found for one in (row.user_id, row.given_by, row.withdrawn_by)}
    names = names_of(uow, people)
    return tuple(
        GrantView(
            id=row.id,
            user_id=row.user_id,
            user_name=names.get(row.user_id, ""),
            kind=row.kind,
            thing_id=row.thing_id,
            by_name=names.get(row.given_by, ""),
            given_on=show_instant(row.given_at),
            until=row.until,
            reason=row.reason,
            state=_state(row, today),
            ended=_ended(row, names.get(row.withdrawn_by or 0, "")),
        )
        for row in found
    )


def _state(row: AccessGrant, today: date) -> str:
    if row.withdrawn_at is not None:
        return "withdrawn"
    return "over" if row.until < today else "now"


def _ended(row: AccessGrant, by: str) -> str:
    if row.withdrawn_at is None:
        return ""
    return f"{show_instant(row.withdrawn_at)} {by}：{row.withdrawn_why}"
