"""Handing over through the API: what is owed, lists, and the signatures of both sides."""

from datetime import date

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from archive.core.calls import Strict, ViewAnswer
from archive.core.described import Answer, Instant
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.handover import edge, service
from archive.filing.handover.papers import list_paper
from archive.filing.handover.rules import MOST_LINES, read_month
from archive.filing.handover.views import ListView
from archive.filing.paper_files import paper_response
from archive.filing.rules import MAX_NOTE
from archive.people.gate import actor, client_address, guard

api = APIBlueprint("handover_api", __name__, url_prefix="/api/v1/handovers", tag="items")
LARGEST = 2**31 - 1


class MakeIn(Strict):
    """A new list: of which department and month, and which signed records."""

    department_id: int = Field(ge=1, le=LARGEST)
    month: str
    records: list[int] = Field(max_length=MOST_LINES)
    note: str = Field(default="", max_length=MAX_NOTE)


class HandIn(Strict):
    """The filer's signature: the digest of the list seen, and one's own password."""

    password: str
    digest: str = Field(max_length=64)


class CountIn(Strict):
    """A paper that was seen, and the pages counted."""

    record_id: int
    pages: int


class ReceiveIn(Strict):
    """The archivist's signature: the digest seen, what was counted, one's own password."""

    password: str
    digest: str = Field(max_length=64)
    counted: list[CountIn] = Field(max_length=MOST_LINES)


class ReasonIn(Strict):
    """Why a list goes back."""

    reason: str


class ListedFileOut(ViewAnswer):
    """A file of a paper as the list describes it."""

    role: str
    name: str
    sha256: str
    size: int


class HandoverLineOut(ViewAnswer):
    """A paper on a list."""

    place: int
    record_id: int
    number: str
    title: str
    author_name: str
    secrecy: str = Field(validation_alias="secrecy_label")
    signed_on: date
    pages: int
    files: list[ListedFileOut]


class HandoverOut(ViewAnswer):
    """A hand-over list; ``is_whole`` is false when the token's user may not read all of it."""

    id: int
    number: str
    department_id: int
    department_name: str
    month: str = Field(validation_alias="month_label")
    state: str
    note: str
    digest: str
    handed_name: str
    handed_at: Instant | None
    received_name: str
    received_at: Instant | None
    is_whole: bool
    lines: list[HandoverLineOut]


class SummaryOut(ViewAnswer):
    """A list among others."""

    id: int
    number: str
    department_name: str
    month: str = Field(validation_alias="month_label")
    state: str
    papers: int
    pages: int


class HandoverPage(Answer):
    """One page of the lists."""

    items: list[SummaryOut]
    total: int
    page: int
    pages: int


class HandoverQuery(BaseModel):
    """How the lists are narrowed."""

    department_id: int | None = Field(default=None, ge=1, le=LARGEST)
    month: str = ""
    state: str = ""
    page: int = 1
    per_page: int = 20


class OwedQuery(BaseModel):
    """Of which month and department; without a department the token's user's own."""

    month: str
    department_id: int | None = Field(default=None, ge=1, le=LARGEST)


class OwedOut(ViewAnswer):
    """A paper that is owed."""

    name: str
    customer_id: int | None
    customer_name: str
    department_name: str
    person_name: str
    due: date
    state: str
    state_label: str
    came_on: date | None
    is_late: bool
    record_id: int | None
    item_id: int | None


class OwedItems(Answer):
    """What is owed for a month, the late first."""

    items: list[OwedOut]


@api.get("")
@api.input(HandoverQuery, location="query")
@api.output(HandoverPage)
@guard("handover.list")
def listing(query_data: HandoverQuery) -> HandoverPage:
    """List the hand-over lists the token's user may see, the newest first."""
    asked = query_data.model_dump()
    month = asked.pop("month")
    with reading() as uow:
        found = service.list_lists(
            uow, actor(), month=read_month(month) if month else None, **asked
        )
    shown = [SummaryOut.model_validate(one) for one in found.items]
    return HandoverPage(items=shown, total=found.total, page=found.page, pages=found.pages)


@api.get("/owed")
@api.input(OwedQuery, location="query")
@api.output(OwedItems)
@guard("handover.list")
def owed(query_data: OwedQuery) -> OwedItems:
    """Read what a department owes the archive for a month, and what of it is late."""
    department_id = query_data.department_id or actor().department_id
    with reading() as uow:
        found = service.owed_papers(uow, actor(), read_month(query_data.month), department_id)
    return OwedItems(items=[OwedOut.model_validate(one) for one in found])


@api.post("")
@api.input(MakeIn, location="json")
@api.output(HandoverOut, status_code=201)
@guard("handover.make")
def make(json_data: MakeIn) -> HandoverOut:
    """Put signed records of a department on a new list."""
    sent = json_data
    with work() as uow:
        done = service.make_list(
            uow, actor(), sent.department_id, sent.month, sent.records, sent.note
        )
        uow.commit()
    return _out(done)


@api.get("/<int:list_id>")
@api.output(HandoverOut)
@guard("handover.read")
def show(list_id: int) -> HandoverOut:
    """Read a list."""
    with reading() as uow:
        return _out(service.get_list(uow, actor(), list_id))


@api.post("/<int:list_id>/hand")
@api.input(HandIn, location="json")
@api.output(HandoverOut)
@guard("handover.make")
def hand(list_id: int, json_data: HandIn) -> HandoverOut:
    """Hand a list over; 409 names every paper that is not as the list says."""
    done = edge.hand_over(
        resources(),
        actor(),
        list_id,
        json_data.digest,
        password=json_data.password,
        address=client_address(),
    )
    return _out(done)


@api.post("/<int:list_id>/receive")
@api.input(ReceiveIn, location="json")
@api.output(HandoverOut)
@guard("handover.receive")
def receive(list_id: int, json_data: ReceiveIn) -> HandoverOut:
    """Receive a list; 409 names every paper that differs, then nothing is received."""
    done = edge.receive(
        resources(),
        actor(),
        list_id,
        json_data.digest,
        {one.record_id: one.pages for one in json_data.counted},
        password=json_data.password,
        address=client_address(),
    )
    return _out(done)


@api.post("/<int:list_id>/<any(back, withdraw):way>")
@api.input(ReasonIn, location="json")
@api.output(HandoverOut)
@guard("handover.list")
def back(list_id: int, way: str, json_data: ReasonIn) -> HandoverOut:
    """Give a list back as the archivist, or take it back as its department, with a reason."""
    act = service.give_back if way == "back" else service.take_back
    with work() as uow:
        act(uow, actor(), list_id, json_data.reason)
        done = service.get_list(uow, actor(), list_id)
        uow.commit()
    return _out(done)


@api.post("/<int:list_id>/<any(refresh, discard):change>")
@api.output(HandoverOut)
@guard("handover.make")
def change(list_id: int, change: str) -> HandoverOut:
    """Describe every paper of a list anew, or give up a list that is still being made."""
    with work() as uow:
        if change == "refresh":
            service.refresh_list(uow, actor(), list_id)
        else:
            service.discard_list(uow, actor(), list_id)
        done = service.get_list(uow, actor(), list_id)
        uow.commit()
    return _out(done)


@api.get("/<int:list_id>/A07.<any(docx, pdf):kind>")
@guard("handover.read")
def paper(list_id: int, kind: str) -> Response:
    """Download the list as Word or PDF (A07)."""
    with reading() as uow:
        found = list_paper(uow, actor(), list_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


def _out(view: ListView) -> HandoverOut:
    return HandoverOut.model_validate(view)
