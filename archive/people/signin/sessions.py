"""The browsers a person is signed in with: listed, and ended one by one or all."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from archive.core.errors import NotFound
from archive.people.models import LoginSession
from archive.people.signin.models import SignInStep
from archive.people.signin.rules import METHODS, device_name
from storage.work import UnitOfWork


@dataclass(frozen=True)
class SessionView:
    """A signed-in browser as its person sees it."""

    id: int
    device: str
    address: str
    method: str
    is_strong: bool
    opened_at: datetime
    seen_at: datetime
    is_this: bool


def list_sessions(
    uow: UnitOfWork, user_id: int, idle: timedelta, this_id: int = 0
) -> list[SessionView]:
    """Return a person's sign-ins that still hold, the one of this request first."""
    now = uow.now()
    rows = uow.session.scalars(
        select(LoginSession)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.expires_at > now,
            LoginSession.seen_at > now - idle,
        )
        .order_by(LoginSession.id != this_id, LoginSession.seen_at.desc(), LoginSession.id)
    )
    return [_as_view(row, this_id) for row in rows]


def end_session(uow: UnitOfWork, user_id: int, session_id: int, by: int) -> None:
    """End one of a person's sign-ins, at once; NotFound for another's, or one that ended before."""
    mine = (LoginSession.id == session_id, LoginSession.user_id == user_id)
    found = uow.session.scalar(select(LoginSession.id).where(*mine))
    if found is None:
        raise NotFound("这个登录已经结束。")
    uow.session.execute(delete(LoginSession).where(*mine))
    uow.journal(by, "session.end", "user", user_id, {"session": session_id})


def end_sessions(uow: UnitOfWork, user_id: int, by: int, keep: int = 0) -> int:
    """End all of a person's sign-ins but ``keep``, half-done ones too; return how many ended.

    Where there was nothing to end, nothing is noted.
    """
    others = (LoginSession.user_id == user_id, LoginSession.id != keep)
    ended = len(uow.session.scalars(select(LoginSession.id).where(*others)).all())
    half_done = uow.session.scalars(select(SignInStep.id).where(SignInStep.user_id == user_id))
    if ended or half_done.all():
        uow.session.execute(delete(LoginSession).where(*others))
        uow.session.execute(delete(SignInStep).where(SignInStep.user_id == user_id))
        uow.journal(by, "session.end_all", "user", user_id, {"ended": ended})
    return ended


def touch_session(uow: UnitOfWork, session_id: int) -> None:
    """Note that a sign-in is in use now."""
    mine = update(LoginSession).where(LoginSession.id == session_id)
    uow.session.execute(mine.values(seen_at=uow.now()))


def make_strong(uow: UnitOfWork, session_id: int) -> None:
    """Note that the second factor was given in this sign-in."""
    uow.session.execute(
        update(LoginSession).where(LoginSession.id == session_id).values(is_strong=True)
    )


def _as_view(row: LoginSession, this_id: int) -> SessionView:
    return SessionView(
        id=row.id,
        device=device_name(row.agent),
        address=row.address,
        method=METHODS.get(row.method, row.method),
        is_strong=row.is_strong,
        opened_at=row.created_at,
        seen_at=row.seen_at,
        is_this=row.id == this_id,
    )
