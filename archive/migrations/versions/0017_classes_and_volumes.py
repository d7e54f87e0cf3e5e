"""the filing plan in versions, volumes of one customer, reading sets, the order of 档号

Revision: 0017
After: 0015

What is filed gets its order and its set of readers from the codes and tokens it has.
"""

import hashlib
from collections.abc import Iterator
from itertools import groupby

import sqlalchemy as sa
from alembic import op

import storage.database
from archive.filing.codes import find_reference

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

_VOLUME_KEY = ["fonds", "category", "year", "retention", "unit", "item_class"]
_OLD_UNIQUE = "uq_volume_fonds_category_year_retention_unit_item_class"
_NEW_UNIQUE = "uq_volume_of_customer"


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "plan_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user.id"], name=op.f("fk_plan_version_made_by_user")
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_plan_version")),
    )
    op.create_table(
        "reader_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader_set")),
        sa.UniqueConstraint("digest", name=op.f("uq_reader_set_digest")),
    )
    op.create_table(
        "reader_set_token",
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["set_id"], ["reader_set.id"], name=op.f("fk_reader_set_token_set_id_reader_set")
        ),
        sa.PrimaryKeyConstraint("token", "set_id", name=op.f("pk_reader_set_token")),
    )
    _change_volumes()
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("code_order", sa.String(length=32), nullable=False, server_default="2")
        )
        batch_op.add_column(sa.Column("plan_version", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("readers_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_item_readers_id_reader_set"), "reader_set", ["readers_id"], ["id"]
        )
        batch_op.create_index("ix_item_volume_readers", ["volume_id", "readers_id", "pages"])
        batch_op.create_index("ix_item_code_order", ["code_order", "id", "readers_id"])
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.alter_column("code_order", server_default=None)
    _put_in_order()
    _name_sets()


def _change_volumes() -> None:
    with op.batch_alter_table("volume", schema=None) as batch_op:
        batch_op.add_column(sa.Column("customer_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_volume_customer_id_customer"), "customer", ["customer_id"], ["id"]
        )
        batch_op.drop_constraint(batch_op.f(_OLD_UNIQUE), type_="unique")
        batch_op.create_unique_constraint(batch_op.f(_NEW_UNIQUE), [*_VOLUME_KEY, "customer_id"])
        batch_op.create_index(batch_op.f("ix_volume_customer_id"), ["customer_id"], unique=False)
    op.create_index(
        "uq_volume_of_unit",
        "volume",
        _VOLUME_KEY,
        unique=True,
        sqlite_where=sa.text("customer_id IS NULL"),
        postgresql_where=sa.text("customer_id IS NULL"),
    )


def _put_in_order() -> None:
    connection = op.get_bind()
    item = sa.table(
        "item",
        sa.column("id", sa.Integer),
        sa.column("provisional_code", sa.String),
        sa.column("reference_code", sa.String),
        sa.column("code_order", sa.String),
        sa.column("plan_version", sa.Integer),
        sa.column("item_class", sa.String),
    )
    code = sa.func.coalesce(item.c.reference_code, item.c.provisional_code)
    coded = connection.execute(sa.select(item.c.id, code).where(code.is_not(None))).all()
    orders = [
        {"row": item_id, "order": found.order}
        for item_id, text in coded
        if (found := find_reference(text)) is not None
    ]
    if orders:
        change = item.update().where(item.c.id == sa.bindparam("row"))
        connection.execute(change.values(code_order=sa.bindparam("order")), orders)
    connection.execute(item.update().where(item.c.item_class != "").values(plan_version=1))


def _name_sets() -> None:
    connection = op.get_bind()
    known: dict[tuple[str, ...], int] = {}
    named = [
        {"row": item_id, "set": known.setdefault(tokens, len(known) + 1)}
        for item_id, tokens in _tokens_of_items(connection)
    ]
    if not named:
        return
    sets = sa.table("reader_set", sa.column("id", sa.Integer), sa.column("digest", sa.String))
    connection.execute(
        sets.insert(),
        [
            {"id": number, "digest": hashlib.sha256("\n".join(tokens).encode()).hexdigest()}
            for tokens, number in known.items()
        ],
    )
    of_set = sa.table(
        "reader_set_token", sa.column("set_id", sa.Integer), sa.column("token", sa.String)
    )
    connection.execute(
        of_set.insert(),
        [{"set_id": n, "token": token} for tokens, n in known.items() for token in tokens],
    )
    item = sa.table("item", sa.column("id", sa.Integer), sa.column("readers_id", sa.Integer))
    change = item.update().where(item.c.id == sa.bindparam("row"))
    connection.execute(change.values(readers_id=sa.bindparam("set")), named)
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text("SELECT setval(pg_get_serial_sequence('reader_set', 'id'), :last)"),
            {"last": len(known)},
        )


def _tokens_of_items(connection: sa.Connection) -> Iterator[tuple[int, tuple[str, ...]]]:
    rows = connection.execute(
        sa.text("SELECT thing_id, token FROM reader_token WHERE kind = 'item' ORDER BY thing_id")
    ).all()
    for item_id, group in groupby(rows, key=lambda row: row.thing_id):
        yield item_id, tuple(sorted(row.token for row in group))


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_index("ix_item_code_order")
        batch_op.drop_index("ix_item_volume_readers")
        batch_op.drop_constraint(batch_op.f("fk_item_readers_id_reader_set"), type_="foreignkey")
        batch_op.drop_column("readers_id")
        batch_op.drop_column("plan_version")
        batch_op.drop_column("code_order")
    op.drop_index("uq_volume_of_unit", table_name="volume")
    with op.batch_alter_table("volume", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_volume_customer_id"))
        batch_op.drop_constraint(batch_op.f(_NEW_UNIQUE), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_volume_customer_id_customer"), type_="foreignkey")
        batch_op.drop_column("customer_id")
        batch_op.create_unique_constraint(batch_op.f(_OLD_UNIQUE), _VOLUME_KEY)
    op.drop_table("reader_set_token")
    op.drop_table("reader_set")
    op.drop_table("plan_version")
