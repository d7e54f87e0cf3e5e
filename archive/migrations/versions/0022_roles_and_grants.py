"""the three separated administrators, and grants

Revision: 0022
After: 0021

Who was administrator holds the system's and the security office until they are separated.
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column(
        "user", sa.Column("awaits_release", sa.Boolean(), nullable=False, server_default="0")
    )
    op.create_table(
        "access_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("thing_id", sa.Integer(), nullable=False),
        sa.Column("given_by", sa.Integer(), nullable=False),
        sa.Column("given_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("withdrawn_by", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("withdrawn_why", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_access_grant_user_id_user"),
        sa.ForeignKeyConstraint(["given_by"], ["user.id"], name="fk_access_grant_given_by_user"),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["user.id"], name="fk_access_grant_withdrawn_by_user"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_access_grant"),
    )
    op.create_index("ix_access_grant_user_id", "access_grant", ["user_id"])
    op.create_index("ix_access_grant_thing", "access_grant", ["kind", "thing_id"])
    op.execute(
        "INSERT INTO role_grant (user_id, role) "
        "SELECT user_id, 'security_admin' FROM role_grant WHERE role = 'admin'"
    )
    op.execute("UPDATE role_grant SET role = 'system_admin' WHERE role = 'admin'")


def downgrade() -> None:
    """Take the schema back: both offices become the one there was; new roles become clerks.

    Who held the audit office, which reads no papers, has no role before: the one called audit
    reads them. Passwords that await release come back to their people, grants end.
    """
    op.execute(
        "INSERT INTO role_grant (user_id, role) SELECT DISTINCT user_id, 'admin' FROM role_grant "
        "WHERE role IN ('system_admin', 'security_admin')"
    )
    op.execute(
        "INSERT INTO role_grant (user_id, role) SELECT DISTINCT user_id, 'clerk' FROM role_grant "
        "WHERE role IN ('quality', 'service') AND user_id NOT IN "
        "(SELECT user_id FROM role_grant WHERE role = 'clerk')"
    )
    op.execute(
        "DELETE FROM role_grant WHERE role IN "
        "('system_admin', 'security_admin', 'audit_admin', 'quality', 'service')"
    )
    op.drop_index("ix_access_grant_thing", table_name="access_grant")
    op.drop_index("ix_access_grant_user_id", table_name="access_grant")
    op.drop_table("access_grant")
    op.drop_column("user", "awaits_release")
