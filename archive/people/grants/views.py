"""A grant as other stations and pages see it."""

from dataclasses import dataclass
from datetime import date

from archive.people.grants.rules import KINDS


@dataclass(frozen=True)
class GrantView:
    """A grant; ``number`` is the thing's own, filled in by the page; ``state`` now or why over."""

    id: int
    user_id: int
    user_name: str
    kind: str
    thing_id: int
    by_name: str
    given_on: str
    until: date
    reason: str
    state: str
    ended: str = ""
    number: str = ""

    @property
    def kind_label(self) -> str:
        """What was opened, in a word."""
        return KINDS.get(self.kind, self.kind)

    @property
    def is_live(self) -> bool:
        """Whether it holds now."""
        return self.state == "now"

    @property
    def state_label(self) -> str:
        """Whether it holds, in words."""
        return {"now": "有效", "over": "已到期", "withdrawn": "已收回"}[self.state]
