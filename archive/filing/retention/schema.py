"""What the calls of the keeping's end take and give."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from archive.core.calls import FromView, Strict
from archive.core.described import Instant
from archive.filing.retention.rules import LARGEST_ID, MOST_ITEMS


class DueQuery(BaseModel):
    """How the due list is narrowed; ``months`` looks ahead."""

    months: int = 0
    year: int | None = Field(default=None, ge=0, le=9999)
    item_class: str = ""
    department_id: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    customer_id: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    page: int = 1
    per_page: int = 50


class DueOut(BaseModel):
    """An item that is due; ``obstacle`` says why it cannot be appraised now."""

    item_id: int
    code: str
    title: str
    year: int
    retention: str
    base_year: int
    due_on: date
    obstacle: str


class DuePage(BaseModel):
    """One page of what is due."""

    items: list[DueOut]
    total: int
    page: int
    pages: int


class HoldIn(Strict):
    """A hold: over an item, volume or customer (by id or as it is called) or a class, and why."""

    scope: Literal["item", "volume", "customer", "class"]
    target: str = Field(max_length=200)
    reason: str
    from_day: str = Field(default="", max_length=10)
    until_day: str = Field(default="", max_length=10)


class HoldOut(FromView):
    """A hold."""

    id: int
    scope: str
    target: str
    target_title: str
    reason: str
    from_day: date
    until_day: date | None
    set_name: str
    lifted_at: Instant | None
    lift_reason: str
    in_force: bool


class HoldItems(BaseModel):
    """The holds that were not lifted."""

    items: list[HoldOut]


class ReasonIn(Strict):
    """Why."""

    reason: str


class AppraisalIn(Strict):
    """Items to be appraised, and the committee."""

    items: list[int] = Field(max_length=MOST_ITEMS)
    members: list[int] = Field(max_length=50)
    leader_id: int
    note: str = ""


class OpinionIn(Strict):
    """What the token's user thinks of one item."""

    item_id: int
    opinion: str
    new_term: str = ""
    reason: str = ""


class OpinionsIn(Strict):
    """Opinions, item by item."""

    opinions: list[OpinionIn] = Field(max_length=MOST_ITEMS)


class PasswordIn(Strict):
    """One's own password."""

    password: str


class OpinionOut(FromView):
    """One member's opinion."""

    user_id: int
    user_name: str
    opinion: str
    new_term: str
    reason: str


class AppraisalLineOut(FromView):
    """One item before the committee."""

    item_id: int
    code: str
    title: str
    retention: str
    due_on: date | None
    outcome: str
    new_term: str
    why: str
    opinions: list[OpinionOut]


class MemberOut(FromView):
    """A member of the committee."""

    user_id: int
    name: str
    is_leader: bool
    signed_at: Instant | None
    missing: int


class AppraisalOut(FromView):
    """An appraisal; ``is_whole`` is false when the token's user may not read all of it."""

    id: int
    number: str
    state: str
    note: str
    is_whole: bool
    members: list[MemberOut]
    lines: list[AppraisalLineOut]


class ListIn(Strict):
    """Which outcome of an appraisal to put on a list."""

    kind: Literal["destroy", "transfer"]
    note: str = ""


class SignIn(Strict):
    """A signature: the digest of the list seen, and one's own password."""

    digest: str = Field(max_length=64)
    password: str


class WitnessIn(SignIn):
    """A 监销人's signature: how and where."""

    method: str
    location: str


class TransferIn(SignIn):
    """To whom items are handed over."""

    receiver: str
    receiver_name: str


class WitnessOut(FromView):
    """A 监销人."""

    user_id: int
    name: str
    at: Instant
    method: str
    location: str


class DisposalLineOut(FromView):
    """One item on a list."""

    item_id: int
    code: str
    title: str
    year: int
    retention: str
    kept_years: int
    pages: int
    done_at: Instant | None


class DisposalOut(FromView):
    """A destruction or transfer list."""

    id: int
    number: str
    kind: str
    state: str
    digest: str
    appraisal_id: int
    approved_name: str
    cooling_until: date | None
    carried_name: str
    done_at: Instant | None
    receiver: str
    reason: str
    is_whole: bool
    witnesses: list[WitnessOut]
    lines: list[DisposalLineOut]


class TaskOut(FromView):
    """The task that carries it out; ask /api/v1/tasks/{id} how far it is."""

    id: int
    state: str
