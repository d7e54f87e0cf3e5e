"""The second factor: codes of a generator (TOTP, RFC 6238) and recovery codes, each good once.

The shared secret is sealed with the instance's secret, recovery codes are kept as keyed hashes.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
from sqlalchemy import CursorResult, delete, func, select, update

from archive.core.clock import show_instant
from archive.core.errors import Conflict, Invalid, NotFound, Throttled, Unavailable
from archive.people.models import User
from archive.people.rights import Actor, require
from archive.people.separation import rest_rights
from archive.people.signin.models import RecoveryCode, SecondFactor
from archive.people.signin.notices import tell
from archive.people.signin.rules import CODE_LOCK, WRONG_CODES
from archive.people.signin.sealing import Sealer
from storage.work import UnitOfWork

STEP_SECONDS = 30
DRIFT = 1  # steps a telephone's clock may be off (RFC 6238 5.2)
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class FactorView:
    """Where a person stands: in force, being set up, or nothing; codes still to be used."""

    is_on: bool = False
    is_pending: bool = False
    codes_left: int = 0
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Setup:
    """What a generator is set up with: the address in the QR code, and the key to type."""

    uri: str = field(repr=False)
    key: str = field(repr=False)


def view_factor(uow: UnitOfWork, user_id: int) -> FactorView:
    """Return where a person stands."""
    row = uow.session.get(SecondFactor, user_id)
    if row is None:
        return FactorView()
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    left = uow.session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused))
    is_locked = row.locked_until is not None and row.locked_until > uow.now()
    return FactorView(
        is_on=row.confirmed_at is not None,
        is_pending=row.confirmed_at is None,
        codes_left=left or 0,
        locked_until=row.locked_until if is_locked else None,
    )


def is_on(uow: UnitOfWork, user_id: int) -> bool:
    """Say whether a person's second factor is in force."""
    row = uow.session.get(SecondFactor, user_id)
    return row is not None and row.confirmed_at is not None


def start(uow: UnitOfWork, actor: Actor, sealer: Sealer) -> None:
    """Make a new secret, not in force yet; Conflict where one is in force."""
    row = uow.session.get(SecondFactor, actor.id)
    if row is not None and row.confirmed_at is not None:
        raise Conflict("两步验证已经开着；换手机请先停用，再重新设置。")
    sealed = sealer.seal(pyotp.random_base32().encode(), _purpose(actor.id))
    if row is None:
        row = SecondFactor(user_id=actor.id)
        uow.session.add(row)
    row.sealed_secret, row.created_at = sealed, uow.now()
    row.last_step = row.wrong = 0
    row.locked_until = None
    uow.session.flush()


def setup_of(uow: UnitOfWork, actor: Actor, sealer: Sealer, company: str) -> Setup | None:
    """Return what to set the generator up with while it is not in force yet; None otherwise."""
    row = uow.session.get(SecondFactor, actor.id)
    if row is None or row.confirmed_at is not None:
        return None
    secret = _secret(row, sealer)
    uri = pyotp.TOTP(secret).provisioning_uri(name=actor.username, issuer_name=f"档案台 {company}")
    key = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
    return Setup(uri, key)


def confirm(uow: UnitOfWork, actor: Actor, sealer: Sealer, code: str) -> list[str]:
    """Put the second factor in force with a first code; return the recovery codes, shown once."""
    row = uow.session.get(SecondFactor, actor.id)
    if row is None or row.confirmed_at is not None:
        raise Conflict("没有正在设置的两步验证，请重新开始。")
    step = _step_of(_secret(row, sealer), _digits(code), uow)
    if step is None:
        raise Invalid("验证码不对。", {"code": "验证码不对，请看手机上现在的 6 位数字"})
    row.confirmed_at, row.last_step = uow.now(), step
    codes = _new_codes(uow, actor.id, sealer)
    tell(uow, actor.id, "factor", "您的账号已开启两步验证。")
    uow.journal(actor.id, "factor.on", "user", actor.id, {})
    return codes


def renew_codes(uow: UnitOfWork, actor: Actor, sealer: Sealer) -> list[str]:
    """Give new recovery codes in place of the old ones; they are shown once."""
    if not is_on(uow, actor.id):
        raise Conflict("没有开两步验证。")
    codes = _new_codes(uow, actor.id, sealer)
    tell(uow, actor.id, "factor", "您的账号换了一组新的恢复码，旧的已作废。")
    uow.journal(actor.id, "factor.codes", "user", actor.id, {})
    return codes


def check_code(uow: UnitOfWork, user_id: int, sealer: Sealer, code: str) -> str:
    """Take a code of the generator, or a recovery code; return "" or why it is refused.

    ``code``: wrong; ``replayed``: of a time step a code was taken from already. The edge commits
    either way, so that wrong ones count; Throttled after eight in a row.
    """
    row = uow.session.get(SecondFactor, user_id)
    if row is None or row.confirmed_at is None:
        raise NotFound("没有开两步验证。")
    if row.locked_until is not None and row.locked_until > uow.now():
        raise Throttled(f"验证码错误次数过多，请在 {show_instant(row.locked_until)} 之后再试。")
    refusal = _take(uow, row, sealer, code)
    if not refusal:
        row.wrong, row.locked_until = 0, None
        return ""
    row.wrong += 1
    if row.wrong >= WRONG_CODES:
        row.wrong, row.locked_until = 0, uow.now() + CODE_LOCK
        tell(
            uow,
            user_id,
            "locked",
            f"您的账号有人输对了密码，但验证码连续输错 {WRONG_CODES} 次，"
            f"已锁定到 {show_instant(row.locked_until)}。不是您本人的话，请马上修改密码。",
        )
        uow.journal(None, "factor.locked", "user", user_id, {})
    return refusal


def drop(uow: UnitOfWork, actor: Actor) -> None:
    """Take one's own second factor out of force, or give its setting up up."""
    row = uow.session.get(SecondFactor, actor.id)
    if row is None:
        raise Conflict("没有开两步验证。")
    was_on = row.confirmed_at is not None
    _remove(uow, actor.id)
    if was_on:
        tell(uow, actor.id, "factor", "您的账号已停用两步验证。")
        uow.journal(actor.id, "factor.off", "user", actor.id, {})


def drop_for(uow: UnitOfWork, actor: Actor, user_id: int) -> None:
    """Take somebody's second factor away (the telephone is lost, and so are the codes)."""
    require(actor, "people.edit")
    if user_id == actor.id:
        raise Invalid("自己的两步验证请在“我的账户”里停用，或请另一位管理员操作。")
    row = uow.session.get(User, user_id)
    if row is None or not is_on(uow, user_id):
        raise NotFound("此人没有开两步验证。")
    _remove(uow, user_id)
    rest_rights(uow, actor, row)
    tell(uow, user_id, "factor", f"系统管理员（{actor.name}）停用了您账号的两步验证。")
    uow.journal(actor.id, "factor.reset", "user", user_id, {})


def drop_on_server(uow: UnitOfWork, user_id: int) -> None:
    """Take somebody's second factor away from the command line; NotFound where there is none."""
    if not is_on(uow, user_id):
        raise NotFound("此人没有开两步验证。")
    _remove(uow, user_id)
    tell(uow, user_id, "factor", "您账号的两步验证在服务器上被停用。")
    uow.journal(None, "factor.reset", "user", user_id, {})


def _take(uow: UnitOfWork, row: SecondFactor, sealer: Sealer, code: str) -> str:
    digits = _digits(code)
    if not digits:
        return "" if _spend(uow, row.user_id, sealer, code) else "code"
    step = _step_of(_secret(row, sealer), digits, uow)
    if step is None:
        return "code"
    taken = uow.session.execute(  # one of two at once finds the step taken
        update(SecondFactor)
        .where(SecondFactor.user_id == row.user_id, SecondFactor.last_step < step)
        .values(last_step=step)
    )
    return "" if isinstance(taken, CursorResult) and taken.rowcount == 1 else "replayed"


def _spend(uow: UnitOfWork, user_id: int, sealer: Sealer, code: str) -> bool:
    """Use up a recovery code; False when it is none, or was used."""
    bare = "".join(char for char in code.lower() if char in _ALPHABET)[:40]
    spent = uow.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == sealer.hash(f"{user_id}:{bare}"),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=uow.now())
    )
    if not isinstance(spent, CursorResult) or spent.rowcount != 1:
        return False
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    left = uow.session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0
    tell(uow, user_id, "factor", f"您的账号用一个恢复码通过了两步验证，还剩 {left} 个。")
    uow.journal(user_id, "factor.recovery", "user", user_id, {"left": left})
    return True


def _new_codes(uow: UnitOfWork, user_id: int, sealer: Sealer) -> list[str]:
    uow.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    bare = ["".join(secrets.choice(_ALPHABET) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    uow.session.add_all(
        RecoveryCode(user_id=user_id, code_hash=sealer.hash(f"{user_id}:{code}")) for code in bare
    )
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in bare]


def _remove(uow: UnitOfWork, user_id: int) -> None:
    for table in (RecoveryCode, SecondFactor):
        uow.session.execute(delete(table).where(table.user_id == user_id))
    uow.session.expire_all()


def _digits(code: str) -> str:
    """Return the six digits typed, whatever stands between them; "" when it is something else."""
    bare = "".join(code.split())
    return bare if len(bare) == 6 and bare.isascii() and bare.isdecimal() else ""


def _step_of(secret: str, digits: str, uow: UnitOfWork) -> int | None:
    """Return the time step the code belongs to, the newest first; None for a wrong one."""
    now = int(uow.now().timestamp()) // STEP_SECONDS
    generator = pyotp.HOTP(secret)
    right = [
        step
        for step in range(now + DRIFT, now - DRIFT - 1, -1)
        if digits and secrets.compare_digest(generator.at(step), digits)
    ]
    return right[0] if right else None


def _secret(row: SecondFactor, sealer: Sealer) -> str:
    secret = sealer.open(row.sealed_secret, _purpose(row.user_id))
    if secret is None:
        raise Unavailable("两步验证的密钥打不开（主密钥换过），请系统管理员停用后重新设置。")
    return secret.decode()


def _purpose(user_id: int) -> str:
    return f"second factor of {user_id}"
