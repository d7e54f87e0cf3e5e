"""Passwords, signed-in browsers and API tokens.

Only hashes are kept. Guessing is slowed down per name and per address.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update

from archive.core.clock import local_day, show_instant
from archive.core.errors import Conflict, Invalid, NotFound, Throttled
from archive.people.actors import WITH_ROLES
from archive.people.hashing import is_outdated, is_secret_of, slow_hash
from archive.people.models import ApiToken, LoginSession, PasswordTry, User
from archive.people.rights import Actor, require
from archive.people.separation import require_office_kept, rest_rights
from archive.people.service import find_actor
from archive.people.signin.leaving import end_everything, end_sign_ins
from archive.people.signin.locks import end_locks, lock, locked_until
from archive.people.signin.models import OutsideIdentity
from archive.people.signin.notices import tell
from archive.people.signin.rules import FIRST_LOCK, SCOPES, SEEN_EVERY, WRITE, name_key
from storage.work import UnitOfWork

SESSION_LIFE = timedelta(hours=12)
TRY_WINDOW = FIRST_LOCK
TRIES_PER_NAME = 8
TRIES_PER_ADDRESS = 60
MIN_PASSWORD = 10
MAX_PASSWORD = 200
MAX_TOKEN_DAYS = 3650


@dataclass(frozen=True)
class PasswordCheck:
    """The outcome of a password: whose it is (None = wrong), to be recorded by the edge.

    ``account_id`` is whose name was given, ``refusal`` why it was refused (``rules.REFUSALS``),
    ``outdated`` a kept hash of another strength than new ones.
    """

    user_id: int | None
    username: str
    address: str
    account_id: int | None = None
    refusal: str = ""
    outdated: str = field(default="", repr=False)


@dataclass(frozen=True)
class SignedIn:
    """A browser or program that is let in: who, by which session or token, and how far."""

    actor: Actor
    key_id: int
    seen_at: datetime | None
    method: str = ""
    is_strong: bool = False
    opened_at: datetime | None = None
    scope: str = WRITE

    def is_due(self, now: datetime) -> bool:
        """Say whether it should be noted that it is still in use."""
        return self.seen_at is None or now - self.seen_at >= SEEN_EVERY


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password that is good enough; raise Invalid."""
    if len(password) < MIN_PASSWORD:
        raise Invalid("密码太短。", {"password": f"至少 {MIN_PASSWORD} 个字符"})
    if len(password) > MAX_PASSWORD:
        raise Invalid("密码太长。", {"password": f"至多 {MAX_PASSWORD} 个字符"})
    if len(set(password)) < 4:
        raise Invalid("密码太简单。", {"password": "请至少用 4 种不同的字符"})
    return slow_hash(password)


def new_password() -> str:
    """Return a random first password that can be read out and typed."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(4))


def check_throttle(uow: UnitOfWork, username: str, address: str) -> None:
    """Raise Throttled when this name or address failed too often lately, or the account is locked.

    However a name is spelt (spaces, capitals, full width), its tries are counted together.
    """
    by_name = _tries(uow, PasswordTry.username == name_key(username))
    by_address = _tries(uow, PasswordTry.address == address)
    until = locked_until(uow, username)
    if until is not None and until - uow.now() > FIRST_LOCK:
        raise Throttled(
            f"密码错误次数过多，账号已锁定到 {show_instant(until)}，"
            "请到时再试，或请系统管理员解锁。"
        )
    if until is not None or by_name >= TRIES_PER_NAME or by_address >= TRIES_PER_ADDRESS:
        raise Throttled("密码错误次数过多，请 15 分钟后再试，或请系统管理员重置密码。")


def check_tries(uow: UnitOfWork, key: str, told: str) -> None:
    """Raise Throttled with ``told`` when another secret than a password failed too often lately.

    ``key`` names the secret and whose it is; no user's name looks like it.
    """
    if _tries(uow, PasswordTry.username == key) >= TRIES_PER_NAME:
        raise Throttled(told)


def note_try(uow: UnitOfWork, key: str, address: str) -> None:
    """Note that such a secret was wrong; the edge commits, so that it counts."""
    uow.session.add(PasswordTry(username=key, address=address[:60], at=uow.now()))


def check_password(uow: UnitOfWork, username: str, password: str, address: str) -> PasswordCheck:
    """Compare a password with the user's hash, in about the same time whoever it is.

    Slow on purpose: call it in a reading unit, then record the outcome with ``note_password``.
    """
    check_throttle(uow, username, address)
    row = uow.session.scalar(select(User).where(User.username == username.strip()))
    secret = password[: MAX_PASSWORD + 1]
    matches = is_secret_of(row.password_hash if row else None, secret)
    if row is None:
        return PasswordCheck(None, name_key(username), address[:60], None, "unknown")
    is_here = find_actor(uow, row.id) is not None
    refusal = "" if matches and is_here else "left" if not is_here else "password"
    known = None if refusal else row.id
    outdated = row.password_hash if known and is_outdated(row.password_hash) else ""
    return PasswordCheck(known, name_key(username), address[:60], row.id, refusal, outdated)


def account_named(uow: UnitOfWork, username: str) -> int | None:
    """Return whose user name this is, however it is spelt, leavers included; or None."""
    named = select(User.id).where(func.lower(User.username) == name_key(username))
    return uow.session.scalar(named.order_by(User.username != username.strip()).limit(1))


def note_password(uow: UnitOfWork, check: PasswordCheck) -> int | None:
    """Record a password's outcome; return the user's id, or None when it was wrong.

    The edge commits either way, so that failures count; too many lock the account.
    """
    key = name_key(check.username)
    if check.user_id is not None:
        uow.session.execute(delete(PasswordTry).where(PasswordTry.username == key))
        return check.user_id
    uow.session.execute(delete(PasswordTry).where(PasswordTry.at < uow.now() - 4 * TRY_WINDOW))
    note_try(uow, key, check.address)
    uow.journal(None, "login.refused", "user", "-", {})
    if check.account_id is None:
        return None
    if _tries(uow, PasswordTry.username == key) >= TRIES_PER_NAME:
        lock(uow, check.account_id, check.address)
    return None


def renew_hash(uow: UnitOfWork, check: PasswordCheck, renewed: str) -> None:
    """Keep a password that was right under a hash of today's strength."""
    unchanged = (User.id == check.user_id, User.password_hash == check.outdated)
    uow.session.execute(update(User).where(*unchanged).values(password_hash=renewed))


def open_session(
    uow: UnitOfWork,
    user_id: int,
    address: str,
    agent: str,
    *,
    method: str = "password",
    is_strong: bool = False,
    life: timedelta = SESSION_LIFE,
) -> str:
    """Sign a browser in and return its cookie's token; ``is_strong``: a code was given too."""
    now, token = uow.now(), secrets.token_urlsafe(32)
    uow.session.execute(delete(LoginSession).where(LoginSession.expires_at < now))
    uow.session.add(
        LoginSession(
            token_hash=_digest(token),
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=now + life,
            address=address[:60],
            agent=agent[:200],
            method=method,
            is_strong=is_strong,
        )
    )
    uow.journal(user_id, "login", "user", user_id, {})
    return token


def find_session(uow: UnitOfWork, token: str, idle: timedelta = SESSION_LIFE) -> SignedIn | None:
    """Return who holds this cookie token; None when it ran out, or was not used for ``idle``.

    One statement reads session, person and roles.
    """
    now = uow.now()
    asked = {"digest": _digest(token), "now": now, "since": now - idle}
    found = uow.session.execute(_SESSION, asked).unique().first()
    actor = find_actor(uow, found[1].id) if found else None
    if found is None or actor is None:
        return None
    row = found[0]
    return SignedIn(
        actor=actor,
        key_id=row.id,
        seen_at=row.seen_at,
        method=row.method,
        is_strong=row.is_strong,
        opened_at=row.created_at,
    )


def close_session(uow: UnitOfWork, token: str) -> None:
    """Sign a browser out; silent when it was out already."""
    uow.session.execute(delete(LoginSession).where(LoginSession.token_hash == _digest(token)))


def issue_token(
    uow: UnitOfWork, user_id: int, days: int, *, name: str = "", scope: str = WRITE
) -> str:
    """Return a new API token of the user, good for ``days`` days; raise Invalid."""
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise Invalid(f"令牌有效天数应在 1 到 {MAX_TOKEN_DAYS} 之间。", {"days": "天数不对"})
    if scope not in SCOPES:
        raise Invalid("令牌只有“只读”和“读写”两种。", {"scope": "请选只读或读写"})
    token = secrets.token_urlsafe(32)
    now = uow.now()
    row = ApiToken(
        token_hash=_digest(token),
        user_id=user_id,
        created_at=now,
        expires_at=now + timedelta(days=days),
        name=name,
        scope=scope,
    )
    uow.session.add(row)
    uow.journal(user_id, "token.issue", "user", user_id, {"days": days, "scope": scope})
    return token


def find_token(uow: UnitOfWork, token: str) -> SignedIn | None:
    """Return whose API token this is and what it is good for, or None when it holds no more."""
    asked = {"digest": _digest(token), "now": uow.now()}
    found = uow.session.execute(_TOKEN, asked).unique().first()
    actor = find_actor(uow, found[1].id) if found else None
    if found is None or actor is None:
        return None
    row = found[0]
    return SignedIn(actor=actor, key_id=row.id, seen_at=row.used_at, scope=row.scope)


def change_password(uow: UnitOfWork, user_id: int, password_hash: str) -> None:
    """Set one's own new password; every other sign-in and token of the user ends."""
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    if _is_in_directory(uow, user_id):
        raise Conflict("您用公司目录登录，密码请在目录里修改。")
    row.password_hash, row.must_change_password = password_hash, False
    end_sign_ins(uow, user_id)
    tell(uow, user_id, "password", "您的登录密码已修改，其他地方的登录和令牌都已结束。")
    uow.journal(user_id, "password.change", "user", user_id, {})


def reset_password(uow: UnitOfWork, actor: Actor, user_id: int, password_hash: str) -> None:
    """Give a user a first password again, to be changed at the next sign-in."""
    require(actor, "people.edit")
    row = uow.session.get(User, user_id)
    if row is not None:
        rest_rights(uow, actor, row)
    set_first_password(uow, actor.id, user_id, password_hash, f"系统管理员（{actor.name}）")


def set_first_password(
    uow: UnitOfWork, by: int | None, user_id: int, password_hash: str, where: str
) -> None:
    """Set a first password; all the user's sign-ins and locks end. ``where``: who is said to."""
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    if _is_in_directory(uow, user_id):
        raise Conflict("此人用公司目录登录，密码请在目录里重置；不再用目录的，请先解除对应。")
    row.password_hash, row.must_change_password = password_hash, True
    end_sign_ins(uow, user_id)
    end_locks(uow, user_id)
    uow.session.execute(delete(PasswordTry).where(PasswordTry.username == name_key(row.username)))
    tell(uow, user_id, "password", f"{where}重置了您的登录密码。")
    uow.journal(by, "password.reset", "user", user_id, {})


def mark_left(uow: UnitOfWork, actor: Actor, user_id: int) -> None:
    """Note that a user left today: all they could come in with ends at once.

    Raises Conflict for who has left already: the day they left on stays.
    """
    require(actor, "people.edit")
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    if row.id == actor.id:
        raise Invalid("不能把自己标为离职，请由另一位管理员操作。")
    if row.left_on is not None:
        raise Conflict(f"{row.name}已在 {row.left_on} 登记离职，不用再办。")
    require_office_kept(uow, row)
    row.left_on = local_day(uow.now())
    end_everything(uow, user_id)
    uow.journal(actor.id, "user.left", "user", user_id, {})


def _tries(uow: UnitOfWork, whose: ColumnElement[bool]) -> int:
    """Return how many secrets were wrong lately."""
    recent = PasswordTry.at > uow.now() - TRY_WINDOW
    count = select(func.count()).select_from(PasswordTry).where(whose, recent)
    return uow.session.scalar(count) or 0


def _is_in_directory(uow: UnitOfWork, user_id: int) -> bool:
    bound = (OutsideIdentity.user_id == user_id, OutsideIdentity.provider == "ldap")
    return uow.session.scalar(select(OutsideIdentity.id).where(*bound)) is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token[:200].encode("utf-8", "surrogatepass")).hexdigest()


# Asked by every request, so made once: putting a statement together takes longer than sending it.
_SESSION = (
    select(LoginSession, User)
    .join(User, User.id == LoginSession.user_id)
    .where(
        LoginSession.token_hash == bindparam("digest"),
        LoginSession.expires_at > bindparam("now"),
        LoginSession.seen_at > bindparam("since"),
    )
    .options(*WITH_ROLES)
)
_TOKEN = (
    select(ApiToken, User)
    .join(User, User.id == ApiToken.user_id)
    .where(ApiToken.token_hash == bindparam("digest"), ApiToken.expires_at > bindparam("now"))
    .options(*WITH_ROLES)
)
