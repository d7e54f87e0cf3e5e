"""Rows of what the desk did without the network."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class DeskAct(Base):
    """One act of a desk that was cut off (断网借还), as it was taken in; append-only.

    ``client_id`` is the page's own and makes it count once; ``at`` is the page's time,
    ``outcome`` is done, known or conflict, ``message`` what the desk is told.
    """

    __tablename__ = "desk_act"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(12))
    barcode: Mapped[str] = mapped_column(String(40))
    request_id: Mapped[int | None]
    pages: Mapped[int | None]
    at: Mapped[datetime]
    sent_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    received_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(12))
    message: Mapped[str] = mapped_column(Text)
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loan.id"))
