"""Signing over the API, for the token's own user: submit, sign, and every other act on a paper.

Lists, delegations and phrases hang on the same blueprint in ``desk_api``.
"""

import base64
import binascii
from typing import Any

from pydantic import BaseModel, Field

from archive.core.calls import Strict
from archive.core.described import Instant
from archive.core.errors import Invalid
from archive.core.web import reading, resources
from archive.people.gate import actor, client_address, guard
from archive.signing import desk_api, edge, service
from archive.signing.acts import Asked
from archive.signing.blueprint import api
from archive.signing.seals.rules import SealRequest
from archive.signing.views import RunView

__all__ = ["api", "desk_api"]

PNG_LIMIT = 2_000_000
WORDS = 2_000
NAMES = 50


class SealAskIn(Strict):
    """Which seal is to be put on, on how many printed copies, what for; across the edges too."""

    seal_id: int
    copies: int = 1
    why: str = Field(max_length=WORDS)
    across: bool = False


class SubmitIn(Strict):
    """The version that is submitted; who signs the steps to choose; who gets it to read.

    ``with_outside``: the other party is to sign by a link, and not on paper; ``seal``: that of the
    company is to be put on.
    """

    version: int
    with_outside: bool = False
    seal: SealAskIn | None = None
    chosen: dict[str, list[str]] = Field(default_factory=dict, max_length=30)
    copies: list[str] = Field(default_factory=list, max_length=NAMES)


class SignIn(Strict):
    """The signer's password again, a drawn signature (PNG, base64), an opinion, own entries.

    ``with_mark``: the signer's name seal is shown where nothing is drawn.
    """

    password: str = Field(max_length=200)
    signature_png: str = Field(default="", max_length=PNG_LIMIT)
    opinion: str = Field(default="", max_length=WORDS)
    circled: bool = False
    own_password: str = Field(default="", max_length=200)
    with_mark: bool = False
    entries: dict[str, Any] = Field(default_factory=dict, max_length=50)


class ReturnIn(Strict):
    """Password and reason; to which step (0: the author), step by step again or straight back."""

    password: str = Field(max_length=200)
    reason: str = Field(max_length=WORDS)
    to: int = 0
    straight_back: bool = False


class RejectIn(Strict):
    """The signer's password again and why."""

    password: str = Field(max_length=200)
    reason: str = Field(max_length=WORDS)


class AddIn(Strict):
    """People to add (name, staff number or user name), before or after oneself."""

    people: list[str] = Field(max_length=NAMES)
    way: str
    note: str = Field(default="", max_length=WORDS)


class RemoveIn(Strict):
    """The task of somebody one added."""

    task_id: int


class PersonIn(Strict):
    """Somebody (name, staff number or user name), with a word to them."""

    person: str = Field(max_length=100)
    note: str = Field(default="", max_length=WORDS)


class AdviceIn(Strict):
    """Words asked for."""

    opinion: str = Field(max_length=WORDS)


class CopyIn(Strict):
    """Who gets the paper to read."""

    people: list[str] = Field(max_length=NAMES)


class TaskOut(BaseModel):
    """One person's part in a run."""

    id: int
    seq: int
    role: str
    assignee: str
    state: str
    done_at: Instant | None
    opinion: str
    kind: str
    owner: str
    on_behalf_of: str
    outcome: str
    due_at: Instant | None
    reminders: int


class StepOut(BaseModel):
    """One step of the chain as fixed at submission."""

    seq: int
    role: str
    mode: str
    needed: int
    state: str
    note: str


class RunOut(BaseModel):
    """A run with its steps."""

    record_id: int
    round: int
    state: str
    tasks: list[TaskOut]
    steps: list[StepOut]


class ToldOut(BaseModel):
    """What was done, in words."""

    done: str


@api.get("/records/<int:record_id>/signing")
@api.output(RunOut)
@guard("record.read")
def run(record_id: int) -> dict[str, object]:
    """Show how far a record's signing is."""
    return _present(record_id)


@api.post("/records/<int:record_id>/submit")
@api.input(SubmitIn, location="json")
@api.output(RunOut)
@guard("record.submit")
def submit(record_id: int, json_data: SubmitIn) -> dict[str, object]:
    """Submit a record for signing."""
    chosen, copies = edge.resolve_people(resources(), json_data.chosen, json_data.copies)
    done = edge.submit(
        resources(),
        actor(),
        record_id,
        json_data.version,
        chosen=chosen,
        copies=copies,
        with_outside=json_data.with_outside,
        seal=SealRequest(**json_data.seal.model_dump()) if json_data.seal else None,
    )
    return told(done)


@api.post("/records/<int:record_id>/sign")
@api.input(SignIn, location="json")
@api.output(RunOut)
@guard("record.sign")
def sign(record_id: int, json_data: SignIn) -> dict[str, object]:
    """Sign a record in one's own step."""
    done = edge.sign(
        resources(),
        actor(),
        record_id,
        password=json_data.password,
        drawn_png=_png(json_data.signature_png),
        opinion=json_data.opinion,
        address=client_address(),
        circled=json_data.circled,
        filled=json_data.entries,
        own_password=json_data.own_password,
        with_mark=json_data.with_mark,
    )
    return told(done)


@api.post("/records/<int:record_id>/return")
@api.input(ReturnIn, location="json")
@api.output(RunOut)
@guard("record.reject")
def return_(record_id: int, json_data: ReturnIn) -> dict[str, object]:
    """Send a record back: to its author, or to a step that is done."""
    asked = Asked(words=json_data.reason, to=json_data.to, straight_back=json_data.straight_back)
    return _act(record_id, "return", asked, json_data.password)


@api.post("/records/<int:record_id>/reject")
@api.input(RejectIn, location="json")
@api.output(RunOut)
@guard("record.reject")
def reject(record_id: int, json_data: RejectIn) -> dict[str, object]:
    """Refuse a record for good, or vote against it."""
    return _act(record_id, "reject", Asked(words=json_data.reason), json_data.password)


@api.post("/records/<int:record_id>/withdraw")
@api.output(RunOut)
@guard("record.withdraw")
def withdraw(record_id: int) -> dict[str, object]:
    """Take one's own record back while it is being signed."""
    return _act(record_id, "withdraw", Asked())


@api.post("/records/<int:record_id>/take-back")
@api.output(RunOut)
@guard("record.sign")
def take_back(record_id: int) -> dict[str, object]:
    """Take one's own signature back while nobody has acted after it."""
    return _act(record_id, "take-back", Asked())


@api.post("/records/<int:record_id>/add-signer")
@api.input(AddIn, location="json")
@api.output(RunOut)
@guard("record.sign")
def add_signer(record_id: int, json_data: AddIn) -> dict[str, object]:
    """Add people to one's own step, before or after oneself."""
    asked = Asked(words=json_data.note, people=tuple(json_data.people), way=json_data.way)
    return _act(record_id, "add-signer", asked)


@api.post("/records/<int:record_id>/remove-signer")
@api.input(RemoveIn, location="json")
@api.output(RunOut)
@guard("record.sign")
def remove_signer(record_id: int, json_data: RemoveIn) -> dict[str, object]:
    """Take out somebody one added, who has not acted yet."""
    return _act(record_id, "remove-signer", Asked(task_id=json_data.task_id))


@api.post("/records/<int:record_id>/hand-over")
@api.input(PersonIn, location="json")
@api.output(RunOut)
@guard("record.sign")
def hand_over(record_id: int, json_data: PersonIn) -> dict[str, object]:
    """Let another decide in one's place."""
    asked = Asked(words=json_data.note, people=(json_data.person,))
    return _act(record_id, "hand-over", asked)


@api.post("/records/<int:record_id>/delegate")
@api.input(PersonIn, location="json")
@api.output(RunOut)
@guard("record.sign")
def delegate(record_id: int, json_data: PersonIn) -> dict[str, object]:
    """Ask somebody for words, not a signature."""
    asked = Asked(words=json_data.note, people=(json_data.person,))
    return _act(record_id, "delegate", asked)


@api.post("/records/<int:record_id>/advise")
@api.input(AdviceIn, location="json")
@api.output(RunOut)
@guard("record.sign")
def advise(record_id: int, json_data: AdviceIn) -> dict[str, object]:
    """Answer with one's words; the paper goes back to who asked."""
    return _act(record_id, "advise", Asked(words=json_data.opinion))


@api.post("/records/<int:record_id>/remind")
@api.output(ToldOut)
@guard("record.read")
def remind(record_id: int) -> dict[str, object]:
    """Remind everybody the paper waits for."""
    return {"done": edge.act(resources(), actor(), record_id, "remind", Asked())}


@api.post("/records/<int:record_id>/copy")
@api.input(CopyIn, location="json")
@api.output(ToldOut)
@guard("record.read")
def copy(record_id: int, json_data: CopyIn) -> dict[str, object]:
    """Send the paper to people to read."""
    asked = Asked(people=tuple(json_data.people))
    return {"done": edge.act(resources(), actor(), record_id, "copy", asked)}


def told(run: RunView) -> dict[str, object]:
    """Return a run as the API tells it."""
    return {
        "record_id": run.record_id,
        "round": run.round,
        "state": run.state,
        "tasks": [
            {
                "id": task.id,
                "seq": task.seq,
                "role": task.role,
                "assignee": task.assignee_name,
                "state": task.state,
                "done_at": task.done_at,
                "opinion": task.opinion,
                "kind": task.kind,
                "owner": task.owner_name,
                "on_behalf_of": task.on_behalf_of,
                "outcome": task.outcome,
                "due_at": task.due_at,
                "reminders": task.reminders,
            }
            for task in run.tasks
        ],
        "steps": [
            {
                "seq": step.seq,
                "role": step.role,
                "mode": step.mode,
                "needed": step.needed,
                "state": step.state,
                "note": step.note,
            }
            for step in run.steps
        ],
    }


def _act(record_id: int, name: str, asked: Asked, password: str = "") -> dict[str, object]:
    edge.act(
        resources(),
        actor(),
        record_id,
        name,
        asked,
        password=password,
        address=client_address(),
    )
    return _present(record_id)


def _present(record_id: int) -> dict[str, object]:
    with reading() as uow:
        return told(service.get_run(uow, actor(), record_id))


def _png(text: str) -> bytes | None:
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise Invalid(
            "signature_png 不是 base64 编码的 PNG 图片。", {"signature_png": "应为 base64"}
        ) from wrong
