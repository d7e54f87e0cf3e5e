"""The SQL mirror of reading rights: tokens stored beside a thing, matched in every list.

``rights.reader_tokens`` says which tokens a thing carries; here they are written and asked for.
Where long lists are counted, a thing also names its set of tokens (``keep_set``): whether a row
may be read is then one number looked up, not a question for every row.
"""

import hashlib
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, exists, insert, select, update

from archive.core.racing import found_or_made
from archive.people.models import ReaderSet, ReaderSetToken, ReaderToken
from archive.people.rights import Actor, Thing, actor_tokens, reader_tokens
from storage.work import UnitOfWork

_SETS: dict[str, Table] = {}


def keep_set(kind: str, table: Table) -> None:
    """Have ``write_readers`` name the set in ``readers_id`` of this kind's table too."""
    _SETS[kind] = table


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
    if kind in _SETS:
        table = _SETS[kind]
        named = update(table).where(table.c.id == thing_id).values(readers_id=set_of(uow, wanted))
        uow.session.execute(named)
    return wanted


def set_of(uow: UnitOfWork, tokens: frozenset[str]) -> int:
    """Return the number of a set of tokens, entered now if nothing was read under it before."""
    digest = hashlib.sha256("\n".join(sorted(tokens)).encode()).hexdigest()
    query = select(ReaderSet.id).where(ReaderSet.digest == digest)

    def enter() -> int:
        row = ReaderSet(digest=digest)
        uow.session.add(row)
        uow.session.flush()
        if tokens:
            rows = [{"set_id": row.id, "token": token} for token in sorted(tokens)]
            uow.session.execute(insert(ReaderSetToken), rows)
        return row.id

    return found_or_made(uow, query, enter)


def may_read_set(actor: Actor, column: Any) -> ColumnElement[bool]:
    """Return ``may_read`` for a kind that keeps its set: the same answer, quick for long lists."""
    tokens = sorted(actor_tokens(actor))
    sets = select(ReaderSetToken.set_id).where(ReaderSetToken.token.in_(tokens))
    result: ColumnElement[bool] = column.in_(sets)
    return result


def tokens_of(uow: UnitOfWork, kind: str, thing_id: int) -> frozenset[str]:
    """Return the stored tokens of a thing; empty when nobody may read it."""
    rows = uow.session.scalars(
        select(ReaderToken.token).where(ReaderToken.kind == kind, ReaderToken.thing_id == thing_id)
    )
    return frozenset(rows)


def may_read(actor: Actor, kind: str, id_column: Any) -> ColumnElement[bool]:
    """Return the SQL condition "this actor may read the thing whose id stands in id_column"."""
    return read_under(sorted(actor_tokens(actor)), kind, id_column)


def read_under(tokens: Any, kind: str, id_column: Any) -> ColumnElement[bool]:
    """Return ``may_read`` for tokens given, or for a parameter that stands for them."""
    return exists().where(
        ReaderToken.kind == kind,
        ReaderToken.thing_id == id_column,
        ReaderToken.token.in_(tokens),
    )
