"""What the pages and calls of this room show, as plain values."""

from dataclasses import dataclass

from archive.people.grants.views import GrantView
from archive.people.rights import SECRECY, Thing


@dataclass(frozen=True)
class Subject:
    """The thing that is asked about; ``title`` only for who may read it.

    ``belongs_to``: the things whose grants reach it — itself, its volume, its customer.
    """

    kind: str
    id: int
    kind_label: str
    number: str
    title: str
    department_name: str
    state_label: str
    thing: Thing
    belongs_to: tuple[tuple[str, int | None], ...] = ()

    @property
    def secrecy_label(self) -> str:
        """How secret it is, in a word; nothing for a customer or a volume."""
        return SECRECY[self.thing.secrecy] if self.kind in ("record", "item") else ""


@dataclass(frozen=True)
class Seer:
    """A person who can see the thing, and every reason."""

    user_id: int
    name: str
    username: str
    staff_no: str
    department_name: str
    reasons: tuple[str, ...]

    @property
    def why(self) -> str:
        """All reasons on one line."""
        return "；".join(self.reasons)


@dataclass(frozen=True)
class Answer:
    """Whether one person can see the thing, with the reasons why or why not."""

    name: str
    username: str
    department_name: str
    sees: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Circle:
    """The thing, the page of those who see it, and its grants."""

    subject: Subject
    seers: tuple[Seer, ...]
    grants: tuple[GrantView, ...]
