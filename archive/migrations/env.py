"""Runs migrations over the connection that ``archive.instance.migrate`` hands in.

SQLite changes a table by making it anew, which rows that refer to it would forbid; so references
are not watched while migrations run, and all of them are checked before anything is kept.
"""

from alembic import context

from archive.models import metadata

connection = context.config.attributes["connection"]
is_sqlite = connection.dialect.name == "sqlite"
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=False,
)
if is_sqlite:
    connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
with context.begin_transaction():
    context.run_migrations()
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all() if is_sqlite else []
    if broken:
        raise RuntimeError(f"升级数据库时，{len(broken)} 行失去了所指的行，没有升级：{broken[:5]}")
