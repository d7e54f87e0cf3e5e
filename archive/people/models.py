"""Rows of departments, users, their roles, sessions and tokens, and who may read what."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storage.database import Base


class Department(Base):
    """A department (部门) in the company's tree; ``code`` is its 3-character 机构 code."""

    __tablename__ = "department"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(3), unique=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))


class User(Base):
    """A person (职员) who may sign in; a leaver stays as a row with ``left_on``.

    ``awaits_release``: the system administrator changed by what one signs in; the roles
    rest until the security administrator has seen (复核放行) that it is in the right hands.
    """

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(40), unique=True)
    staff_no: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    email: Mapped[str] = mapped_column(String(120), default="")
    position: Mapped[str] = mapped_column(String(40), default="", index=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=True)
    clearance: Mapped[int] = mapped_column(default=1)
    awaits_release: Mapped[bool] = mapped_column(default=False)
    left_on: Mapped[date | None]
    created_at: Mapped[datetime]
    row_version: Mapped[int] = mapped_column(default=1)

    department: Mapped[Department] = relationship(lazy="joined")
    roles: Mapped[list["RoleGrant"]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": row_version}


class RoleGrant(Base):
    """A role (角色) that a user holds."""

    __tablename__ = "role_grant"
    __table_args__ = (UniqueConstraint("user_id", "role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))


class LoginSession(Base):
    """A signed-in browser: the hash of its cookie's token, and until when it holds."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(60), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    method: Mapped[str] = mapped_column(String(12), default="password")
    is_strong: Mapped[bool] = mapped_column(default=False)


class ApiToken(Base):
    """A bearer token of a user for the API, kept as a hash; ``scope`` is ``read`` or ``write``."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(60), default="")
    scope: Mapped[str] = mapped_column(String(10), default="write")
    used_at: Mapped[datetime | None]


class PasswordTry(Base):
    """A failed password, kept a while to slow down guessing."""

    __tablename__ = "password_try"
    __table_args__ = (Index("ix_password_try_who", "username", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(60), index=True)
    at: Mapped[datetime]


class ReaderToken(Base):
    """One access token under which a thing may be read (see ``people.rights``).

    Lists filter on it in SQL and the search index carries the same tokens, so all three answers
    to "may I see this?" come from one function.
    """

    __tablename__ = "reader_token"
    __table_args__ = (Index("ix_reader_token_lookup", "kind", "token", "thing_id"),)

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    thing_id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(40), primary_key=True)


class ReaderSet(Base):
    """One set of tokens that things are read under; many things share it (see ``readers``)."""

    __tablename__ = "reader_set"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)


class ReaderSetToken(Base):
    """One token of a set; a set never changes."""

    __tablename__ = "reader_set_token"

    token: Mapped[str] = mapped_column(String(40), primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("reader_set.id"), primary_key=True)
