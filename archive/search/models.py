"""The text and description behind each index entry, kept in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class SearchEntry(Base):
    """What the index was told about one record or item (``record:12``, ``item:7``)."""

    __tablename__ = "search_entry"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    description: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
