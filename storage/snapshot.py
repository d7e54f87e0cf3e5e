"""A consistent copy of all rows while others write, and what the copy says of itself.

SQLite's own online backup: one read transaction over the whole file, which in WAL mode hinders
no writer; from PostgreSQL the rows are carried over (``crossing``). The copy is one SQLite file
with nothing beside it.
"""

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from storage.crossing import carry_out
from storage.database import Database
from storage.errors import RowsDamaged, StorageError
from storage.journal import GENESIS
from storage.places import no_room


@dataclass(frozen=True)
class RowsCopy:
    """A copy of the rows: schema revision, the journal's head, and every blob the rows name."""

    path: Path
    revision: str
    seq: int
    head: str
    blobs: tuple[tuple[str, int], ...]


def copy_rows(database: Database, target: Path) -> RowsCopy:
    """Copy the rows as they are at one moment into a new file and return what it holds.

    Raises StorageError where they could not be copied, NoRoom, RowsDamaged.
    """
    if not database.is_sqlite:
        carry_out(database, target)
        _sync(target)
        return read_copy(target)
    with contextlib.closing(sqlite3.connect(target)) as copy:
        try:
            with database.engine.connect() as live:
                live.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
            copy.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise _refusal(error) from error
        except sqlite3.DatabaseError as error:
            raise damaged_rows(error) from error
    _sync(target)
    return read_copy(target)


def read_copy(path: Path) -> RowsCopy:
    """Return what a database file that nobody else uses holds; raise RowsDamaged."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)) as rows:
            revision = rows.execute("SELECT version_num FROM alembic_version").fetchone()
            last = rows.execute(
                "SELECT seq, hash FROM journal_entry ORDER BY seq DESC LIMIT 1"
            ).fetchone()
            blobs = rows.execute("SELECT sha256, size FROM stored_file ORDER BY sha256").fetchall()
    except sqlite3.DatabaseError as error:
        raise damaged_rows(error) from error
    seq, head = last or (0, GENESIS)
    return RowsCopy(path, revision[0] if revision else "", seq, head, tuple(blobs))


def check_rows_file(path: Path) -> str:
    """Return what is wrong with a database file, in Chinese; empty when it is sound.

    Reads every page of it (SQLite's quick_check).
    """
    try:
        with contextlib.closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)) as rows:
            told = [row[0] for row in rows.execute("PRAGMA quick_check(20)")]
    except sqlite3.OperationalError as error:
        if "malformed" not in str(error) and "not a database" not in str(error):
            return f"数据库文件 {path.name} 打不开（{error}）。"
        return damaged_rows(error).message
    except sqlite3.DatabaseError as error:
        return damaged_rows(error).message
    return "" if told == ["ok"] else damaged_rows(ValueError(told[0][:200])).message


def damaged_rows(error: Exception) -> RowsDamaged:
    """Return the refusal for a database file that is damaged."""
    return RowsDamaged(
        f"数据库文件已损坏或不完整（{error}）。请停下服务，保留现有文件夹，用最近的备份恢复到另一个空文件夹。"
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise no_room(error, "数据库的副本") from error
    finally:
        os.close(descriptor)


def _refusal(error: sqlite3.OperationalError) -> StorageError:
    told = str(error)
    if "full" in told or "disk I/O" in told:
        return no_room(OSError(28, "磁盘已满"), "数据库的副本")
    if "malformed" in told:
        return damaged_rows(error)
    return StorageError(f"数据库没能复制出来（{told}），请再做一次。")


def _quoted(path: Path) -> str:
    return path.as_uri().removeprefix("file://")
