"""company_seals

Revision: 0006
After: 0005

People have a position, and a step of a run says what happens when it is late.
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "company_seal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("image_sha256", sa.String(length=64), nullable=False),
        sa.Column("width_mm", sa.Double(), nullable=False),
        sa.Column("height_mm", sa.Double(), nullable=False),
        sa.Column("keeper_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_sha256"],
            ["stored_file.sha256"],
            name=op.f("fk_company_seal_image_sha256_stored_file"),
        ),
        sa.ForeignKeyConstraint(
            ["keeper_id"], ["user.id"], name=op.f("fk_company_seal_keeper_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_seal")),
        sa.UniqueConstraint("name", name=op.f("uq_company_seal_name")),
    )
    with op.batch_alter_table("company_seal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_company_seal_keeper_id"), ["keeper_id"], unique=False)

    op.create_table(
        "seal_outing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seal_id", sa.Integer(), nullable=False),
        sa.Column("taken_by_id", sa.Integer(), nullable=False),
        sa.Column("approved_by_id", sa.Integer(), nullable=False),
        sa.Column("where_to", sa.String(length=100), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("handed_by_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("back_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("received_by_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["user.id"], name=op.f("fk_seal_outing_approved_by_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["handed_by_id"], ["user.id"], name=op.f("fk_seal_outing_handed_by_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["received_by_id"], ["user.id"], name=op.f("fk_seal_outing_received_by_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["seal_id"], ["company_seal.id"], name=op.f("fk_seal_outing_seal_id_company_seal")
        ),
        sa.ForeignKeyConstraint(
            ["taken_by_id"], ["user.id"], name=op.f("fk_seal_outing_taken_by_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_outing")),
    )
    with op.batch_alter_table("seal_outing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seal_outing_seal_id"), ["seal_id"], unique=False)
        batch_op.create_index(
            "uq_seal_outing_open",
            ["seal_id"],
            unique=True,
            sqlite_where=sa.text("back_at IS NULL"),
            postgresql_where=sa.text("back_at IS NULL"),
        )

    op.create_table(
        "seal_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seal_id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("approved_by", sa.String(length=100), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("copies_approved", sa.Integer(), nullable=False),
        sa.Column("copies_stamped", sa.Integer(), nullable=False),
        sa.Column("across", sa.Boolean(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("width_mm", sa.Double(), nullable=False),
        sa.Column("height_mm", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("done_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("image_sha256", sa.String(length=64), nullable=True),
        sa.Column("pdf_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["user.id"], name=op.f("fk_seal_use_asked_by_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["user.id"], name=op.f("fk_seal_use_done_by_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["image_sha256"],
            ["stored_file.sha256"],
            name=op.f("fk_seal_use_image_sha256_stored_file"),
        ),
        sa.ForeignKeyConstraint(
            ["pdf_sha256"], ["stored_file.sha256"], name=op.f("fk_seal_use_pdf_sha256_stored_file")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name=op.f("fk_seal_use_record_id_record")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["signing_run.id"], name=op.f("fk_seal_use_run_id_signing_run")
        ),
        sa.ForeignKeyConstraint(
            ["seal_id"], ["company_seal.id"], name=op.f("fk_seal_use_seal_id_company_seal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_use")),
    )
    with op.batch_alter_table("seal_use", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seal_use_asked_by_id"), ["asked_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_seal_use_record_id"), ["record_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_seal_use_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_seal_use_seal_id"), ["seal_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_seal_use_state"), ["state"], unique=False)

    with op.batch_alter_table("person_certificate", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seal_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_person_certificate_seal_id"), ["seal_id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_person_certificate_seal_id_company_seal"),
            "company_seal",
            ["seal_id"],
            ["id"],
        )

    op.create_table(
        "person_mark",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("image_sha256", sa.String(length=64), nullable=False),
        sa.Column("kept_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_sha256"],
            ["stored_file.sha256"],
            name=op.f("fk_person_mark_image_sha256_stored_file"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_person_mark_user_id_user")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_person_mark")),
    )

    with op.batch_alter_table("signing_step", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("late", sa.String(length=10), nullable=False, server_default="remind")
        )

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("position", sa.String(length=40), nullable=False, server_default="")
        )
        batch_op.create_index(batch_op.f("ix_user_position"), ["position"], unique=False)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_position"))
        batch_op.drop_column("position")

    with op.batch_alter_table("signing_step", schema=None) as batch_op:
        batch_op.drop_column("late")

    op.drop_table("person_mark")

    with op.batch_alter_table("person_certificate", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_person_certificate_seal_id_company_seal"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_person_certificate_seal_id"))
        batch_op.drop_column("seal_id")

    with op.batch_alter_table("seal_use", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seal_use_state"))
        batch_op.drop_index(batch_op.f("ix_seal_use_seal_id"))
        batch_op.drop_index(batch_op.f("ix_seal_use_run_id"))
        batch_op.drop_index(batch_op.f("ix_seal_use_record_id"))
        batch_op.drop_index(batch_op.f("ix_seal_use_asked_by_id"))

    op.drop_table("seal_use")
    with op.batch_alter_table("seal_outing", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_seal_outing_open",
            sqlite_where=sa.text("back_at IS NULL"),
            postgresql_where=sa.text("back_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_seal_outing_seal_id"))

    op.drop_table("seal_outing")
    with op.batch_alter_table("company_seal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_company_seal_keeper_id"))

    op.drop_table("company_seal")
