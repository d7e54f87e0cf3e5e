"""Rows of the places papers stand at, and of every move between them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class PlaceKind(StrEnum):
    """A level of the storeroom; ``label`` is shown."""

    ROOM = "room"
    ROW = "row"
    BAY = "bay"
    SHELF = "shelf"
    BOX = "box"

    @property
    def label(self) -> str:
        """Return the level as shown to people."""
        return _LABELS[self]


_LABELS = {
    PlaceKind.ROOM: "库房",
    PlaceKind.ROW: "列",
    PlaceKind.BAY: "节",
    PlaceKind.SHELF: "层",
    PlaceKind.BOX: "盒",
}


class StoragePlace(Base):
    """A place (存放位置): a room, a row in it, a bay, a shelf, or a box that stands there.

    ``path`` is the whole place as one line and ``lineage`` the ids from the room down to the
    place itself, as ``/1/4/9/``; both follow when a place is renamed or a box is moved. A place
    is never deleted, only closed. ``capacity`` counts copies.
    """

    __tablename__ = "storage_place"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("storage_place.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(20))
    path: Mapped[str] = mapped_column(String(80), unique=True)
    lineage: Mapped[str] = mapped_column(String(80), default="", index=True)
    barcode: Mapped[str] = mapped_column(String(20), unique=True)
    capacity: Mapped[int | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class CopyMove(Base):
    """A copy, or a box with everything in it, put elsewhere (移库, append-only).

    Exactly one of ``copy_id`` and ``box_id`` is set. The texts say the places as they were
    called then.
    """

    __tablename__ = "copy_move"
    __table_args__ = (Index("ix_copy_move_at", "at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    copy_id: Mapped[int | None] = mapped_column(ForeignKey("item_copy.id"), index=True)
    box_id: Mapped[int | None] = mapped_column(ForeignKey("storage_place.id"), index=True)
    from_id: Mapped[int | None] = mapped_column(ForeignKey("storage_place.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("storage_place.id"))
    from_text: Mapped[str] = mapped_column(String(80), default="")
    to_text: Mapped[str] = mapped_column(String(80))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
