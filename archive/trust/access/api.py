"""Who can see a thing and why, and grants, through the API."""

from datetime import date
from typing import Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from archive.core.calls import Day, FromView, Strict
from archive.core.web import reading, work
from archive.people.gate import actor, guard
from archive.people.grants.rules import MOST_REASON
from archive.people.grants.service import GrantFields
from archive.trust.access import service

api = APIBlueprint("access_api", __name__, url_prefix="/api/v1", tag="access")
LARGEST = 2**31 - 1
Kind = Literal["record", "item", "customer"]


class AccessQuery(BaseModel):
    """Which thing; ``text`` narrows to people whose name, number or department holds it."""

    kind: Kind
    id: int = Field(ge=1, le=LARGEST)
    text: str = Field(default="", max_length=60)
    page: int = 1
    per_page: int = 50


class PersonQuery(BaseModel):
    """Which thing and who: a name, staff number or user name."""

    kind: Kind
    id: int = Field(ge=1, le=LARGEST)
    person: str = Field(min_length=1, max_length=60)


class GrantsQuery(BaseModel):
    """All grants or only those that hold now."""

    live: bool = False
    page: int = 1
    per_page: int = 20


class GrantIn(Strict):
    """Whom to let see what, to the end of which day, and why."""

    kind: Literal["record", "item", "volume", "customer"]
    id: int = Field(ge=1, le=LARGEST)
    person: str = Field(min_length=1, max_length=60)
    until: Day
    reason: str = Field(min_length=1, max_length=MOST_REASON)


class WithdrawIn(Strict):
    """Why a grant ends before its day."""

    reason: str = Field(min_length=1, max_length=MOST_REASON)


class SeerOut(FromView):
    """A person who can see the thing, and why."""

    user_id: int
    name: str
    username: str
    staff_no: str
    department_name: str
    reasons: list[str]


class CircleOut(BaseModel):
    """Who can see a thing; ``title`` is empty for who may not read it."""

    kind: str
    id: int
    number: str
    title: str
    secrecy: str
    people: list[SeerOut]
    total: int
    page: int
    pages: int


class AnswerOut(FromView):
    """Whether a person can see the thing, and why or why not."""

    name: str
    username: str
    department_name: str
    sees: bool
    reasons: list[str]


class GrantOut(FromView):
    """A grant; ``state`` is now, over or withdrawn."""

    id: int
    user_id: int
    user_name: str
    kind: str
    thing_id: int
    number: str
    by_name: str
    given_on: str
    until: date
    reason: str
    state: str
    ended: str


class GrantPage(BaseModel):
    """One page of grants."""

    items: list[GrantOut]
    total: int
    page: int
    pages: int


@api.get("/access")
@api.input(AccessQuery, location="query")
@api.output(CircleOut)
@guard("access.read")
def circle(query_data: AccessQuery) -> CircleOut:
    """Say who can see a record, an item or a customer, and why."""
    asked = query_data
    with reading() as uow:
        found = service.circle_of(uow, actor(), asked.kind, asked.id, asked.text)
    page = service.page_of_seers(found, asked.page, asked.per_page)
    return CircleOut(
        kind=found.subject.kind,
        id=found.subject.id,
        number=found.subject.number,
        title=found.subject.title,
        secrecy=found.subject.secrecy_label,
        people=[SeerOut.model_validate(one) for one in page.items],
        total=page.total,
        page=page.page,
        pages=page.pages,
    )


@api.get("/access/person")
@api.input(PersonQuery, location="query")
@api.output(AnswerOut)
@guard("access.read")
def person(query_data: PersonQuery) -> AnswerOut:
    """Say whether one person can see the thing, and why or why not."""
    asked = query_data
    with reading() as uow:
        found = service.ask_about(uow, actor(), asked.kind, asked.id, asked.person)
    return AnswerOut.model_validate(found)


@api.get("/grants")
@api.input(GrantsQuery, location="query")
@api.output(GrantPage)
@guard("grant.list")
def grants(query_data: GrantsQuery) -> GrantPage:
    """List grants, newest first."""
    asked = query_data
    with reading() as uow:
        found = service.list_grants(
            uow, actor(), only_live=asked.live, page=asked.page, per_page=asked.per_page
        )
    shown = [GrantOut.model_validate(one) for one in found.items]
    return GrantPage(items=shown, total=found.total, page=found.page, pages=found.pages)


@api.post("/grants")
@api.input(GrantIn, location="json")
@api.output(GrantOut, status_code=201)
@guard("access.grant")
def give(json_data: GrantIn) -> GrantOut:
    """Let somebody see a thing until a day; never above their own clearance."""
    sent = json_data
    with work() as uow:
        fields = GrantFields(sent.kind, sent.id, sent.until, sent.reason)
        made, _ = service.let_in(uow, actor(), sent.person, fields)
        uow.commit()
    return GrantOut.model_validate(made)


@api.post("/grants/<int:grant_id>/withdraw")
@api.input(WithdrawIn, location="json")
@api.output(GrantOut)
@guard("access.grant")
def withdraw(grant_id: int, json_data: WithdrawIn) -> GrantOut:
    """End a grant now."""
    with work() as uow:
        done = service.let_out(uow, actor(), grant_id, json_data.reason)
        uow.commit()
    return GrantOut.model_validate(done)
