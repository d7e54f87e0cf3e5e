"""what waits to be filed is found in one index

Revision: 0027
After: 0026

State, year, id and readers together: lists and counts of what is half done or late read the index
alone, whatever the statistics say of states.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_index("ix_item_state_year", "item", ["state", "year", "id", "readers_id"])
    op.drop_index(op.f("ix_item_state"), table_name="item")


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.create_index(op.f("ix_item_state"), "item", ["state"])
    op.drop_index("ix_item_state_year", table_name="item")
