"""Rows of proof: the code printed on a paper, what its PDF proves so far, people's own keys."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class VerifyCode(Base):
    """The random code (核验码) in the footer of one frozen paper: a record in one signing round."""

    __tablename__ = "verify_code"
    __table_args__ = (UniqueConstraint("record_id", "round"),)

    code: Mapped[str] = mapped_column(String(16), primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"))
    round: Mapped[int]
    created_at: Mapped[datetime]


class PaperProof(Base):
    """What the newest signed PDF of a record proves by itself, and what is still to come.

    ``waiting``: the time-stamp authority was away; ``stamps_until``: when the last time-stamp can
    no longer be checked, so that it is refreshed before.
    """

    __tablename__ = "paper_proof"

    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"), primary_key=True)
    pdf_sha256: Mapped[str] = mapped_column(String(64))
    wanted: Mapped[str] = mapped_column(String(5))
    level: Mapped[str] = mapped_column(String(5))
    waiting: Mapped[bool] = mapped_column(default=False, index=True)
    why: Mapped[str] = mapped_column(Text, default="")
    stamps_until: Mapped[datetime | None] = mapped_column(index=True)
    noted_at: Mapped[datetime]
    tried_at: Mapped[datetime]


class OwnCertificate(Base):
    """A person's own certificate (PKCS#12), used instead of the company's.

    The file is kept as it came, locked with the person's password, which is asked at every
    signing and never kept. ``withdrawn_at``: from then on it counts no more.
    """

    __tablename__ = "own_certificate"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    serial: Mapped[str] = mapped_column(String(64), index=True)
    certificate_pem: Mapped[str] = mapped_column(Text)
    pkcs12: Mapped[bytes] = mapped_column(LargeBinary)
    issuer: Mapped[str] = mapped_column(String(200))
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    registered_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
