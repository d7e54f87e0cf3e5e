"""Rows of invitations to the other party, with the proof of what came of each."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class InvitationState(StrEnum):
    """What became of an invitation; LOCKED by too many wrong codes."""

    OPEN = "open"
    SIGNED = "signed"
    DECLINED = "declined"
    REVOKED = "revoked"
    LOCKED = "locked"


class Invitation(Base):
    """A one-time link for the other party (签署邀请), bound to one PDF by its digest.

    Neither the link nor its code is kept, only digests of them.
    """

    __tablename__ = "signing_invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("signing_run.id"), index=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), index=True)
    seq: Mapped[int]
    slot: Mapped[int]
    role: Mapped[str] = mapped_column(String(40))
    party: Mapped[str] = mapped_column(String(120), default="")
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    code_digest: Mapped[str] = mapped_column(String(64))
    pdf_sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"))
    contact: Mapped[str] = mapped_column(String(120), default="")
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), index=True)
    wrong_codes: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    name: Mapped[str] = mapped_column(String(40), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(60), default="")
    browser: Mapped[str] = mapped_column(String(300), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    signed_sha256: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    certificate_serial: Mapped[str | None] = mapped_column(String(64))
