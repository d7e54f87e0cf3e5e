"""The lending matrix over the API: its lines with their versions, for whoever keeps the register.

The decision on a question is ``GET /api/v1/loans/decision`` in ``lending.api``.
"""

from apiflask import APIBlueprint
from pydantic import BaseModel

from archive.core.clock import local_day
from archive.core.web import reading
from archive.lending import matrix, service
from archive.people.gate import guard

api = APIBlueprint("lending_rules_api", __name__, url_prefix="/api/v1/loans/rules", tag="loans")


class RuleOut(BaseModel):
    """One version of a rule: its conditions, what it allows, its basis and validity."""

    code: str
    version: int
    valid_from: str
    valid_until: str | None
    allowed: bool
    basis: str
    borrower_class: str
    category: str
    secrecy: str
    mode: str
    place: str
    days: int
    working_days: bool
    renewals: int
    renewal_days: int
    limit: int | None
    approvals: list[str]
    conditions: str
    prints: int
    download: bool


class LineOut(RuleOut):
    """The newest version of a rule and how it stands today."""

    state: str


class MatrixOut(BaseModel):
    """The whole matrix, the most specific rule first."""

    items: list[LineOut]


class VersionsOut(BaseModel):
    """Every version of one rule, newest first."""

    items: list[RuleOut]


@api.get("")
@api.output(MatrixOut)
@guard("loan.register")
def lines() -> dict[str, object]:
    """List the matrix in the order in which its rules win."""
    with reading() as uow:
        found = service.matrix_lines(uow, local_day(uow.now()))
    return {"items": [{**matrix.snapshot(one.rule), "state": one.state} for one in found]}


@api.get("/<code>")
@api.output(VersionsOut)
@guard("loan.register")
def versions(code: str) -> dict[str, object]:
    """List the versions of one rule."""
    with reading() as uow:
        found = service.versions_of(uow, code)
    return {"items": [matrix.snapshot(one) for one in found]}
