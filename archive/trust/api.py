"""The journal and the checks over the API."""

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel

from archive.core.pages import clean_paging
from archive.core.web import reading, resources
from archive.people.gate import actor, guard
from archive.trust import checking
from archive.trust.posted import read_journal_filter
from archive.trust.reading import list_journal

api = APIBlueprint("trust_api", __name__, url_prefix="/api/v1", tag="trust")


class JournalLineOut(BaseModel):
    """One act."""

    seq: int
    at: str
    actor_id: int | None
    action: str
    object_type: str
    object_id: str
    object_title: str
    detail: str
    hash: str


class JournalOut(BaseModel):
    """A page of the journal, newest first."""

    items: list[JournalLineOut]
    total: int
    page: int
    pages: int


class FindingOut(BaseModel):
    """One thing that is wrong."""

    kind: str
    subject: str
    message: str


class VerifyOut(BaseModel):
    """The outcome of the checks."""

    ok: bool
    findings: list[FindingOut]


@api.get("/journal")
@api.output(JournalOut)
@guard("journal.read")
def journal() -> dict[str, object]:
    """Read the journal, newest first.

    Query: person, action, type, object, since, until, text, page, per_page.
    """
    page, per_page = clean_paging(
        request.args.get("page", 1, int), request.args.get("per_page", 50, int)
    )
    with reading() as uow:
        narrow = read_journal_filter(request.args)
        lines = list_journal(uow, actor(), narrow, page=page, per_page=per_page)
    items = [
        {key: getattr(line, key) for key in JournalLineOut.model_fields} for line in lines.items
    ]
    return {"items": items, "total": lines.total, "page": lines.page, "pages": lines.pages}


@api.get("/verify")
@api.output(VerifyOut)
@guard("verify.run")
def verify() -> dict[str, object]:
    """Check bytes, rows, journal and index now."""
    findings = [
        {"kind": one.kind, "subject": one.subject, "message": one.message}
        for one in checking.verify_instance(resources())
    ]
    return {"ok": not findings, "findings": findings}
