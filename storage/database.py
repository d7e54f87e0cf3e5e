"""Engine, pragmas, UTC time and the declarative base every station's models share.

SQLite (WAL) by default, PostgreSQL by ``DATABASE_URL``. Sessions are opened by
``storage.work`` only.
"""

import json
import sqlite3
import threading
import time
import weakref
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Engine, MetaData, create_engine, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT_MS = 15_000
ASK_SECONDS = 0.002  # between asking for the write lock again


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: stored as naive UTC, always aware (UTC) in Python; refuses naive values."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant into naive UTC for the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the stored instant its zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The base of every model; constraint names follow one convention."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class Database:
    """One engine, and a second face of it whose transactions take the write lock at once.

    Taking SQLite's write lock at BEGIN means that a change waits its turn instead of failing
    half way with "database is locked". SQLite itself waits by asking again, at ever longer
    distances, which lets some wait very long while many write; so the threads of one process
    stand in line, and its first asks often.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _create_engine(url)
        self.writer = self.engine.execution_options(takes_write_lock=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether rows live in SQLite (one writer at a time)."""
        return self.engine.dialect.name == "sqlite"

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open the database at an SQLAlchemy URL."""
    return Database(url)


def plain_json(value: Any) -> str:
    """Return JSON with Chinese as it is: half as long, and SQLite finds an entry by its key.

    Half a character, as a client may send it, cannot be kept so and is escaped.
    """
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def _create_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(
            url, pool_pre_ping=True, json_serializer=plain_json, hide_parameters=True
        )
    engine = create_engine(
        url,
        json_serializer=plain_json,
        hide_parameters=True,  # what people typed stays out of the log
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    _stand_in_line(engine)
    return engine


def _stand_in_line(engine: Engine) -> None:
    """Let one writer of this process at a time ask SQLite for its write lock."""
    turn = threading.Lock()
    holder: list[weakref.ref[Connection]] = []

    def give_up(gone: weakref.ref[Connection]) -> None:
        if gone in holder:
            holder.remove(gone)
            turn.release()

    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("takes_write_lock", False):
            connection.exec_driver_sql("BEGIN")
            return
        # Past the time SQLite would wait, SQLite is asked all the same: the line is a courtesy.
        if turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            holder.append(weakref.ref(connection, give_up))
        try:
            _take_write_lock(connection)
        except BaseException:
            leave(connection)
            raise

    def leave(connection: Connection) -> None:
        for one in [one for one in holder if one() is connection]:
            give_up(one)

    event.listen(engine, "begin", begin)
    event.listen(engine, "commit", leave)
    event.listen(engine, "rollback", leave)


def _take_write_lock(connection: Connection) -> None:
    """Begin with the write lock, asking often for it while another process has it."""
    driver: Any = connection.connection.driver_connection
    ends = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < ends:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    break
                time.sleep(ASK_SECONDS)
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # its error is told as SQLAlchemy tells it
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are opened by _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()
