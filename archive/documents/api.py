"""Word and PDF of a record for programs: the same bytes as the pages give out."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from archive.core.web import resources
from archive.documents.downloads import download
from archive.documents.service import MEDIA_TYPES, PDF, WORD
from archive.people.gate import actor, guard

api = APIBlueprint("documents_api", __name__, url_prefix="/api/v1/records", tag="records")

_Described = dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]


def _file(kind: str) -> _Described:
    """Describe an answer that is a file."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": kind, "content": {MEDIA_TYPES[kind]: schema}}}


@api.get("/<int:record_id>/document.docx")
@api.doc(summary="Word 文件", responses=_file(WORD))
@guard("record.read")
def word(record_id: int) -> Response:
    """Return the Word file: a draft's made afresh, any other's as it was kept."""
    return download(resources(), actor(), record_id, WORD)


@api.get("/<int:record_id>/document.pdf")
@api.doc(summary="PDF 文件", responses=_file(PDF))
@guard("record.read")
def pdf(record_id: int) -> Response:
    """Return the PDF: a draft's made afresh, any other's as it was kept."""
    return download(resources(), actor(), record_id, PDF)
