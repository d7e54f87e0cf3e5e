"""Downloads and page pictures of a record's Word and PDF.

A draft is made afresh each time; once submitted, the kept bytes are served as they are.
The address lies under /records, where people look for it.
"""

from apiflask import APIBlueprint
from flask import Response, request

from archive.core.errors import Unavailable
from archive.core.web import resources
from archive.documents.downloads import download, find_bytes
from archive.documents.service import PDF, WORD, count_pages, page_picture
from archive.people.gate import actor, guard

pages = APIBlueprint("documents", __name__, url_prefix="/records", enable_openapi=False)
PREVIEW_WIDTH = 900


@pages.get("/<int:record_id>/document.docx")
@guard("record.read")
def word(record_id: int) -> Response:
    """Give out the Word file."""
    return download(resources(), actor(), record_id, WORD)


@pages.get("/<int:record_id>/document.pdf")
@guard("record.read")
def pdf(record_id: int) -> Response:
    """Give out the PDF, shown in the browser unless asked for as a file."""
    inline = request.args.get("view") == "1"
    return download(resources(), actor(), record_id, PDF, inline=inline)


@pages.get("/<int:record_id>/preview.png")
@guard("record.read")
def preview(record_id: int) -> Response:
    """Show one page as it prints; without the PDF service, say so in plain words."""
    page = request.args.get("page", 1, type=int)
    width = request.args.get("width", PREVIEW_WIDTH, type=int)
    try:
        _, content = find_bytes(resources(), actor(), record_id, PDF)
    except Unavailable as refusal:
        return Response(refusal.message, 503, mimetype="text/plain")
    picture = Response(page_picture(content, page, width), mimetype="image/png")
    picture.headers["X-Page-Count"] = str(count_pages(content))
    return picture
