"""Rows of the customer register."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class Customer(Base):
    """A customer (客户).

    ``match_key`` is the name folded for finding likely doubles, ``phone_keys`` the phones as bare
    digits for the same, ``search_text`` what lists look in (names folded, number, initials).
    """

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    match_key: Mapped[str] = mapped_column(String(120), index=True)
    short_name: Mapped[str] = mapped_column(String(60), default="")
    initials: Mapped[str] = mapped_column(String(60), index=True, default="")
    credit_code: Mapped[str] = mapped_column(String(18), default="", index=True)
    legal_person: Mapped[str] = mapped_column(String(60), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    factory_address: Mapped[str] = mapped_column(String(200), default="")
    phone_keys: Mapped[str] = mapped_column(String(200), default="")
    search_text: Mapped[str] = mapped_column(Text, default="")
    phone: Mapped[str] = mapped_column(String(60), default="")
    factory_phone: Mapped[str] = mapped_column(String(60), default="")
    region: Mapped[str] = mapped_column(String(60), default="")
    status: Mapped[str] = mapped_column(String(20), default="正常")
    cooperation: Mapped[str] = mapped_column(String(20), default="一般往来", index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    first_contact: Mapped[date | None]
    remark: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}
