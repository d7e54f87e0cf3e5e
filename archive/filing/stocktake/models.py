"""Rows of stocktakes: what was expected, what was seen, and what was decided of differences."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class TakeState(StrEnum):
    """How far a stocktake has come; ``label`` is shown."""

    OPEN = "open"
    CLOSED = "closed"
    DISCARDED = "discarded"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return {"open": "盘点中", "closed": "已结束", "discarded": "已作废"}[self.value]


class Stocktake(Base):
    """A stocktake (盘点) over a place, a volume or a class.

    ``journal_seq`` is the entry of the log that opened it: what is expected is as of then.
    ``secrecy`` is the highest of what is expected: who may not read that sees nothing of it.
    ``counts`` and ``digest`` are filled when it is closed.
    """

    __tablename__ = "stocktake"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    scope_kind: Mapped[str] = mapped_column(String(8))
    scope_id: Mapped[int | None]
    scope_text: Mapped[str] = mapped_column(String(240))
    state: Mapped[str] = mapped_column(String(12), index=True)
    secrecy: Mapped[int]
    expected: Mapped[int]
    note: Mapped[str] = mapped_column(Text, default="")
    opened_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    opened_at: Mapped[datetime]
    journal_seq: Mapped[int]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    ended_at: Mapped[datetime | None]
    end_note: Mapped[str] = mapped_column(Text, default="")
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    digest: Mapped[str] = mapped_column(String(64), default="")


class StocktakeLine(Base):
    """A copy that is expected, with its home and status as they were at the start.

    ``claim`` is the copy while the stocktake is open, so that no copy is counted by two.
    """

    __tablename__ = "stocktake_line"
    __table_args__ = (UniqueConstraint("stocktake_id", "copy_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stocktake_id: Mapped[int] = mapped_column(ForeignKey("stocktake.id"))
    copy_id: Mapped[int] = mapped_column(ForeignKey("item_copy.id"), index=True)
    claim: Mapped[int | None] = mapped_column(ForeignKey("item_copy.id"), unique=True)
    barcode: Mapped[str] = mapped_column(String(20))
    place_id: Mapped[int | None] = mapped_column(ForeignKey("storage_place.id"))
    location: Mapped[str] = mapped_column(String(80), default="")
    status: Mapped[str] = mapped_column(String(12))


class StocktakeScan(Base):
    """A barcode that was seen (append-only), with where, when, by whom.

    ``client_id`` is given by what sent it: the same one sent again is not taken again. Home and
    status are the copy's at the moment the server took the scan in.
    """

    __tablename__ = "stocktake_scan"
    __table_args__ = (
        UniqueConstraint("stocktake_id", "client_id"),
        Index("ix_stocktake_scan_barcode", "stocktake_id", "barcode"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stocktake_id: Mapped[int] = mapped_column(ForeignKey("stocktake.id"))
    client_id: Mapped[str] = mapped_column(String(64))
    barcode: Mapped[str] = mapped_column(String(40))
    copy_id: Mapped[int | None] = mapped_column(ForeignKey("item_copy.id"))
    place_id: Mapped[int | None] = mapped_column(ForeignKey("storage_place.id"))
    place_text: Mapped[str] = mapped_column(String(80), default="")
    home_id: Mapped[int | None] = mapped_column(ForeignKey("storage_place.id"))
    home_text: Mapped[str] = mapped_column(String(80), default="")
    status: Mapped[str] = mapped_column(String(12), default="")
    source: Mapped[str] = mapped_column(String(8))
    seen_at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]


class StocktakeDecision(Base):
    """What was decided of one difference (append-only); ``is_final`` once the stocktake closed.

    ``is_final`` stays false for a difference that was gone again before the end.
    """

    __tablename__ = "stocktake_decision"
    __table_args__ = (UniqueConstraint("stocktake_id", "barcode", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    stocktake_id: Mapped[int] = mapped_column(ForeignKey("stocktake.id"))
    barcode: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12))
    home_text: Mapped[str] = mapped_column(String(80), default="")
    seen_text: Mapped[str] = mapped_column(String(80), default="")
    decision: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(Text, default="")
    is_final: Mapped[bool] = mapped_column(default=False)
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
