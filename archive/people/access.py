"""Passwords, signed-in browsers and API tokens.

Only hashes are kept. Guessing is slowed down per name and per address.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select

from archive.core.clock import local_day
from archive.core.errors import Invalid, NotFound, Throttled, Unauthenticated
from archive.people.models import ApiToken, LoginSession, PasswordTry, User
from archive.people.rights import Actor, require
from archive.people.service import find_actor
from storage.work import UnitOfWork

SESSION_LIFE = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=5)
TRY_WINDOW = timedelta(minutes=15)
TRIES_PER_NAME = 8
TRIES_PER_ADDRESS = 60
MIN_PASSWORD = 10
MAX_PASSWORD = 200
MAX_TOKEN_DAYS = 3650

_hasher = PasswordHasher()
_DECOY = _hasher.hash(secrets.token_urlsafe(16))


@dataclass(frozen=True)
class PasswordCheck:
    """The outcome of a password: whose it is (None = wrong), to be recorded by the edge."""

    user_id: int | None
    username: str
    address: str


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password that is good enough; raise Invalid."""
    if len(password) < MIN_PASSWORD:
        raise Invalid("密码太短。", {"password": f"至少 {MIN_PASSWORD} 个字符"})
    if len(password) > MAX_PASSWORD:
        raise Invalid("密码太长。", {"password": f"至多 {MAX_PASSWORD} 个字符"})
    if len(set(password)) < 4:
        raise Invalid("密码太简单。", {"password": "请至少用 4 种不同的字符"})
    return _hasher.hash(password)


def new_password() -> str:
    """Return a random first password that can be read out and typed."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


def check_throttle(uow: UnitOfWork, username: str, address: str) -> None:
    """Raise Throttled when this name or address failed too often lately."""
    since = uow.now() - TRY_WINDOW
    count = select(func.count()).select_from(PasswordTry).where(PasswordTry.at > since)
    by_name = uow.session.scalar(count.where(PasswordTry.username == username[:80])) or 0
    by_address = uow.session.scalar(count.where(PasswordTry.address == address)) or 0
    if by_name >= TRIES_PER_NAME or by_address >= TRIES_PER_ADDRESS:
        raise Throttled("密码错误次数过多，请 15 分钟后再试，或请系统管理员重置密码。")


def check_password(uow: UnitOfWork, username: str, password: str, address: str) -> PasswordCheck:
    """Compare a password with the user's hash, in about the same time whoever it is.

    Slow on purpose: call it in a reading unit, then record the outcome with ``note_password``.
    """
    check_throttle(uow, username, address)
    row = uow.session.scalar(select(User).where(User.username == username.strip()))
    matches = _matches(row.password_hash if row else _DECOY, password)
    known = row is not None and matches and find_actor(uow, row.id) is not None
    return PasswordCheck(row.id if row and known else None, username[:80], address[:60])


def note_password(uow: UnitOfWork, check: PasswordCheck) -> int | None:
    """Record a password's outcome; return the user's id, or None when it was wrong.

    The edge commits either way, so that failures count.
    """
    if check.user_id is not None:
        uow.session.execute(delete(PasswordTry).where(PasswordTry.username == check.username))
        return check.user_id
    uow.session.execute(delete(PasswordTry).where(PasswordTry.at < uow.now() - 4 * TRY_WINDOW))
    uow.session.add(PasswordTry(username=check.username, address=check.address, at=uow.now()))
    uow.journal(None, "login.refused", "user", "-", {})
    return None


def open_session(uow: UnitOfWork, user_id: int, address: str, agent: str) -> str:
    """Sign a browser in and return the token for its cookie."""
    now, token = uow.now(), secrets.token_urlsafe(32)
    uow.session.execute(delete(LoginSession).where(LoginSession.expires_at < now))
    uow.session.add(
        LoginSession(
            token_hash=_digest(token),
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=now + SESSION_LIFE,
            address=address[:60],
            agent=agent[:200],
        )
    )
    uow.journal(user_id, "login", "user", user_id, {})
    return token


def find_session_actor(uow: UnitOfWork, token: str) -> Actor | None:
    """Return whose browser holds this cookie token, or None when it holds no more."""
    row = uow.session.scalar(
        select(LoginSession).where(
            LoginSession.token_hash == _digest(token), LoginSession.expires_at > uow.now()
        )
    )
    return None if row is None else find_actor(uow, row.user_id)


def close_session(uow: UnitOfWork, token: str) -> None:
    """Sign a browser out; silent when it was out already."""
    uow.session.execute(delete(LoginSession).where(LoginSession.token_hash == _digest(token)))


def issue_token(uow: UnitOfWork, user_id: int, days: int) -> str:
    """Return a new API token of the user, good for ``days`` days."""
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise Invalid(f"令牌有效天数应在 1 到 {MAX_TOKEN_DAYS} 之间。", {"days": "天数不对"})
    token = secrets.token_urlsafe(32)
    now = uow.now()
    uow.session.add(
        ApiToken(
            token_hash=_digest(token),
            user_id=user_id,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    uow.journal(user_id, "token.issue", "user", user_id, {"days": days})
    return token


def find_token_actor(uow: UnitOfWork, token: str) -> Actor | None:
    """Return whose API token this is, or None when it holds no more."""
    row = uow.session.scalar(
        select(ApiToken).where(
            ApiToken.token_hash == _digest(token), ApiToken.expires_at > uow.now()
        )
    )
    return None if row is None else find_actor(uow, row.user_id)


def change_password(uow: UnitOfWork, user_id: int, password_hash: str) -> None:
    """Set one's own new password; every other sign-in and token of the user ends."""
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    row.password_hash, row.must_change_password = password_hash, False
    _end_everything(uow, user_id)
    uow.journal(user_id, "password.change", "user", user_id, {})


def reset_password(uow: UnitOfWork, actor: Actor, user_id: int, password_hash: str) -> None:
    """Give a user a first password again, to be changed at the next sign-in."""
    require(actor, "people.edit")
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    row.password_hash, row.must_change_password = password_hash, True
    _end_everything(uow, user_id)
    uow.session.execute(delete(PasswordTry).where(PasswordTry.username == row.username))
    uow.journal(actor.id, "password.reset", "user", user_id, {})


def mark_left(uow: UnitOfWork, actor: Actor, user_id: int) -> None:
    """Note that a user left today: every sign-in and token of theirs ends at once."""
    require(actor, "people.edit")
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    if row.id == actor.id:
        raise Invalid("不能把自己标为离职，请由另一位管理员操作。")
    row.left_on = local_day(uow.now())
    _end_everything(uow, user_id)
    uow.journal(actor.id, "user.left", "user", user_id, {})


def confirm_password(uow: UnitOfWork, actor: Actor, password: str, address: str) -> PasswordCheck:
    """Check the acting person's own password again, before an act such as signing."""
    check = check_password(uow, actor.username, password, address)
    if check.user_id not in (None, actor.id):
        raise Unauthenticated("密码不对。")
    return check


def _end_everything(uow: UnitOfWork, user_id: int) -> None:
    uow.session.execute(delete(LoginSession).where(LoginSession.user_id == user_id))
    uow.session.execute(delete(ApiToken).where(ApiToken.user_id == user_id))


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[: MAX_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
