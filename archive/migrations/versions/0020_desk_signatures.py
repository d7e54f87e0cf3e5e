"""desk_signatures

Revision: 0020
After: 0019

The borrower signs for a copy at the desk, at hand-out and at the return; desk PINs.
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SIDES = ("out", "back")


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("loan", schema=None) as batch:
        for side in SIDES:
            batch.add_column(
                sa.Column(f"{side}_way", sa.String(12), nullable=False, server_default="")
            )
            batch.add_column(
                sa.Column(f"{side}_digest", sa.String(64), nullable=False, server_default="")
            )
            batch.add_column(sa.Column(f"{side}_picture", sa.String(64), nullable=True))
            batch.create_foreign_key(
                f"fk_loan_{side}_picture_stored_file",
                "stored_file",
                [f"{side}_picture"],
                ["sha256"],
            )
    with op.batch_alter_table("loan", schema=None) as batch:
        for side in SIDES:
            batch.alter_column(f"{side}_way", existing_type=sa.String(12), server_default=None)
            batch.alter_column(f"{side}_digest", existing_type=sa.String(64), server_default=None)
    op.create_table(
        "desk_pin",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("pin_hash", sa.String(length=200), nullable=False),
        sa.Column("set_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_desk_pin_user_id_user")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_desk_pin")),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("desk_pin")
    with op.batch_alter_table("loan", schema=None) as batch:
        for side in reversed(SIDES):
            batch.drop_constraint(f"fk_loan_{side}_picture_stored_file", type_="foreignkey")
            batch.drop_column(f"{side}_picture")
            batch.drop_column(f"{side}_digest")
            batch.drop_column(f"{side}_way")
