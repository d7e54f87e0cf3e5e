"""papers from outside given back at 鉴别

Revision: 0026
After: 0025

A refusal is of a record made here, or of an item that was offered from outside.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("intake_refusal", schema=None) as batch:
        batch.add_column(sa.Column("item_id", sa.Integer(), nullable=True))
        batch.alter_column("record_id", existing_type=sa.Integer(), nullable=True)
        batch.create_foreign_key(
            op.f("fk_intake_refusal_item_id_item"), "item", ["item_id"], ["id"]
        )
        batch.create_index(op.f("ix_intake_refusal_item_id"), ["item_id"])


def downgrade() -> None:
    """Take the schema back to the revision before; items given back wait for 鉴别 again."""
    op.execute("UPDATE item SET state = 'offered' WHERE state = 'refused'")
    op.execute("DELETE FROM intake_refusal WHERE record_id IS NULL")
    with op.batch_alter_table("intake_refusal", schema=None) as batch:
        batch.drop_index(op.f("ix_intake_refusal_item_id"))
        batch.drop_constraint(op.f("fk_intake_refusal_item_id_item"), type_="foreignkey")
        batch.alter_column("record_id", existing_type=sa.Integer(), nullable=False)
        batch.drop_column("item_id")
