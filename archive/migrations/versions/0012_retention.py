"""holds, appraisals, destruction and transfer lists

Revision: 0012
After: 0011
"""

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "appraisal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("leader_id", sa.Integer(), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=False),
        sa.Column("opened_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("decided_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["leader_id"], ["user.id"], name=op.f("fk_appraisal_leader_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["user.id"], name=op.f("fk_appraisal_opened_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["user.id"], name=op.f("fk_appraisal_withdrawn_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appraisal")),
        sa.UniqueConstraint("number", name=op.f("uq_appraisal_number")),
    )
    with op.batch_alter_table("appraisal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appraisal_state"), ["state"], unique=False)

    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=True),
        sa.Column("set_by", sa.Integer(), nullable=False),
        sa.Column("set_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("lifted_by", sa.Integer(), nullable=True),
        sa.Column("lifted_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("lift_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lifted_by"], ["user.id"], name=op.f("fk_legal_hold_lifted_by_user")
        ),
        sa.ForeignKeyConstraint(["set_by"], ["user.id"], name=op.f("fk_legal_hold_set_by_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    with op.batch_alter_table("legal_hold", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_legal_hold_scope"), ["scope"], unique=False)
        batch_op.create_index(batch_op.f("ix_legal_hold_target"), ["target"], unique=False)

    op.create_table(
        "appraisal_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appraisal_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("signed_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["appraisal_id"],
            ["appraisal.id"],
            name=op.f("fk_appraisal_member_appraisal_id_appraisal"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_appraisal_member_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appraisal_member")),
        sa.UniqueConstraint(
            "appraisal_id", "user_id", name=op.f("uq_appraisal_member_appraisal_id_user_id")
        ),
    )
    with op.batch_alter_table("appraisal_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appraisal_member_user_id"), ["user_id"], unique=False)

    op.create_table(
        "disposal_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("appraisal_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("approved_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("cooling_until", sa.Date(), nullable=True),
        sa.Column("cooling_basis", sa.Text(), nullable=False),
        sa.Column("receiver", sa.String(length=120), nullable=False),
        sa.Column("receiver_name", sa.String(length=60), nullable=False),
        sa.Column("carried_by", sa.Integer(), nullable=True),
        sa.Column("carried_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("done_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appraisal_id"], ["appraisal.id"], name=op.f("fk_disposal_list_appraisal_id_appraisal")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["user.id"], name=op.f("fk_disposal_list_approved_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["carried_by"], ["user.id"], name=op.f("fk_disposal_list_carried_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["user.id"], name=op.f("fk_disposal_list_made_by_user")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["user.id"], name=op.f("fk_disposal_list_withdrawn_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposal_list")),
        sa.UniqueConstraint("number", name=op.f("uq_disposal_list_number")),
    )
    with op.batch_alter_table("disposal_list", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_disposal_list_appraisal_id"), ["appraisal_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_disposal_list_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_disposal_list_state"), ["state"], unique=False)

    op.create_table(
        "disposal_witness",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("method", sa.String(length=60), nullable=False),
        sa.Column("location", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["disposal_list.id"],
            name=op.f("fk_disposal_witness_list_id_disposal_list"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_disposal_witness_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposal_witness")),
        sa.UniqueConstraint("list_id", "user_id", name=op.f("uq_disposal_witness_list_id_user_id")),
    )
    op.create_table(
        "appraisal_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appraisal_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Integer(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("base_year", sa.Integer(), nullable=False),
        sa.Column("retention", sa.String(length=4), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("new_term", sa.String(length=4), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["appraisal_id"],
            ["appraisal.id"],
            name=op.f("fk_appraisal_line_appraisal_id_appraisal"),
        ),
        sa.ForeignKeyConstraint(["claim"], ["item.id"], name=op.f("fk_appraisal_line_claim_item")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_appraisal_line_item_id_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appraisal_line")),
        sa.UniqueConstraint(
            "appraisal_id", "item_id", name=op.f("uq_appraisal_line_appraisal_id_item_id")
        ),
        sa.UniqueConstraint("claim", name=op.f("uq_appraisal_line_claim")),
    )
    with op.batch_alter_table("appraisal_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appraisal_line_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_appraisal_line_outcome"), ["outcome"], unique=False)

    op.create_table(
        "disposal_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("retention", sa.String(length=4), nullable=False),
        sa.Column("kept_years", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("shared", sa.JSON(), nullable=False),
        sa.Column("done_at", storage.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["item.id"], name=op.f("fk_disposal_line_item_id_item")
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["disposal_list.id"], name=op.f("fk_disposal_line_list_id_disposal_list")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposal_line")),
        sa.UniqueConstraint("list_id", "item_id", name=op.f("uq_disposal_line_list_id_item_id")),
    )
    with op.batch_alter_table("disposal_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_disposal_line_item_id"), ["item_id"], unique=False)

    op.create_table(
        "item_term",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("base_year", sa.Integer(), nullable=False),
        sa.Column("retention", sa.String(length=4), nullable=False),
        sa.Column("appraisal_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appraisal_id"], ["appraisal.id"], name=op.f("fk_item_term_appraisal_id_appraisal")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_item_term_item_id_item")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_term")),
    )
    op.create_table(
        "appraisal_opinion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("opinion", sa.String(length=10), nullable=False),
        sa.Column("new_term", sa.String(length=4), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["appraisal_line.id"],
            name=op.f("fk_appraisal_opinion_line_id_appraisal_line"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_appraisal_opinion_user_id_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appraisal_opinion")),
        sa.UniqueConstraint(
            "line_id", "user_id", name=op.f("uq_appraisal_opinion_line_id_user_id")
        ),
    )


def downgrade() -> None:
    """Take the schema back to the revision before."""
    op.drop_table("appraisal_opinion")
    op.drop_table("item_term")
    with op.batch_alter_table("disposal_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_disposal_line_item_id"))

    op.drop_table("disposal_line")
    with op.batch_alter_table("appraisal_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appraisal_line_outcome"))
        batch_op.drop_index(batch_op.f("ix_appraisal_line_item_id"))

    op.drop_table("appraisal_line")
    op.drop_table("disposal_witness")
    with op.batch_alter_table("disposal_list", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_disposal_list_state"))
        batch_op.drop_index(batch_op.f("ix_disposal_list_kind"))
        batch_op.drop_index(batch_op.f("ix_disposal_list_appraisal_id"))

    op.drop_table("disposal_list")
    with op.batch_alter_table("appraisal_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appraisal_member_user_id"))

    op.drop_table("appraisal_member")
    with op.batch_alter_table("legal_hold", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_legal_hold_target"))
        batch_op.drop_index(batch_op.f("ix_legal_hold_scope"))

    op.drop_table("legal_hold")
    with op.batch_alter_table("appraisal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appraisal_state"))

    op.drop_table("appraisal")
