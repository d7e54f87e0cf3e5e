"""circulation

Revision: 0008
After: 0007

Pick-up terms and the queue on requests; renewals and recalls of loans; notices and calendars.
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    _widen_requests_and_loans()
    _make_renewals()
    _make_notices()
    _make_feeds()


def downgrade() -> None:
    """Take the schema back; void requests become withdrawn, a renewal's approvals are taken out."""
    op.drop_table("loan_feed")
    op.drop_table("loan_notice")
    op.execute("DELETE FROM loan_approval WHERE renewal_id IS NOT NULL")
    with op.batch_alter_table("loan_approval", schema=None) as batch:
        batch.drop_constraint(op.f("fk_loan_approval_renewal_id_loan_renewal"), type_="foreignkey")
        batch.drop_column("renewal_id")
    op.drop_table("loan_renewal")
    for name in ("recall_reason", "recalled_at", "renewals"):
        op.drop_column("loan", name)
    op.execute("UPDATE loan_request SET state = 'withdrawn' WHERE state = 'void'")
    op.drop_index("ix_loan_request_pick_up_by", table_name="loan_request")
    for name in ("closing_note", "pick_up_by", "queued"):
        op.drop_column("loan_request", name)


def _widen_requests_and_loans() -> None:
    """Add the columns in place, so that the index over open loans stays as it is."""
    for table, column in (
        ("loan_request", sa.Column("queued", sa.Boolean(), nullable=False, server_default="0")),
        ("loan_request", sa.Column("pick_up_by", sa.Date(), nullable=True)),
        ("loan_request", sa.Column("closing_note", sa.Text(), nullable=False, server_default="")),
        ("loan", sa.Column("renewals", sa.Integer(), nullable=False, server_default="0")),
        ("loan", sa.Column("recalled_at", storage.database.UtcDateTime(), nullable=True)),
        ("loan", sa.Column("recall_reason", sa.Text(), nullable=False, server_default="")),
    ):
        op.add_column(table, column)
    op.create_index("ix_loan_request_pick_up_by", "loan_request", ["pick_up_by"])


def _make_renewals() -> None:
    op.create_table(
        "loan_renewal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("due_before", sa.Date(), nullable=False),
        sa.Column("due_after", sa.Date(), nullable=False),
        sa.Column("asked_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("decided_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"], name="fk_loan_renewal_loan_id_loan"),
        sa.PrimaryKeyConstraint("id", name="pk_loan_renewal"),
    )
    op.create_index("ix_loan_renewal_loan_id", "loan_renewal", ["loan_id"])
    with op.batch_alter_table("loan_approval", schema=None) as batch:
        batch.add_column(sa.Column("renewal_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_loan_approval_renewal_id_loan_renewal"), "loan_renewal", ["renewal_id"], ["id"]
        )


def _make_notices() -> None:
    op.create_table(
        "loan_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("read_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("mailed_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_loan_notice_user_id_user"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["loan_request.id"], name="fk_loan_notice_request_id_loan_request"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_loan_notice"),
        sa.UniqueConstraint("key", name="uq_loan_notice_key"),
    )
    op.create_index("ix_loan_notice_user_id", "loan_notice", ["user_id"])


def _make_feeds() -> None:
    op.create_table(
        "loan_feed",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_loan_feed_user_id_user"),
        sa.PrimaryKeyConstraint("user_id", name="pk_loan_feed"),
        sa.UniqueConstraint("digest", name="uq_loan_feed_digest"),
    )
