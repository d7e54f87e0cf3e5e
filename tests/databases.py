"""Where the rows of a test lie: a file in its folder, or a PostgreSQL database of its own.

``TEST_DATABASE_URL`` (any database of a PostgreSQL server, by a role that may create more) makes
the tests use that server; ``make test-postgres`` sets it. Databases are named after their folder
and dropped at the end of the run.
"""

import hashlib
import os
import shutil
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

SERVER = os.environ.get("TEST_DATABASE_URL", "")
FILE = "archive.db"
_MADE: set[str] = set()


def url_of(folder: Path) -> str:
    """Return the address of the folder's database, made empty if it is not there."""
    if not SERVER:
        return f"sqlite:///{folder / FILE}"
    name = _name(folder)
    if name not in _MADE:
        _say(f'create database "{name}"')
        _MADE.add(name)
    return make_url(SERVER).set(database=name).render_as_string(hide_password=False)


def copy_rows(source: Path, folder: Path) -> None:
    """Give a folder the rows of another, in place of its own."""
    if not SERVER:
        folder.mkdir(exist_ok=True)
        shutil.copyfile(source / FILE, folder / FILE)
        return
    name = _name(folder)
    _say(f'drop database if exists "{name}" with (force)')
    _say(f'create database "{name}" template "{_name(source)}"')
    _MADE.add(name)


def drop_all() -> None:
    """Drop every database of this run."""
    for name in sorted(_MADE):
        _say(f'drop database if exists "{name}" with (force)')
    _MADE.clear()


def _name(folder: Path) -> str:
    return f"archive_test_{hashlib.sha256(str(folder).encode()).hexdigest()[:24]}"


def _say(words: str) -> None:
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(words))
    engine.dispose()
