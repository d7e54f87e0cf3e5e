"""Upgrades on a filled database: both ways, rows compared; a backup of an older release comes back.

The older release is made as it was: the migrations take the schema of a filled copy back.
"""

import contextlib
import json
import sqlite3

import pytest
from alembic import command
from alembic.config import Config

from archive.instance import MIGRATIONS, migrate
from archive.trust.checking import verify_instance
from storage.database import open_database

pytestmark = [pytest.mark.slow]


def take_back(url: str, revision: str) -> None:
    database = open_database(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.writer.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.invalidate()
    database.dispose()


def rows_of(path) -> dict[str, list[dict]]:
    with contextlib.closing(sqlite3.connect(path)) as rows:
        rows.row_factory = sqlite3.Row
        names = [
            row[0]
            for row in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if row[0] != "alembic_version"
        ]
        found = {
            name: [dict(row) for row in rows.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2')]
            for name in names
        }
    found["role_grant"] = in_offices(found["role_grant"])
    return found


def in_offices(rows: list[dict]) -> list[dict]:
    """The one administrator of older releases holds two offices since 0022."""
    told = [
        {"user_id": row["user_id"], "role": role}  # not by its number: one became two
        for row in rows
        for role in (
            ("security_admin", "system_admin") if row["role"] == "admin" else [row["role"]]
        )
    ]
    return sorted(told, key=lambda row: (row["user_id"], row["role"]))


def plain(value):
    """JSON may be written anew with Chinese as it is; what it says must stay."""
    with contextlib.suppress(TypeError, ValueError):
        return json.loads(value)
    return value


def lost_rows(before, after) -> list[str]:
    found = []
    for name, old in before.items():
        new = after.get(name, [])
        if name in ("journal_entry", "outbox"):
            new = new[: len(old)]
        kept = [
            {key: plain(value) for key, value in row.items() if key in fresh}
            == {key: plain(fresh[key]) for key in row if key in fresh}
            for row, fresh in zip(old, new, strict=False)
        ]
        if len(old) != len(new) or not all(kept):
            found.append(name)
    return found


@pytest.mark.parametrize("revision", ["0009", "0005", "0001"])
def test_a_filled_database_goes_back_and_forth(kept, revision):
    url, path = kept.resources.settings.database_url, kept.resources.settings.data / "archive.db"
    kept.resources.database.dispose()
    whole = rows_of(path)
    take_back(url, revision)
    before = rows_of(path)
    assert lost_rows(before, whole) == []
    database = open_database(url)
    migrate(database)
    database.dispose()
    after = rows_of(path)
    assert lost_rows(before, after) == []
    assert set(after) == set(whole)
    assert list(verify_instance(kept.resources, with_index=False)) == []


@pytest.mark.parametrize("revision", ["0009", "0001"])
def test_a_backup_of_an_older_release_comes_back_in_this_one(kept, revision):
    url, path = kept.resources.settings.database_url, kept.resources.settings.data / "archive.db"
    kept.resources.database.dispose()
    take_back(url, revision)
    before = rows_of(path)
    made = kept.to_file()
    received = kept.back(made.path)
    assert received.head.revision == revision and received.findings == ()
    assert lost_rows(before, rows_of(kept.settings().data / "archive.db")) == []
    again = kept.opened()
    assert list(verify_instance(again, with_index=False)) == []
    again.database.dispose()
