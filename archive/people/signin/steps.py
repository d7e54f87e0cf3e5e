"""The step between a right password and its code: short, for one browser, good once."""

import hashlib
import secrets

from sqlalchemy import delete, select

from archive.people.models import User
from archive.people.service import find_actor
from archive.people.signin.models import SignInStep
from archive.people.signin.rules import STEP_LIFE
from storage.work import UnitOfWork


def open_step(uow: UnitOfWork, user_id: int, method: str) -> str:
    """Return the token of a new step for the browser's cookie; stale ones go."""
    now, token = uow.now(), secrets.token_urlsafe(32)
    uow.session.execute(delete(SignInStep).where(SignInStep.expires_at <= now))
    uow.session.add(
        SignInStep(
            token_hash=_digest(token), user_id=user_id, method=method, expires_at=now + STEP_LIFE
        )
    )
    return token


def find_step(uow: UnitOfWork, token: str) -> tuple[int, str] | None:
    """Return who waits at this step and how they came; None when it is stale, or they left."""
    row = uow.session.scalar(
        select(SignInStep)
        .join(User, User.id == SignInStep.user_id)
        .where(SignInStep.token_hash == _digest(token), SignInStep.expires_at > uow.now())
    )
    if row is None or find_actor(uow, row.user_id) is None:
        return None
    return row.user_id, row.method


def end_step(uow: UnitOfWork, token: str) -> None:
    """End a step."""
    uow.session.execute(delete(SignInStep).where(SignInStep.token_hash == _digest(token)))


def _digest(token: str) -> str:
    return hashlib.sha256(token[:200].encode("utf-8", "surrogatepass")).hexdigest()
