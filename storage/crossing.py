"""Rows carried between PostgreSQL and an SQLite file, all of them, as they are at one moment.

A backup holds its rows as one SQLite file, whatever database they come from; so everything that
checks, lists and drills a backup is the same. Called by ``snapshot`` and by the restore.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    create_engine,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from storage.database import Base, Database, plain_json
from storage.errors import StorageError

AT_ONCE = 500  # rows
REVISION = "alembic_version"


def carry_out(database: Database, target: Path) -> None:
    """Write all rows into a new SQLite file, from one transaction that hinders nobody.

    Raises StorageError where the database cannot be read or has another schema than this release.
    """
    at_one_moment = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    file = create_engine(f"sqlite:///{target}", json_serializer=plain_json, hide_parameters=True)
    try:
        with (
            database.engine.connect().execution_options(**at_one_moment) as live,
            file.begin() as copy,
        ):
            Base.metadata.create_all(copy)
            _carry(live, copy)
    except SQLAlchemyError as error:
        raise StorageError(
            f"数据库没能复制出来（{type(error).__name__}）。请先看系统状况页，排除原因后再做一次。"
        ) from error
    finally:
        file.dispose()


def carry_in(path: Path, database: Database) -> None:
    """Write all rows of an SQLite file into an empty database, whole or not at all.

    The constraints come after the rows: whatever names what, the order does not matter.
    """
    file = create_engine(f"sqlite:///{path}", json_serializer=plain_json)
    try:
        with file.connect() as copy, database.engine.begin() as live:
            for table in _tables():
                live.execute(CreateTable(table, include_foreign_key_constraints=[]))
            _carry(copy, live)
            for table in _tables():
                for index in sorted(table.indexes, key=lambda one: str(one.name)):
                    live.execute(CreateIndex(index))
                for key in sorted(table.foreign_key_constraints, key=lambda one: str(one.name)):
                    live.execute(AddConstraint(key, isolate_from_table=False))
                _count_on(live, table)
    except SQLAlchemyError as error:
        raise StorageError(
            f"恢复的内容没能写进数据库（{type(error).__name__}），数据库里什么也没有留下。"
            "请核对 DATABASE_URL 和那个用户建表的权限，再恢复一次。"
        ) from error
    finally:
        file.dispose()


def is_empty(database: Database) -> bool:
    """Say whether there is no table in the database."""
    with database.engine.connect() as connection:
        return not inspect(connection).get_table_names()


def _tables() -> list[Table]:
    return list(Base.metadata.tables.values())


def _carry(source: Connection, target: Connection) -> None:
    """Carry the rows of every table over, and which revision they are of."""
    for table in _tables():
        for rows in _parts(source, table):
            target.execute(insert(table), rows)
    target.execute(text(f"CREATE TABLE {REVISION} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    for (revision,) in source.execute(text(f"SELECT version_num FROM {REVISION}")):  # noqa: S608
        target.execute(
            text(f"INSERT INTO {REVISION} VALUES (:revision)"),  # noqa: S608
            {"revision": revision},
        )


def _parts(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Read a table part by part, by its key: no part is larger than memory should hold."""
    key = list(table.primary_key.columns)
    first = select(table).order_by(*key).limit(AT_ONCE)
    query = first
    while rows := [dict(row) for row in source.execute(query).mappings()]:
        yield rows
        after = [literal(rows[-1][one.key], one.type) for one in key]
        query = first.where(tuple_(*key) > tuple_(*after))


def _count_on(live: Connection, table: Table) -> None:
    """Let a table's own numbers go on after the highest one carried in."""
    column = table.autoincrement_column
    if column is None:
        return
    sequence = live.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    highest = live.scalar(select(func.max(column)))
    if sequence and highest:
        live.execute(select(func.setval(sequence, highest)))
