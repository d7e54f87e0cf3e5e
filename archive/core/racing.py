"""Finding a row, or making it where there is none, though another server may do so just now."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Select
from sqlalchemy.exc import IntegrityError

from storage.work import UnitOfWork

T = TypeVar("T")


def found_or_made(uow: UnitOfWork, query: Select[T], make: Callable[[], T]) -> T:
    """Return what the query finds; else what `make` makes, or what another made in that moment.

    `make` adds and flushes; a unique constraint must keep two from being made. Both run in the
    caller's transaction.
    """
    found = uow.session.scalar(query)
    if found is not None:
        return found
    try:
        with uow.session.begin_nested():
            return make()
    except IntegrityError:
        return uow.session.scalars(query).one()
