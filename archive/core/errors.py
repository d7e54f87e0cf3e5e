"""The error tree of the office; ``archive.web.errors`` maps it to HTTP in one table.

Every error carries a Chinese sentence that says what is wrong and what to do next; ``fields``
names the entries it is about.
"""

from collections.abc import Mapping


class ArchiveError(Exception):
    """Base of every refusal of the office; ``code`` is stable, ``message`` is for people."""

    code = "error"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})


class Unauthenticated(ArchiveError):
    """Nobody is signed in, or the password or token is wrong."""

    code = "unauthenticated"


class Forbidden(ArchiveError):
    """The person may not do this."""

    code = "forbidden"


class NotFound(ArchiveError):
    """There is no such thing, or it does not exist for this person."""

    code = "not_found"


class Conflict(ArchiveError):
    """The thing has changed meanwhile, or its state does not allow the act."""

    code = "conflict"


class Invalid(ArchiveError):
    """What was sent is not right; ``fields`` says where."""

    code = "invalid"


class TooLarge(ArchiveError):
    """What was sent is too large."""

    code = "too_large"


class Throttled(ArchiveError):
    """Too many tries; wait."""

    code = "throttled"


class Unavailable(ArchiveError):
    """A part the act needs (the PDF service, for one) is not there at the moment."""

    code = "unavailable"
