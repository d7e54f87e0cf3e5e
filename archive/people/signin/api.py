"""One's own account through the API: who the token is, tokens and sign-ins listed and ended.

A token gives out no other token: that takes a person, signed in, with their password.
"""

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel

from archive.core.described import Instant
from archive.core.web import reading, resources, work
from archive.people.gate import actor, guard, signed_in
from archive.people.signin import sessions, tokens

api = APIBlueprint("sign_in_api", __name__, url_prefix="/api/v1/me", tag="me")


class MeOut(BaseModel):
    """Whose token this is, and what it is good for."""

    username: str
    name: str
    staff_no: str
    department: str
    roles: list[str]
    scope: str


class TokenOut(BaseModel):
    """A token, without the token itself; ``is_this``: the one of this call."""

    id: int
    name: str
    scope: str
    created_at: Instant
    expires_at: Instant
    used_at: Instant | None
    is_this: bool


class TokenListOut(BaseModel):
    """One's tokens that still hold."""

    items: list[TokenOut]


class SessionOut(BaseModel):
    """A browser signed in."""

    id: int
    device: str
    address: str
    method: str
    opened_at: Instant
    seen_at: Instant


class SessionListOut(BaseModel):
    """One's browsers signed in."""

    items: list[SessionOut]


@api.get("")
@api.output(MeOut)
@guard("self")
def me() -> dict[str, Any]:
    """Say whose token this is."""
    person = actor()
    return {
        "username": person.username,
        "name": person.name,
        "staff_no": person.staff_no,
        "department": person.department_name,
        "roles": sorted(person.roles),
        "scope": signed_in().scope,
    }


@api.get("/tokens")
@api.output(TokenListOut)
@guard("self")
def list_tokens() -> dict[str, Any]:
    """List one's tokens, with their last use."""
    with reading() as uow:
        found = tokens.list_tokens(uow, actor().id)
    here = signed_in().key_id
    return {"items": [vars(one) | {"is_this": one.id == here} for one in found]}


@api.delete("/tokens/<int:token_id>")
@api.output({}, status_code=204)
@guard("self")
def end_token(token_id: int) -> str:
    """End one of one's tokens, at once."""
    with work() as uow:
        tokens.end_token(uow, actor(), token_id)
        uow.commit()
    return ""


@api.get("/sessions")
@api.output(SessionListOut)
@guard("self")
def list_sessions() -> dict[str, Any]:
    """List the browsers one is signed in with."""
    with reading() as uow:
        idle = resources().settings.sign_in.idle
        found = sessions.list_sessions(uow, actor().id, idle)
    return {"items": [vars(one) for one in found]}


@api.delete("/sessions/<int:session_id>")
@api.output({}, status_code=204)
@guard("self")
def end_session(session_id: int) -> str:
    """End one of one's browsers' sign-ins, at once."""
    with work() as uow:
        sessions.end_session(uow, actor().id, session_id, actor().id)
        uow.commit()
    return ""
