"""Coming in, step by step: password or provider, then the code, then a session.

Page and confirmation of a signature share it. It is the edge, so it commits: a wrong password
counts. A directory is asked while no transaction is open.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from sqlalchemy import select

from archive.config_signin import LdapSettings
from archive.core.errors import Invalid, Throttled, Unauthenticated, Unavailable
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.people import access
from archive.people.access import PasswordCheck, SignedIn
from archive.people.hashing import slow_hash
from archive.people.models import User
from archive.people.rights import Actor
from archive.people.signin import entries, factors, notices, outside, sessions, steps
from archive.people.signin.known import Known, Verdict
from archive.people.signin.passwords import OwnWords
from archive.people.signin.rules import FRESH, name_key
from archive.people.signin.sealing import Sealer

CODE_WORDS = {
    "code": "验证码不对，请看手机上现在的数字，或用一个没用过的恢复码",
    "replayed": "这个验证码已经用过，请等手机上换了数字再输",
}


@dataclass(frozen=True)
class Caller:
    """Where a try to sign in comes from."""

    address: str
    agent: str


@dataclass(frozen=True)
class Entry:
    """How far somebody came: a session, or a step that waits for its code, or refused."""

    session: str = ""
    step: str = ""
    refusal: str = ""
    news: int = 0


def sign_in(resources: Resources, username: str, password: str, caller: Caller) -> Entry:
    """Check a name and a password; raise Throttled, or Unavailable when the directory is away."""
    try:
        check, method = _check(resources, username, password, caller.address)
    except (Throttled, Unavailable) as refusal:
        reason = "throttled" if isinstance(refusal, Throttled) else "unreachable"
        _note_refused(resources, username, caller, reason)
        raise
    if method == "password" and _comes_from_outside(resources, check):
        _note_refused(resources, username, caller, "use_outside")
        return Entry(refusal="use_outside")
    renewed = slow_hash(password) if check.outdated else ""
    with resources.work() as uow:
        user_id = access.note_password(uow, check)
        if renewed:
            access.renew_hash(uow, check, renewed)
        if user_id is None:
            who, why = check.account_id, check.refusal
            entries.note(uow, who, method, caller.address, caller.agent, why)
        uow.commit()
    if user_id is None:
        return Entry(refusal=check.refusal)
    return _open(resources, user_id, method, caller)


def sign_in_known(resources: Resources, known: Known, caller: Caller) -> Entry:
    """Let somebody in whom the provider knows."""
    oidc = resources.settings.sign_in.oidc
    if oidc is None:
        raise Unauthenticated("没有设统一登录，请用密码登录。")
    with resources.work() as uow:
        user_id, refusal = outside.account_of(uow, "oidc", known, oidc.field_name, oidc.create_in)
        if user_id is None:
            entries.note(uow, None, "oidc", caller.address, caller.agent, refusal)
        uow.commit()
    if user_id is None:
        return Entry(refusal=refusal)
    return _open(resources, user_id, "oidc", caller, is_strong=known.is_strong)


def note_provider_refused(resources: Resources, caller: Caller) -> None:
    """Write down that an answer of the provider did not fit; once a minute for an address."""
    with resources.work() as uow:
        entries.note(uow, None, "oidc", caller.address, caller.agent, "provider")
        uow.commit()


def give_code(resources: Resources, step: str, code: str, caller: Caller) -> Entry:
    """Take the code after the password; Unauthenticated when the step is stale, Throttled."""
    sealer, settings = Sealer.of(resources.settings), resources.settings.sign_in
    with resources.work() as uow:
        waiting = steps.find_step(uow, step)
        if waiting is None:
            raise Unauthenticated("等得太久，或已经用过，请重新登录。")
        user_id, method = waiting
        try:
            refusal = factors.check_code(uow, user_id, sealer, code)
        except Throttled:
            entries.note(uow, user_id, method, caller.address, caller.agent, "throttled")
            uow.commit()
            raise
        entries.note(uow, user_id, method, caller.address, caller.agent, refusal)
        if refusal:
            uow.commit()
            return Entry(refusal=refusal)
        steps.end_step(uow, step)
        session = access.open_session(
            uow,
            user_id,
            caller.address,
            caller.agent,
            method=method,
            is_strong=True,
            life=settings.life,
        )
        news = notices.unread_count(uow, user_id)
        uow.commit()
    return Entry(session=session, news=news)


def confirm_own(resources: Resources, actor: Actor, password: str, address: str) -> PasswordCheck:
    """Check the acting person's own password, wherever it is kept; to be noted by the edge."""
    check, _ = _check(resources, actor.username, password, address)
    if check.user_id not in (None, actor.id):
        raise Unauthenticated("密码不对。")
    return check


def check_own(resources: Resources, here: SignedIn, password: str, address: str) -> None:
    """Ask for one's own password before something weighty; raise Invalid or Throttled.

    Who has none (they come in by the provider) must have come in just now instead.
    """
    with resources.reading() as uow:
        needs_none = not outside.has_own_password(uow, here.actor.id)
    if needs_none:
        if here.opened_at is None or resources.clock() - here.opened_at > FRESH:
            why = "请先退出，重新登录后 10 分钟内再办"
            raise Invalid(f"{why}。", {"password": why})
        return
    check = confirm_own(resources, here.actor, password, address)
    with resources.work() as uow:
        is_right = access.note_password(uow, check) is not None
        uow.commit()
    if not is_right:
        raise Invalid("密码不对，请重新输入。", {"password": "密码不对"})


def own_words(resources: Resources, actor: Actor) -> OwnWords:
    """Return what is known of a person, which their password may not contain."""
    with resources.reading() as uow:
        email = uow.session.scalar(select(User.email).where(User.id == actor.id)) or ""
        company = load_profile(uow).company
    return OwnWords(actor.username, actor.staff_no, actor.name, email, company)


def step_up(resources: Resources, here: SignedIn, code: str, caller: Caller) -> None:
    """Take the code in a session that came in without; raise Invalid or Throttled."""
    sealer = Sealer.of(resources.settings)
    with resources.work() as uow:
        refusal = factors.check_code(uow, here.actor.id, sealer, code)
        entries.note(uow, here.actor.id, "code", caller.address, caller.agent, refusal)
        if not refusal:
            sessions.make_strong(uow, here.key_id)
        uow.commit()
    if refusal:
        raise Invalid("验证码不对。", {"code": CODE_WORDS[refusal]})


def _open(
    resources: Resources, user_id: int, method: str, caller: Caller, *, is_strong: bool = False
) -> Entry:
    """Open a session, or the step that waits for the code of a second factor."""
    with resources.work() as uow:
        if factors.is_on(uow, user_id) and not is_strong:
            entry = Entry(step=steps.open_step(uow, user_id, method))
        else:
            life = resources.settings.sign_in.life
            session = access.open_session(
                uow,
                user_id,
                caller.address,
                caller.agent,
                method=method,
                is_strong=is_strong,
                life=life,
            )
            entries.note(uow, user_id, method, caller.address, caller.agent)
            entry = Entry(session=session, news=notices.unread_count(uow, user_id))
        uow.commit()
    return entry


def _check(
    resources: Resources, username: str, password: str, address: str
) -> tuple[PasswordCheck, str]:
    """Return what a password is worth, and who was asked: the directory where it knows the name."""
    ldap = resources.settings.sign_in.ldap
    if ldap is not None:
        with resources.reading() as uow:
            access.check_throttle(uow, username, address)
            is_bound = "ldap" in outside.providers_of(uow, username)
        known = _asked(ldap, username.strip(), password, is_bound=is_bound)
        if known.verdict != Verdict.UNKNOWN or is_bound:
            return _by_directory(resources, ldap, username, address, known), "ldap"
    with resources.reading() as uow:
        return access.check_password(uow, username, password, address), "password"


def _asked(ldap: LdapSettings, username: str, password: str, *, is_bound: bool) -> Known:
    """Ask the directory; while it is away only those it never knew come in by our password."""
    ask = cast(
        Callable[[LdapSettings, str, str], Known],
        importlib.import_module("archive.people.signin.directory").ask,
    )
    try:
        known = ask(ldap, username, password)
    except Unavailable:
        if is_bound:
            raise
        return Known(Verdict.UNKNOWN)
    if known.verdict == Verdict.GOOD and name_key(known.username) != name_key(username):
        return replace(known, verdict=Verdict.WRONG)  # spelt in a way our count does not know
    return known


def _by_directory(
    resources: Resources, ldap: LdapSettings, username: str, address: str, known: Known
) -> PasswordCheck:
    with resources.work() as uow:
        account = access.account_named(uow, username)
        refusal, user_id = "password", None
        if known.verdict == Verdict.GOOD:
            user_id, refusal = outside.account_of(uow, "ldap", known, "username", ldap.create_in)
        uow.commit()
    return PasswordCheck(user_id, name_key(username), address[:60], user_id or account, refusal)


def _comes_from_outside(resources: Resources, check: PasswordCheck) -> bool:
    """Say whether this person must come in by the provider: our password only signs for them."""
    if resources.settings.sign_in.oidc is None or check.user_id is None:
        return False
    with resources.reading() as uow:
        return "oidc" in outside.providers_of_id(uow, check.user_id)


def _note_refused(resources: Resources, username: str, caller: Caller, refusal: str) -> None:
    with resources.work() as uow:
        account = access.account_named(uow, username)
        entries.note(uow, account, "password", caller.address, caller.agent, refusal)
        uow.commit()
