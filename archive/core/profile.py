"""The company's own particulars: its name and its 全宗号, set once by ``archive init``."""

from dataclasses import dataclass

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from archive.core.errors import Invalid
from storage.database import Base
from storage.work import UnitOfWork


class ProfileEntry(Base):
    """One particular of the company."""

    __tablename__ = "profile"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


@dataclass(frozen=True)
class Profile:
    """Name of the company and its 4-character fonds code (全宗号)."""

    company: str = "本公司"
    fonds: str = "Z109"


def load_profile(uow: UnitOfWork) -> Profile:
    """Return the company's particulars; what was never set has its default."""
    found = {
        key: row.value
        for key in ("company", "fonds")
        if (row := uow.session.get(ProfileEntry, key)) is not None
    }
    return Profile(**found)


def save_profile(uow: UnitOfWork, profile: Profile) -> None:
    """Set the company's particulars; raise Invalid for a malformed fonds code."""
    if len(profile.fonds) != 4 or not profile.fonds.isascii() or not profile.fonds.isalnum():
        raise Invalid("全宗号应为 4 位字母或数字，如 Z109。", {"fonds": "4 位字母或数字"})
    for key, value in (("company", profile.company.strip()), ("fonds", profile.fonds.upper())):
        uow.session.merge(ProfileEntry(key=key, value=value))
    uow.session.flush()
