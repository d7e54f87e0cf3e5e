"""The journal and the checks over the API."""

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from archive.core.calls import Closed
from archive.core.described import Instant
from archive.core.web import reading, resources
from archive.people.gate import actor, guard
from archive.trust import checking
from archive.trust.reading import LONGEST, JournalFilter, list_journal

api = APIBlueprint("trust_api", __name__, url_prefix="/api/v1", tag="trust")


class JournalQuery(Closed):
    """What the journal is narrowed to; days are local and included."""

    person: str = Field(default="", max_length=LONGEST)
    action: str = Field(default="", max_length=LONGEST)
    type: str = Field(default="", max_length=LONGEST)
    object: str = Field(default="", max_length=LONGEST)
    since: str = Field(default="", max_length=LONGEST)
    until: str = Field(default="", max_length=LONGEST)
    text: str = Field(default="", max_length=LONGEST)
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=50, ge=1, le=100)

    def narrow(self) -> JournalFilter:
        """Return the filter, without the paging."""
        named = self.model_dump(exclude={"page", "per_page", "type", "object"})
        return JournalFilter(object_type=self.type, object_id=self.object, **named)


class JournalLineOut(BaseModel):
    """One act."""

    seq: int
    at: Instant
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
@api.input(JournalQuery, location="query", arg_name="asked")
@api.output(JournalOut)
@guard("journal.read")
def journal(asked: JournalQuery) -> dict[str, object]:
    """Read the journal, newest first."""
    with reading() as uow:
        narrow = asked.narrow()
        lines = list_journal(uow, actor(), narrow, page=asked.page, per_page=asked.per_page)
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
