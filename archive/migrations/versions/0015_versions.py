"""versions of descriptions, corrections, controlled copies

Revision: 0015
After: 0014
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "controlled_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user.id"], name=op.f("fk_controlled_document_made_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controlled_document")),
        sa.UniqueConstraint("number", name=op.f("uq_controlled_document_number")),
    )
    op.create_table(
        "record_correction",
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Integer(), nullable=True),
        sa.Column("cited_number", sa.String(length=40), nullable=False),
        sa.Column("cited_code", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim"], ["record.id"], name=op.f("fk_record_correction_claim_record")
        ),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["record.id"], name=op.f("fk_record_correction_corrects_id_record")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user.id"], name=op.f("fk_record_correction_made_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name=op.f("fk_record_correction_record_id_record")
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_record_correction")),
        sa.UniqueConstraint("claim", name=op.f("uq_record_correction_claim")),
    )
    with op.batch_alter_table("record_correction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_record_correction_corrects_id"), ["corrects_id"], unique=False
        )

    op.create_table(
        "controlled_refusal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_controlled_refusal_by_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_controlled_refusal_item_id_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controlled_refusal")),
    )
    with op.batch_alter_table("controlled_refusal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_controlled_refusal_item_id"), ["item_id"], unique=False
        )

    op.create_table(
        "controlled_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=20), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=True),
        sa.Column("declared_by", sa.Integer(), nullable=False),
        sa.Column("declared_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["declared_by"], ["user.id"], name=op.f("fk_controlled_version_declared_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["controlled_document.id"],
            name=op.f("fk_controlled_version_document_id_controlled_document"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_controlled_version_item_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["source_sha256"],
            ["stored_file.sha256"],
            name=op.f("fk_controlled_version_source_sha256_stored_file"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controlled_version")),
        sa.UniqueConstraint(
            "document_id", "label", name=op.f("uq_controlled_version_document_id_label")
        ),
        sa.UniqueConstraint(
            "document_id", "valid_from", name=op.f("uq_controlled_version_document_id_valid_from")
        ),
        sa.UniqueConstraint("item_id", name=op.f("uq_controlled_version_item_id")),
    )
    op.create_table(
        "item_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_item_version_by_id_user")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_item_version_item_id_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_version")),
    )
    with op.batch_alter_table("item_version", schema=None) as batch_op:
        batch_op.create_index("ix_item_version_item_at", ["item_id", "at"], unique=False)

    op.create_table(
        "controlled_copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("issued_by", sa.Integer(), nullable=False),
        sa.Column("issued_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("received_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("received_how", sa.String(length=10), nullable=False),
        sa.Column("received_by", sa.Integer(), nullable=True),
        sa.Column("recalled_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("ended_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("ended_how", sa.String(length=10), nullable=False),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
            name=op.f("fk_controlled_copy_department_id_department"),
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["controlled_document.id"],
            name=op.f("fk_controlled_copy_document_id_controlled_document"),
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["user.id"], name=op.f("fk_controlled_copy_ended_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["issued_by"], ["user.id"], name=op.f("fk_controlled_copy_issued_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["user.id"], name=op.f("fk_controlled_copy_person_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["received_by"], ["user.id"], name=op.f("fk_controlled_copy_received_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["stored_file.sha256"], name=op.f("fk_controlled_copy_sha256_stored_file")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["controlled_version.id"],
            name=op.f("fk_controlled_copy_version_id_controlled_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controlled_copy")),
        sa.UniqueConstraint(
            "document_id", "number", name=op.f("uq_controlled_copy_document_id_number")
        ),
    )
    with op.batch_alter_table("controlled_copy", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_controlled_copy_department_id"), ["department_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_controlled_copy_person_id"), ["person_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_controlled_copy_version_id"), ["version_id"], unique=False
        )

    op.create_table(
        "controlled_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("mailed_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["copy_id"],
            ["controlled_copy.id"],
            name=op.f("fk_controlled_notice_copy_id_controlled_copy"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_controlled_notice_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controlled_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_controlled_notice_key")),
    )
    with op.batch_alter_table("controlled_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_controlled_notice_copy_id"), ["copy_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_controlled_notice_user_id"), ["user_id"], unique=False)

    with op.batch_alter_table("record_version", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("kind", sa.String(length=8), server_default="sign", nullable=False)
        )
    op.execute("UPDATE record_version SET kind = 'submit' WHERE reason LIKE '第 % 次提交'")


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("record_version", schema=None) as batch_op:
        batch_op.drop_column("kind")

    with op.batch_alter_table("controlled_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_controlled_notice_user_id"))
        batch_op.drop_index(batch_op.f("ix_controlled_notice_copy_id"))

    op.drop_table("controlled_notice")
    with op.batch_alter_table("controlled_copy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_controlled_copy_version_id"))
        batch_op.drop_index(batch_op.f("ix_controlled_copy_person_id"))
        batch_op.drop_index(batch_op.f("ix_controlled_copy_department_id"))

    op.drop_table("controlled_copy")
    with op.batch_alter_table("item_version", schema=None) as batch_op:
        batch_op.drop_index("ix_item_version_item_at")

    op.drop_table("item_version")
    op.drop_table("controlled_version")
    with op.batch_alter_table("controlled_refusal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_controlled_refusal_item_id"))

    op.drop_table("controlled_refusal")
    with op.batch_alter_table("record_correction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_correction_corrects_id"))

    op.drop_table("record_correction")
    op.drop_table("controlled_document")
