"""intake_batches

Revision: 0014
After: 0013
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "intake_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("secrecy", sa.Integer(), nullable=False),
        sa.Column("common", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
            name=op.f("fk_intake_batch_department_id_department"),
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user.id"], name=op.f("fk_intake_batch_made_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_batch")),
    )
    with op.batch_alter_table("intake_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_intake_batch_state"), ["state"], unique=False)
    op.create_table(
        "intake_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("own", sa.JSON(), nullable=False),
        sa.Column("suggested", sa.String(length=120), nullable=False),
        sa.Column("again", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("received_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["intake_batch.id"], name=op.f("fk_intake_file_batch_id_intake_batch")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["intake_file.id"], name=op.f("fk_intake_file_parent_id_intake_file")
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["stored_file.sha256"], name=op.f("fk_intake_file_sha256_stored_file")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_intake_file_item_id_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_file")),
    )
    with op.batch_alter_table("intake_file", schema=None) as batch_op:
        batch_op.create_index("ix_intake_file_batch", ["batch_id", "state"], unique=False)
        for column in ("parent_id", "sha256", "digest", "item_id"):
            batch_op.create_index(batch_op.f(f"ix_intake_file_{column}"), [column], unique=False)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("intake_file")
    op.drop_table("intake_batch")
