"""what the desk did without the network; indexes for a register of a million loans

Revision: 0025
After: 0024
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_loan_request_borrower_state": ("loan_request", ["borrower_id", "state"]),
    "ix_loan_request_item_state": ("loan_request", ["item_id", "state"]),
    "ix_loan_request_borrower_item": ("loan_request", ["borrower_id", "item_id"]),
    "ix_loan_approval_state_approver": ("loan_approval", ["state", "approver_id"]),
    "ix_loan_approval_approver_decided": ("loan_approval", ["approver_id", "decided_at"]),
    "ix_loan_approval_deputy_decided": ("loan_approval", ["decided_by", "decided_at"]),
}
STILL_OUT = sa.text("returned_at IS NULL")


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "desk_act",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("barcode", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("sent_by", sa.Integer(), nullable=False),
        sa.Column("received_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("loan_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["sent_by"], ["user.id"], name=op.f("fk_desk_act_sent_by_user")),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name=op.f("fk_desk_act_loan_id_loan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_act")),
        sa.UniqueConstraint("client_id", name=op.f("uq_desk_act_client_id")),
    )
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns, unique=False)
    op.create_index(
        "ix_loan_open_borrower",
        "loan",
        ["borrower_id"],
        unique=False,
        sqlite_where=STILL_OUT,
        postgresql_where=STILL_OUT,
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_index("ix_loan_open_borrower", table_name="loan")
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    op.drop_table("desk_act")
