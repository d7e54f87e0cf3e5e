"""electronic_views

Revision: 0019
After: 0017

A lending rule says what an electronic view gives besides the pages on the screen; incidents.
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

PRINT_ONCE = "可打印 1 份"


def upgrade() -> None:
    """Bring the schema to this revision."""
    with op.batch_alter_table("loan_rule", schema=None) as batch:
        batch.add_column(sa.Column("prints", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(
            sa.Column("download", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    rules = sa.table("loan_rule", *(sa.column(name) for name in ("prints", "conditions")))
    once = rules.c.conditions == PRINT_ONCE
    op.execute(sa.update(rules).where(once).values(prints=1))
    with op.batch_alter_table("loan_rule", schema=None) as batch:
        batch.alter_column("prints", existing_type=sa.Integer(), server_default=None)
        batch.alter_column("download", existing_type=sa.Boolean(), server_default=None)
    _make_grants()
    _make_sheets()
    _make_incidents()


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.execute("UPDATE item_copy SET status = 'missing' WHERE status = 'lost'")
    op.drop_table("loan_incident")
    op.drop_table("loan_sheet")
    op.drop_table("loan_page_seen")
    op.drop_table("loan_grant")
    with op.batch_alter_table("loan_rule", schema=None) as batch:
        batch.drop_column("download")
        batch.drop_column("prints")


def _make_grants() -> None:
    op.create_table(
        "loan_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("borrower_id", sa.Integer(), nullable=False),
        sa.Column("secrecy", sa.Integer(), nullable=False),
        sa.Column("opens_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("until", storage.database.UtcDateTime(), nullable=False),
        sa.Column("prints", sa.Integer(), nullable=False),
        sa.Column("may_download", sa.Boolean(), nullable=False),
        sa.Column("ended_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["user.id"], name=op.f("fk_loan_grant_borrower_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["user.id"], name=op.f("fk_loan_grant_ended_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["loan_request.id"], name=op.f("fk_loan_grant_request_id_loan_request")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_grant")),
        sa.UniqueConstraint("request_id", name=op.f("uq_loan_grant_request_id")),
    )
    with op.batch_alter_table("loan_grant", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_loan_grant_borrower_id"), ["borrower_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_loan_grant_until"), ["until"], unique=False)
    op.create_table(
        "loan_page_seen",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["loan_grant.id"], name=op.f("fk_loan_page_seen_grant_id_loan_grant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_page_seen")),
    )
    with op.batch_alter_table("loan_page_seen", schema=None) as batch_op:
        batch_op.create_index("ix_loan_page_seen_grant", ["grant_id", "id"], unique=False)


def _make_sheets() -> None:
    op.create_table(
        "loan_sheet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=True),
        sa.Column("pages", sa.String(length=200), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("stamp", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=False),
        sa.Column("asked_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("done_by", sa.Integer(), nullable=True),
        sa.Column("done_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["user.id"], name=op.f("fk_loan_sheet_asked_by_user")
        ),
        sa.ForeignKeyConstraint(["done_by"], ["user.id"], name=op.f("fk_loan_sheet_done_by_user")),
        sa.ForeignKeyConstraint(["made_by"], ["user.id"], name=op.f("fk_loan_sheet_made_by_user")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["loan_request.id"], name=op.f("fk_loan_sheet_request_id_loan_request")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_sheet")),
        sa.UniqueConstraint("number", name=op.f("uq_loan_sheet_number")),
    )
    with op.batch_alter_table("loan_sheet", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_sheet_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_sheet_sha256"), ["sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_sheet_state"), ["state"], unique=False)


def _make_incidents() -> None:
    op.create_table(
        "loan_incident",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("loan_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("opened_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=True),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("responsible", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("closed_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("closed_by", sa.Integer(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["user.id"], name=op.f("fk_loan_incident_closed_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["loan_id"], ["loan.id"], name=op.f("fk_loan_incident_loan_id_loan")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["user.id"], name=op.f("fk_loan_incident_opened_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_incident")),
        sa.UniqueConstraint("loan_id", "kind", name=op.f("uq_loan_incident_loan_id_kind")),
        sa.UniqueConstraint("number", name=op.f("uq_loan_incident_number")),
    )
    with op.batch_alter_table("loan_incident", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_incident_closed_at"), ["closed_at"])
        batch_op.create_index(batch_op.f("ix_loan_incident_opened_at"), ["opened_at"])
