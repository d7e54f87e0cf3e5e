"""When the bytes of a digest were last read and found whole, for a verify that goes on.

Not tied to ``stored_file``: a file destroyed needs no leave of this table, and a row without a
file means nothing.
"""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class BlobCheck(Base):
    """A blob that was whole at ``checked_at``; one found damaged has no row."""

    __tablename__ = "blob_check"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(index=True)
