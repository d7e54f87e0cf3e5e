"""Rows of users as the plain values that rights are asked about. Private to the station."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload

from archive.core.clock import local_day
from archive.people.grants.held import held_grants
from archive.people.models import Department, User
from archive.people.rights import Actor
from storage.work import UnitOfWork

# One person is read with their roles in one statement; lists of people take a second one.
WITH_ROLES = (joinedload(User.roles),)


def as_actors(uow: UnitOfWork, rows: Iterable[User]) -> list[Actor]:
    """Return people as actors: their grants and the tree looked up once for all."""
    people = list(rows)
    grants = held_grants(uow, [row.id for row in people]) if people else {}
    tree: list[tuple[int, int | None]] | None = None
    actors = []
    for row in people:
        roles = frozenset(grant.role for grant in row.roles if not row.awaits_release)
        if "head" in roles and tree is None:
            tree = _tree(uow)
        actors.append(
            Actor(
                id=row.id,
                name=row.name,
                username=row.username,
                staff_no=row.staff_no,
                department_id=row.department_id,
                department_name=row.department.name,
                roles=roles,
                clearance=row.clearance,
                headed=_subtree(tree or [], row.department_id) if "head" in roles else frozenset(),
                must_change_password=row.must_change_password,
                grants=grants.get(row.id, frozenset()),
                awaits_release=row.awaits_release,
            )
        )
    return actors


def _subtree(tree: Iterable[tuple[int, int | None]], top: int) -> frozenset[int]:
    """Return a department and everything below it."""
    rows = list(tree)
    found, frontier = {top}, {top}
    while frontier:
        frontier = {unit for unit, parent in rows if parent in frontier} - found
        found |= frontier
    return frozenset(found)


def _tree(uow: UnitOfWork) -> list[tuple[int, int | None]]:
    rows = uow.session.execute(select(Department.id, Department.parent_id))
    return [(row.id, row.parent_id) for row in rows]


def _today(uow: UnitOfWork) -> date:
    return local_day(uow.now())


def has_left(uow: UnitOfWork, row: User) -> bool:
    """Say whether the person has left by today."""
    return row.left_on is not None and row.left_on <= _today(uow)


def present(uow: UnitOfWork) -> ColumnElement[bool]:
    """Return the condition that a user has not left."""
    return or_(User.left_on.is_(None), User.left_on > _today(uow))
