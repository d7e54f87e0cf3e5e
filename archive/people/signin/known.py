"""What a directory or a provider says of somebody, as plain values."""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """How a directory answers a name and a password."""

    GOOD = "good"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Known:
    """Who it is by their word; ``subject`` never changes and is never given to another."""

    verdict: Verdict
    username: str = ""
    subject: str = ""
    name: str = ""
    email: str = ""
    staff_no: str = ""
    is_strong: bool = False
