"""An account opened again by whoever holds the server itself; the journal says so."""

from sqlalchemy import delete

from archive.people.access import set_first_password
from archive.people.models import PasswordTry
from archive.people.rights import Actor
from archive.people.signin import factors, locks
from archive.people.signin.leaving import end_sign_ins
from archive.people.signin.rules import name_key
from storage.work import UnitOfWork


def open_account(
    uow: UnitOfWork,
    person: Actor,
    *,
    unlock: bool = False,
    drop_factor: bool = False,
    password_hash: str = "",
    end: bool = False,
) -> list[str]:
    """Do what was asked for a person's account; return what was done, in words."""
    done = []
    if unlock:
        locks.end_locks(uow, person.id)
        locks.end_code_lock(uow, person.id)
        key = name_key(person.username)
        uow.session.execute(delete(PasswordTry).where(PasswordTry.username == key))
        uow.journal(None, "login.unlock", "user", person.id, {})
        done.append("已解锁。")
    if drop_factor:
        factors.drop_on_server(uow, person.id)
        done.append("两步验证已停用，并已告知本人。")
    if password_hash:
        set_first_password(uow, None, person.id, password_hash, "服务器上")
        done.append("密码已重置，首次登录后必须修改。")
    if end:
        end_sign_ins(uow, person.id)
        uow.journal(None, "session.end_all", "user", person.id, {})
        done.append("全部登录和令牌已结束。")
    return done
