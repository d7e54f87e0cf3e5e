"""Incidents over the API; the acts are those of the pages."""

from typing import Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from archive.core.calls import Closed, Strict
from archive.core.described import Instant
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.paper_files import paper_response
from archive.lending.incidents import service
from archive.lending.incidents.papers import incident_paper
from archive.lending.incidents.service import IncidentView
from archive.people.gate import actor, guard

api = APIBlueprint("incidents_api", __name__, url_prefix="/api/v1/loans", tag="loans")


class LossIn(Strict):
    """What happened to a paper that is out."""

    report: str


class ReportIn(Strict):
    """What happened, who answers for it, and the version seen."""

    report: str
    responsible: str
    version: int


class DecisionIn(Strict):
    """The outcome, the decision in words, and the version seen."""

    outcome: str
    decision: str
    version: int


class IncidentQuery(Closed):
    """Which incidents."""

    state: Literal["open", "closed", "all"] = "open"
    page: int = Field(default=1)
    per_page: int = Field(default=20)


class IncidentOut(BaseModel):
    """An incident; ``may_become`` are the outcomes it can have now."""

    id: int
    number: str
    kind: str
    kind_label: str
    request_id: int
    barcode: str
    borrower: str
    opened_at: Instant
    report: str
    responsible: str
    outcome: str
    decision: str
    closed_at: Instant | None
    version: int
    may_become: list[str]


class IncidentsOut(BaseModel):
    """A page of incidents."""

    items: list[IncidentOut]
    total: int
    page: int
    pages: int


@api.get("/incidents")
@api.input(IncidentQuery, location="query")
@api.output(IncidentsOut)
@guard("loan.register")
def listing(query_data: IncidentQuery) -> dict[str, object]:
    """List incidents, the newest first."""
    with reading() as uow:
        page = service.list_incidents(
            uow,
            actor(),
            state=query_data.state,
            page=query_data.page,
            per_page=query_data.per_page,
        )
    return {
        "items": [_told(one) for one in page.items],
        "total": page.total,
        "page": page.page,
        "pages": page.pages,
    }


@api.get("/incidents/<int:incident_id>")
@api.output(IncidentOut)
@guard("loan.list")
def show(incident_id: int) -> dict[str, object]:
    """Show one incident."""
    with reading() as uow:
        return _told(service.get_incident(uow, actor(), incident_id))


@api.post("/<int:request_id>/loss")
@api.input(LossIn, location="json")
@api.output(IncidentOut, status_code=201)
@guard("loan.list")
def report_loss(request_id: int, json_data: LossIn) -> dict[str, object]:
    """Report that what is out is lost."""
    with work() as uow:
        view = service.report_loss(uow, actor(), request_id, json_data.report)
        uow.commit()
    return _told(view)


@api.post("/incidents/<int:incident_id>/report")
@api.input(ReportIn, location="json")
@api.output(IncidentOut)
@guard("loan.desk")
def write_report(incident_id: int, json_data: ReportIn) -> dict[str, object]:
    """Write down what happened and who answers for it."""
    with work() as uow:
        view = service.write_report(
            uow, actor(), incident_id, json_data.report, json_data.responsible, json_data.version
        )
        uow.commit()
    return _told(view)


@api.post("/incidents/<int:incident_id>/close")
@api.input(DecisionIn, location="json")
@api.output(IncidentOut)
@guard("loan.incident")
def close(incident_id: int, json_data: DecisionIn) -> dict[str, object]:
    """Decide and close an incident."""
    with work() as uow:
        view = service.close_incident(
            uow, actor(), incident_id, json_data.outcome, json_data.decision, json_data.version
        )
        uow.commit()
    return _told(view)


@api.get("/incidents/<int:incident_id>/A11.<any(docx, pdf):kind>")
@guard("loan.list")
def paper(incident_id: int, kind: str) -> Response:
    """Return the incident's report (A11) as Word or PDF."""
    with reading() as uow:
        found = incident_paper(uow, actor(), incident_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


def _told(view: IncidentView) -> dict[str, object]:
    return {
        "id": view.id,
        "number": view.number,
        "kind": view.kind,
        "kind_label": view.kind_label,
        "request_id": view.loan.request_id,
        "barcode": view.loan.barcode,
        "borrower": view.loan.borrower_name,
        "opened_at": view.opened_at,
        "report": view.report,
        "responsible": view.responsible,
        "outcome": view.outcome,
        "decision": view.decision,
        "closed_at": view.closed_at,
        "version": view.version,
        "may_become": [str(one) for one in view.may_become],
    }
