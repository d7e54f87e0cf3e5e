"""Accounts locked for a while after too many wrong passwords; each time of a day twice as long."""

from datetime import datetime

from sqlalchemy import delete, func, select, update

from archive.core.clock import show_instant
from archive.core.errors import NotFound
from archive.people.models import PasswordTry, User
from archive.people.rights import Actor, require
from archive.people.signin.models import AccountLock, SecondFactor
from archive.people.signin.notices import tell
from archive.people.signin.rules import LOCK_MEMORY, lock_length, name_key
from storage.work import UnitOfWork


def locked_until(uow: UnitOfWork, username: str) -> datetime | None:
    """Return until when the account of this name, however it is spelt, is locked; or None."""
    query = (
        select(func.max(AccountLock.until))
        .join(User, User.id == AccountLock.user_id)
        .where(func.lower(User.username) == name_key(username), AccountLock.until > uow.now())
    )
    until: datetime | None = uow.session.scalar(query)
    return until


def lock(uow: UnitOfWork, user_id: int, address: str) -> None:
    """Lock an account that is not locked yet, and tell its person."""
    now = uow.now()
    since = select(AccountLock.until).where(
        AccountLock.user_id == user_id, AccountLock.at > now - LOCK_MEMORY
    )
    earlier = list(uow.session.scalars(since))
    if any(until > now for until in earlier):
        return
    until = now + lock_length(len(earlier))
    uow.session.add(AccountLock(user_id=user_id, at=now, until=until, address=address[:60]))
    text = (
        f"您的账号因密码连续输错，已锁定到 {show_instant(until)}，最后一次来自 {address[:60]}。"
        "不是您本人的话，请告诉系统管理员，并在解锁后修改密码。"
    )
    tell(uow, user_id, "locked", text)
    uow.journal(None, "login.locked", "user", user_id, {"until": until.isoformat()})


def unlock(uow: UnitOfWork, actor: Actor, user_id: int) -> bool:
    """End the locks of an account, the wrong tries with it; False when none was in force."""
    require(actor, "people.edit")
    row = uow.session.get(User, user_id)
    if row is None:
        raise NotFound("没有这位用户。")
    ended = end_locks(uow, user_id) | end_code_lock(uow, user_id)
    uow.session.execute(delete(PasswordTry).where(PasswordTry.username == name_key(row.username)))
    if ended:
        uow.journal(actor.id, "login.unlock", "user", user_id, {})
    return ended


def end_code_lock(uow: UnitOfWork, user_id: int) -> bool:
    """End the lock after wrong codes; say whether there was one."""
    factor = uow.session.get(SecondFactor, user_id)
    if factor is None or factor.locked_until is None or factor.locked_until <= uow.now():
        return False
    factor.locked_until = None
    return True


def end_locks(uow: UnitOfWork, user_id: int) -> bool:
    """End what locks are in force; say whether there were any."""
    running = (AccountLock.user_id == user_id, AccountLock.until > uow.now())
    found = uow.session.scalar(select(func.count()).select_from(AccountLock).where(*running))
    uow.session.execute(update(AccountLock).where(*running).values(until=uow.now()))
    return bool(found)
