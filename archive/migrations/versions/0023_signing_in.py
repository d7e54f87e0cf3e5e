"""signing in: sessions with their way, tokens with their scope, second factor, log, notices

Revision: 0023
After: 0022
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision; tokens given out before may read and write."""
    with op.batch_alter_table("api_token", schema=None) as batch:
        batch.add_column(sa.Column("name", sa.String(length=60), nullable=False, server_default=""))
        batch.add_column(
            sa.Column("scope", sa.String(length=10), nullable=False, server_default="write")
        )
        batch.add_column(sa.Column("used_at", storage.database.UtcDateTime(), nullable=True))
    with op.batch_alter_table("login_session", schema=None) as batch:
        batch.add_column(
            sa.Column("method", sa.String(length=12), nullable=False, server_default="password")
        )
        batch.add_column(
            sa.Column("is_strong", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    for table, columns in (
        ("api_token", ("name", "scope")),
        ("login_session", ("method", "is_strong")),
    ):
        with op.batch_alter_table(table, schema=None) as batch:
            for column in columns:
                batch.alter_column(column, server_default=None)
    op.create_table(
        "account_lock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("until", storage.database.UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_account_lock_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_lock")),
    )
    op.create_index("ix_account_lock_who", "account_lock", ["user_id", "until"], unique=False)
    op.create_table(
        "account_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("mailed_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("read_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_account_notice_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_notice")),
    )
    op.create_index("ix_account_notice_who", "account_notice", ["user_id", "read_at"], unique=False)
    op.create_table(
        "outside_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("bound_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_outside_identity_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_identity")),
        sa.UniqueConstraint(
            "provider", "subject", name=op.f("uq_outside_identity_provider_subject")
        ),
        sa.UniqueConstraint(
            "user_id", "provider", name=op.f("uq_outside_identity_user_id_provider")
        ),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_recovery_code_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint(
            "user_id", "code_hash", name=op.f("uq_recovery_code_user_id_code_hash")
        ),
    )
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("locked_until", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_second_factor_user_id_user")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "sign_in_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("method", sa.String(length=12), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("refusal", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_sign_in_entry_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_entry")),
    )
    op.create_index(op.f("ix_sign_in_entry_at"), "sign_in_entry", ["at"], unique=False)
    op.create_index("ix_sign_in_entry_where", "sign_in_entry", ["address", "at"], unique=False)
    op.create_index("ix_sign_in_entry_who", "sign_in_entry", ["user_id", "id"], unique=False)
    op.create_table(
        "sign_in_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=12), nullable=False),
        sa.Column("expires_at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_sign_in_step_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_step")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_step_token_hash")),
    )
    op.create_index(
        op.f("ix_sign_in_step_expires_at"), "sign_in_step", ["expires_at"], unique=False
    )
    op.create_index(op.f("ix_sign_in_step_user_id"), "sign_in_step", ["user_id"], unique=False)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_index(op.f("ix_sign_in_step_user_id"), table_name="sign_in_step")
    op.drop_index(op.f("ix_sign_in_step_expires_at"), table_name="sign_in_step")
    op.drop_table("sign_in_step")
    op.drop_index("ix_sign_in_entry_who", table_name="sign_in_entry")
    op.drop_index("ix_sign_in_entry_where", table_name="sign_in_entry")
    op.drop_index(op.f("ix_sign_in_entry_at"), table_name="sign_in_entry")
    op.drop_table("sign_in_entry")
    op.drop_table("second_factor")
    op.drop_table("recovery_code")
    op.drop_table("outside_identity")
    op.drop_index("ix_account_notice_who", table_name="account_notice")
    op.drop_table("account_notice")
    op.drop_index("ix_account_lock_who", table_name="account_lock")
    op.drop_table("account_lock")
    with op.batch_alter_table("login_session", schema=None) as batch:
        batch.drop_column("is_strong")
        batch.drop_column("method")
    with op.batch_alter_table("api_token", schema=None) as batch:
        batch.drop_column("used_at")
        batch.drop_column("scope")
        batch.drop_column("name")
