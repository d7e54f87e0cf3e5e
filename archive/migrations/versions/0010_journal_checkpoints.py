"""journal_checkpoints

Revision: 0010
After: 0006
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0010"
down_revision = "0006"
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


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("journal_checkpoint")
