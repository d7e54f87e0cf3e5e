"""places, moves between them, stocktakes

Revision: 0011
After: 0010

Where copies stand becomes a tree of places; a text that names no place plainly stays a text.
"""

import re

import sqlalchemy as sa
from alembic import op

import storage.database

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LEVELS = ("room", "row", "bay", "shelf")


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "storage_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("path", sa.String(length=80), nullable=False),
        sa.Column("lineage", sa.String(length=80), nullable=False),
        sa.Column("barcode", sa.String(length=20), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("created_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("closed_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["storage_place.id"],
            name=op.f("fk_storage_place_parent_id_storage_place"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_place")),
        sa.UniqueConstraint("barcode", name=op.f("uq_storage_place_barcode")),
        sa.UniqueConstraint("path", name=op.f("uq_storage_place_path")),
    )
    with op.batch_alter_table("storage_place", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_storage_place_lineage"), ["lineage"], unique=False)
        batch_op.create_index(batch_op.f("ix_storage_place_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "stocktake",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("scope_kind", sa.String(length=8), nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=True),
        sa.Column("scope_text", sa.String(length=240), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("secrecy", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Integer(), nullable=False),
        sa.Column("opened_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("journal_seq", sa.Integer(), nullable=False),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.Column("ended_at", storage.database.UtcDateTime(), nullable=True),
        sa.Column("end_note", sa.Text(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["ended_by"], ["user.id"], name=op.f("fk_stocktake_ended_by_user")),
        sa.ForeignKeyConstraint(
            ["opened_by"], ["user.id"], name=op.f("fk_stocktake_opened_by_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stocktake")),
        sa.UniqueConstraint("number", name=op.f("uq_stocktake_number")),
    )
    with op.batch_alter_table("stocktake", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stocktake_state"), ["state"], unique=False)

    op.create_table(
        "stocktake_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stocktake_id", sa.Integer(), nullable=False),
        sa.Column("barcode", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("home_text", sa.String(length=80), nullable=False),
        sa.Column("seen_text", sa.String(length=80), nullable=False),
        sa.Column("decision", sa.String(length=12), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_stocktake_decision_by_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["stocktake_id"],
            ["stocktake.id"],
            name=op.f("fk_stocktake_decision_stocktake_id_stocktake"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stocktake_decision")),
        sa.UniqueConstraint(
            "stocktake_id",
            "barcode",
            "kind",
            name=op.f("uq_stocktake_decision_stocktake_id_barcode_kind"),
        ),
    )
    op.create_table(
        "copy_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=True),
        sa.Column("box_id", sa.Integer(), nullable=True),
        sa.Column("from_id", sa.Integer(), nullable=True),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.Column("from_text", sa.String(length=80), nullable=False),
        sa.Column("to_text", sa.String(length=80), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id"], ["storage_place.id"], name=op.f("fk_copy_move_box_id_storage_place")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_copy_move_by_id_user")),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["item_copy.id"], name=op.f("fk_copy_move_copy_id_item_copy")
        ),
        sa.ForeignKeyConstraint(
            ["from_id"], ["storage_place.id"], name=op.f("fk_copy_move_from_id_storage_place")
        ),
        sa.ForeignKeyConstraint(
            ["to_id"], ["storage_place.id"], name=op.f("fk_copy_move_to_id_storage_place")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy_move")),
    )
    with op.batch_alter_table("copy_move", schema=None) as batch_op:
        batch_op.create_index("ix_copy_move_at", ["at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_copy_move_box_id"), ["box_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_copy_move_copy_id"), ["copy_id"], unique=False)

    op.create_table(
        "stocktake_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stocktake_id", sa.Integer(), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Integer(), nullable=True),
        sa.Column("barcode", sa.String(length=20), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("location", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim"], ["item_copy.id"], name=op.f("fk_stocktake_line_claim_item_copy")
        ),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["item_copy.id"], name=op.f("fk_stocktake_line_copy_id_item_copy")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["storage_place.id"],
            name=op.f("fk_stocktake_line_place_id_storage_place"),
        ),
        sa.ForeignKeyConstraint(
            ["stocktake_id"],
            ["stocktake.id"],
            name=op.f("fk_stocktake_line_stocktake_id_stocktake"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stocktake_line")),
        sa.UniqueConstraint("claim", name=op.f("uq_stocktake_line_claim")),
        sa.UniqueConstraint(
            "stocktake_id", "copy_id", name=op.f("uq_stocktake_line_stocktake_id_copy_id")
        ),
    )
    with op.batch_alter_table("stocktake_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stocktake_line_copy_id"), ["copy_id"], unique=False)

    op.create_table(
        "stocktake_scan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stocktake_id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("barcode", sa.String(length=40), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=True),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("place_text", sa.String(length=80), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("home_text", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("seen_at", storage.database.UtcDateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", storage.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_stocktake_scan_by_id_user")),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["item_copy.id"], name=op.f("fk_stocktake_scan_copy_id_item_copy")
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["storage_place.id"], name=op.f("fk_stocktake_scan_home_id_storage_place")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["storage_place.id"],
            name=op.f("fk_stocktake_scan_place_id_storage_place"),
        ),
        sa.ForeignKeyConstraint(
            ["stocktake_id"],
            ["stocktake.id"],
            name=op.f("fk_stocktake_scan_stocktake_id_stocktake"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stocktake_scan")),
        sa.UniqueConstraint(
            "stocktake_id", "client_id", name=op.f("uq_stocktake_scan_stocktake_id_client_id")
        ),
    )
    with op.batch_alter_table("stocktake_scan", schema=None) as batch_op:
        batch_op.create_index(
            "ix_stocktake_scan_barcode", ["stocktake_id", "barcode"], unique=False
        )

    with op.batch_alter_table("item_copy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_item_copy_place_id"), ["place_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_item_copy_place_id_storage_place"), "storage_place", ["place_id"], ["id"]
        )

    _grow_tree()


def _grow_tree() -> None:
    """Make the places that the copies' texts name, and say on each copy which one it is."""
    connection = op.get_bind()
    copies = sa.table(
        "item_copy", sa.column("location", sa.Text), sa.column("place_id", sa.Integer)
    )
    texts = connection.scalars(
        sa.select(copies.c.location).where(copies.c.location != "").distinct()
    ).all()
    known: dict[str, tuple[int, str]] = {}
    for text in sorted(texts):
        steps = _steps(text)
        if not steps:
            continue
        place = None
        for kind, name, path in steps:
            known[path] = place = known.get(path) or _add(
                connection, place, kind, name, path, len(known) + 1
            )
        connection.execute(
            sa.update(copies).where(copies.c.location == text).values(place_id=place[0])
        )
    if known and connection.dialect.name == "postgresql":
        connection.execute(
            sa.text("SELECT setval(pg_get_serial_sequence('storage_place', 'id'), :last)"),
            {"last": len(known)},
        )


def _add(connection, above, kind, name, path, number) -> tuple[int, str]:
    digits = f"{number:09d}"
    connection.execute(
        sa.text(
            "INSERT INTO storage_place (id, parent_id, kind, name, path, lineage, barcode, "
            "created_at, row_version) "
            "VALUES (:id, :above, :kind, :name, :path, :lineage, :barcode, CURRENT_TIMESTAMP, 1)"
        ),
        {
            "id": number,
            "above": above[0] if above else None,
            "kind": kind,
            "name": name,
            "path": path,
            "lineage": f"{above[1] if above else '/'}{number}/",
            "barcode": f"P{digits}{_check_digit(digits)}",
        },
    )
    return number, f"{above[1] if above else '/'}{number}/"


def _steps(text: str) -> list[tuple[str, str, str]]:
    """Read 库房一-02-03-04 盒12 as its places from the room down; empty when it is none."""
    shelf, _, box = text.partition(" 盒")
    names = shelf.split("-")
    if len(text) > 80 or len(names) > len(LEVELS) or (" 盒" in text and not box):
        return []
    for name in [*names, *([box] if box else [])]:
        if not 1 <= len(name) <= 20 or name.startswith("盒") or re.search(r"[\s\-]", name):
            return []
    steps = [
        (kind, name, "-".join(names[: at + 1]))
        for at, (kind, name) in enumerate(zip(LEVELS, names, strict=False))
    ]
    return steps + ([("box", box, text)] if box else [])


def _check_digit(digits: str) -> str:
    product = 10
    for digit in digits:
        product = (product + int(digit)) % 10 or 10
        product = product * 2 % 11
    return str((11 - product) % 10)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("item_copy", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_item_copy_place_id_storage_place"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_item_copy_place_id"))
        batch_op.drop_column("place_id")

    with op.batch_alter_table("stocktake_scan", schema=None) as batch_op:
        batch_op.drop_index("ix_stocktake_scan_barcode")

    op.drop_table("stocktake_scan")
    with op.batch_alter_table("stocktake_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stocktake_line_copy_id"))

    op.drop_table("stocktake_line")
    with op.batch_alter_table("copy_move", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_copy_move_copy_id"))
        batch_op.drop_index(batch_op.f("ix_copy_move_box_id"))
        batch_op.drop_index("ix_copy_move_at")

    op.drop_table("copy_move")
    op.drop_table("stocktake_decision")
    with op.batch_alter_table("stocktake", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stocktake_state"))

    op.drop_table("stocktake")
    with op.batch_alter_table("storage_place", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_storage_place_parent_id"))
        batch_op.drop_index(batch_op.f("ix_storage_place_lineage"))

    op.drop_table("storage_place")
