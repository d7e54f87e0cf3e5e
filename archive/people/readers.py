"""The SQL mirror of reading rights: tokens stored beside a thing, matched in every list.

``rights.reader_tokens`` says which tokens a thing carries; here they are written and asked for.
"""

from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select

from archive.people.models import ReaderToken
from archive.people.rights import Actor, Thing, actor_tokens, reader_tokens
from storage.work import UnitOfWork


def write_readers(uow: UnitOfWork, kind: str, thing_id: int, thing: Thing) -> frozenset[str]:
    """Store the tokens under which the thing may be read, in place of those before."""
    wanted = reader_tokens(thing)
    present = tokens_of(uow, kind, thing_id)
    if present - wanted:
        uow.session.execute(
            delete(ReaderToken).where(
                ReaderToken.kind == kind,
                ReaderToken.thing_id == thing_id,
                ReaderToken.token.in_(present - wanted),
            )
        )
    uow.session.add_all(
        ReaderToken(kind=kind, thing_id=thing_id, token=token) for token in wanted - present
    )
    uow.session.flush()
    return wanted


def tokens_of(uow: UnitOfWork, kind: str, thing_id: int) -> frozenset[str]:
    """Return the stored tokens of a thing; empty when nobody may read it."""
    rows = uow.session.scalars(
        select(ReaderToken.token).where(ReaderToken.kind == kind, ReaderToken.thing_id == thing_id)
    )
    return frozenset(rows)


def may_read(actor: Actor, kind: str, id_column: Any) -> ColumnElement[bool]:
    """Return the SQL condition "this actor may read the thing whose id stands in id_column"."""
    return exists().where(
        ReaderToken.kind == kind,
        ReaderToken.thing_id == id_column,
        ReaderToken.token.in_(sorted(actor_tokens(actor))),
    )
