"""four-property checks, quarantine, blobs verified

Revision: 0013
After: 0012
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "blob_check",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("checked_at", storage.database.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob_check")),
    )
    with op.batch_alter_table("blob_check", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blob_check_checked_at"), ["checked_at"], unique=False)

    op.create_table(
        "file_content",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("inspector", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("signature", sa.JSON(), nullable=True),
        sa.Column("looked_at", storage.database.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_file_content")),
    )
    op.create_table(
        "check_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("scheme", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("volume_id", sa.Integer(), nullable=True),
        sa.Column("started_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("ended_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("day", sa.String(length=10), nullable=True),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("stops", sa.Boolean(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_check_run_by_id_user")),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volume.id"], name=op.f("fk_check_run_volume_id_volume")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_run")),
        sa.UniqueConstraint("day", name=op.f("uq_check_run_day")),
    )
    with op.batch_alter_table("check_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_check_run_stage"), ["stage"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_run_volume_id"), ["volume_id"], unique=False)

    op.create_table(
        "check_finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("is_good", sa.Boolean(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["user.id"], name=op.f("fk_check_finding_confirmed_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_check_finding_item_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name=op.f("fk_check_finding_record_id_record")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["check_run.id"], name=op.f("fk_check_finding_run_id_check_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_finding")),
    )
    with op.batch_alter_table("check_finding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_check_finding_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_finding_run_id"), ["run_id"], unique=False)

    op.create_table(
        "item_fixity",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("checked_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_item_fixity_item_id_item")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["check_run.id"], name=op.f("fk_item_fixity_run_id_check_run")
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_fixity")),
    )
    with op.batch_alter_table("item_fixity", schema=None) as batch_op:
        batch_op.create_index("ix_item_fixity_checked", ["checked_at"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("holds", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("codes", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("put_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("accept_reason", sa.Text(), nullable=False),
        sa.Column("accept_by", sa.Integer(), nullable=True),
        sa.Column("accept_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("released_how", sa.String(length=12), nullable=False),
        sa.Column("released_by", sa.Integer(), nullable=True),
        sa.Column("released_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["accept_by"], ["user.id"], name=op.f("fk_quarantine_accept_by_user")
        ),
        sa.ForeignKeyConstraint(["holds"], ["item.id"], name=op.f("fk_quarantine_holds_item")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_quarantine_item_id_item")),
        sa.ForeignKeyConstraint(
            ["released_by"], ["user.id"], name=op.f("fk_quarantine_released_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["check_run.id"], name=op.f("fk_quarantine_run_id_check_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("holds", name=op.f("uq_quarantine_holds")),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quarantine_item_id"), ["item_id"], unique=False)

    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_journal_entry_at"), ["at"], unique=False)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journal_entry_at"))

    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quarantine_item_id"))

    op.drop_table("quarantine")
    with op.batch_alter_table("item_fixity", schema=None) as batch_op:
        batch_op.drop_index("ix_item_fixity_checked")

    op.drop_table("item_fixity")
    with op.batch_alter_table("check_finding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_check_finding_run_id"))
        batch_op.drop_index(batch_op.f("ix_check_finding_item_id"))

    op.drop_table("check_finding")
    with op.batch_alter_table("check_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_check_run_volume_id"))
        batch_op.drop_index(batch_op.f("ix_check_run_stage"))

    op.drop_table("check_run")
    op.drop_table("file_content")
    with op.batch_alter_table("blob_check", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blob_check_checked_at"))

    op.drop_table("blob_check")
