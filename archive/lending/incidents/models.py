"""Rows of lending incidents."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class IncidentKind(StrEnum):
    """What went wrong; ``label`` is shown."""

    OVERDUE = "overdue"
    PAGES = "pages"
    DAMAGE = "damage"
    LOSS = "loss"

    @property
    def label(self) -> str:
        """Return the kind as shown to people."""
        return {
            "overdue": "长期逾期",
            "pages": "页数不符",
            "damage": "损坏",
            "loss": "遗失",
        }[self.value]


class Outcome(StrEnum):
    """How an incident was settled; ``label`` is shown."""

    RETURNED = "returned"
    MENDED = "mended"
    ACCEPTED = "accepted"
    LOST = "lost"

    @property
    def label(self) -> str:
        """Return the outcome as shown to people."""
        return {
            "returned": "已归还",
            "mended": "已补齐或修复",
            "accepted": "按现状收存",
            "lost": "确认遗失",
        }[self.value]


class LoanIncident(Base):
    """One thing that went wrong with one loan (append-only once closed); one of a kind a loan.

    ``report`` says what happened, ``responsible`` who answers for it, ``decision`` what was
    decided, with the compensation if any. ``opened_by`` is empty where the clock opened it.
    """

    __tablename__ = "loan_incident"
    __table_args__ = (UniqueConstraint("loan_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))
    kind: Mapped[str] = mapped_column(String(12))
    opened_at: Mapped[datetime] = mapped_column(index=True)
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    report: Mapped[str] = mapped_column(Text, default="")
    responsible: Mapped[str] = mapped_column(String(80), default="")
    outcome: Mapped[str | None] = mapped_column(String(12))
    decision: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}
