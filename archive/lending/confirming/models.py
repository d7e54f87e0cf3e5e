"""Rows of desk PINs."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class DeskPin(Base):
    """A person's PIN for the lending desk (借阅口令), kept as an argon2id hash."""

    __tablename__ = "desk_pin"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    pin_hash: Mapped[str] = mapped_column(String(200))
    set_at: Mapped[datetime]
