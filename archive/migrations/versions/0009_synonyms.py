"""synonyms and past searches

Revision: 0009
After: 0008
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "synonym_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Integer(), nullable=True),
        sa.Column("changed_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["user.id"], name=op.f("fk_synonym_group_changed_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synonym_group")),
    )
    op.create_table(
        "past_search",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("searched_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_past_search_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_search")),
        sa.UniqueConstraint("user_id", "text", name=op.f("uq_past_search_user_id_text")),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("past_search")
    op.drop_table("synonym_group")
