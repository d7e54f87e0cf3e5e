"""The versions of the filing plan (归档方案) that were made in the browser."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class PlanVersion(Base):
    """One version of the plan (append-only): its whole text, from when, by whom, why.

    The first is the one that ships (plan.toml) and has no row.
    """

    __tablename__ = "plan_version"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    made_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
