"""Rows of electronic viewing: the grant, every page seen, every print, download and photocopy."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class LoanGrant(Base):
    """The right to view an item on the screen (电子阅览): one person, from when, until when.

    ``until`` is the first instant at which it is over; ``secrecy`` what the item had when the
    grant was made. ``ended_at`` is set when it was ended before or noted as run out.
    """

    __tablename__ = "loan_grant"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("loan_request.id"), unique=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    secrecy: Mapped[int]
    opens_at: Mapped[datetime]
    until: Mapped[datetime] = mapped_column(index=True)
    prints: Mapped[int]
    may_download: Mapped[bool]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    end_reason: Mapped[str] = mapped_column(Text, default="")


class PageSeen(Base):
    """One page shown to a borrower (append-only): which file, which page, when, to what address."""

    __tablename__ = "loan_page_seen"
    __table_args__ = (Index("ix_loan_page_seen_grant", "grant_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("loan_grant.id"))
    file_id: Mapped[int]  # a destroyed item has its file no more, the log stays
    page: Mapped[int]
    at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64), default="")


class LoanSheet(Base):
    """Pages that left the archive on a loan (打印、下载、复印件), each with a number of its own.

    ``kind`` is print, download or copy; ``sha256`` the digest of the stamped PDF, so that a file
    found elsewhere names its loan (empty while a print waits, or where only paper was copied).
    ``state``: waiting (a print asked for), made, returned, shredded or kept.
    """

    __tablename__ = "loan_sheet"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("loan_request.id"), index=True)
    number: Mapped[str] = mapped_column(String(30), unique=True)
    kind: Mapped[str] = mapped_column(String(12))
    file_id: Mapped[int | None]
    pages: Mapped[str] = mapped_column(String(200))
    copies: Mapped[int] = mapped_column(default=1)
    recipient: Mapped[str] = mapped_column(String(80), default="")
    stamp: Mapped[str] = mapped_column(String(200), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="", index=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    asked_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime | None]
    done_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    done_at: Mapped[datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}
