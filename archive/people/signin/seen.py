"""Notes, every few minutes at most, that a session or token is in use."""

import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from archive.core.resources import Resources
from archive.people.signin.sessions import touch_session
from archive.people.signin.tokens import touch_token
from storage.work import UnitOfWork

log = logging.getLogger(__name__)


def note_seen_session(resources: Resources, session_id: int) -> None:
    """Note that a browser is in use; on a full disk it stays unsaid."""
    _note(resources, lambda uow: touch_session(uow, session_id))


def note_seen_token(resources: Resources, token_id: int) -> None:
    """Note that a token is in use; on a full disk it stays unsaid."""
    _note(resources, lambda uow: touch_token(uow, token_id))


def _note(resources: Resources, touch: Callable[[UnitOfWork], None]) -> None:
    try:
        with resources.work() as uow:
            touch(uow)
            uow.commit()
    except SQLAlchemyError:
        log.warning("that a sign-in is in use could not be noted")
