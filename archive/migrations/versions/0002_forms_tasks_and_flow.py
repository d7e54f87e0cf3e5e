"""forms_tasks_and_flow

Revision: 0002
After: 0001
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "form_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("template", sa.LargeBinary(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("template_digest", sa.String(length=64), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("remarks", sa.JSON(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("published_by", sa.Integer(), nullable=True),
        sa.Column("published_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("retired_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user.id"], name=op.f("fk_form_version_made_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["published_by"], ["user.id"], name=op.f("fk_form_version_published_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_version")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_form_version_code_version")),
    )
    with op.batch_alter_table("form_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_form_version_code"), ["code"], unique=False)
        batch_op.create_index(batch_op.f("ix_form_version_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_form_version_state"), ["state"], unique=False)

    op.create_table(
        "opinion_phrase",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(length=100), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user.id"], name=op.f("fk_opinion_phrase_owner_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion_phrase")),
    )
    with op.batch_alter_table("opinion_phrase", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opinion_phrase_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "own_certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("certificate_pem", sa.Text(), nullable=False),
        sa.Column("pkcs12", sa.LargeBinary(), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("not_before", storage.database.UtcDateTime(), nullable=False),
        sa.Column("not_after", storage.database.UtcDateTime(), nullable=False),
        sa.Column("registered_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_own_certificate_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_certificate")),
    )
    with op.batch_alter_table("own_certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_own_certificate_serial"), ["serial"], unique=False)
        batch_op.create_index(batch_op.f("ix_own_certificate_user_id"), ["user_id"], unique=False)

    op.create_table(
        "signing_delegation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("form_code", sa.String(length=40), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("ended_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["user.id"], name=op.f("fk_signing_delegation_agent_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user.id"], name=op.f("fk_signing_delegation_owner_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_delegation")),
    )
    with op.batch_alter_table("signing_delegation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_signing_delegation_agent_id"), ["agent_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_signing_delegation_owner_id"), ["owner_id"], unique=False
        )

    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("memory", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("started_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("ended_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("heartbeat_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_task_owner_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index("ix_task_owner", ["owner_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_state"), ["state"], unique=False)

    op.create_table(
        "task_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"], ["stored_file.sha256"], name=op.f("fk_task_file_sha256_stored_file")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_file_task_id_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_file")),
        sa.UniqueConstraint("task_id", "role", "n", name=op.f("uq_task_file_task_id_role_n")),
    )
    with op.batch_alter_table("task_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_file_sha256"), ["sha256"], unique=False)

    op.create_table(
        "paper_proof",
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("pdf_sha256", sa.String(length=64), nullable=False),
        sa.Column("wanted", sa.String(length=5), nullable=False),
        sa.Column("level", sa.String(length=5), nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("stamps_until", storage.database.UtcDateTime(), nullable=True),
        sa.Column("noted_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("tried_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name=op.f("fk_paper_proof_record_id_record")
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_paper_proof")),
    )
    with op.batch_alter_table("paper_proof", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_paper_proof_stamps_until"), ["stamps_until"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_paper_proof_waiting"), ["waiting"], unique=False)

    op.create_table(
        "record_picture",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user.id"], name=op.f("fk_record_picture_made_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name=op.f("fk_record_picture_record_id_record")
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["stored_file.sha256"], name=op.f("fk_record_picture_sha256_stored_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_picture")),
        sa.UniqueConstraint("record_id", "sha256", name=op.f("uq_record_picture_record_id_sha256")),
    )
    with op.batch_alter_table("record_picture", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_record_picture_record_id"), ["record_id"], unique=False
        )

    op.create_table(
        "verify_code",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name=op.f("fk_verify_code_record_id_record")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_verify_code")),
        sa.UniqueConstraint("record_id", "round", name=op.f("uq_verify_code_record_id_round")),
    )
    op.create_table(
        "signing_copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("sent_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("read_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_signing_copy_by_id_user")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["user.id"], name=op.f("fk_signing_copy_person_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["signing_run.id"], name=op.f("fk_signing_copy_run_id_signing_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_copy")),
        sa.UniqueConstraint("run_id", "person_id", name=op.f("uq_signing_copy_run_id_person_id")),
    )
    with op.batch_alter_table("signing_copy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signing_copy_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signing_copy_run_id"), ["run_id"], unique=False)

    op.create_table(
        "signing_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("candidate", sa.String(length=80), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("allow_same", sa.Boolean(), nullable=False),
        sa.Column("issues", sa.Boolean(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["signing_run.id"], name=op.f("fk_signing_step_run_id_signing_run")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_step")),
        sa.UniqueConstraint("run_id", "seq", name=op.f("uq_signing_step_run_id_seq")),
    )
    with op.batch_alter_table("signing_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signing_step_run_id"), ["run_id"], unique=False)

    op.create_table(
        "signing_reminder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_signing_reminder_by_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["signing_task.id"], name=op.f("fk_signing_reminder_task_id_signing_task")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_reminder")),
    )
    with op.batch_alter_table("signing_reminder", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signing_reminder_task_id"), ["task_id"], unique=False)

    with op.batch_alter_table("signing_act", schema=None) as batch_op:
        batch_op.add_column(sa.Column("on_behalf_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("other_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("before_sha256", sa.String(length=64), nullable=True))
        batch_op.add_column(
            sa.Column("content_digest", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("filled", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.create_foreign_key(
            batch_op.f("fk_signing_act_other_id_user"), "user", ["other_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_signing_act_before_sha256_stored_file"),
            "stored_file",
            ["before_sha256"],
            ["sha256"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_signing_act_on_behalf_id_user"), "user", ["on_behalf_id"], ["id"]
        )

    with op.batch_alter_table("signing_run", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("flow_version", sa.Integer(), nullable=False, server_default="1")
        )

    with op.batch_alter_table("signing_task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("slot", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("pass_no", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(
            sa.Column("kind", sa.String(length=10), nullable=False, server_default="normal")
        )
        batch_op.add_column(sa.Column("parent_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("owner_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("is_proxy", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("due_at", storage.database.UtcDateTime(), nullable=True))
        batch_op.add_column(
            sa.Column("outcome", sa.String(length=20), nullable=False, server_default="")
        )
        batch_op.drop_constraint(batch_op.f("uq_signing_task_run_id_seq"), type_="unique")
        batch_op.create_index("ix_signing_task_inbox", ["assignee_id", "state"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_signing_task_owner_id_user"), "user", ["owner_id"], ["id"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_signing_task_parent_id_signing_task"),
            "signing_task",
            ["parent_id"],
            ["id"],
        )

    op.execute("UPDATE signing_task SET slot = seq")
    op.execute("UPDATE signing_task SET outcome = 'approve' WHERE state = 'done'")
    op.execute(
        "INSERT INTO signing_step (run_id, seq, role, candidate, mode, needed, state, note,"
        " allow_same, issues, days) SELECT run_id, seq, role, '', 'one', 1,"
        " CASE state WHEN 'cancelled' THEN 'waiting' ELSE state END, '', false, false, 0 FROM signing_task"
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("signing_task", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_signing_task_parent_id_signing_task"), type_="foreignkey"
        )
        batch_op.drop_constraint(batch_op.f("fk_signing_task_owner_id_user"), type_="foreignkey")
        batch_op.drop_index("ix_signing_task_inbox")
        batch_op.create_unique_constraint(
            batch_op.f("uq_signing_task_run_id_seq"), ["run_id", "seq"]
        )
        batch_op.drop_column("outcome")
        batch_op.drop_column("due_at")
        batch_op.drop_column("is_proxy")
        batch_op.drop_column("owner_id")
        batch_op.drop_column("parent_id")
        batch_op.drop_column("kind")
        batch_op.drop_column("pass_no")
        batch_op.drop_column("slot")

    with op.batch_alter_table("signing_run", schema=None) as batch_op:
        batch_op.drop_column("flow_version")

    with op.batch_alter_table("signing_act", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_signing_act_on_behalf_id_user"), type_="foreignkey")
        batch_op.drop_constraint(
            batch_op.f("fk_signing_act_before_sha256_stored_file"), type_="foreignkey"
        )
        batch_op.drop_constraint(batch_op.f("fk_signing_act_other_id_user"), type_="foreignkey")
        batch_op.drop_column("filled")
        batch_op.drop_column("content_digest")
        batch_op.drop_column("before_sha256")
        batch_op.drop_column("other_id")
        batch_op.drop_column("on_behalf_id")

    with op.batch_alter_table("signing_reminder", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signing_reminder_task_id"))

    op.drop_table("signing_reminder")
    with op.batch_alter_table("signing_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signing_step_run_id"))

    op.drop_table("signing_step")
    with op.batch_alter_table("signing_copy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signing_copy_run_id"))
        batch_op.drop_index(batch_op.f("ix_signing_copy_person_id"))

    op.drop_table("signing_copy")
    op.drop_table("verify_code")
    with op.batch_alter_table("record_picture", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_picture_record_id"))

    op.drop_table("record_picture")
    with op.batch_alter_table("paper_proof", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_paper_proof_waiting"))
        batch_op.drop_index(batch_op.f("ix_paper_proof_stamps_until"))

    op.drop_table("paper_proof")
    with op.batch_alter_table("task_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_file_sha256"))

    op.drop_table("task_file")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_state"))
        batch_op.drop_index("ix_task_owner")

    op.drop_table("task")
    with op.batch_alter_table("signing_delegation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signing_delegation_owner_id"))
        batch_op.drop_index(batch_op.f("ix_signing_delegation_agent_id"))

    op.drop_table("signing_delegation")
    with op.batch_alter_table("own_certificate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_own_certificate_user_id"))
        batch_op.drop_index(batch_op.f("ix_own_certificate_serial"))

    op.drop_table("own_certificate")
    with op.batch_alter_table("opinion_phrase", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opinion_phrase_owner_id"))

    op.drop_table("opinion_phrase")
    with op.batch_alter_table("form_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_form_version_state"))
        batch_op.drop_index(batch_op.f("ix_form_version_digest"))
        batch_op.drop_index(batch_op.f("ix_form_version_code"))

    op.drop_table("form_version")
