"""The row of every blob that something refers to.

Other tables name a file by its digest (a foreign key to ``stored_file``); ``storage.verify``
holds these rows against the blobs on disk.
"""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.blobs import BlobRef
from storage.database import Base


class StoredFile(Base):
    """A blob in use: digest, size in bytes, media type, and since when."""

    __tablename__ = "stored_file"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


def keep_file(session: Session, ref: BlobRef, now: datetime) -> str:
    """Note that a blob is in use and return its digest; the same digest is noted once."""
    if session.get(StoredFile, ref.sha256) is None:
        session.add(
            StoredFile(sha256=ref.sha256, size=ref.size, media_type=ref.media_type, created_at=now)
        )
        session.flush()
    return ref.sha256
