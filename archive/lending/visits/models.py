"""Rows of outsiders' visits."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class LoanVisit(Base):
    """An outsider's visit (外来查阅): who, from where, on what letter, with whom, how long.

    What they read are loan requests with this visit, in the name of whoever accompanies them.
    ``id_number`` is personal: shown whole only to those who may (``personal.read``).
    """

    __tablename__ = "loan_visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    unit: Mapped[str] = mapped_column(String(120))
    letter_number: Mapped[str] = mapped_column(String(60))
    letter_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    letter_type: Mapped[str] = mapped_column(String(60), default="")
    id_kind: Mapped[str] = mapped_column(String(20))
    id_number: Mapped[str] = mapped_column(String(40))
    companion_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    noted_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    purpose: Mapped[str] = mapped_column(Text)
    began_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}
