"""Rows of what changed in the description of items."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class ItemVersion(Base):
    """One change of an item's description (append-only): who, when, why, what was and what became.

    ``before`` and ``after`` hold only the fields that changed; of a text, ``after`` holds the
    SHA-256. ``digest`` is over the whole description after the change, the text left out.
    ``by_id`` is empty where the server did it (the text of a scan was read).
    """

    __tablename__ = "item_version"
    __table_args__ = (Index("ix_item_version_item_at", "item_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    act: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
