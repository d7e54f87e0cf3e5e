"""Electronic viewing and photocopies over the API; the acts are those of the pages."""

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from archive.core.calls import Closed, Strict
from archive.core.described import Instant
from archive.core.web import reading, resources, work
from archive.lending.rules import Reason
from archive.lending.viewing import pages as drawing
from archive.lending.viewing import service, sheets
from archive.lending.viewing.edge import (
    SCREEN_WIDTH,
    draw_page,
    hand_out,
    private,
    refuse,
    sight_of,
    wanted_pages,
)
from archive.lending.viewing.sheet_views import SheetView
from archive.lending.viewing.sheets import CopyOrder
from archive.people.gate import actor, guard

api = APIBlueprint("viewing_api", __name__, url_prefix="/api/v1/loans", tag="loans")

LARGEST_ID = 2**63 - 1
PDF_ANSWER: dict[int | str, dict[str, str | dict[str, dict[str, object]]]] = {
    200: {
        "description": "PDF",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class PagesIn(Strict):
    """Pages of a file: ``1-3,5``, or empty for all."""

    file_id: int = Field(ge=1, le=LARGEST_ID)
    pages: str = ""


class ReasonIn(Strict):
    """Why a view is taken back."""

    reason: str


class CopyIn(Strict):
    """What was copied at the desk: of which file (null: from paper), pages, how many, for whom."""

    file_id: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    pages: str
    copies: int = 1
    recipient: str


class EndIn(Strict):
    """How a copy ended: returned, shredded or kept; ``version`` is the one seen."""

    how: str
    version: int


class PageQuery(Closed):
    """How wide the picture shall be, in dots."""

    w: int = SCREEN_WIDTH


class ViewFileOut(BaseModel):
    """A file of the view; ``pages`` is 0 for what cannot be shown."""

    id: int
    name: str
    role: str
    pages: int


class ViewOut(BaseModel):
    """An electronic view; ``closed`` says why it is over."""

    request_id: int
    number: str
    until: Instant
    prints_left: int
    may_download: bool
    closed: str | None
    pages_seen: int
    files: list[ViewFileOut]


class SheetOut(BaseModel):
    """A print, download or photocopy."""

    id: int
    number: str
    kind: str
    state: str
    request_id: int
    pages: str
    copies: int
    recipient: str
    stamp: str
    version: int


class SheetsOut(BaseModel):
    """Prints that wait and copies that are out."""

    items: list[SheetOut]


@api.get("/<int:request_id>/view")
@api.output(ViewOut)
@guard("loan.request")
def show(request_id: int) -> dict[str, object]:
    """Show an electronic view: until when, what it gives, which files."""
    with reading() as uow:
        view = service.get_grant(uow, actor(), request_id)
    return {
        "request_id": view.request_id,
        "number": view.number,
        "until": view.until,
        "prints_left": view.prints_left,
        "may_download": view.may_download,
        "closed": view.closed.text if view.closed else None,
        "pages_seen": view.pages_seen,
        "files": [
            {
                "id": one.id,
                "name": one.name,
                "role": one.role,
                "pages": drawing.page_count(resources().blobs.read(one.sha256), one.media_type)
                if drawing.is_viewable(one.media_type)
                else 0,
            }
            for one in view.files
        ]
        if view.closed is None and view.borrower_id == actor().id
        else [],
    }


@api.get("/<int:request_id>/view/<int:file_id>/<int:page>.jpg")
@api.input(PageQuery, location="query")
@guard("loan.request")
def page_picture(request_id: int, file_id: int, page: int, query_data: PageQuery) -> Response:
    """Return one page as a picture with the loan burnt in; every page is logged."""
    return private(draw_page(request_id, file_id, page, query_data.w), "image/jpeg")


@api.post("/<int:request_id>/view/print")
@api.input(PagesIn, location="json")
@api.output(SheetOut, status_code=201)
@guard("loan.request")
def ask_print(request_id: int, json_data: PagesIn) -> dict[str, object]:
    """Ask for pages to be printed at the desk."""
    wanted = wanted_pages(sight_of(request_id, json_data.file_id).file, json_data.pages)
    with work() as uow:
        asked = sheets.ask_print(uow, actor(), request_id, json_data.file_id, wanted)
        if isinstance(asked, SheetView):
            uow.commit()
    return _told(refuse(request_id, asked) if isinstance(asked, Reason) else asked)


@api.post("/<int:request_id>/view/download")
@api.input(PagesIn, location="json")
@api.doc(responses=PDF_ANSWER)
@guard("loan.request")
def download(request_id: int, json_data: PagesIn) -> Response:
    """Return pages as a PDF with the loan burnt in, where the rule allows it."""
    wanted = wanted_pages(sight_of(request_id, json_data.file_id).file, json_data.pages)
    with work() as uow:
        draft = sheets.start_download(uow, actor(), request_id, json_data.file_id, wanted)
        if not isinstance(draft, Reason):
            uow.commit()
    return hand_out(refuse(request_id, draft) if isinstance(draft, Reason) else draft)


@api.post("/<int:request_id>/view/finish")
@api.output({}, status_code=204)
@guard("loan.request")
def finish(request_id: int) -> str:
    """End one's own view early."""
    with work() as uow:
        service.finish(uow, actor(), request_id)
        uow.commit()
    return ""


@api.post("/<int:request_id>/view/revoke")
@api.input(ReasonIn, location="json")
@api.output({}, status_code=204)
@guard("loan.desk")
def revoke(request_id: int, json_data: ReasonIn) -> str:
    """Take a view back at once, with the reason."""
    with work() as uow:
        service.revoke(uow, actor(), request_id, json_data.reason)
        uow.commit()
    return ""


@api.post("/<int:request_id>/copy")
@api.input(CopyIn, location="json")
@api.output(SheetOut, status_code=201)
@guard("loan.desk")
def copy_paper(request_id: int, json_data: CopyIn) -> dict[str, object]:
    """Register a photocopy on an approved request."""
    order = CopyOrder(json_data.file_id, json_data.pages, json_data.copies, json_data.recipient)
    with work() as uow:
        made = sheets.copy_paper(uow, actor(), request_id, order)
        uow.commit()
    return _told(made)


@api.get("/sheets")
@api.output(SheetsOut)
@guard("loan.desk")
def at_desk() -> dict[str, object]:
    """List the prints that wait and the copies that are out."""
    with reading() as uow:
        return {"items": [_told(one) for one in sheets.sheets_at_desk(uow, actor())]}


@api.post("/sheets/<int:sheet_id>/end")
@api.input(EndIn, location="json")
@api.output(SheetOut)
@guard("loan.desk")
def end_sheet(sheet_id: int, json_data: EndIn) -> dict[str, object]:
    """Note that a copy came back, was shredded, or stays with the case."""
    with work() as uow:
        ended = sheets.end_sheet(uow, actor(), sheet_id, json_data.how, json_data.version)
        uow.commit()
    return _told(ended)


def _told(view: SheetView) -> dict[str, object]:
    return {name: getattr(view, name) for name in SheetOut.model_fields}
