"""sealing

Revision: 0005
After: 0004
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "volume_seal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("volume_id", sa.Integer(), nullable=False),
        sa.Column("prepared_by", sa.Integer(), nullable=False),
        sa.Column("prepared_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("confirmed_by", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("first_serial", sa.Integer(), nullable=True),
        sa.Column("last_serial", sa.Integer(), nullable=True),
        sa.Column("withdrawn_by", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volume.id"], name=op.f("fk_volume_seal_volume_id_volume")
        ),
        sa.ForeignKeyConstraint(
            ["prepared_by"], ["user.id"], name=op.f("fk_volume_seal_prepared_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["user.id"], name=op.f("fk_volume_seal_confirmed_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["user.id"], name=op.f("fk_volume_seal_withdrawn_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_seal")),
    )
    with op.batch_alter_table("volume_seal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_volume_seal_volume_id"), ["volume_id"], unique=False)

    op.create_table(
        "item_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("from_volume_id", sa.Integer(), nullable=True),
        sa.Column("to_volume_id", sa.Integer(), nullable=True),
        sa.Column("from_code", sa.String(length=60), nullable=False),
        sa.Column("to_code", sa.String(length=60), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_item_move_item_id_item")),
        sa.ForeignKeyConstraint(
            ["from_volume_id"], ["volume.id"], name=op.f("fk_item_move_from_volume_id_volume")
        ),
        sa.ForeignKeyConstraint(
            ["to_volume_id"], ["volume.id"], name=op.f("fk_item_move_to_volume_id_volume")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_item_move_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_move")),
    )
    with op.batch_alter_table("item_move", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_move_item_id"), ["item_id"], unique=False)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("item_move")
    op.drop_table("volume_seal")
