"""Controlled copies through the API: the same acts as the pages."""

from typing import Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from archive.core.calls import Closed, Day, Strict
from archive.core.pages import Page
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.controlled import edge, service
from archive.filing.controlled.downloads import copy_response
from archive.filing.controlled.papers import register_paper
from archive.filing.controlled.schema import (
    ControlledCopies,
    ControlledCopyOut,
    ControlledOut,
    ControlledPage,
    RefusalsOut,
)
from archive.filing.controlled.views import CopyView, DocumentView
from archive.filing.paper_files import paper_response
from archive.filing.rules import MAX_REASON
from archive.people.gate import actor, client_address, guard

api = APIBlueprint("controlled_api", __name__, url_prefix="/api/v1/controlled", tag="controlled")
LARGEST = 2**31 - 1


class DocumentQuery(Closed):
    """A part of number or title, and paging."""

    q: str = Field(default="", max_length=100)
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=20, ge=1, le=100)


class DeclareIn(Strict):
    """A filed paper declared controlled: of a known document, or a new one with its number."""

    item_id: int = Field(ge=1, le=LARGEST)
    document_id: int = Field(default=0, ge=0, le=LARGEST)
    number: str = Field(default="", max_length=40)
    title: str = Field(default="", max_length=200)
    label: str = Field(max_length=20)
    valid_from: Day
    legible: bool = False
    note: str = Field(default="", max_length=MAX_REASON)


class RefuseIn(Strict):
    """Why a paper cannot be controlled."""

    item_id: int = Field(ge=1, le=LARGEST)
    note: str = Field(max_length=MAX_REASON)


class IssueIn(Strict):
    """For which department, who receives it, and the last number known when it was asked.

    With ``seen``, the same call sent again is a conflict and gives no second copy.
    """

    department_id: int = Field(ge=1, le=LARGEST)
    person_id: int = Field(ge=1, le=LARGEST)
    seen: int | None = Field(default=None, ge=0, le=LARGEST)


class NoteIn(Strict):
    """A note that stays."""

    note: str = Field(max_length=MAX_REASON)


class PasswordIn(Strict):
    """The receiver's signature: one's own password."""

    password: str = Field(max_length=200)


class EndIn(Strict):
    """How a copy went out of use."""

    how: Literal["returned", "destroyed", "lost"]
    note: str = Field(default="", max_length=MAX_REASON)


@api.get("")
@api.doc(summary="受控文件清单")
@api.input(DocumentQuery, location="query", arg_name="query")
@api.output(ControlledPage)
@guard("controlled.list")
def documents(query: DocumentQuery) -> Page[DocumentView]:
    """List the controlled documents one may see."""
    with reading() as uow:
        return service.list_documents(uow, actor(), query.q, query.page, query.per_page)


@api.get("/mine")
@api.doc(summary="我手上的受控副本")
@api.output(ControlledCopies)
@guard("controlled.list")
def mine() -> dict[str, object]:
    """List the copies one holds."""
    with reading() as uow:
        return _copies(service.my_copies(uow, actor()))


@api.get("/old")
@api.doc(summary="未收回的旧版：谁还拿着")
@api.output(ControlledCopies)
@guard("controlled.manage")
def old() -> dict[str, object]:
    """List who still holds a copy of a version no longer valid."""
    with reading() as uow:
        return _copies(service.old_copies(uow, actor()))


@api.post("")
@api.doc(summary="把一件档案列为受控文件的一个版本", responses={201: "已登记"})
@api.input(DeclareIn, location="json", arg_name="said")
@api.output(ControlledOut, status_code=201)
@guard("controlled.manage")
def declare(said: DeclareIn) -> tuple[DocumentView, int]:
    """Declare a filed paper controlled; old holders are recalled."""
    wanted = service.Declared(
        said.document_id,
        said.number,
        said.title,
        said.label,
        said.valid_from,
        said.legible,
        said.note,
    )
    return edge.declare(resources(), actor(), said.item_id, wanted), 201


@api.post("/refusals")
@api.doc(summary="拒收看不清的文件，写明原因", responses={201: "已登记"})
@api.input(RefuseIn, location="json", arg_name="said")
@api.output(RefusalsOut, status_code=201)
@guard("controlled.manage")
def refuse(said: RefuseIn) -> tuple[dict[str, object], int]:
    """Refuse a paper as controlled."""
    with work() as uow:
        service.refuse(uow, actor(), said.item_id, said.note)
        told = service.refusals_of(uow, actor(), said.item_id)
        uow.commit()
    return {"item_id": said.item_id, "refusals": list(told)}, 201


@api.get("/<int:document_id>")
@api.doc(summary="一份受控文件：版本和副本")
@api.output(ControlledOut)
@guard("controlled.list")
def document(document_id: int) -> DocumentView:
    """Return a controlled document with its copies."""
    with reading() as uow:
        return service.get_document(uow, actor(), document_id)


@api.post("/<int:document_id>/copies")
@api.doc(summary="发放一份受控副本", responses={201: "已登记"})
@api.input(IssueIn, location="json", arg_name="asked")
@api.output(ControlledCopyOut, status_code=201)
@guard("controlled.manage")
def issue(document_id: int, asked: IssueIn) -> tuple[CopyView, int]:
    """Issue a copy of the valid version under the next number."""
    told = (document_id, asked.department_id, asked.person_id)
    made = edge.issue(resources(), actor(), *told, seen=asked.seen)
    return made, 201


@api.post("/<int:document_id>/versions/<int:version_id>/withdraw")
@api.doc(summary="作废一个版本")
@api.input(NoteIn, location="json", arg_name="said")
@api.output(ControlledOut)
@guard("controlled.manage")
def withdraw(document_id: int, version_id: int, said: NoteIn) -> DocumentView:
    """Put a version out of use without a newer one."""
    with work() as uow:
        service.withdraw(uow, actor(), document_id, version_id, said.note)
        found = service.get_document(uow, actor(), document_id)
        uow.commit()
    return found


@api.post("/copies/<int:copy_id>/receive")
@api.doc(summary="领用人输密码签收")
@api.input(PasswordIn, location="json", arg_name="given")
@api.output(ControlledCopyOut)
@guard("controlled.list")
def receive(copy_id: int, given: PasswordIn) -> CopyView:
    """Receive a copy with one's password."""
    address = client_address()
    return edge.receive(resources(), actor(), copy_id, password=given.password, address=address)


@api.post("/copies/<int:copy_id>/paper")
@api.doc(summary="登记纸上签字")
@api.input(NoteIn, location="json", arg_name="said")
@api.output(ControlledCopyOut)
@guard("controlled.manage")
def paper(copy_id: int, said: NoteIn) -> CopyView:
    """Note that the holder signed on paper."""
    with work() as uow:
        done = service.note_paper_receipt(uow, actor(), copy_id, said.note)
        uow.commit()
    return done


@api.post("/copies/<int:copy_id>/end")
@api.doc(summary="登记收回、销毁或遗失")
@api.input(EndIn, location="json", arg_name="said")
@api.output(ControlledCopyOut)
@guard("controlled.manage")
def end(copy_id: int, said: EndIn) -> CopyView:
    """Note that a copy came back, was destroyed, or is lost."""
    with work() as uow:
        done = service.end_copy(uow, actor(), copy_id, said.how, said.note)
        uow.commit()
    return done


@api.get("/copies/<int:copy_id>.pdf")
@api.doc(summary="盖了受控章的 PDF")
@guard("controlled.list")
def copy_pdf(copy_id: int) -> Response:
    """Download the stamped PDF of a copy."""
    with reading() as uow:
        found = service.get_copy(uow, actor(), copy_id)
    return copy_response(found)


@api.get("/<int:document_id>/D21.<any(docx, pdf):kind>")
@api.doc(summary="文件资料发收记录表 D21")
@guard("controlled.register")
def register(document_id: int, kind: str) -> Response:
    """Download the register as Word or PDF."""
    with reading() as uow:
        found = register_paper(uow, actor(), document_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


def _copies(found: tuple[CopyView, ...]) -> dict[str, object]:
    return {"items": found, "total": len(found)}
