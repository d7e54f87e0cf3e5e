"""Notes, every few minutes at most, that a session or token is in use."""

from archive.core.resources import Resources
from archive.people.signin.sessions import touch_session
from archive.people.signin.tokens import touch_token


def note_seen_session(resources: Resources, session_id: int) -> None:
    """Note that a browser is in use, a moment later."""
    resources.afterwards.do(lambda uow: touch_session(uow, session_id))


def note_seen_token(resources: Resources, token_id: int) -> None:
    """Note that a token is in use, a moment later."""
    resources.afterwards.do(lambda uow: touch_token(uow, token_id))
