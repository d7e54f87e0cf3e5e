"""hand-over lists; customers of long-term cooperation

Revision: 0007
After: 0006
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "cooperation", sa.String(length=20), nullable=False, server_default="一般往来"
            )
        )
        batch_op.create_index(batch_op.f("ix_customer_cooperation"), ["cooperation"], unique=False)
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.alter_column("cooperation", server_default=None)
    op.create_table(
        "handover_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("handed_by", sa.Integer(), nullable=True),
        sa.Column("handed_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("received_by", sa.Integer(), nullable=True),
        sa.Column("received_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
            name=op.f("fk_handover_list_department_id_department"),
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user.id"], name=op.f("fk_handover_list_made_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["handed_by"], ["user.id"], name=op.f("fk_handover_list_handed_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["received_by"], ["user.id"], name=op.f("fk_handover_list_received_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_list")),
        sa.UniqueConstraint("number", name=op.f("uq_handover_list_number")),
    )
    with op.batch_alter_table("handover_list", schema=None) as batch_op:
        for column in ("department_id", "month", "state"):
            batch_op.create_index(batch_op.f(f"ix_handover_list_{column}"), [column], unique=False)
    op.create_table(
        "handover_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("author_name", sa.String(length=80), nullable=False),
        sa.Column("secrecy", sa.Integer(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["handover_list.id"], name=op.f("fk_handover_line_list_id_handover_list")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name=op.f("fk_handover_line_record_id_record")
        ),
        sa.ForeignKeyConstraint(
            ["claim"], ["record.id"], name=op.f("fk_handover_line_claim_record")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_line")),
        sa.UniqueConstraint("claim", name=op.f("uq_handover_line_claim")),
        sa.UniqueConstraint(
            "list_id", "record_id", name=op.f("uq_handover_line_list_id_record_id")
        ),
    )
    with op.batch_alter_table("handover_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handover_line_record_id"), ["record_id"], unique=False)
    op.create_table(
        "handover_return",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["handover_list.id"], name=op.f("fk_handover_return_list_id_handover_list")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_handover_return_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_return")),
    )
    with op.batch_alter_table("handover_return", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handover_return_list_id"), ["list_id"], unique=False)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("handover_return")
    op.drop_table("handover_line")
    op.drop_table("handover_list")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customer_cooperation"))
        batch_op.drop_column("cooperation")
