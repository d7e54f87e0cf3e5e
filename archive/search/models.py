"""The text behind each index entry, the synonyms, and what people searched for, in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
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


class SynonymGroup(Base):
    """Words that mean the same when something is searched for (同义词): 合约 = 合同."""

    __tablename__ = "synonym_group"

    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[list[Any]]
    version: Mapped[int] = mapped_column(default=1)
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    changed_at: Mapped[datetime]


class PastSearch(Base):
    """What one person searched for and found (检索记录); shown to nobody else."""

    __tablename__ = "past_search"
    __table_args__ = (UniqueConstraint("user_id", "text"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    text: Mapped[str] = mapped_column(String(200))
    searched_at: Mapped[datetime]


class SavedSearch(Base):
    """A search one person keeps under a name (保存的检索), with what is known to fit it.

    ``known`` are the ids that fitted when it was saved or were told since (None: not looked yet),
    ``fresh`` those told that the owner has not looked at.
    """

    __tablename__ = "saved_search"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    name: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(String(500))
    filters: Mapped[dict[str, Any]]
    sort: Mapped[str] = mapped_column(String(12))
    known: Mapped[list[Any] | None] = mapped_column(deferred=True)
    fresh: Mapped[list[Any]]
    created_at: Mapped[datetime]
    looked_at: Mapped[datetime]
