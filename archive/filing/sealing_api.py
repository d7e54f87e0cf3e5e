"""Sealing volumes, their papers, and moving items, over the API."""

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from archive.core.calls import FromView, Strict
from archive.core.described import Instant
from archive.core.errors import Invalid
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing import service
from archive.filing.checks.edge import check_before_seal
from archive.filing.paper_files import paper_response
from archive.filing.papers import volume_paper
from archive.filing.rules import MAX_NOTE, NOT_SEALED, Belonging
from archive.filing.schema import ItemOut
from archive.people.gate import actor, client_address, guard
from archive.people.rights import SECRECY
from archive.signing.edge import confirm

api = APIBlueprint("sealing_api", __name__, url_prefix="/api/v1", tag="items")


class SealIn(Strict):
    """A proposal to seal: what the 备考表 is to say, and one's own password."""

    password: str
    note: str = Field(default="", max_length=MAX_NOTE)


class ConfirmIn(Strict):
    """The second archivist's word: the digest of the catalogue seen, and their own password."""

    password: str
    digest: str = Field(max_length=64)


class WithdrawIn(Strict):
    """Why a proposal is taken back."""

    reason: str


class MoveIn(Strict):
    """Where an item is to belong and why; the whole of it."""

    category: str
    item_class: str
    year: int
    retention: str
    unit: str
    secrecy: str
    reason: str
    version: int | None = None


class SealOut(FromView):
    """How a volume was or is being sealed."""

    prepared_name: str
    prepared_at: Instant
    note: str
    digest: str
    items: int
    pages: int
    confirmed_name: str
    confirmed_at: Instant | None
    first_code: str
    last_code: str


class StateOut(BaseModel):
    """The state of a volume after an act."""

    state: str


class PartQuery(BaseModel):
    """Which thousand lines of a catalogue."""

    part: int = 1


@api.get("/volumes/<int:volume_id>/seal")
@api.output(SealOut)
@guard("volume.seal")
def seal(volume_id: int) -> SealOut:
    """Read how a volume is sealed, with the digest the second archivist confirms."""
    with reading() as uow:
        return SealOut.model_validate(service.get_seal(uow, actor(), volume_id))


@api.post("/volumes/<int:volume_id>/seal")
@api.input(SealIn, location="json")
@api.output(SealOut)
@guard("volume.seal")
def prepare(volume_id: int, json_data: SealIn) -> SealOut:
    """Propose a volume for sealing; nothing goes in or out until it is confirmed or withdrawn."""
    confirm(resources(), actor(), json_data.password, client_address(), NOT_SEALED)
    check_before_seal(resources(), actor(), volume_id)
    with work() as uow:
        done = service.prepare_seal(uow, actor(), volume_id, json_data.note)
        uow.commit()
    return SealOut.model_validate(done)


@api.post("/volumes/<int:volume_id>/seal/confirm")
@api.input(ConfirmIn, location="json")
@api.output(SealOut)
@guard("volume.seal")
def confirm_seal(volume_id: int, json_data: ConfirmIn) -> SealOut:
    """Seal a volume as the second archivist: its items get their final 档号."""
    confirm(resources(), actor(), json_data.password, client_address(), NOT_SEALED)
    check_before_seal(resources(), actor(), volume_id)
    with work() as uow:
        done = service.confirm_seal(uow, actor(), volume_id, json_data.digest)
        uow.commit()
    return SealOut.model_validate(done)


@api.post("/volumes/<int:volume_id>/seal/withdraw")
@api.input(WithdrawIn, location="json")
@api.output(StateOut)
@guard("volume.seal")
def withdraw(volume_id: int, json_data: WithdrawIn) -> StateOut:
    """Take a proposal back, with a reason; a sealed volume stays sealed."""
    with work() as uow:
        service.withdraw_seal(uow, actor(), volume_id, json_data.reason)
        uow.commit()
    return StateOut(state="open")


@api.get("/volumes/<int:volume_id>/papers/<any(A04, A05, A06, A10):code>.<any(docx, pdf):kind>")
@api.input(PartQuery, location="query")
@guard("volume.seal")
def paper(volume_id: int, code: str, kind: str, query_data: PartQuery) -> Response:
    """Download cover (A05), catalogue (A04), 备考表 (A06) or box labels (A10) of a volume."""
    with reading() as uow:
        found = volume_paper(uow, actor(), volume_id, code, query_data.part)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


@api.post("/items/<int:item_id>/move")
@api.input(MoveIn, location="json")
@api.output(ItemOut)
@guard("item.file")
def move(item_id: int, json_data: MoveIn) -> ItemOut:
    """Put an item into another class, year, term or unit while its volume is open."""
    sent = json_data.model_dump(exclude={"reason", "version", "secrecy"})
    if json_data.secrecy not in SECRECY:
        words = "、".join(SECRECY)
        raise Invalid(f"密级应为{words}。", {"secrecy": f"应为{words}"})
    belonging = Belonging(**sent, secrecy=SECRECY.index(json_data.secrecy))
    with work() as uow:
        done = service.move_item(
            uow, actor(), item_id, belonging, json_data.reason, version=json_data.version
        )
        uow.commit()
    return ItemOut.model_validate(done)
