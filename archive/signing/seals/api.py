"""Seals over the API: which there are, the 用印登记, and putting one on as its keeper."""

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from archive.core.calls import Closed, Strict
from archive.core.described import Instant
from archive.core.web import reading, resources
from archive.people.gate import actor, client_address, guard
from archive.signing.api import RunOut, told
from archive.signing.seals import edge, register, service

api = APIBlueprint("seals_api", __name__, url_prefix="/api/v1")


class SealOut(BaseModel):
    """A seal: size in mm, its keeper, and who has it outside (empty: nobody)."""

    id: int
    name: str
    kind: str
    width_mm: float
    height_mm: float
    keeper: str
    state: str
    out_with: str


class SealsOut(BaseModel):
    """Every seal."""

    items: list[SealOut]


class UseOut(BaseModel):
    """One line of the 用印登记."""

    id: int
    seal: str
    record_id: int | None
    title: str
    why: str
    copies_approved: int
    copies_stamped: int
    across: bool
    pages: int
    state: str
    asked_by: str
    done_by: str
    done_at: Instant | None


class UsesOut(BaseModel):
    """One page of the 用印登记, newest first."""

    items: list[UseOut]
    total: int
    page: int


class UsesQuery(Closed):
    """What the register of uses is narrowed to; seal 0 is every seal."""

    seal: int = Field(default=0, ge=0, lt=2**63)
    q: str = Field(default="", max_length=200)
    page: int = Field(default=1, ge=1, le=1_000_000)


class ApplyIn(Strict):
    """The keeper's password again; copies stamped; that the paper was compared."""

    password: str = Field(max_length=200)
    copies: int = Field(ge=0, le=99)
    compared: bool
    note: str = Field(default="", max_length=200)


@api.get("/seals")
@api.output(SealsOut)
@guard("seal.list")
def seals() -> dict[str, Any]:
    """List the seals."""
    with reading() as uow:
        found = service.list_seals(uow, actor())
    return {
        "items": [
            {
                "id": one.id,
                "name": one.name,
                "kind": one.kind,
                "width_mm": one.width_mm,
                "height_mm": one.height_mm,
                "keeper": one.keeper_name,
                "state": one.state,
                "out_with": one.out_with,
            }
            for one in found
        ]
    }


@api.get("/seals/uses")
@api.input(UsesQuery, location="query", arg_name="asked")
@api.output(UsesOut)
@guard("seal.register")
def uses(asked: UsesQuery) -> dict[str, Any]:
    """Show the 用印登记, as far as one may read it."""
    with reading() as uow:
        found = register.list_uses(uow, actor(), asked.seal, asked.q, asked.page)
    items = [
        {
            "id": one.id,
            "seal": one.seal_name,
            "record_id": one.record_id,
            "title": one.title,
            "why": one.why,
            "copies_approved": one.copies_approved,
            "copies_stamped": one.copies_stamped,
            "across": one.across,
            "pages": one.pages,
            "state": one.state,
            "asked_by": one.asked_by_name,
            "done_by": one.done_by_name,
            "done_at": one.done_at,
        }
        for one in found.items
    ]
    return {"items": items, "total": found.total, "page": found.page}


@api.post("/records/<int:record_id>/seal")
@api.input(ApplyIn, location="json")
@api.output(RunOut)
@guard("record.sign")
def apply(record_id: int, json_data: ApplyIn) -> dict[str, Any]:
    """Put the company's seal on a paper, as its keeper."""
    done = edge.apply_seal(
        resources(),
        actor(),
        record_id,
        password=json_data.password,
        copies=json_data.copies,
        is_compared=json_data.compared,
        note=json_data.note,
        address=client_address(),
    )
    return told(done)
