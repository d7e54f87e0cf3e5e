"""The person's desk over the API: lists, many papers at once, delegations, phrases, stuck tasks.

Hung on the blueprint of ``api``, which imports this module.
"""

from dataclasses import asdict
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from archive.core.calls import Closed, Strict
from archive.core.described import Instant
from archive.core.errors import Invalid
from archive.core.web import reading, resources, work
from archive.people.gate import actor, client_address, guard
from archive.signing import audience, delegation, detours, edge, inbox, opinions, reminders
from archive.signing.blueprint import api
from archive.signing.views import InboxEntry


class ManyIn(Strict):
    """Papers to sign with one password and one opinion."""

    record_ids: list[int] = Field(max_length=100)
    password: str = Field(max_length=200)
    opinion: str = Field(default="", max_length=2_000)


class ReassignIn(Strict):
    """Who takes the task from now on."""

    person: str = Field(max_length=100)
    note: str = Field(default="", max_length=2_000)


class DelegationIn(Strict):
    """Who acts for me, from which day to which (ISO), for which form (empty: all)."""

    agent: str = Field(max_length=100)
    from_day: str = Field(max_length=10)
    until_day: str = Field(max_length=10)
    form: str = Field(default="", max_length=40)
    reason: str = Field(default="", max_length=1_000)


class PhraseIn(Strict):
    """A ready phrase; for everybody only by the administrator."""

    text: str = Field(max_length=1_000)
    for_everybody: bool = False


class EntryOut(BaseModel):
    """A paper in one of the lists."""

    task_id: int
    record_id: int
    role: str
    number: str
    title: str
    form: str
    author: str
    state: str
    kind: str
    owner: str
    waits_for: str
    age: str
    is_late: bool
    reminders: int
    opened_at: Instant | None
    done_at: Instant | None
    due_at: Instant | None


class EntriesOut(BaseModel):
    """A page of a list."""

    items: list[EntryOut]
    total: int
    page: int
    pages: int


class CountsOut(BaseModel):
    """How many papers stand in each list."""

    waiting: int
    late: int
    mine: int
    unread: int


class SignedOut(BaseModel):
    """What came of one paper among many."""

    record_id: int
    done: bool
    why: str


class ManyOut(BaseModel):
    """What came of each paper."""

    items: list[SignedOut]


class DelegationOut(BaseModel):
    """A standing delegation."""

    id: int
    owner_name: str
    agent_name: str
    form_code: str
    from_day: str
    until_day: str
    reason: str
    state: str


class InboxQuery(Closed):
    """Which of my lists, and which page of it."""

    view: Literal["todo", "done", "mine", "copies"] = "todo"
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=100, ge=1, le=100)


class DelegationsOut(BaseModel):
    """My delegations, and those to me."""

    items: list[DelegationOut]


class PhraseOut(BaseModel):
    """A ready phrase."""

    text: str
    is_common: bool


class PhrasesOut(BaseModel):
    """Everybody's phrases, then my own."""

    items: list[PhraseOut]


@api.get("/inbox")
@api.input(InboxQuery, location="query", arg_name="asked")
@api.output(EntriesOut)
@guard("self")
def tasks(asked: InboxQuery) -> dict[str, object]:
    """List my papers: ``view`` = todo (default), done, mine, copies."""
    with reading() as uow:
        found = inbox.list_view(uow, actor(), asked.view, asked.page, asked.per_page)
    return {
        "items": [_entry(one) for one in found.items],
        "total": found.total,
        "page": found.page,
        "pages": found.pages,
    }


@api.get("/inbox/counts")
@api.output(CountsOut)
@guard("self")
def task_counts() -> dict[str, object]:
    """Count my lists."""
    with reading() as uow:
        return asdict(inbox.counts(uow, actor()))


@api.post("/inbox/sign")
@api.input(ManyIn, location="json")
@api.output(ManyOut)
@guard("self")
def sign_many(json_data: ManyIn) -> dict[str, object]:
    """Sign several papers; each by its own rules."""
    outcomes = edge.sign_many(
        resources(),
        actor(),
        json_data.record_ids,
        password=json_data.password,
        opinion=json_data.opinion,
        address=client_address(),
    )
    return {"items": [asdict(one) for one in outcomes]}


@api.get("/inbox/stuck")
@api.output(EntriesOut)
@guard("task.reassign")
def stuck() -> dict[str, object]:
    """List the tasks that lie with people who left, or are late."""
    with reading() as uow:
        found = reminders.stuck_tasks(uow, actor())
    return {"items": [_entry(one) for one in found], "total": len(found), "page": 1, "pages": 1}


@api.post("/inbox/<int:task_id>/reassign")
@api.input(ReassignIn, location="json")
@api.output({}, status_code=204)
@guard("self")
def reassign(task_id: int, json_data: ReassignIn) -> str:
    """Give a task to somebody else (administrator, or head of its person)."""
    with work() as uow:
        person = audience.person_named(uow, json_data.person)
        detours.reassign(uow, actor(), task_id, person, json_data.note)
        uow.commit()
    return ""


@api.get("/delegations")
@api.output(DelegationsOut)
@guard("self")
def delegations() -> dict[str, object]:
    """List my delegations, and those to me."""
    with reading() as uow:
        return {"items": [asdict(one) for one in delegation.delegations_of(uow, actor())]}


@api.post("/delegations")
@api.input(DelegationIn, location="json")
@api.output(DelegationOut, status_code=201)
@guard("self")
def delegate_tasks(json_data: DelegationIn) -> dict[str, object]:
    """Hand my coming tasks to another for some days."""
    with work() as uow:
        made = delegation.delegate_tasks(
            uow,
            actor(),
            audience.person_named(uow, json_data.agent),
            day_of(json_data.from_day, "from_day"),
            day_of(json_data.until_day, "until_day"),
            json_data.form,
            json_data.reason,
        )
        uow.commit()
    return asdict(made)


@api.post("/delegations/<int:delegation_id>/end")
@api.output(DelegationOut)
@guard("self")
def end_delegation(delegation_id: int) -> dict[str, object]:
    """End a delegation of mine now."""
    with work() as uow:
        ended = delegation.end_delegation(uow, actor(), delegation_id)
        uow.commit()
    return asdict(ended)


@api.get("/opinions")
@api.output(PhrasesOut)
@guard("self")
def phrases() -> dict[str, object]:
    """List the ready phrases."""
    with reading() as uow:
        found = opinions.phrases_for(uow, actor())
    return {"items": [{"text": one.text, "is_common": one.is_common} for one in found]}


@api.post("/opinions")
@api.input(PhraseIn, location="json")
@api.output(PhraseOut, status_code=201)
@guard("self")
def add_phrase(json_data: PhraseIn) -> dict[str, object]:
    """Add a ready phrase."""
    with work() as uow:
        made = opinions.add_phrase(
            uow, actor(), json_data.text, for_everybody=json_data.for_everybody
        )
        uow.commit()
    return {"text": made.text, "is_common": made.is_common}


@api.post("/opinions/remove")
@api.input(PhraseIn, location="json")
@api.output({}, status_code=204)
@guard("self")
def remove_phrase(json_data: PhraseIn) -> str:
    """Take a ready phrase out."""
    with work() as uow:
        opinions.remove_phrase(uow, actor(), json_data.text, for_everybody=json_data.for_everybody)
        uow.commit()
    return ""


def day_of(text: str, name: str) -> date:
    """Return the day an ISO date names; raise Invalid."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as wrong:
        raise Invalid("日期不对，应如 2026-11-23。", {name: "应如 2026-11-23"}) from wrong


def _entry(one: InboxEntry) -> dict[str, object]:
    return {
        "task_id": one.task_id,
        "record_id": one.record_id,
        "role": one.role,
        "number": one.number,
        "title": one.title,
        "form": one.form_title,
        "author": one.author_name,
        "state": one.state,
        "kind": one.kind,
        "owner": one.owner_name,
        "waits_for": one.waits_for,
        "age": one.age,
        "is_late": one.is_late,
        "reminders": one.reminders,
        "opened_at": one.opened_at,
        "done_at": one.done_at,
        "due_at": one.due_at,
    }
