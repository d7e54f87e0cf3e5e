"""Places through the API: rooms, what stands where, making places, and moves."""

from apiflask import APIBlueprint
from flask import Response, make_response
from pydantic import BaseModel, Field

from archive.core.calls import FromView, Strict
from archive.core.described import Instant
from archive.core.web import reading, work
from archive.filing.places import service
from archive.filing.places.label_lists import labels_for
from archive.filing.places.label_pages import draw_labels
from archive.filing.places.rules import MAX_CAPACITY, MOST_AT_ONCE, MOST_MOVED
from archive.filing.places.views import StandingPlace
from archive.filing.rules import MAX_REASON
from archive.people.gate import actor, guard

api = APIBlueprint("places_api", __name__, url_prefix="/api/v1/places", tag="items")
LARGEST = 2**31 - 1


class MakeIn(Strict):
    """New places of one level (room, row, bay, shelf, box) in another; a room has no parent."""

    kind: str = Field(max_length=10)
    names: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)
    parent_id: int | None = Field(default=None, ge=1, le=LARGEST)
    capacity: int | None = Field(default=None, ge=1, le=MAX_CAPACITY)


class LayoutIn(Strict):
    """A whole room in one line: 库房一 3列 × 6节 × 5层."""

    layout: str = Field(max_length=100)
    capacity: int | None = Field(default=None, ge=1, le=MAX_CAPACITY)


class ChangeIn(Strict):
    """A new name and capacity of a place, made from the version one saw."""

    version: int
    name: str = Field(max_length=60)
    capacity: int | None = Field(default=None, ge=1, le=MAX_CAPACITY)


class VersionIn(Strict):
    """The version of a place one saw."""

    version: int


class MoveIn(Strict):
    """Where to (a place's barcode or line), and the barcodes of copies or boxes."""

    place: str = Field(max_length=100)
    barcodes: list[str] = Field(min_length=1, max_length=MOST_MOVED)
    reason: str = Field(default="", max_length=MAX_REASON)


class FoundIn(Strict):
    """Where a missing copy was found."""

    note: str = Field(max_length=MAX_REASON)


class LabelQuery(BaseModel):
    """Which labels (item, volume, place, places, boxes), on which sheet, from which position."""

    what: str
    id: int = Field(ge=1, le=LARGEST)
    sheet: str = "70x37"
    start: int = 1


class CopyQuery(BaseModel):
    """How copies are narrowed."""

    place_id: int | None = Field(default=None, ge=1, le=LARGEST)
    volume_id: int | None = Field(default=None, ge=1, le=LARGEST)
    status: str = ""
    unplaced: bool = False
    page: int = 1
    per_page: int = 50


class PlaceOut(FromView):
    """A place."""

    id: int
    parent_id: int | None
    kind: str
    name: str
    path: str
    barcode: str
    capacity: int | None
    is_closed: bool
    version: int


class StandingOut(BaseModel):
    """A place with how many copies stand in it and below it."""

    place: PlaceOut
    own: int
    held: int
    out: int
    fill: int | None
    children: list["StandingOut"]


class RoomsOut(BaseModel):
    """Every room, and how many copies have no place in the tree."""

    items: list[StandingOut]
    unplaced: int


class PlacesOut(BaseModel):
    """Places that were made."""

    items: list[PlaceOut]


class LaidOut(BaseModel):
    """A room that was laid out and how many places were new."""

    room: PlaceOut
    made: int


class StandingCopyOut(FromView):
    """A copy with its home."""

    id: int
    item_id: int
    barcode: str
    title: str
    code: str
    place_id: int | None
    location: str
    status: str
    volume_id: int | None


class CopyPage(BaseModel):
    """One page of copies in the order of their places."""

    items: list[StandingCopyOut]
    total: int
    page: int
    pages: int


class CopyMoveOut(FromView):
    """A move of a copy, or of the box it stands in."""

    what: str
    from_text: str
    to_text: str
    by_name: str
    at: Instant
    reason: str


class CopyOut(BaseModel):
    """A copy and its moves, the newest first."""

    item: StandingCopyOut
    moves: list[CopyMoveOut]


class MovedOut(BaseModel):
    """What was moved, and what stood there already."""

    place: PlaceOut
    moved: list[str]
    there: list[str]


@api.get("")
@api.output(RoomsOut)
@guard("place.list")
def rooms() -> RoomsOut:
    """Read every room with its counts."""
    with reading() as uow:
        found, unplaced = service.rooms(uow, actor())
    return RoomsOut(items=[_standing(one) for one in found], unplaced=unplaced)


@api.post("")
@api.input(MakeIn, location="json")
@api.output(PlacesOut, status_code=201)
@guard("place.edit")
def make(json_data: MakeIn) -> PlacesOut:
    """Make places of one level in another."""
    sent = json_data
    with work() as uow:
        made = service.make_places(
            uow, actor(), sent.parent_id, sent.kind, sent.names, sent.capacity
        )
        uow.commit()
    return PlacesOut(items=[PlaceOut.model_validate(one) for one in made])


@api.post("/layout")
@api.input(LayoutIn, location="json")
@api.output(LaidOut, status_code=201)
@guard("place.edit")
def layout(json_data: LayoutIn) -> LaidOut:
    """Make a whole room, or what is missing of it."""
    with work() as uow:
        room, made = service.lay_out(uow, actor(), json_data.layout, json_data.capacity)
        uow.commit()
    return LaidOut(room=PlaceOut.model_validate(room), made=made)


@api.get("/<int:place_id>")
@api.output(StandingOut)
@guard("place.list")
def show(place_id: int) -> StandingOut:
    """Read a place with everything in it."""
    with reading() as uow:
        return _standing(service.standing(uow, actor(), place_id))


@api.post("/<int:place_id>/change")
@api.input(ChangeIn, location="json")
@api.output(PlaceOut)
@guard("place.edit")
def change(place_id: int, json_data: ChangeIn) -> PlaceOut:
    """Rename a place or say how much it holds; 409 when it was changed meanwhile."""
    sent = json_data
    with work() as uow:
        done = service.change_place(uow, actor(), place_id, sent.name, sent.capacity, sent.version)
        uow.commit()
    return PlaceOut.model_validate(done)


@api.post("/<int:place_id>/<any(close, reopen):act>")
@api.input(VersionIn, location="json")
@api.output(PlaceOut)
@guard("place.edit")
def use(place_id: int, act: str, json_data: VersionIn) -> PlaceOut:
    """Take an empty place out of use, or back into it."""
    change = service.close_place if act == "close" else service.reopen_place
    with work() as uow:
        done = change(uow, actor(), place_id, json_data.version)
        uow.commit()
    return PlaceOut.model_validate(done)


@api.post("/moves")
@api.input(MoveIn, location="json")
@api.output(MovedOut)
@guard("place.move")
def move(json_data: MoveIn) -> MovedOut:
    """Put copies or boxes at a place, all of them or none."""
    with work() as uow:
        done = service.move_here(
            uow, actor(), json_data.place, json_data.barcodes, json_data.reason
        )
        uow.commit()
    place = PlaceOut.model_validate(done.place)
    return MovedOut(place=place, moved=list(done.moved), there=list(done.there))


@api.get("/copies")
@api.input(CopyQuery, location="query")
@api.output(CopyPage)
@guard("place.list")
def copies(query_data: CopyQuery) -> CopyPage:
    """List copies in the order of their places."""
    asked = query_data.model_dump()
    paging = {key: asked.pop(key) for key in ("page", "per_page")}
    with reading() as uow:
        found = service.list_copies(uow, actor(), service.CopyFilter(**asked), **paging)
    shown = [StandingCopyOut.model_validate(one) for one in found.items]
    return CopyPage(items=shown, total=found.total, page=found.page, pages=found.pages)


@api.get("/copies/<barcode>")
@api.output(CopyOut)
@guard("place.list")
def copy(barcode: str) -> CopyOut:
    """Read a copy's home and its moves."""
    return _copy(barcode)


@api.post("/copies/<barcode>/found")
@api.input(FoundIn, location="json")
@api.output(CopyOut)
@guard("place.move")
def found(barcode: str, json_data: FoundIn) -> CopyOut:
    """Say that a missing copy was found."""
    with work() as uow:
        service.mark_found(uow, actor(), barcode, json_data.note)
        uow.commit()
    return _copy(barcode)


@api.get("/labels.pdf")
@api.input(LabelQuery, location="query")
@guard("place.list")
def labels(query_data: LabelQuery) -> Response:
    """Download labels as a PDF to be printed at its real size."""
    asked = query_data
    with reading() as uow:
        wanted = labels_for(uow, actor(), asked.what, asked.id)
    response = make_response(draw_labels(wanted, asked.sheet, asked.start))
    response.headers["Content-Type"] = "application/pdf"
    return response


def _copy(barcode: str) -> CopyOut:
    with reading() as uow:
        known = service.get_copy(uow, actor(), barcode)
        moves = service.moves_of_copy(uow, actor(), barcode)
    return CopyOut(
        item=StandingCopyOut.model_validate(known),
        moves=[CopyMoveOut.model_validate(one) for one in moves],
    )


def _standing(one: StandingPlace) -> StandingOut:
    return StandingOut(
        place=PlaceOut.model_validate(one.place),
        own=one.own,
        held=one.held,
        out=one.out,
        fill=one.fill,
        children=[_standing(child) for child in one.children],
    )
