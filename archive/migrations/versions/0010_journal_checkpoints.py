"""journal_checkpoints

Revision: 0010
After: 0009

What is filled in is kept as plain Chinese too, so that lists can be narrowed by an entry.
"""

import json

import sqlalchemy as sa
from alembic import op

import storage.database
from storage.database import plain_json

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "journal_checkpoint",
        sa.Column("tree_size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("peaks", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("certificate_pem", sa.Text(), nullable=False),
        sa.Column("time_stamp", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tree_size", name=op.f("pk_journal_checkpoint")),
    )
    with op.batch_alter_table("journal_checkpoint", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_journal_checkpoint_day"), ["day"], unique=False)
    _write_plainly("record", "content")


def _write_plainly(table: str, column: str) -> None:
    """Write JSON anew with Chinese as it is; SQLite does not find keys that are escaped."""
    rows = sa.table(table, sa.column("id", sa.Integer), sa.column(column, sa.Text))
    value = rows.c[column]
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    for number, text in connection.execute(sa.select(rows.c.id, value)).all():
        plain = plain_json(json.loads(text)) if text else text
        if plain != text:
            change = sa.update(rows).where(rows.c.id == number).values({column: plain})
            connection.execute(change)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("journal_checkpoint")
