"""Stocktakes through the API: open, scan, upload, decide, close, the printed result."""

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from archive.core.calls import FromView, Strict
from archive.core.described import Instant
from archive.core.described import upload as upload_of
from archive.core.errors import Invalid
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.paper_files import paper_response
from archive.filing.rules import MAX_NOTE, MAX_REASON
from archive.filing.stocktake import edge, service
from archive.filing.stocktake.lists import read_list
from archive.filing.stocktake.papers import take_paper
from archive.filing.stocktake.sent import ScansIn
from archive.filing.stocktake.service import Scope
from archive.filing.stocktake.views import Taken, TakeView
from archive.people.gate import actor, client_address, guard

api = APIBlueprint("stocktake_api", __name__, url_prefix="/api/v1/stocktakes", tag="items")
LARGEST = 2**31 - 1


class OpenIn(Strict):
    """What is counted: ``kind`` place or volume with its ``id``, or class with its ``name``."""

    kind: str = Field(max_length=10)
    id: int | None = Field(default=None, ge=1, le=LARGEST)
    name: str = Field(default="", max_length=40)
    note: str = Field(default="", max_length=MAX_NOTE)


class DecideIn(Strict):
    """What becomes of one difference, as it was seen."""

    barcode: str = Field(max_length=40)
    outcome: str = Field(max_length=12)
    decision: str = Field(max_length=12)
    note: str = Field(default="", max_length=MAX_REASON)


class CloseIn(Strict):
    """The signature: the digest of the result one saw, and one's own password."""

    password: str
    digest: str = Field(max_length=64)
    note: str = Field(default="", max_length=MAX_NOTE)


class DiscardIn(Strict):
    """Why a stocktake is given up."""

    reason: str


class TakeQuery(BaseModel):
    """Which page of the stocktakes, and of what state."""

    state: str = ""
    page: int = 1
    per_page: int = 20


class TakeSummaryOut(FromView):
    """A stocktake among others."""

    id: int
    number: str
    scope: str
    state: str
    expected: int
    seen: int
    opened_name: str
    opened_at: Instant
    ended_name: str
    ended_at: Instant | None


class TakePage(BaseModel):
    """One page of stocktakes, the newest first."""

    items: list[TakeSummaryOut]
    total: int
    page: int
    pages: int


class FindingOut(FromView):
    """A difference and what was decided of it."""

    barcode: str
    outcome: str
    item_id: int | None
    title: str
    code: str
    home_text: str
    seen_text: str
    decision: str
    note: str
    decided_name: str
    decided_at: Instant | None


class TakeOut(FromView):
    """A stocktake with its counts by outcome and every difference."""

    id: int
    number: str
    scope: str
    state: str
    note: str
    expected: int
    scans: int
    opened_name: str
    opened_at: Instant
    journal_seq: int
    ended_name: str
    ended_at: Instant | None
    end_note: str
    counts: dict[str, int]
    undecided: int
    digest: str
    findings: list[FindingOut]


class TakenOut(FromView):
    """How many scans were new, how many were there already, which places are not known."""

    new: int
    known: int
    unknown_places: list[str]


@api.get("")
@api.input(TakeQuery, location="query")
@api.output(TakePage)
@guard("stocktake.list")
def listing(query_data: TakeQuery) -> TakePage:
    """List the stocktakes the token's user may see."""
    with reading() as uow:
        found = service.list_takes(uow, actor(), **query_data.model_dump())
    shown = [TakeSummaryOut.model_validate(one) for one in found.items]
    return TakePage(items=shown, total=found.total, page=found.page, pages=found.pages)


@api.post("")
@api.input(OpenIn, location="json")
@api.output(TakeOut, status_code=201)
@guard("stocktake.work")
def open_take(json_data: OpenIn) -> TakeOut:
    """Open a stocktake; 409 names the open one that expects some of the same copies."""
    sent = json_data
    with work() as uow:
        done = service.open_take(uow, actor(), Scope(sent.kind, sent.id, sent.name), sent.note)
        uow.commit()
    return _out(done)


@api.get("/<int:take_id>")
@api.output(TakeOut)
@guard("stocktake.list")
def show(take_id: int) -> TakeOut:
    """Read a stocktake with its differences."""
    with reading() as uow:
        return _out(service.get_take(uow, actor(), take_id))


@api.post("/<int:take_id>/scans")
@api.input(ScansIn, location="json")
@api.output(TakenOut)
@guard("stocktake.work")
def scan(take_id: int, json_data: ScansIn) -> TakenOut:
    """Send scans; the same client id counts once however often it is sent."""
    with work() as uow:
        done = service.add_scans(uow, actor(), take_id, json_data.read(), "api")
        uow.commit()
    return _taken(done)


@api.post("/<int:take_id>/list")
@api.doc(extensions=upload_of("file"))
@api.output(TakenOut)
@guard("stocktake.work")
def upload(take_id: int) -> TakenOut:
    """Send a list as the file ``file``: .txt, .csv or .xlsx with 条码, 位置, 时间."""
    sent = request.files.get("file")
    if sent is None:
        raise Invalid("请用 file 上传清单。", {"file": "没有文件"})
    scans = read_list(sent.read())
    with work() as uow:
        done = service.add_scans(uow, actor(), take_id, scans, "list")
        uow.commit()
    return _taken(done)


@api.post("/<int:take_id>/decide")
@api.input(DecideIn, location="json")
@api.output(TakeOut)
@guard("stocktake.work")
def decide(take_id: int, json_data: DecideIn) -> TakeOut:
    """Decide what becomes of one difference; 409 when it is another by now."""
    sent = json_data
    with work() as uow:
        done = service.decide(
            uow, actor(), take_id, sent.barcode, sent.outcome, sent.decision, sent.note
        )
        uow.commit()
    return _out(done)


@api.post("/<int:take_id>/close")
@api.input(CloseIn, location="json")
@api.output(TakeOut)
@guard("stocktake.work")
def close(take_id: int, json_data: CloseIn) -> TakeOut:
    """Close a stocktake; 409 while a difference is undecided."""
    done = edge.close(
        resources(),
        actor(),
        take_id,
        json_data.digest,
        json_data.note,
        password=json_data.password,
        address=client_address(),
    )
    return _out(done)


@api.post("/<int:take_id>/discard")
@api.input(DiscardIn, location="json")
@api.output(TakeOut)
@guard("stocktake.work")
def discard(take_id: int, json_data: DiscardIn) -> TakeOut:
    """Give a stocktake up, with the reason."""
    with work() as uow:
        service.discard_take(uow, actor(), take_id, json_data.reason)
        done = service.get_take(uow, actor(), take_id)
        uow.commit()
    return _out(done)


@api.get("/<int:take_id>/A09.<any(docx, pdf):kind>")
@guard("stocktake.list")
def paper(take_id: int, kind: str) -> Response:
    """Download the result as Word or PDF (A09)."""
    with reading() as uow:
        found = take_paper(uow, actor(), take_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


def _out(view: TakeView) -> TakeOut:
    return TakeOut.model_validate(view)


def _taken(done: Taken) -> TakenOut:
    return TakenOut(new=done.new, known=done.known, unknown_places=list(done.unknown_places))
