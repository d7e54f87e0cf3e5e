"""Which grants lie on a thing, and which hold for a person now: the two sides ``can`` compares.

A thing carries its grants until they are withdrawn; a person holds one only while it lasts. So a
grant ends by itself, to the day, in pages, lists and search alike, without anything rewritten.
"""

from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import BindParameter, ColumnElement, Date, and_, bindparam, or_, select

from archive.core.clock import local_day
from archive.people.grants.models import AccessGrant
from storage.work import UnitOfWork


def held_grants(uow: UnitOfWork, user_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Return the grants that hold now, by person; who has none is left out."""
    found: dict[int, set[int]] = {}
    asked = {"today": local_day(uow.now()), "people": list(user_ids)}
    query = _HELD_BY if len(user_ids) < _MANY else _HELD
    for user_id, grant_id in uow.session.execute(query, asked):
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
    wanted: dict[str, list[int]] = {kind: [] for kind in _KINDS}
    for kind, number in set().union(*asked):
        wanted[kind].append(number)
    rows = uow.session.execute(_LYING_ON, wanted).all() if any(wanted.values()) else ()
    return [
        frozenset(row.id for row in rows if (row.kind, row.thing_id) in things) for things in asked
    ]


def lasting(uow: UnitOfWork) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a grant holds now."""
    return _holds_until(local_day(uow.now()))


def _holds_until(day: date | BindParameter[date]) -> tuple[ColumnElement[bool], ...]:
    return AccessGrant.withdrawn_at.is_(None), AccessGrant.until >= day


_MANY = 500
_KINDS = ("item", "record", "volume", "customer")
# Made once: putting a statement together takes longer than sending it.
_HELD = select(AccessGrant.user_id, AccessGrant.id).where(
    *_holds_until(bindparam("today", type_=Date()))
)
_HELD_BY = _HELD.where(AccessGrant.user_id.in_(bindparam("people", expanding=True)))
_LYING_ON = select(AccessGrant.id, AccessGrant.kind, AccessGrant.thing_id).where(
    AccessGrant.withdrawn_at.is_(None),
    or_(
        *(
            and_(
                AccessGrant.kind == kind,
                AccessGrant.thing_id.in_(bindparam(kind, expanding=True)),
            )
            for kind in _KINDS
        )
    ),
)
