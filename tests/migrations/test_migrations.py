"""The migrations make what the models say, and can be taken back."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from archive.instance import MIGRATIONS, migrate
from archive.models import metadata
from storage.database import open_database


def test_the_migrations_make_exactly_the_models(tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'archive.db'}")
    migrate(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    migrate(database)
    database.dispose()


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
