"""Which grants lie on a thing, and which hold for a person now: the two sides ``can`` compares.

A thing carries its grants until they are withdrawn; a person holds one only while it lasts. So a
grant ends by itself, to the day, in pages, lists and search alike, without anything rewritten.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, and_, or_, select

from archive.core.clock import local_day
from archive.people.grants.models import AccessGrant
from storage.work import UnitOfWork


def held_grants(uow: UnitOfWork, user_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Return the grants that hold now, by person; who has none is left out."""
    found: dict[int, set[int]] = {}
    query = select(AccessGrant.user_id, AccessGrant.id).where(*lasting(uow))
    if len(user_ids) < _MANY:
        query = query.where(AccessGrant.user_id.in_(user_ids))
    for user_id, grant_id in uow.session.execute(query):
        found.setdefault(user_id, set()).add(grant_id)
    return {user_id: frozenset(ids) for user_id, ids in found.items()}


def grants_on(uow: UnitOfWork, *things: tuple[str, int | None]) -> frozenset[int]:
    """Return the grants on any of these things: a paper, its volume, its customer."""
    return grants_on_each(uow, [things])[0]


def grants_on_each(
    uow: UnitOfWork, papers: Iterable[Collection[tuple[str, int | None]]]
) -> list[frozenset[int]]:
    """Return the grants on each of the papers, which are named with what they belong to."""
    asked = [{(kind, number) for kind, number in things if number is not None} for things in papers]
    wanted: dict[str, set[int]] = {}
    for kind, number in set().union(*asked):
        wanted.setdefault(kind, set()).add(number)
    if not wanted:
        return [frozenset() for _ in asked]
    rows = uow.session.execute(
        select(AccessGrant.id, AccessGrant.kind, AccessGrant.thing_id).where(
            AccessGrant.withdrawn_at.is_(None),
            or_(
                *(
                    and_(AccessGrant.kind == kind, AccessGrant.thing_id.in_(numbers))
                    for kind, numbers in wanted.items()
                )
            ),
        )
    ).all()
    return [
        frozenset(row.id for row in rows if (row.kind, row.thing_id) in things) for things in asked
    ]


def lasting(uow: UnitOfWork) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a grant holds now."""
    return AccessGrant.withdrawn_at.is_(None), AccessGrant.until >= local_day(uow.now())


_MANY = 500
