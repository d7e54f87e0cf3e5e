"""Versions through the API: changes of an item, a thing as of a day, corrections."""

from dataclasses import asdict
from typing import Any, Literal

from apiflask import APIBlueprint
from pydantic import Field

from archive.core.calls import Closed, Day, Strict
from archive.core.errors import NotFound
from archive.core.web import reading, work
from archive.filing import service as filing
from archive.filing.rules import MAX_NOTE, MAX_PAGES, MAX_REASON
from archive.filing.versions import service
from archive.filing.versions.editing import TEXT_LIMIT
from archive.filing.versions.posted import read_instant
from archive.filing.versions.schema import (
    CorrectionDraftOut,
    CorrectionsOut,
    DescribedOut,
    ItemThenOut,
    ItemVersionsOut,
    RecordThenOut,
)
from archive.filing.versions.views import ItemThen
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY
from archive.records import service as records

api = APIBlueprint("item_versions_api", __name__, url_prefix="/api/v1", tag="items")


class DescribeIn(Strict):
    """The whole description as it shall be, why, and the version it was made from."""

    version: int
    reason: str = Field(max_length=MAX_REASON)
    title: str = Field(max_length=300)
    document_number: str = Field(default="", max_length=80)
    responsible: str = Field(default="", max_length=80)
    document_date: Day | None = None
    pages: int = Field(ge=0, le=MAX_PAGES)
    secrecy: Literal["公开", "内部", "秘密", "机密"]
    note: str = Field(default="", max_length=MAX_NOTE)
    text: str | None = Field(default=None, max_length=TEXT_LIMIT)
    elements: dict[str, str] = Field(default_factory=dict)


class ThenQuery(Closed):
    """When: a day (its end) or a local time of a day."""

    at: str = Field(max_length=40)


class CorrectIn(Strict):
    """Why a signed paper is corrected."""

    reason: str = Field(max_length=MAX_REASON)


@api.get("/items/<int:item_id>/versions")
@api.doc(summary="著录的历次改动：逐栏原来与改后")
@api.output(ItemVersionsOut)
@guard("item.read")
def item_changes(item_id: int) -> dict[str, Any]:
    """List every change of an item's description, newest first."""
    with reading() as uow:
        found = service.item_versions(uow, actor(), item_id)
    items = [{**asdict(one), "at": one.at} for one in found]
    return {"items": items, "total": len(items)}


@api.put("/items/<int:item_id>/description")
@api.doc(summary="修改著录，写明原因")
@api.input(DescribeIn, location="json", arg_name="wanted")
@api.output(DescribedOut)
@guard("item.file")
def describe(item_id: int, wanted: DescribeIn) -> dict[str, Any]:
    """Change an item's description; what was is kept as a version."""
    with work() as uow:
        text = wanted.text
        if text is None:
            text = filing.get_for_filing(uow, actor(), item_id).text
        described = service.Description(
            title=wanted.title.strip(),
            document_number=wanted.document_number.strip(),
            responsible=wanted.responsible.strip(),
            document_date=wanted.document_date,
            pages=wanted.pages,
            secrecy=SECRECY.index(wanted.secrecy),
            note=wanted.note,
            text=text,
            elements=wanted.elements,
        )
        done = service.describe_item(
            uow, actor(), item_id, described, wanted.reason, version=wanted.version
        )
        uow.commit()
    return {"id": done.id, "version": done.version, "title": done.title}


@api.get("/items/<int:item_id>/as-of")
@api.doc(summary="档案在某一天的样子")
@api.input(ThenQuery, location="query", arg_name="query")
@api.output(ItemThenOut)
@guard("item.read")
def item_then(item_id: int, query: ThenQuery) -> ItemThen:
    """Return an item as it was at an instant, with what is not known for certain."""
    at = read_instant(query.at)
    with reading() as uow:
        return service.item_as_of(uow, actor(), item_id, at)


@api.get("/records/<int:record_id>/as-of")
@api.doc(summary="文件在某一天的内容和状态", tags=["records"])
@api.input(ThenQuery, location="query", arg_name="query")
@api.output(RecordThenOut)
@guard("record.read")
def record_then(record_id: int, query: ThenQuery) -> dict[str, Any]:
    """Return what a record held at an instant."""
    at = read_instant(query.at)
    with reading() as uow:
        found = records.as_of(uow, actor(), record_id, at)
    then = found.version
    return {
        "at": at,
        "state": found.state_label,
        "is_exact": found.is_exact,
        "note": found.note,
        "version": then.n if then else None,
        "digest": then.digest if then else "",
        "reason": then.reason if then else "",
        "values": dict(then.content) if then else None,
    }


@api.post("/records/<int:record_id>/corrections")
@api.doc(summary="做一份更正件", tags=["records"], responses={201: "更正件的草稿"})
@api.input(CorrectIn, location="json", arg_name="asked")
@api.output(CorrectionDraftOut, status_code=201)
@guard("record.read")
def correct(record_id: int, asked: CorrectIn) -> tuple[dict[str, Any], int]:
    """Make the draft that corrects a signed paper; the same person twice gets the same draft."""
    with work() as uow:
        made = service.correct_record(uow, actor(), record_id, asked.reason)
        uow.commit()
    return {"id": made.id, "version": made.version, "corrects": record_id}, 201


@api.get("/records/<int:record_id>/corrections")
@api.doc(summary="更正关系：更正哪份，已由哪份更正", tags=["records"])
@api.output(CorrectionsOut)
@guard("record.read")
def corrections(record_id: int) -> dict[str, Any]:
    """Return both sides of a paper's corrections."""
    with reading() as uow:
        records.get_record(uow, actor(), record_id)
        old = records.corrects(uow, actor(), record_id)
        new = records.corrected_by(uow, actor(), record_id)
    return {"corrects": old, "corrected_by": new}


@api.delete("/records/<int:record_id>/corrections")
@api.doc(summary="草稿不再作为更正件", tags=["records"])
@api.output({}, status_code=204)
@guard("record.read")
def drop(record_id: int) -> str:
    """Let a correcting draft be an ordinary paper again."""
    with work() as uow:
        if records.corrects(uow, actor(), record_id) is None:
            records.get_record(uow, actor(), record_id)
            raise NotFound("这份文件不是更正件。")
        records.drop_correction(uow, actor(), record_id)
        uow.commit()
    return ""
