"""The migrations make what the models say, and can be taken back."""

from datetime import date, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import JSON, MetaData, func, insert, inspect, select

from archive.instance import MIGRATIONS, migrate
from archive.models import metadata
from storage.database import open_database
from tests.databases import SERVER, url_of


def test_the_migrations_make_exactly_the_models(tmp_path):
    database = open_database(url_of(tmp_path))
    migrate(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    migrate(database)
    database.dispose()


def test_every_migration_can_be_taken_back_and_made_again(tmp_path):
    database = open_database(url_of(tmp_path))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    for _ in range(2):
        migrate(database)
        with database.writer.connect() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        left = set(inspect(database.engine).get_table_names())
        assert left <= {"alembic_version", "sqlite_sequence"}
    database.dispose()


@pytest.mark.skipif(bool(SERVER), reason="SQLite alone makes a changed table anew")
def test_an_instance_full_of_rows_is_brought_up_and_keeps_them(tmp_path):
    """SQLite makes a changed table anew; rows that refer to it must neither hinder nor be lost."""
    database = open_database(f"sqlite:///{tmp_path / 'archive.db'}")
    migrate(database, "0001")
    old = fill(database)
    migrate(database)
    with database.engine.connect() as connection:
        for table in old.sorted_tables:
            kept = connection.scalar(select(func.count()).select_from(table))
            assert kept == 1, table.name
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    fill(database)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.writer.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    database.dispose()


def fill(database):
    """Put one row into every table that has none, each referring to the one row of the others."""
    found = MetaData()
    found.reflect(database.engine)
    found.remove(found.tables["alembic_version"])
    with database.writer.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            for table in found.sorted_tables:
                if not connection.scalar(select(func.count()).select_from(table)):
                    row = {column.name: filler(column) for column in table.columns}
                    connection.execute(insert(table), row)
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        connection.invalidate()
    return found


def filler(column):
    kind = column.type
    if isinstance(kind, JSON):
        return {}
    fillers = {
        bool: False, int: 1, float: 1.0, str: "1", bytes: b"1",
        datetime: datetime(2026, 1, 1), date: date(2026, 1, 1),
    }  # fmt: skip
    return fillers[kind.python_type]


def test_the_way_back_leaves_nothing(tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'archive.db'}")
    migrate(database)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.writer.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    migrate(database)
    assert set(metadata.tables) <= set(inspect(database.engine).get_table_names())
    database.dispose()
