"""Rows of the basket and of loan notes."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class BasketLine(Base):
    """A paper somebody put aside to ask for (借阅车); ``volume_id`` where it came as a volume."""

    __tablename__ = "loan_basket_line"
    __table_args__ = (UniqueConstraint("user_id", "item_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    volume_id: Mapped[int | None] = mapped_column(ForeignKey("volume.id"))
    added_at: Mapped[datetime]


class LoanGroup(Base):
    """A loan note (借阅单): several papers asked for in one act, one request a copy.

    Its requests carry its number with a count after it; the note itself has no state.
    """

    __tablename__ = "loan_group"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    mode: Mapped[str] = mapped_column(String(12))
    purpose: Mapped[str] = mapped_column(Text)
    business_reference: Mapped[str] = mapped_column(String(200))
    wanted_until: Mapped[date | None]
    created_at: Mapped[datetime]
