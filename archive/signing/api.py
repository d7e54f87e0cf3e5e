"""Signing over the API, for the token's own user: submit, sign, return, reject, withdraw."""

import base64
import binascii
from collections.abc import Callable

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from archive.core.errors import Invalid
from archive.core.web import reading, resources, work
from archive.people.gate import actor, client_address, guard
from archive.signing import edge, service
from archive.signing.views import RunView

api = APIBlueprint("signing_api", __name__, url_prefix="/api/v1", tag="signing")

PNG_LIMIT = 2_000_000


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class SubmitIn(_Strict):
    """The version that is submitted."""

    version: int


class SignIn(_Strict):
    """The signer's password again, a drawn signature (PNG, base64) and an opinion."""

    password: str = Field(max_length=200)
    signature_png: str = Field(default="", max_length=PNG_LIMIT)
    opinion: str = ""


class RefuseIn(_Strict):
    """The signer's password again and why."""

    password: str = Field(max_length=200)
    reason: str


class TaskOut(BaseModel):
    """One step of a run."""

    seq: int
    role: str
    assignee: str
    state: str
    done_at: str | None
    opinion: str


class RunOut(BaseModel):
    """A run with its steps."""

    record_id: int
    round: int
    state: str
    tasks: list[TaskOut]


class InboxTaskOut(BaseModel):
    """A paper that waits for the token's user."""

    record_id: int
    role: str
    number: str
    title: str
    form: str
    author: str


class InboxOut(BaseModel):
    """What waits for the token's user."""

    items: list[InboxTaskOut]
    total: int


@api.get("/tasks")
@api.output(InboxOut)
@guard("self")
def tasks() -> dict[str, object]:
    """List what waits for my signature."""
    with reading() as uow:
        page = service.inbox(uow, actor(), per_page=100)
    return {
        "items": [
            {
                "record_id": one.record_id,
                "role": one.role,
                "number": one.number,
                "title": one.title,
                "form": one.form_title,
                "author": one.author_name,
            }
            for one in page.items
        ],
        "total": page.total,
    }


@api.get("/records/<int:record_id>/signing")
@api.output(RunOut)
@guard("record.read")
def run(record_id: int) -> dict[str, object]:
    """Show how far a record's signing is."""
    with reading() as uow:
        found = service.get_run(uow, actor(), record_id)
    return _told(found)


@api.post("/records/<int:record_id>/submit")
@api.input(SubmitIn, location="json")
@api.output(RunOut)
@guard("record.submit")
def submit(record_id: int, json_data: SubmitIn) -> dict[str, object]:
    """Submit a record for signing."""
    return _told(edge.submit(resources(), actor(), record_id, json_data.version))


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
    )
    return _told(done)


@api.post("/records/<int:record_id>/return")
@api.input(RefuseIn, location="json")
@api.output(RunOut)
@guard("record.reject")
def return_(record_id: int, json_data: RefuseIn) -> dict[str, object]:
    """Send a record back to its author."""
    return _refuse(record_id, json_data, service.return_record)


@api.post("/records/<int:record_id>/reject")
@api.input(RefuseIn, location="json")
@api.output(RunOut)
@guard("record.reject")
def reject(record_id: int, json_data: RefuseIn) -> dict[str, object]:
    """Refuse a record for good."""
    return _refuse(record_id, json_data, service.reject_record)


@api.post("/records/<int:record_id>/withdraw")
@api.output(RunOut)
@guard("record.withdraw")
def withdraw(record_id: int) -> dict[str, object]:
    """Take one's own record back while it is being signed."""
    with work() as uow:
        done = service.withdraw_record(uow, actor(), record_id)
        uow.commit()
    return _told(done)


def _refuse(record_id: int, body: RefuseIn, act: Callable[..., RunView]) -> dict[str, object]:
    edge.confirm(resources(), actor(), body.password, client_address())
    with work() as uow:
        done = act(uow, actor(), record_id, body.reason)
        uow.commit()
    return _told(done)


def _png(text: str) -> bytes | None:
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise Invalid(
            "signature_png 不是 base64 编码的 PNG 图片。", {"signature_png": "应为 base64"}
        ) from wrong


def _told(run: RunView) -> dict[str, object]:
    return {
        "record_id": run.record_id,
        "round": run.round,
        "state": run.state,
        "tasks": [
            {
                "seq": task.seq,
                "role": task.role,
                "assignee": task.assignee_name,
                "state": task.state,
                "done_at": task.done_at.isoformat() if task.done_at else None,
                "opinion": task.opinion,
            }
            for task in run.tasks
        ],
    }
