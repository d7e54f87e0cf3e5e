"""Outsiders' visits over the API: noting one, the list, one visit, its end; numbers covered."""

from datetime import timedelta

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from archive.core.calls import Closed, Strict
from archive.core.clock import local_day
from archive.core.described import Instant
from archive.core.errors import Forbidden
from archive.core.web import reading, work
from archive.lending.rules import MAX_PURPOSE
from archive.lending.schema import RequestOut
from archive.lending.told import told_request
from archive.lending.typed import day_sent
from archive.lending.visits import service
from archive.lending.visits.service import Told, VisitView
from archive.people.gate import actor, guard

api = APIBlueprint("visits_api", __name__, url_prefix="/api/v1/loans/visits", tag="loans")


class VisitIn(Strict):
    """Who comes, on what letter and document, with whom, to read which papers on site.

    ``companion`` is a colleague's staff number or name, ``papers`` barcodes or 档号.
    """

    name: str = Field(default="", max_length=200)
    unit: str = Field(default="", max_length=200)
    letter_number: str = Field(default="", max_length=200)
    id_kind: str = Field(default="", max_length=40)
    id_number: str = Field(default="", max_length=80)
    companion: str = Field(default="", max_length=80)
    purpose: str = Field(default="", max_length=MAX_PURPOSE)
    papers: list[str] = Field(max_length=service.MOST_PAPERS)


class VisitOut(BaseModel):
    """A visit; the document's number has its middle covered, and is empty once it is deleted."""

    id: int
    number: str
    name: str
    unit: str
    letter_number: str
    id_kind: str
    id_number: str
    id_kept_until: str
    companion: str
    purpose: str
    began_at: Instant
    ended_at: Instant | None
    papers: int
    requests: list[RequestOut]
    refused: list[str]


class VisitsOut(BaseModel):
    """A page of visits."""

    items: list[VisitOut]
    total: int
    page: int
    pages: int


class VisitsQuery(Closed):
    """Begun from when to when (ISO days); by default the last 90 days."""

    start: str | None = None
    end: str | None = None
    page: int = 1
    per_page: int = 20


@api.get("")
@api.input(VisitsQuery, location="query")
@api.output(VisitsOut)
@guard("loan.register")
def listing(query_data: VisitsQuery) -> dict[str, object]:
    """List the visits of a period."""
    with reading() as uow:
        today = local_day(uow.now())
        sent = query_data
        start = day_sent(sent.start, "start") if sent.start else today - timedelta(days=90)
        end = day_sent(sent.end, "end") if sent.end else today
        page = service.list_visits(
            uow, actor(), start, end, page=query_data.page, per_page=query_data.per_page
        )
    items = [_told(one) for one in page.items]
    return {"items": items, "total": page.total, "page": page.page, "pages": page.pages}


@api.post("")
@api.input(VisitIn, location="json")
@api.output(VisitOut, status_code=201)
@guard("loan.desk")
def note(json_data: VisitIn) -> dict[str, object]:
    """Note a visit; 403 with every reason when nothing may be shown."""
    sent = json_data.model_dump(exclude={"papers"})
    with work() as uow:
        noted = service.note_visit(uow, actor(), Told(**sent), json_data.papers)
        uow.commit()
    if noted.visit is None:
        reasons = {why.code: why.text for one in noted.refused for why in one.reasons}
        raise Forbidden("不能提供查阅：" + "".join(reasons.values()), reasons)
    return _told(noted.visit, [one.message for one in noted.refused])


@api.get("/<int:visit_id>")
@api.output(VisitOut)
@guard("loan.register")
def show(visit_id: int) -> dict[str, object]:
    """Show one visit with what was read."""
    with reading() as uow:
        return _told(service.get_visit(uow, actor(), visit_id))


@api.post("/<int:visit_id>/end")
@api.output(VisitOut)
@guard("loan.desk")
def end(visit_id: int) -> dict[str, object]:
    """Note that the outsider has gone."""
    with work() as uow:
        visit = service.end_visit(uow, actor(), visit_id)
        uow.commit()
    return _told(visit)


def _told(visit: VisitView, refused: list[str] | None = None) -> dict[str, object]:
    return {
        "id": visit.id,
        "number": visit.number,
        "name": visit.name,
        "unit": visit.unit,
        "letter_number": visit.letter_number,
        "id_kind": visit.id_kind,
        "id_number": visit.id_shown,
        "id_kept_until": visit.kept_until.isoformat(),
        "companion": visit.companion_name,
        "purpose": visit.purpose,
        "began_at": visit.began_at,
        "ended_at": visit.ended_at,
        "papers": visit.papers,
        "requests": [told_request(one) for one in visit.requests],
        "refused": refused or [],
    }
