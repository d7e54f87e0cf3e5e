"""Rows of the files made for a record."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class Document(Base):
    """One file of a record: Word or PDF, of which signing round and after how many signatures."""

    __tablename__ = "document"
    __table_args__ = (Index("ix_document_latest", "record_id", "kind", "round", "stage"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id"))
    kind: Mapped[str] = mapped_column(String(8))  # docx | pdf | scan | evidence | stamped
    round: Mapped[int]
    stage: Mapped[int]
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    pages: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
