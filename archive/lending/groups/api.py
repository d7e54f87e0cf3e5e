"""Several papers at once over the API: the decisions, one note, approving, handing out."""

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from archive.core.calls import Strict
from archive.core.errors import Forbidden
from archive.core.web import reading, resources, work
from archive.lending.confirming.edge import Given, confirm
from archive.lending.confirming.rules import LONGEST_PIN
from archive.lending.groups import acts, service
from archive.lending.groups.acts import Back, Out
from archive.lending.groups.service import Wish
from archive.lending.groups.views import Considered, GroupView
from archive.lending.rules import MAX_PURPOSE, MAX_REFERENCE
from archive.lending.schema import LARGEST_ID, ReasonOut, RequestOut
from archive.lending.told import told_request
from archive.lending.typed import day_sent
from archive.people.access import MAX_PASSWORD
from archive.people.gate import actor, client_address, guard
from archive.signing.routes import drawing

api = APIBlueprint("loan_notes_api", __name__, url_prefix="/api/v1/loans/notes", tag="loans")
_Id = Field(ge=1, le=LARGEST_ID)


class NoteIn(Strict):
    """Papers by ``items``, or a whole ``volume``; how, why, until when (ISO day)."""

    items: list[int] = Field(default=[], max_length=200)
    volume: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    mode: str
    purpose: str | None = Field(default=None, max_length=MAX_PURPOSE)
    business_reference: str = Field(default="", max_length=MAX_REFERENCE)
    until: str | None = None
    queue: bool = False


class LineOut(BaseModel):
    """One paper: allowed or every reason, until when, and how else it could be had."""

    item_id: int
    title: str
    code: str
    allowed: bool
    reasons: list[ReasonOut]
    rule: str | None
    approvers: list[str]
    due: str | None
    due_note: str
    copies: int
    instead: list[str]
    already: str


class LinesOut(BaseModel):
    """The decision for each paper, in the order asked."""

    lines: list[LineOut]


class NoteOut(BaseModel):
    """A note with its requests; ``refused`` are the papers that were not entered, with why."""

    id: int
    number: str
    mode: str
    purpose: str
    business_reference: str
    until: str | None
    state_label: str
    requests: list[RequestOut]
    refused: list[str]


class PickIn(Strict):
    """A request as it was shown: its id and version."""

    id: int = _Id
    version: int = Field(ge=0, le=LARGEST_ID)


class DecideManyIn(Strict):
    """Which requests to approve (or refuse, with the reason)."""

    requests: list[PickIn] = Field(max_length=400)
    opinion: str = ""
    refuse: bool = False


class OutIn(Strict):
    """A scanned copy and its pages."""

    barcode: str = Field(max_length=60)
    pages: int | None = None


class HandOutManyIn(Strict):
    """The copies to hand out at once; the borrower signs once, as with a single copy."""

    copies: list[OutIn] = Field(max_length=400)
    staff_no: str = ""
    password: str = Field(default="", max_length=MAX_PASSWORD)
    pin: str = Field(default="", max_length=LONGEST_PIN)
    signature_png: str = ""


class BackIn(Strict):
    """A copy that came back, its pages and its condition."""

    barcode: str = Field(max_length=60)
    pages: int
    condition: str = Field(default="", max_length=400)


class ReturnManyIn(Strict):
    """The copies that came back; the borrower signs once."""

    copies: list[BackIn] = Field(max_length=400)
    password: str = Field(default="", max_length=MAX_PASSWORD)
    pin: str = Field(default="", max_length=LONGEST_PIN)
    signature_png: str = ""


@api.post("/decision")
@api.input(NoteIn, location="json")
@api.output(LinesOut)
@guard("loan.request")
def decision(json_data: NoteIn) -> dict[str, object]:
    """Say of every paper whether it may be borrowed so; changes nothing."""
    with reading() as uow:
        lines = service.lines_for(uow, actor(), json_data.items, json_data.volume)
        found = service.consider(uow, actor(), _wish(json_data), lines)
    return {"lines": [_told_line(one) for one in found]}


@api.post("")
@api.input(NoteIn, location="json")
@api.output(NoteOut, status_code=201)
@guard("loan.request")
def ask(json_data: NoteIn) -> dict[str, object]:
    """Ask for the papers on one note; what is refused is logged and told, 403 when all is."""
    with work() as uow:
        lines = service.lines_for(uow, actor(), json_data.items, json_data.volume)
        wish = _wish(json_data)
        outcome = service.ask_for_all(uow, actor(), wish, lines, queues=json_data.queue)
        uow.commit()
    why = [f"{one.item_id}：{one.message}" for one in outcome.refused] + list(outcome.left)
    if outcome.group is None:
        codes = {f"{one.item_id}": one.message for one in outcome.refused}
        raise Forbidden("选中的都不能这样借，没有提交。", codes)
    return _told(outcome.group, why)


@api.get("/<int:group_id>")
@api.output(NoteOut)
@guard("loan.list")
def show(group_id: int) -> dict[str, object]:
    """Show a note with its requests."""
    with reading() as uow:
        return _told(service.get_group(uow, actor(), group_id))


@api.post("/<int:group_id>/decide")
@api.input(DecideManyIn, location="json")
@api.output(NoteOut)
@guard("loan.approve")
def decide(group_id: int, json_data: DecideManyIn) -> dict[str, object]:
    """Approve or refuse the chosen requests of a note in one act."""
    picks = [(one.id, one.version) for one in json_data.requests]
    with work() as uow:
        group = acts.decide_many(
            uow, actor(), group_id, picks, json_data.opinion, refuses=json_data.refuse
        )
        uow.commit()
    return _told(group)


@api.post("/<int:group_id>/return")
@api.input(ReturnManyIn, location="json")
@api.output(NoteOut)
@guard("loan.desk")
def take_back(group_id: int, json_data: ReturnManyIn) -> dict[str, object]:
    """Take the scanned copies back at once, all or none; the others stay out."""
    backs = [Back(one.barcode, one.pages, one.condition) for one in json_data.copies]
    given = Given(json_data.password, json_data.pin, drawing(json_data.signature_png))
    confirmed = confirm(
        resources(),
        given,
        lambda uow: acts.who_returns_all(uow, actor(), group_id, backs),
        client_address(),
    )
    with work() as uow:
        acts.take_back_many(uow, actor(), group_id, backs, confirmed=confirmed)
        group = service.get_group(uow, actor(), group_id)
        uow.commit()
    return _told(group)


@api.post("/<int:group_id>/hand-out")
@api.input(HandOutManyIn, location="json")
@api.output(NoteOut)
@guard("loan.desk")
def hand_out(group_id: int, json_data: HandOutManyIn) -> dict[str, object]:
    """Hand the scanned copies out at once, all or none."""
    outs = [Out(one.barcode, one.pages) for one in json_data.copies]
    badge = json_data.staff_no
    given = Given(json_data.password, json_data.pin, drawing(json_data.signature_png))
    confirmed = confirm(
        resources(),
        given,
        lambda uow: acts.who_borrows_all(uow, actor(), group_id, outs, badge),
        client_address(),
    )
    with work() as uow:
        group = acts.hand_out_many(
            uow, actor(), group_id, outs, staff_no=badge, confirmed=confirmed
        )
        uow.commit()
    return _told(group)


def _wish(sent: NoteIn) -> Wish:
    until = day_sent(sent.until, "until") if sent.until else None
    return Wish(sent.mode, sent.purpose, sent.business_reference, until)


def _told_line(one: Considered) -> dict[str, object]:
    decided = one.preview.decision
    return {
        "item_id": one.preview.item_id,
        "title": one.preview.title,
        "code": one.preview.code,
        "allowed": one.may_send,
        "reasons": [{"code": why.code, "text": why.text} for why in decided.reasons],
        "rule": decided.rule.name if decided.rule else None,
        "approvers": [who.person.name for who in one.preview.approvers],
        "due": decided.due.isoformat() if decided.due else None,
        "due_note": decided.due_note,
        "copies": one.copies,
        "instead": list(one.instead),
        "already": one.already,
    }


def _told(group: GroupView, refused: list[str] | None = None) -> dict[str, object]:
    return {
        "id": group.id,
        "number": group.number,
        "mode": group.mode,
        "purpose": group.purpose,
        "business_reference": group.business_reference,
        "until": group.wanted_until.isoformat() if group.wanted_until else None,
        "state_label": group.state_label,
        "requests": [told_request(one) for one in group.requests],
        "refused": refused or [],
    }
