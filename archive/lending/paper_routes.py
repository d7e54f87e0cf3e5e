"""The papers of lending as Word and PDF: application, register of a period, reminder."""

from datetime import date

from apiflask import APIBlueprint
from flask import Response, request

from archive.core.clock import local_day
from archive.core.errors import Invalid
from archive.core.web import reading, resources
from archive.documents.service import MEDIA_TYPES
from archive.filing.paper_files import paper_response
from archive.lending.papers import register_paper, request_paper
from archive.people.gate import actor, guard

pages = APIBlueprint("lending_papers", __name__, url_prefix="/loans", enable_openapi=False)


@pages.get("/<int:request_id>/papers/<any(A01, A03):code>.<any(docx, pdf):kind>")
@guard("loan.list")
def request_file(request_id: int, code: str, kind: str) -> Response:
    """Hand out a request's application (A01) or the reminder to bring its copy back (A03)."""
    with reading() as uow:
        found = request_paper(uow, actor(), request_id, code)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


@pages.get("/register/papers/A02.<any(docx, pdf):kind>")
@guard("loan.register")
def register_file(kind: str) -> Response:
    """Hand out the register of a period (A02)."""
    with reading() as uow:
        today = local_day(uow.now())
        start, end = _day("from", today.replace(day=1)), _day("to", today)
        found = register_paper(uow, actor(), start, end)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


def _day(name: str, default: date) -> date:
    text = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise Invalid("日期不对，请写成 2026-11-23 这样。", {name: "应为 年-月-日"}) from None
