"""Rows of the company's seals, of each use of one (用印登记), and of seals taken out."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class CompanySeal(Base):
    """A seal of the company (印章) with its picture, its size in mm and its keeper (保管人)."""

    __tablename__ = "company_seal"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    image_sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"))
    width_mm: Mapped[float]
    height_mm: Mapped[float]
    keeper_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    state: Mapped[str] = mapped_column(String(12))  # in_use | suspended | destroyed
    note: Mapped[str] = mapped_column(String(200), default="")
    made_at: Mapped[datetime]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class SealUse(Base):
    """One use of a seal (用印登记): asked for at submission, done by the keeper.

    ``run_id`` is empty for a paper that was not made here; then ``approved_by`` names who allowed
    it. State: asked, done, ended (the paper came back unsealed), void (sealed, then returned).
    """

    __tablename__ = "seal_use"

    id: Mapped[int] = mapped_column(primary_key=True)
    seal_id: Mapped[int] = mapped_column(ForeignKey("company_seal.id"), index=True)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("signing_run.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(String(200))
    approved_by: Mapped[str] = mapped_column(String(100), default="")
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    asked_at: Mapped[datetime]
    copies_approved: Mapped[int]
    copies_stamped: Mapped[int] = mapped_column(default=0)
    across: Mapped[bool] = mapped_column(default=False)  # 骑缝章
    pages: Mapped[int] = mapped_column(default=0)
    width_mm: Mapped[float] = mapped_column(default=0)
    height_mm: Mapped[float] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(12), index=True)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    done_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(200), default="")
    image_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    pdf_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))


class SealOuting(Base):
    """A seal taken out of its keeper's hands and brought back (印章外带); back the same day."""

    __tablename__ = "seal_outing"
    __table_args__ = (
        Index(
            "uq_seal_outing_open",
            "seal_id",
            unique=True,
            sqlite_where=text("back_at IS NULL"),
            postgresql_where=text("back_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    seal_id: Mapped[int] = mapped_column(ForeignKey("company_seal.id"), index=True)
    taken_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    approved_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    where_to: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(String(200))
    handed_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    taken_at: Mapped[datetime]
    back_at: Mapped[datetime | None]
    received_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    note: Mapped[str] = mapped_column(String(200), default="")
