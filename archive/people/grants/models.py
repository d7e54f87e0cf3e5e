"""Rows of grants: somebody is let in to papers that are not theirs, until a day."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class AccessGrant(Base):
    """A grant (授权): ``user_id`` may read a record, an item, a volume's or a customer's papers.

    It holds to the end of ``until`` (local) unless it is withdrawn before, and never reaches
    above the person's clearance. Rows stay for ever.
    """

    __tablename__ = "access_grant"
    __table_args__ = (Index("ix_access_grant_thing", "kind", "thing_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    thing_id: Mapped[int]
    given_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    given_at: Mapped[datetime]
    until: Mapped[date]
    reason: Mapped[str] = mapped_column(String(200))
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_why: Mapped[str] = mapped_column(String(200), default="")
