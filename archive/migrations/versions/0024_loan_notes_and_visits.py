"""loan notes, baskets, outsiders' visits, approvals by a delegate

Revision: 0024
After: 0023
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

NEW = {"group_id": "loan_group", "volume_id": "volume", "visit_id": "loan_visit"}


def upgrade() -> None:
    """Bring the schema to this revision."""
    _make_group()
    _make_visit()
    _make_basket()
    with op.batch_alter_table("loan_request", schema=None) as batch:
        for name, table in NEW.items():
            batch.add_column(sa.Column(name, sa.Integer(), nullable=True))
            batch.create_foreign_key(f"fk_loan_request_{name}_{table}", table, [name], ["id"])
        batch.add_column(sa.Column("wanted_until", sa.Date(), nullable=True))
        for name in ("group_id", "visit_id"):
            batch.create_index(f"ix_loan_request_{name}", [name], unique=False)
    with op.batch_alter_table("loan_approval", schema=None) as batch:
        batch.add_column(sa.Column("decided_by", sa.Integer(), nullable=True))
        batch.create_foreign_key("fk_loan_approval_decided_by_user", "user", ["decided_by"], ["id"])


def _make_group() -> None:
    op.create_table(
        "loan_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("borrower_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=12), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("business_reference", sa.String(length=200), nullable=False),
        sa.Column("wanted_until", sa.Date(), nullable=True),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["borrower_id"], ["user.id"], name=op.f("fk_loan_group_borrower_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_group")),
        sa.UniqueConstraint("number", name=op.f("uq_loan_group_number")),
    )
    op.create_index("ix_loan_group_borrower_id", "loan_group", ["borrower_id"], unique=False)


def _make_visit() -> None:
    op.create_table(
        "loan_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("unit", sa.String(length=120), nullable=False),
        sa.Column("letter_number", sa.String(length=60), nullable=False),
        sa.Column("letter_sha256", sa.String(length=64), nullable=True),
        sa.Column("letter_type", sa.String(length=60), nullable=False),
        sa.Column("id_kind", sa.String(length=20), nullable=False),
        sa.Column("id_number", sa.String(length=40), nullable=False),
        sa.Column("companion_id", sa.Integer(), nullable=False),
        sa.Column("noted_by", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("began_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("ended_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["letter_sha256"],
            ["stored_file.sha256"],
            name=op.f("fk_loan_visit_letter_sha256_stored_file"),
        ),
        sa.ForeignKeyConstraint(
            ["companion_id"], ["user.id"], name=op.f("fk_loan_visit_companion_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["noted_by"], ["user.id"], name=op.f("fk_loan_visit_noted_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_visit")),
        sa.UniqueConstraint("number", name=op.f("uq_loan_visit_number")),
    )
    for name in ("companion_id", "began_at"):
        op.create_index(f"ix_loan_visit_{name}", "loan_visit", [name], unique=False)


def _make_basket() -> None:
    op.create_table(
        "loan_basket_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("volume_id", sa.Integer(), nullable=True),
        sa.Column("added_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_loan_basket_line_user_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_loan_basket_line_item_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volume.id"], name=op.f("fk_loan_basket_line_volume_id_volume")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan_basket_line")),
        sa.UniqueConstraint("user_id", "item_id", name=op.f("uq_loan_basket_line_user_id_item_id")),
    )
    op.create_index("ix_loan_basket_line_user_id", "loan_basket_line", ["user_id"], unique=False)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("loan_approval", schema=None) as batch:
        batch.drop_constraint("fk_loan_approval_decided_by_user", type_="foreignkey")
        batch.drop_column("decided_by")
    with op.batch_alter_table("loan_request", schema=None) as batch:
        for name in ("group_id", "visit_id"):
            batch.drop_index(f"ix_loan_request_{name}")
        batch.drop_column("wanted_until")
        for name, table in NEW.items():
            batch.drop_constraint(f"fk_loan_request_{name}_{table}", type_="foreignkey")
            batch.drop_column(name)
    op.drop_table("loan_basket_line")
    op.drop_table("loan_visit")
    op.drop_table("loan_group")
