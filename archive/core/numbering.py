"""Serial numbers without gaps or doubles, taken inside the transaction that uses them.

A series is a text such as ``record:E01:2026``; its counter is one row. A rollback gives the
number back, because the counter rolls back with it.
"""

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from archive.core.errors import Conflict
from archive.core.racing import found_or_made
from storage.database import Base
from storage.work import UnitOfWork


class Serial(Base):
    """The last number taken of one series."""

    __tablename__ = "serial"

    series: Mapped[str] = mapped_column(String(120), primary_key=True)
    last: Mapped[int]


def take_number(uow: UnitOfWork, series: str, limit: int | None = None) -> int:
    """Take the next number (from 1) of a series; raise Conflict past ``limit``."""
    row = locked_serial(uow, series)
    if limit is not None and row.last >= limit:
        raise Conflict(f"编号已用到 {limit}，不能再续；请按机构或二级门类拆分后再编号。")
    row.last += 1
    uow.session.flush()
    return row.last


def locked_serial(uow: UnitOfWork, series: str) -> Serial:
    """Return the counter of a series, begun if it is new, locked until the transaction ends."""
    query = select(Serial).where(Serial.series == series).with_for_update()

    def begin() -> Serial:
        row = Serial(series=series, last=0)
        uow.session.add(row)
        uow.session.flush()
        return row

    return found_or_made(uow, query, begin)
