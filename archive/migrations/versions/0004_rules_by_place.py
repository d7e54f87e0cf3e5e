"""rules_by_place

Revision: 0004
After: 0003

A lending rule may name the rooms it is for, and has room for every label in a condition.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WIDER = {"borrower_class": (20, 60), "category": (40, 200), "secrecy": (20, 60), "mode": (20, 60)}


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("loan_rule", schema=None) as batch:
        batch.add_column(
            sa.Column("place", sa.String(length=80), nullable=False, server_default="")
        )
        for name, (before, after) in WIDER.items():
            batch.alter_column(
                name,
                existing_type=sa.String(length=before),
                type_=sa.String(length=after),
                existing_nullable=False,
            )
    with op.batch_alter_table("loan_rule", schema=None) as batch:
        batch.alter_column("place", existing_type=sa.String(length=80), server_default=None)


def downgrade() -> None:
    """Take the schema back; rules that named a room are taken out, they would fit too much."""
    op.execute("DELETE FROM loan_rule WHERE place <> ''")
    with op.batch_alter_table("loan_rule", schema=None) as batch:
        for name, (before, after) in WIDER.items():
            batch.alter_column(
                name,
                existing_type=sa.String(length=after),
                type_=sa.String(length=before),
                existing_nullable=False,
            )
        batch.drop_column("place")
