"""Rows of signing in: the step between password and code, second factors, the log, notices."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class SignInStep(Base):
    """A right password that still waits for its code (两步验证); gone when it was given."""

    __tablename__ = "sign_in_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    method: Mapped[str] = mapped_column(String(12))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SecondFactor(Base):
    """The shared secret of a person's code generator, sealed with the instance's key.

    Not in force before ``confirmed_at``. ``last_step`` is the newest time step a code was taken
    from, so that no code counts twice (RFC 6238 5.2). ``wrong`` counts codes wrong in a row.
    """

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    sealed_secret: Mapped[bytes]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)
    wrong: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code for the day the telephone is lost, kept as a keyed hash; good once."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class OutsideIdentity(Base):
    """By what a directory or a provider knows a person; from then on only that one is taken."""

    __tablename__ = "outside_identity"
    __table_args__ = (
        UniqueConstraint("user_id", "provider"),
        UniqueConstraint("provider", "subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    provider: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str] = mapped_column(String(400))
    bound_at: Mapped[datetime]


class AccountLock(Base):
    """A time in which nobody signs in under this account, after too many wrong passwords."""

    __tablename__ = "account_lock"
    __table_args__ = (Index("ix_account_lock_who", "user_id", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    until: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(60), default="")


class SignInEntry(Base):
    """One try to sign in (登录记录): who, when, from where, how, and why it was refused.

    A name nobody has is not kept: it may be a password typed in the wrong place.
    """

    __tablename__ = "sign_in_entry"
    __table_args__ = (
        Index("ix_sign_in_entry_who", "user_id", "id"),
        Index("ix_sign_in_entry_where", "address", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    method: Mapped[str] = mapped_column(String(12))
    address: Mapped[str] = mapped_column(String(60))
    agent: Mapped[str] = mapped_column(String(200))
    refusal: Mapped[str] = mapped_column(String(20), default="")


class AccountNotice(Base):
    """Something about a person's account that they should hear of (安全提醒)."""

    __tablename__ = "account_notice"
    __table_args__ = (Index("ix_account_notice_who", "user_id", "read_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
