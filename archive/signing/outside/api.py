"""The other party over the API: the link made, listed, taken back; the scan handed in."""

from typing import Any

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from archive.core.calls import Strict
from archive.core.described import Instant, raw
from archive.core.web import reading, resources
from archive.people.gate import actor, guard
from archive.signing.outside import edge, service
from archive.signing.outside.views import InvitationView

api = APIBlueprint("outside_api", __name__, url_prefix="/api/v1")


class InviteIn(Strict):
    """For how many days the link is good, how it will be sent, where its code is mailed to."""

    days: int | None = None
    contact: str = Field(default="", max_length=120)
    code_mail: str = Field(default="", max_length=120)


class InvitationOut(BaseModel):
    """An invitation and what came of it."""

    id: int
    role: str
    party: str
    state: str
    expires_at: Instant
    name: str
    reason: str


class InvitedOut(InvitationOut):
    """A fresh invitation: link and code are told this once; a mailed code is not told here."""

    url: str
    code: str
    mailed_to: str


class InvitationsOut(BaseModel):
    """Every invitation of a paper, newest first."""

    items: list[InvitationOut]


@api.get("/records/<int:record_id>/invitations")
@api.output(InvitationsOut)
@guard("record.read")
def invitations(record_id: int) -> dict[str, Any]:
    """List the invitations of a paper."""
    return _present(record_id)


@api.post("/records/<int:record_id>/invitations")
@api.input(InviteIn, location="json")
@api.output(InvitedOut, status_code=201)
@guard("record.read")
def invite(record_id: int, json_data: InviteIn) -> dict[str, Any]:
    """Make a link for the other party."""
    asked = json_data
    invited = edge.invite(
        resources(), actor(), record_id, asked.days, asked.contact, asked.code_mail
    )
    fresh = {"url": invited.url, "code": invited.code, "mailed_to": invited.mailed_to}
    return {**_told(invited.invitation), **fresh}


@api.post("/records/<int:record_id>/invitations/<int:invitation_id>/revoke")
@api.output(InvitationsOut)
@guard("record.read")
def revoke(record_id: int, invitation_id: int) -> dict[str, Any]:
    """Take a link back."""
    edge.revoke(resources(), actor(), record_id, invitation_id)
    return _present(record_id)


@api.post("/records/<int:record_id>/scan")
@api.doc(extensions=raw("application/pdf", "image/png", "image/jpeg"))
@api.output(InvitationsOut)
@guard("record.read")
def scan(record_id: int) -> dict[str, Any]:
    """Hand in the scan of a paper signed by hand: the bytes as the body."""
    edge.add_scan(resources(), actor(), record_id, request.get_data())
    return _present(record_id)


def _present(record_id: int) -> dict[str, Any]:
    with reading() as uow:
        found = service.list_invitations(uow, actor(), record_id)
    return {"items": [_told(one) for one in found]}


def _told(one: InvitationView) -> dict[str, Any]:
    return {
        "id": one.id,
        "role": one.role,
        "party": one.party,
        "state": one.state,
        "expires_at": one.expires_at,
        "name": one.name,
        "reason": one.reason,
    }
